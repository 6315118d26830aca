"""Favourites and tags: a journal of JSON lines beside the takes, which needs no index and moves with the folder.

A line says all of one take's marks; the last line about a take counts. Lines are only ever appended, each in one write,
so two instances may mark at once and a kill leaves at most one torn line, which is skipped.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from arc_instrument.domain import Take, UserError

MARKS_NAME = ".marks.jsonl"


@dataclass(frozen=True)
class Mark:
    """What a person said of one take."""

    favourite: bool = False
    tags: tuple[str, ...] = ()


_NO_MARK = Mark()


def identity(take: Take) -> str:
    """What stays the same when a take's file is renamed or moved: the millisecond it was made in, and its seed."""
    return f"{take.created} {take.seed}"


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
        self._path = folder / MARKS_NAME
        self._marks: dict[str, Mark] = {}
        self._read_bytes = 0

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
        size = self.size()
        if size < self._read_bytes:  # another journal lies there now
            self._marks, self._read_bytes = {}, 0
        if size == self._read_bytes:
            return
        try:
            with open(self._path, "rb") as journal:
                journal.seek(self._read_bytes)
                new = journal.read()
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            self._read(line)

    def write(self, marks: Mapping[str, Mark]) -> None:
        """Append `marks`, by identity. Raises `UserError` if the folder is missing, read-only or full."""
        lines = "".join(
            json.dumps({"take": take, "favourite": mark.favourite, "tags": mark.tags}, ensure_ascii=False) + "\n"
            for take, mark in marks.items()
        )
        try:
            journal = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                size = os.fstat(journal).st_size
                torn = size > 0 and _last_byte(journal, size) != b"\n"
                os.write(journal, ("\n" * torn + lines).encode())
                os.fsync(journal)
            finally:
                os.close(journal)
        except OSError as error:
            raise UserError(
                f"Favourites and tags cannot be written to {self._path.parent} ({error.strerror or error}): "
                "make room there or choose another folder."
            ) from error
        self._marks |= marks

    def _read(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            self._marks[str(said["take"])] = Mark(bool(said["favourite"]), tuple(map(str, said["tags"])))
        except (ValueError, KeyError, TypeError):
            return  # torn by a kill, or not ours


def _last_byte(file: int, size: int) -> bytes:
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1)
