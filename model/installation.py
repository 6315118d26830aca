"""Model folders come and go whole: gathered in `NAME.partial` beside `NAME`, renamed at the end, locked meanwhile."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from model.catalogue import CatalogueEntry
from model.digests import DIGESTS_FILE, CheckpointError, write_digests
from model.weights import ABOUT_FILE, WEIGHTS_FILE

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def user_models() -> Path:
    """The folder of this user's installed models: where `arc_instrument.settings` says too. Creates nothing."""
    if home := os.environ.get("ARC_INSTRUMENT_HOME"):
        return Path(home).expanduser() / "models"
    import platformdirs

    return platformdirs.user_data_path("arc-instrument", appauthor=False) / "models"


@contextmanager
def gathering(entry: CatalogueEntry, models: Path) -> Iterator[Path]:
    """Lend the folder in which `entry` is gathered, with what is there from the last time, to one process at a time.

    Turns what the disk refuses into a CheckpointError.
    """
    partial, old = models / f"{entry.name}.partial", models / f"{entry.name}.old"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        with FileLock(models / f".{entry.name}.lock", timeout=0):
            shutil.rmtree(old, ignore_errors=True)  # of a replacement that was killed
            try:
                yield partial
            finally:
                if partial.exists() and not any(partial.iterdir()):
                    partial.rmdir()
    except Timeout as error:
        raise CheckpointError(f"{entry.name} is just being installed by another process: wait for it") from error
    except SafetensorError as error:  # writing: it tells the system's error only in its text
        raise _told(error, entry, models) from error
    except OSError as error:
        raise _told(error, entry, models) from error


def install(entry: CatalogueEntry, gathered: Path, weights: Path, models: Path, source: str) -> None:
    """Make `gathered`, a folder inside `NAME.partial`, the installed model, its weights a safetensors file."""
    from model.checkpoint import write
    from model.tensorfile import SafetensorsFile, read

    tensors = read(weights)
    if not isinstance(tensors, SafetensorsFile):
        write(gathered / WEIGHTS_FILE, tensors, {"model": entry.name})
    elif weights != gathered / WEIGHTS_FILE:
        weights.rename(gathered / WEIGHTS_FILE)
    names = [WEIGHTS_FILE, *(file.name for file in entry.files[1:])]
    about = {
        "name": entry.name,
        "source": source,
        "licence": entry.licence,
        "licence_link": entry.licence_link,
        "date": date.today().isoformat(),
        **({"base": entry.base} if entry.base else {}),
        "bytes": {name: (gathered / name).stat().st_size for name in names},
    }
    (gathered / ABOUT_FILE).write_text(json.dumps(about, indent=2) + "\n")
    write_digests(gathered, [*names, ABOUT_FILE])
    for left in set(gathered.iterdir()) - {gathered / name for name in (*names, ABOUT_FILE, DIGESTS_FILE)}:
        left.unlink()  # what was converted
    folder, old = models / entry.name, models / f"{entry.name}.old"
    if folder.exists():
        folder.rename(old)
    gathered.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def remove(entry: CatalogueEntry, models: Path) -> None:
    """Remove the installed model and what was downloaded of it. Raises CheckpointError where that is not allowed."""
    with gathering(entry, models) as partial:
        folder, old = models / entry.name, models / f"{entry.name}.old"
        if folder.exists():
            folder.rename(old)
            shutil.rmtree(old)
        shutil.rmtree(partial)


def check_space(models: Path, needed: int) -> None:
    """Refuse before the first byte what the disk cannot hold. Raises CheckpointError."""
    place = models
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise CheckpointError(
            f"{models} has {free / 1e9:.2f} GB free, but {needed / 1e9:.2f} GB are needed: make room on that disk, or "
            "let ARC_INSTRUMENT_HOME name a folder on another"
        )


def _told(error: Exception, entry: CatalogueEntry, models: Path) -> CheckpointError:
    number = error.errno if isinstance(error, OSError) else None
    if number in DISK_FULL or any(f"(os error {code})" in str(error) for code in DISK_FULL):
        return CheckpointError(
            f"The disk of {models} is full: make room and type the command again, which goes on with what has arrived"
        )
    return CheckpointError(f"{entry.name} cannot be written to {models} ({error}): check that folder")
