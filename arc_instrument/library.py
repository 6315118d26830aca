"""Takes on disk. The WAV is the truth: it is written first and holds its own settings; the index only saves reading.

`Library` may be used from one thread at a time; the window calls it from its file thread.
"""

import re
import sqlite3
import unicodedata
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np

from arc_instrument.domain import Generated, Take, UserError
from arc_instrument.takefile import comment_of, read_take, take_of

SLUG_CHARACTERS = 40
_INDEX_NAME = ".takes.sqlite3"
_SCHEMA_VERSION = 2
_RESERVED_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_COLUMNS = (
    "file, bytes, prompt, seconds, steps, seed, init_noise, model_name, weights_licence, created, generation_ms, peaks"
)


def slug(prompt: str, length: int = SLUG_CHARACTERS) -> str:
    """The prompt as a piece of a file name, safe on every system: lower case words joined by `-`."""
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:length].rstrip("-")
    return "take" if not words or words in _RESERVED_NAMES else words


class Library:
    """The takes below `folder`, one sub-folder per month."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, generated: Generated) -> Take:
        """Write the WAV, then its index row; returns the take. Raises `UserError` if the WAV cannot be written."""
        from arc_instrument.audio import wavfile

        request, now = generated.request, datetime.now()
        month = self.folder / f"{now:%Y-%m}"
        try:
            month.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The folder {month} cannot be made ({error.strerror or error}): choose another folder for takes."
            ) from error
        path = _free_path(month, f"{now:%Y-%m-%d}_{slug(request.prompt)}_s{request.seed}")
        take = take_of(generated, path, now)
        wavfile.write_clip(path, generated.clip, comment_of(take))
        self._index([take])
        return take

    def takes(self) -> list[Take]:
        """Every take, newest first. A WAV that the index lacks, or that changed, is read from its own comment;
        a WAV that is not ours, or is damaged, is left out."""
        files = {str(path.relative_to(self.folder)): path for path in self.folder.glob("*/*.wav")}
        try:
            known = {take.path: (take, size) for take, size in self._rows()}
        except sqlite3.Error:
            known = {}
            (self.folder / _INDEX_NAME).unlink(missing_ok=True)  # damaged: it is made anew below
        takes, new = [], []
        for path in files.values():
            take, size = known.get(path, (None, -1))
            if take is None or size != path.stat().st_size:
                take = read_take(path)
                if take is not None:
                    new.append(take)
            if take is not None:
                takes.append(take)
        if new:
            self._index(new)
        return sorted(takes, key=lambda take: (take.created, str(take.path)), reverse=True)

    def _index(self, takes: list[Take]) -> None:
        """Put rows into the index; it is only a cache, so an index that cannot be written is no failure."""
        try:
            with closing(self._connect()) as index, index:
                index.executemany(
                    f"INSERT OR REPLACE INTO takes ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                    [self._row(take) for take in takes],
                )
        except (sqlite3.Error, OSError):
            return

    def _connect(self) -> sqlite3.Connection:
        index = sqlite3.connect(self.folder / _INDEX_NAME, timeout=5)
        version = index.execute("PRAGMA user_version").fetchone()[0]
        if version != _SCHEMA_VERSION:
            index.execute("DROP TABLE IF EXISTS takes")
            index.execute(
                "CREATE TABLE takes (file TEXT PRIMARY KEY, bytes INTEGER, prompt TEXT, seconds REAL, steps INTEGER, "
                "seed INTEGER, init_noise REAL, model_name TEXT, weights_licence TEXT, created TEXT, "
                "generation_ms REAL, peaks BLOB)"
            )
            index.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        return index

    def _rows(self) -> list[tuple[Take, int]]:
        if not (self.folder / _INDEX_NAME).exists():
            return []
        with closing(self._connect()) as index:
            rows = index.execute(f"SELECT {_COLUMNS} FROM takes").fetchall()
        return [
            (Take(self.folder / file, *values, peaks=np.frombuffer(blob, np.float32).reshape(-1, 2)), size)
            for file, size, *values, blob in rows
        ]

    def _row(self, take: Take) -> tuple:
        return (
            str(take.path.relative_to(self.folder)),
            take.path.stat().st_size,
            take.prompt,
            take.seconds,
            take.steps,
            take.seed,
            take.init_noise,
            take.model_name,
            take.weights_licence,
            take.created,
            take.generation_ms,
            take.peaks.astype(np.float32).tobytes(),
        )


def _free_path(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.wav", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.wav", number + 1
    return path
