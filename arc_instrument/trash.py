"""Deleted takes: moved to `.trash` below the takes folder, one folder a day, and only emptied of what is old."""

import os
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from arc_instrument.domain import Take, UserError

TRASH_NAME = ".trash"
KEPT_DAYS = 30
KEPT_BYTES = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Trashed:
    """A deleted take, as it was, and where its file waits to be brought back."""

    take: Take
    path: Path


def discard(folder: Path, take: Take) -> Trashed:
    """Move the file of `take` into the trash of the library in `folder`. Raises `UserError` if it cannot be moved."""
    place = folder / TRASH_NAME / f"{date.today():%Y-%m-%d}" / take.path.parent.name
    try:
        place.mkdir(parents=True, exist_ok=True)
        path = free_path(place, take.path.stem)
        os.rename(take.path, path)
    except OSError as error:
        raise UserError(
            f"{take.path} cannot be moved to the trash beside it ({error.strerror or error}): it is still there."
        ) from error
    return Trashed(take, path)


def bring_back(trashed: Trashed) -> Path:
    """Move a file back to where it was, or beside the file that has its name now; returns where it lies."""
    wanted = trashed.take.path
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        path = wanted if not wanted.exists() else free_path(wanted.parent, wanted.stem)
        os.rename(trashed.path, path)
    except OSError as error:
        raise UserError(
            f"{wanted.name} cannot be brought back from {trashed.path} ({error.strerror or error}): it is still there."
        ) from error
    return path


def empty(folder: Path, days: int = KEPT_DAYS, kept_bytes: int = KEPT_BYTES) -> None:
    """Remove what was deleted more than `days` ago, and the oldest days beyond `kept_bytes`; today's always stays."""
    trash, today = folder / TRASH_NAME, date.today()
    oldest = f"{today - timedelta(days=days):%Y-%m-%d}"
    total = 0
    try:
        for day in sorted((path for path in trash.iterdir() if path.is_dir()), reverse=True):
            total += sum(file.stat().st_size for file in day.rglob("*") if file.is_file())
            if day.name < oldest or (total > kept_bytes and day.name != f"{today:%Y-%m-%d}"):
                shutil.rmtree(day, ignore_errors=True)
    except OSError:
        return  # there is no trash, or it cannot be read


def free_path(folder: Path, stem: str) -> Path:
    """The first of STEM.wav, STEM-2.wav, … that does not exist."""
    path, number = folder / f"{stem}.wav", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.wav", number + 1
    return path
