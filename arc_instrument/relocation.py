"""A takes folder moves to another place: first everything is copied, only then the originals go.

A kill at any moment leaves every take whole in at least one of the two folders; a marker in the new one tells the next
start to go on. Copies on the same disk are hard links, and so take no room and next to no time.
"""

import filecmp
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from arc_instrument.domain import UserError
from arc_instrument.library import Library
from arc_instrument.marks import LOCK_NAME, MARKS_NAME, Marks
from arc_instrument.trash import TRASH_NAME

MARKER_NAME = ".moving.json"


def begin(source: Path, target: Path) -> None:
    """Take the favourites and tags along, then note in `target` what is to be fetched. Raises `UserError`."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        Marks(target).adopt(source)  # twice says the same twice
        (target / MARKER_NAME).write_text(json.dumps({"from": str(source)}), encoding="utf-8")
    except OSError as error:
        raise _failure(source, target, error) from error


def unfinished(target: Path) -> Path | None:
    """The folder that a move into `target` was fetching from when it was cut off."""
    try:
        source = Path(json.loads((target / MARKER_NAME).read_text(encoding="utf-8"))["from"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return source if source.is_dir() else None


def copy(source: Path, target: Path) -> Iterator[tuple[int, int]]:
    """Copy every take, also the deleted ones; yields how many of how many are there. Raises `UserError`."""
    files = _files(source)
    for number, file in enumerate(files, 1):
        try:
            _copy_of(file, source, target)
        except FileNotFoundError:
            pass  # deleted meanwhile
        except OSError as error:
            raise _failure(source, target, error) from error
        yield number, len(files)


def finish(source: Path, target: Path) -> None:
    """Remove from `source` what lies in `target` byte by byte; what does not is copied first. Raises `UserError`."""
    files = _files(source)
    try:
        for file in files:
            _copy_of(file, source, target)
            file.unlink()
        for name in (MARKS_NAME, LOCK_NAME):
            (source / name).unlink(missing_ok=True)
        (target / MARKER_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise _failure(source, target, error) from error
    for folder in sorted({file.parent for file in files} | set(source.glob(f"{TRASH_NAME}/*")), reverse=True):
        with suppress(OSError):  # something of the person's lies in it
            folder.rmdir()


def _files(source: Path) -> list[Path]:
    """What is ours in `source`: a person may have chosen a folder with music of their own in it."""
    return [*(take.path for take in Library(source).takes()), *sorted((source / TRASH_NAME).rglob("*.wav"))]


def _copy_of(file: Path, source: Path, target: Path) -> Path:
    """Where `file` lies in `target`; under another name if its own belongs to another sound there."""
    wanted = target / file.relative_to(source)
    path, number = wanted, 2
    while path.exists():
        if path.samefile(file) or filecmp.cmp(path, file, shallow=False):
            return path
        path, number = wanted.with_stem(f"{wanted.stem}-{number}"), number + 1
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, path)
    except FileExistsError:
        return _copy_of(file, source, target)  # another instance was faster
    except OSError:  # another disk, or a file system without links
        part = path.with_name(f".{path.name[:50]}.{os.getpid()}.part")
        try:
            shutil.copy2(file, part)
            with open(part, "rb+") as copied:
                os.fsync(copied.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    return path


def _failure(source: Path, target: Path, error: OSError) -> UserError:
    return UserError(
        f"The takes in {source} cannot all be moved to {target} ({error.strerror or error}): "
        "none is lost; make room there or choose another folder."
    )
