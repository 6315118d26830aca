"""Decode shards, or a folder of sound files, once into memory-mapped 16-bit files that training reads at random.

Each shard becomes one file NUMBER.i16, so several processes decode at once, and a stopped packing goes on at the next
shard. `index.json` is written last: a folder that has one is whole. What is read is opened read-only.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tqdm import tqdm

from training.clips import (
    SOUND_SUFFIXES,
    About,
    SkipClip,
    about,
    caption_of_name,
    decode,
    skipped_sentence,
    sound_member,
)
from training.shards import expand, fetch, is_remote, opened, samples, write_json

FULL_SCALE = 32_767
INDEX = "index.json"
FILES_IN_A_PART = 500  # of a folder of sound files
VALIDATORS = ("ETag", "Last-Modified", "Content-Length")  # what a server says of a file without sending it


@dataclass(frozen=True)
class Entry(About):
    """One packed clip: what is said of it, and where its samples lie: from the `start`th 16-bit number of `part`."""

    key: str = ""
    part: str = ""
    start: int = 0
    frames: int = 0
    channels: int = 2


class Job(NamedTuple):
    """What becomes one part: a shard, or some files of a folder."""

    number: int
    shard: str
    files: tuple[str, ...] = ()
    longest_seconds: float | None = None


class Packed(NamedTuple):
    """What a packing took in, and why it skipped the rest."""

    clips: int
    skipped: Counter[str]

    def __str__(self) -> str:
        skipped = skipped_sentence(self.skipped, self.clips)
        return f"packed {self.clips} clips" + (f"; {skipped}" if skipped else "")


def pack(shards: list[str], folder: Path, processes: int = 1) -> Packed:
    """Decode every clip of the shards into `folder`; one that holds a pack of these shards already is kept.

    Raises ValueError for a shard that is missing, a pack of other shards or of these before they changed, a full disk,
    and where no clip is usable.
    """
    names = expand(shards)
    return _pack([Job(number, name) for number, name in enumerate(names)], names, folder, processes)


def pack_folder(sounds: Path, folder: Path, processes: int = 1, longest_seconds: float | None = None) -> Packed:
    """Decode every sound file below `sounds` into `folder`, as `pack` does.

    Captions come from NAME.json or NAME.txt beside NAME.wav, otherwise from the names of file and folder.
    """
    files = sorted(str(path) for path in sounds.rglob("*") if path.suffix.lower().lstrip(".") in SOUND_SUFFIXES)
    if not files:
        raise ValueError(f"{sounds} holds no sound files ({', '.join(SOUND_SUFFIXES[:6])} …) and no shards (.tar)")
    starts = range(0, len(files), FILES_IN_A_PART)
    jobs = [Job(i, str(sounds), tuple(files[k : k + FILES_IN_A_PART]), longest_seconds) for i, k in enumerate(starts)]
    return _pack(jobs, [str(sounds), *files], folder, processes)


def _pack(jobs: list[Job], made_of: list[str], folder: Path, processes: int) -> Packed:
    made_of = [name if is_remote(name) else os.path.abspath(name) for name in made_of]
    if (folder / INDEX).exists():
        index = read_index(folder)
        if index.get("made_of", made_of) != made_of:
            raise ValueError(f"{folder} holds a pack of other sounds: delete it, or choose another --out")
        if _changed(index, jobs):
            raise ValueError(f"{folder} holds these sounds as they were before: delete it, or choose another --out")
        return Packed(len(index["entries"]), Counter(index.get("skipped", {})))
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    bar = tqdm(total=len(jobs), desc="packing", unit="shard", mininterval=2)
    try:
        if processes == 1 or len(jobs) == 1:
            for job in jobs:
                parts.append(_pack_part(job, folder))
                bar.update()
        else:
            # Spawned, not forked: the caller may hold torch's threads.
            with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=get_context("spawn")) as pool:
                try:
                    for done in as_completed([pool.submit(_pack_part, job, folder) for job in jobs]):
                        parts.append(done.result())
                        bar.update()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
        parts.sort(key=lambda part: part["number"])
        entries, skipped = _merge(parts)
        if not entries:
            raise ValueError(f"nothing to train on: {skipped_sentence(skipped, 0) or 'the shards are empty'}")
        told = {
            "made_of": made_of,
            "sources": [part["identity"] for part in parts],
            "sha256": {part["file"]: part["sha256"] for part in parts},
        }
        write_json(folder / INDEX, {**told, "skipped": skipped, "entries": entries})
    except OSError as error:
        raise ValueError(f"{folder} cannot be written ({error.strerror}); free space and repeat the command") from error
    finally:
        bar.close()
    for job in jobs:
        _sidecar(folder, job).unlink(missing_ok=True)
    return Packed(len(entries), skipped)


def _changed(index: dict[str, Any], jobs: Iterable[Job]) -> bool:
    """Whether the sounds are others than when they were packed, as far as the index and their servers tell."""
    if "sources" not in index:
        return False  # packed before they were told
    try:
        return index["sources"] != [_identity(job) for job in jobs]
    except ValueError:  # no server to ask: what is packed is whole without it
        return False


def _sidecar(folder: Path, job: Job) -> Path:
    return folder / f"{job.number:06}.json"


def _merge(parts: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The entries of all parts in their order, and what was skipped; of clips with one key the first is kept."""
    entries, skipped, seen = [], Counter(), set()
    for part in parts:
        skipped.update(part["skipped"])
        for entry in part["entries"]:
            if entry["key"] in seen:
                skipped["with the key of another clip"] += 1
            else:
                seen.add(entry["key"])
                entries.append(entry)
    return entries, skipped


def _pack_part(job: Job, folder: Path) -> dict[str, Any]:
    """Decode one shard (in a worker process); its description, kept beside it until the index is written."""
    sidecar = _sidecar(folder, job)
    identity = _identity(job)
    if sidecar.exists() and (part := json.loads(sidecar.read_text()))["identity"] == identity and "sha256" in part:
        return part  # older ones have no digest
    name = f"{job.number:06}.i16"
    partial, entries, skipped, digest = folder / f"{name}.partial", [], Counter(), hashlib.sha256()
    try:
        # Downloads are not kept: one left by a stopped packing would be taken for what the server has now.
        with TemporaryDirectory(prefix="download-", dir=folder) as downloads, partial.open("wb") as out:
            for key, source, members in _clips(job, Path(downloads), skipped):
                try:
                    samples_nc, said = decode(sound_member(members), job.longest_seconds), about(members, source)
                except SkipClip as reason:
                    skipped[str(reason)] += 1
                    continue
                start, data = out.tell() // 2, (samples_nc * FULL_SCALE).round().astype("<i2").tobytes()
                out.write(data)
                digest.update(data)
                entries.append(asdict(Entry(**vars(said), key=key, part=name, start=start, frames=len(samples_nc),
                                            channels=samples_nc.shape[1])))  # fmt: skip
        os.replace(partial, folder / name)
    finally:
        partial.unlink(missing_ok=True)
    part = {"number": job.number, "identity": identity, "file": name, "sha256": digest.hexdigest()}
    part |= {"skipped": skipped, "entries": entries}
    write_json(sidecar, part)
    return part


def _identity(job: Job) -> list[Any]:
    """What tells that a part was made of the same shard or files, and that they are still what they were."""
    if is_remote(job.shard):
        with opened(job.shard) as answer:  # a GET: an address signed for that allows no HEAD
            headers = getattr(answer, "headers", {})
        return [job.shard, *(headers.get(name) for name in VALIDATORS)]
    files = [path for name in job.files for path in (Path(name), *_beside(Path(name)))] or [Path(job.shard)]
    return [os.path.abspath(job.shard), *([os.path.abspath(path), *state_of(path)] for path in files)]


def _beside(sound: Path) -> list[Path]:
    """The files that say something of a sound file, and are there."""
    return [path for suffix in ("json", "txt") if os.path.exists(path := sound.with_suffix(f".{suffix}"))]


def state_of(path: Path) -> tuple[int | None, int | None]:
    """Size and time of change (ns): another when a file has been written anew, None where it cannot be asked."""
    try:
        found = path.stat()
    except OSError:  # a link to nothing
        return None, None
    return found.st_size, found.st_mtime_ns


def _clips(job: Job, downloads: Path, skipped: Counter[str]) -> Iterator[tuple[str, str, dict[str, bytes]]]:
    """Key, source where none is said, and members of every clip of a job."""
    if not job.files:
        source = Path(job.shard).stem
        for key, members in samples(fetch(job.shard, downloads), skipped):
            yield key, source, members
    for name in job.files:
        path = Path(name)
        try:
            members = {file.suffix.lower().lstrip("."): file.read_bytes() for file in (path, *_beside(path))}
        except OSError:  # a link to nothing, a folder called Loops.wav, somebody else's file
            skipped["that cannot be read"] += 1
            continue
        if len(members) == 1:
            members["txt"] = caption_of_name(path.relative_to(job.shard), Path(job.shard).resolve().name).encode()
        yield str(path.relative_to(job.shard)), path.parent.name, members


def read_index(folder: Path) -> dict[str, Any]:
    """The index of a packed folder. Raises ValueError where there is none, or none that can be read."""
    path = folder / INDEX
    if not path.exists():
        raise ValueError(f"{folder} holds no packed corpus: run python -m training.corpus SHARD... --out {folder}")
    try:
        index = json.loads(path.read_text())
        return {"entries": [_first_form(e) for e in index]} if isinstance(index, list) else index
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: pack the corpus again") from error


def splits_of(folder: Path) -> list[str]:
    """The splits that a packed folder has clips of."""
    return list(dict.fromkeys(entry["split"] for entry in read_index(folder)["entries"]))


def _first_form(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of a pack's first form, one file of stereo frames, in today's."""
    return {**entry, "start": 2 * entry["start"], "part": "audio.i16", "channels": 2}
