"""The index of a library: SQLite in WAL mode, the words of its takes in FTS5. Losing it loses nothing but time.

A row holds the fields of a take as JSON, so a new field of `Take` needs no new schema.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import MISSING, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from pydantic import TypeAdapter

from arc_instrument.domain import Take
from arc_instrument.waveform import fewer

INDEX_NAME = ".takes.sqlite3"
SCHEMA_VERSION = 3
_APART = ("path", "peaks")  # kept as columns of their own
_HINTS = {name: hint for name, hint in get_type_hints(Take).items() if name not in _APART}
_OPTIONAL = {field.name for field in fields(Take) if (field.default, field.default_factory) != (MISSING, MISSING)}
_REQUIRED = _HINTS.keys() - _OPTIONAL
_ADAPTERS = {name: TypeAdapter(hint) for name, hint in _HINTS.items() if hint not in (str, int, float, bool)}
_SCHEMA = (
    "CREATE TABLE takes (id INTEGER PRIMARY KEY, file TEXT, bytes INTEGER, fields TEXT, peaks BLOB)",
    # `prefix` makes the first letters of a word as quick to find as the whole of it
    "CREATE VIRTUAL TABLE words USING fts5(prompt, tags, model_name, prefix='1 2 3', "
    "tokenize='unicode61 remove_diacritics 2')",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

Row = tuple[str, int, Take]  # file below the library's folder, bytes of the file, the take


class DamagedIndex(sqlite3.DatabaseError):
    """The index held what cannot be read: it is empty now."""


class TakeIndex:
    """One connection for each call, so that the folder can be moved or unmounted at any time.

    Where no index can be written it lives in memory, begun with what a read-only one says. Every method may raise
    `DamagedIndex`: one unreadable row or page would else fail for ever.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._path = folder / INDEX_NAME
        self._memory: sqlite3.Connection | None = None
        self._files: dict[int, str] = {}  # by id: what a search finds is then looked up here, not on disk

    def rows(self) -> list[Row]:
        """Every take that the index knows; one that lacks a field of today is left out and so read from its file."""
        with self._open() as index:
            found = index.execute("SELECT id, file, bytes, fields, peaks FROM takes").fetchall()
            every = json.loads(f"[{','.join(row[3] for row in found)}]")
            rows = []
            for (number, file, size, _, blob), said in zip(found, every, strict=True):
                if said.keys() >= _REQUIRED:
                    self._files[number] = file
                    peaks = np.frombuffer(blob, np.float32).reshape(-1, 2)
                    rows.append((file, size, Take(path=self._folder / file, peaks=peaks, **_read(said))))
        return rows

    def put(self, rows: Iterable[Row]) -> None:
        """Add or replace rows."""
        rows = list(rows)
        self._files |= {_id(file): file for file, _, _ in rows}
        with self._open() as index:
            _remove(index, (file for file, _, _ in rows))
            _insert(index, [(file, size, _said(take), take.peaks) for file, size, take in rows])

    def remove(self, files: Iterable[str]) -> None:
        with self._open() as index:
            _remove(index, files)

    def search(self, text: str) -> list[str]:
        """Files of the takes that have every word of `text`, in any order; see `match_expression`."""
        expression = match_expression(text)
        asked = "SELECT id FROM takes" if expression is None else "SELECT rowid FROM words WHERE words MATCH ?"
        with self._open() as index:
            found = [number for (number,) in index.execute(asked, () if expression is None else (expression,))]
            if not self._files.keys() >= set(found):  # another instance added some
                self._files = dict(index.execute("SELECT id, file FROM takes"))
        return [self._files[number] for number in found if number in self._files]

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection within one transaction."""
        try:
            with self._connected() as index:
                yield index
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            if not _is_damage(error):
                raise
            self._remove_index()
            raise DamagedIndex(f"{self._path}: {error}") from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        if self._memory is None:
            try:
                index = _prepared(sqlite3.connect(self._path, timeout=5))
            except sqlite3.OperationalError:
                self._memory = self._copy_to_memory()
            else:
                with closing(index), index:
                    yield index
                return
        with self._memory:
            yield self._memory

    def _remove_index(self) -> None:
        """Begin with an empty one: in memory, where the damaged one cannot be removed."""
        self.close()
        self._files = {}
        try:
            for name in (INDEX_NAME, f"{INDEX_NAME}-wal", f"{INDEX_NAME}-shm"):
                (self._folder / name).unlink(missing_ok=True)
        except OSError:
            self._memory = _prepared(sqlite3.connect(":memory:", check_same_thread=False))

    def _copy_to_memory(self) -> sqlite3.Connection:
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            with closing(sqlite3.connect(f"{self._path.as_uri()}?immutable=1", uri=True)) as written:
                written.backup(memory)
        except (sqlite3.Error, ValueError):
            pass  # there is none, or none that can be read
        return _prepared(memory)


def match_expression(text: str) -> str | None:
    """An FTS5 query: each word a prefix, words in quotes a phrase, `#word` a tag; None if `text` names no word.

    Never an error, whatever the characters: every term is a quoted string.
    """
    text = text.replace("\0", " ").encode("utf-8", "ignore").decode()
    terms = []
    for number, part in enumerate(text.split('"')):
        for term in [part] if number % 2 else part.split():
            if any(character.isalnum() for character in term):
                column = "tags : " if term.startswith("#") else ""
                terms.append(f'{column}"{re.sub("#", " ", term).strip()}" *')
    return " AND ".join(terms) or None


def _prepared(index: sqlite3.Connection) -> sqlite3.Connection:
    """A connection to an index of today's schema; an older one is migrated, one of an unknown version made anew."""
    try:
        index.execute("PRAGMA synchronous = NORMAL")  # a cache may lose its last rows with the power
        version = index.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            index.execute("PRAGMA journal_mode = WAL")
            index.execute("BEGIN IMMEDIATE")
            with index:  # another instance may have done it meanwhile
                version = index.execute("PRAGMA user_version").fetchone()[0]
                if version != SCHEMA_VERSION:
                    _migrate(index, version)
    except BaseException:
        index.close()
        raise
    return index


def _migrate(index: sqlite3.Connection, version: int) -> None:
    kept = _rows_of_version_2(index) if version == 2 else []
    for table in ("takes", "words"):
        index.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _SCHEMA:
        index.execute(statement)
    _insert(index, kept)


def _rows_of_version_2(index: sqlite3.Connection) -> list[tuple[str, int, dict[str, Any], np.ndarray]]:
    """Version 2 had a column for each field of a take, and no favourites or tags."""
    cursor = index.execute("SELECT * FROM takes")
    names = [column[0] for column in cursor.description]
    rows = []
    for values in cursor.fetchall():
        said = dict(zip(names, values, strict=True))
        peaks = np.frombuffer(said.pop("peaks"), np.float32).reshape(-1, 2)
        rows.append((said.pop("file"), said.pop("bytes"), said, peaks))
    return rows


def _is_damage(error: Exception) -> bool:
    """Whether it would fail for ever. A busy, full or read-only disk has SQLite's code, a garbled text none."""
    return not isinstance(error, sqlite3.OperationalError) or not hasattr(error, "sqlite_errorcode")


def _insert(index: sqlite3.Connection, rows: Iterable[tuple[str, int, Mapping[str, Any], np.ndarray]]) -> None:
    for file, size, said, peaks in rows:
        blob = fewer(peaks).astype(np.float32).tobytes()
        row = (_id(file), file, size, json.dumps(said), blob)
        index.execute("INSERT INTO takes (id, file, bytes, fields, peaks) VALUES (?,?,?,?,?)", row)
        words = [
            text.encode("utf-8", "ignore").decode()
            for text in (said["prompt"], " , ".join(said.get("tags", ())), said["model_name"])
        ]
        index.execute("INSERT INTO words (rowid, prompt, tags, model_name) VALUES (?,?,?,?)", (row[0], *words))


def _remove(index: sqlite3.Connection, files: Iterable[str]) -> None:
    numbers = [(_id(file),) for file in files]
    index.executemany("DELETE FROM words WHERE rowid = ?", numbers)
    index.executemany("DELETE FROM takes WHERE id = ?", numbers)


def _id(file: str) -> int:
    """The row of a file: the same in every instance, so none has to ask another's."""
    return int.from_bytes(blake2b(file.encode("utf-8", "surrogateescape"), digest_size=7).digest())


def _said(take: Take) -> dict[str, Any]:
    said = {name: getattr(take, name) for name in _HINTS}
    return said | {name: adapter.dump_python(said[name], mode="json") for name, adapter in _ADAPTERS.items()}


def _read(said: dict[str, Any]) -> dict[str, Any]:
    for name, adapter in _ADAPTERS.items():
        if said.get(name):
            said[name] = adapter.validate_python(said[name])
        else:  # nothing is what a take has by default: most have none of these
            said.pop(name, None)
    return said if said.keys() <= _HINTS.keys() else {name: said[name] for name in said.keys() & _HINTS.keys()}
