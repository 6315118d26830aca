"""Favourites and tags: a journal of JSON lines beside the takes, which needs no index and moves with the folder.

A line says all of one take's marks; the last line about a take counts. Lines are appended, so that a kill leaves at
most one torn line, which is skipped. A journal that has grown well past what still counts is replaced by a short one,
which begins with a line of its own. Who writes holds a lock, so that two instances may do so at once.
"""

import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from arc_instrument.domain import Take, UserError

MARKS_NAME = ".marks.jsonl"
LOCK_NAME = ".marks.lock"
LOCK_S = 5.0  # a writer needs milliseconds
SMALL_BYTES = 65_536  # a journal below that is left to grow
GROWN = 4  # times what a new journal would take


@dataclass(frozen=True)
class Mark:
    """What a person said of one take."""

    favourite: bool = False
    tags: tuple[str, ...] = ()


_NO_MARK = Mark()


def identity(take: Take) -> str:
    """What stays the same when a take's file is renamed or moved: the millisecond it was made in, and its seed."""
    return f"{take.created} {take.seed}"


def where_now(known: Iterable[Take], takes: Sequence[Take]) -> dict[Path, Take]:
    """Those of the `known` takes that `takes` has under another path than before, by their path of before.

    Another take may have that path by now.
    """
    by_path = {take.path: take for take in takes}
    lost = {
        identity(take): take.path
        for take in known
        if take.path not in by_path or identity(by_path[take.path]) != identity(take)
    }
    return {lost[identity(take)]: take for take in takes if identity(take) in lost} if lost else {}


def mark_of(take: Take) -> Mark:
    return Mark(take.favourite, take.tags)


def marked(take: Take, mark: Mark) -> Take:
    """`take` with `mark`; the same object if it has it already."""
    if take.favourite == mark.favourite and take.tags == mark.tags:
        return take
    return replace(take, favourite=mark.favourite, tags=mark.tags)


class Marks:
    """The marks in the folder of a library, by `identity`. For one thread."""

    def __init__(self, folder: Path):
        self._folder, self._path = folder, folder / MARKS_NAME
        self._lock = FileLock(folder / LOCK_NAME, timeout=LOCK_S)
        self._marks: dict[str, Mark] = {}
        self._first_line = b""
        self._read_bytes = 0
        self._compact_at = SMALL_BYTES

    def get(self, take: Take) -> Mark:
        return self._marks.get(identity(take), _NO_MARK)

    def __bool__(self) -> bool:
        return bool(self._marks)

    def size(self) -> int:
        """Bytes of the journal, 0 without one: it changes whenever anyone marks a take."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def refresh(self) -> None:
        """Read what was appended since the last time, by whomever."""
        try:
            with open(self._path, "rb") as journal:
                first_line = journal.readline()
                if first_line != self._first_line or os.fstat(journal.fileno()).st_size < self._read_bytes:
                    self._marks, self._read_bytes = {}, 0  # another journal lies there now
                    self._first_line = first_line
                journal.seek(self._read_bytes)
                new = journal.read()
        except FileNotFoundError:
            self._marks, self._read_bytes = {}, 0
            return
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            self._read(line)

    def write(self, marks: Mapping[str, Mark]) -> None:
        """Append `marks`, by identity. Raises `UserError` if the folder is missing, read-only or full."""
        try:
            if not self._folder.is_dir():  # the lock would make it
                raise FileNotFoundError(2, "No such folder")
            with self._lock:
                self._append(_lines(marks))
                self._marks |= marks
                if self.size() > self._compact_at:
                    with suppress(OSError):  # then the long one stays
                        self._compact()
        except Timeout as error:
            raise UserError(
                f"Another window has been writing favourites and tags to {self._folder} for {LOCK_S:.0f} s: "
                "try again, or close it."
            ) from error
        except (OSError, NotImplementedError) as error:
            raise UserError(
                f"Favourites and tags cannot be written to {self._folder} "
                f"({getattr(error, 'strerror', None) or error}): make room there or choose another folder."
            ) from error

    def adopt(self, folder: Path) -> None:
        """Append the marks of another library. Raises `UserError`."""
        others = Marks(folder)
        others.refresh()
        if others:
            self.write(others._marks)

    def _append(self, lines: str) -> None:
        journal = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(journal).st_size
            torn = size > 0 and _last_byte(journal, size) != b"\n"
            os.write(journal, ("\n" * torn + lines).encode())
            os.fsync(journal)
        finally:
            os.close(journal)

    def _compact(self) -> None:
        """Replace the journal by one of what counts, if that is much shorter. Under the lock."""
        self.refresh()
        first_line = json.dumps({"journal": uuid.uuid4().hex}) + "\n"
        live = {take: mark for take, mark in self._marks.items() if mark != _NO_MARK}
        lines = (first_line + _lines(live)).encode()
        self._compact_at = max(SMALL_BYTES, GROWN * len(lines))
        if self.size() <= self._compact_at:
            return
        unfinished = self._path.with_suffix(".part")
        with open(unfinished, "wb") as journal:
            journal.write(lines)
            journal.flush()
            os.fsync(journal.fileno())
        os.replace(unfinished, self._path)
        self._marks, self._first_line, self._read_bytes = live, first_line.encode(), len(lines)

    def _read(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            self._marks[str(said["take"])] = Mark(bool(said["favourite"]), tuple(map(str, said["tags"])))
        except (ValueError, KeyError, TypeError):
            return  # torn by a kill, or not ours


def _lines(marks: Mapping[str, Mark]) -> str:
    return "".join(
        json.dumps({"take": take, "favourite": mark.favourite, "tags": mark.tags}, ensure_ascii=False) + "\n"
        for take, mark in marks.items()
    )


def _last_byte(file: int, size: int) -> bytes:
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1)
