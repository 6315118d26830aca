"""From the hub or a local place into the models folder: checked to be strictly the wanted model, or not taken."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model import hub
from model.catalogue import CatalogueEntry
from model.digests import CheckpointError, check_digests, sha256
from model.hub import RemoteFile
from model.inspection import check, is_safetensors
from model.installation import check_space, gathering, install
from model.weights import ABOUT_FILE, WEIGHTS_FILE, name_of

COPY_BYTES = 2**24


@dataclass(frozen=True)
class Progress:
    """`done` of `total` bytes of what `doing` names; `total` 0: nothing to count."""

    doing: str
    done: int = 0
    total: int = 0


def fetch(entry: CatalogueEntry, models: Path, text: Path | None = None) -> Iterator[Progress]:
    """Install `entry` in the folder `models`, with the text encoder it needs: from the folder `text`, or the hub too.

    Raises GateError where a licence has to be accepted first, CheckpointError for everything else.
    """
    parts = [entry] if text or not entry.text else [entry, entry.text]
    wanted = [part for part in parts if not _is_intact(models / part.name)]
    located = {part.name: hub.locate(part) for part in wanted}
    check_space(models, sum(_bytes_to_come(models / f"{part.name}.partial", located[part.name]) for part in wanted))
    if entry.text and text:
        yield from take(entry.text, text, models)
    for part in wanted:
        remotes = located[part.name]
        with gathering(part, models) as partial:
            gathered = partial / _version(remotes)
            for other in set(partial.iterdir()) - {gathered}:
                shutil.rmtree(other)
            gathered.mkdir(exist_ok=True)
            yield from _download(part, remotes, gathered)
            yield Progress(f"{part.name}: checking that it is this model")
            weights = gathered / remotes[0].name
            try:
                check(part, weights)
            except CheckpointError:
                shutil.rmtree(gathered)
                raise
            install(part, gathered, weights, models, f"{part.repository} at {remotes[0].commit}")


def take(entry: CatalogueEntry, source: Path, models: Path, text: Path | None = None) -> Iterator[Progress]:
    """Install `entry` from a local file or folder, with the text encoder it needs: from `text`, `source`, or the hub.

    Raises CheckpointError naming what is wrong with `source`, which is left as it is.
    """
    weights, *others = _find(entry, source)
    yield Progress(f"{entry.name}: checking that it is this model")
    check(entry, weights)
    check_space(models, sum(path.stat().st_size for path in (weights, *others)))
    with gathering(entry, models) as partial:
        gathered = partial / "local"
        shutil.rmtree(partial)
        gathered.mkdir(parents=True)
        try:
            for path in others:
                yield from _copy(entry, path, gathered / path.name)
            if is_safetensors(weights):  # others are written as such from where they are
                yield from _copy(entry, weights, gathered / WEIGHTS_FILE)
                weights = gathered / WEIGHTS_FILE
            yield Progress(f"{entry.name}: hashing")
            install(entry, gathered, weights, models, str(source.resolve()))
        finally:
            shutil.rmtree(gathered, ignore_errors=True)
    if entry.text and (text or not _is_intact(models / entry.text.name)):
        beside = source / entry.text.name
        text = text or (beside if beside.is_dir() else None)
        yield from take(entry.text, text, models) if text else fetch(entry.text, models)


def _is_intact(folder: Path) -> bool:
    try:
        check_digests(folder, [WEIGHTS_FILE, ABOUT_FILE])
    except CheckpointError:
        return False
    return True


def _download(entry: CatalogueEntry, remotes: tuple[RemoteFile, ...], gathered: Path) -> Iterator[Progress]:
    for remote in remotes:
        kept = gathered / remote.name
        for done in hub.download(entry, remote, kept):
            yield Progress(f"{entry.name}: {remote.name}", done, remote.bytes)
        yield Progress(f"{entry.name}: checking {remote.name}")
        if _digest(kept, remote) != remote.etag:
            kept.unlink()
            raise CheckpointError(
                f"{remote.name} of {entry.repository} does not match the digest that the hub tells, so it was thrown "
                "away: type the command again"
            )


def _version(remotes: tuple[RemoteFile, ...]) -> str:
    """In which folder a download waits: it changes as soon as one of the files does."""
    return hashlib.sha256("".join(remote.etag for remote in remotes).encode()).hexdigest()[:16]


def _digest(path: Path, remote: RemoteFile) -> str:
    """What the hub tells: SHA-256 of large files, of small ones the name that git gives their content."""
    if len(remote.etag) == hub.SHA256_DIGITS:
        return sha256(path)
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _bytes_to_come(partial: Path, remotes: tuple[RemoteFile, ...]) -> int:
    """What the disk still has to hold; a .ckpt lies there twice while it is converted."""
    needed = 0
    for remote in remotes:
        kept = partial / _version(remotes) / remote.name
        needed += remote.bytes * (2 if kept.suffix == ".ckpt" else 1) - (kept.stat().st_size if kept.exists() else 0)
    return needed


def _find(entry: CatalogueEntry, source: Path) -> list[Path]:
    """The files of an entry in a local place, the weights first."""
    names = [file.name for file in entry.files]
    if not source.exists():
        raise CheckpointError(f"{source}: there is no such file or folder; choose another")
    if not source.is_dir():
        if len(names) > 1:
            raise CheckpointError(f"{source} is a file: choose the folder that holds {', '.join(names)}")
        return [source]
    weights = [f"{Path(names[0]).stem}{suffix}" for suffix in (".safetensors", ".ckpt")]
    if (source / ABOUT_FILE).exists():  # a folder of `models`, of this machine or another
        if (held := name_of(source)) != entry.name:
            raise CheckpointError(f"{source} holds {held}, not {entry.name}: choose another folder")
        check_digests(source, [WEIGHTS_FILE])
        weights = [WEIGHTS_FILE]
    found = [source / name for name in weights if (source / name).is_file()]
    if not found:
        raise CheckpointError(f"{source} holds no {' or '.join(weights)}: choose the weights file itself")
    for name in names[1:]:
        if not (source / name).is_file():
            raise CheckpointError(f"{source / name} is missing: choose the folder that holds {', '.join(names)}")
    return [found[0], *(source / name for name in names[1:])]


def _copy(entry: CatalogueEntry, source: Path, target: Path) -> Iterator[Progress]:
    total = source.stat().st_size
    with source.open("rb") as original, target.open("wb") as copy:
        while chunk := original.read(COPY_BYTES):
            copy.write(chunk)
            yield Progress(f"{entry.name}: copying {source.name}", copy.tell(), total)
