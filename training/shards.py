"""WebDataset shards: tar files in which the members of one sample share a key; local or on a web server."""

import glob
import hashlib
import io
import json
import os
import re
import tarfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from model.digests import sha256

RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
TIMEOUT_S = 60.0
ATTEMPTS = 4


class Sample(NamedTuple):
    """The members of one key, by extension without its dot."""

    key: str
    members: dict[str, bytes]


def is_remote(shard: str) -> bool:
    return urlsplit(shard).scheme in ("http", "https")


def expand(names: list[str]) -> list[str]:
    """Shard names in order: `{000..012}` counts, `*` globs, URLs stay. Raises ValueError for one that is not there."""
    shards = []
    for name in names:
        if found := RANGE.search(name):
            first, last = found.groups()
            numbers = (f"{i:0{len(first)}}" for i in range(int(first), int(last) + 1))
            shards += expand([name[: found.start()] + number + name[found.end() :] for number in numbers])
        elif is_remote(name):
            shards.append(name)
        elif matches := sorted(glob.glob(name)) if glob.has_magic(name) else [name] * os.path.isfile(name):
            shards += matches
        else:
            raise ValueError(f"{name}: there is no such shard")
    return shards


def opened(shard: str) -> BinaryIO:
    """The bytes of a shard, read-only. Raises ValueError where it cannot be read, URLs after several attempts."""
    if not is_remote(shard):
        try:
            return open(shard, "rb")
        except OSError as error:
            raise ValueError(f"{shard} cannot be read: {error.strerror}") from error
    for attempt in range(ATTEMPTS):
        try:
            return urllib.request.urlopen(shard, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == ATTEMPTS - 1:
                raise ValueError(
                    f"{shard} cannot be fetched: the server answers {error.code} {error.reason}"
                ) from error
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS - 1:
                reason = getattr(error, "reason", None) or type(error).__name__
                raise ValueError(f"{shard} cannot be fetched: {reason}") from error
        time.sleep(2.0**attempt / 4)
    raise AssertionError("unreachable")


def read_all(name: str) -> bytes:
    """The bytes of a small file, local or remote. Raises ValueError where it cannot be read."""
    with opened(name) as file:
        try:
            return file.read()
        except (OSError, HTTPException) as error:
            raise ValueError(f"{name} cannot be read to its end: {error}") from error


def fetch(shard: str, folder: Path, digest: str = "") -> Path:
    """A local path of the shard: its own, or a copy downloaded into `folder` once, each URL to a place of its own.

    With the `digest` (SHA-256) that an index tells of it, a copy of other bytes is never taken for it. Raises
    ValueError where the server has other bytes, or none.
    """
    if not is_remote(shard):
        return Path(shard)
    place = hashlib.sha256((shard + digest).encode()).hexdigest()[:16]
    target = folder / place / Path(urlsplit(shard).path).name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        for attempt in range(ATTEMPTS):
            with opened(shard) as source, partial.open("wb") as out:
                expected = getattr(source, "headers", {}).get("Content-Length")
                ended = _copied(source, out)
            if ended and (expected is None or partial.stat().st_size == int(expected)):
                if digest and sha256(partial) != digest:
                    raise ValueError(f"{shard} is not the file that its index tells of: copy it to the server again")
                os.replace(partial, target)
                return target
            time.sleep(2.0**attempt / 4)
    finally:
        partial.unlink(missing_ok=True)
    raise ValueError(f"{shard} cannot be fetched: the connection ends before the file does")


def _copied(source: BinaryIO, out: BinaryIO) -> bool:
    """Whether the connection lasted to the end of `source`; a full disk is no fault of it, and stays an OSError."""
    while True:
        try:
            data = source.read(1 << 20)
        except (OSError, HTTPException):
            return False
        if not data:
            return True
        out.write(data)


def members(path: Path, damage: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file of a tar, in its order; what is damaged is counted and passed over."""
    try:
        archive = tarfile.open(path, "r:", ignore_zeros=True)  # noqa: SIM115 - zeros: goes on behind a broken header
    except (tarfile.TarError, OSError) as error:
        raise ValueError(f"{path} cannot be read as a tar archive: {error}") from error
    with archive:
        end, size = 0, path.stat().st_size
        while (member := archive.next()) is not None:
            if member.offset > end and not _all_zero(path, end, member.offset):
                damage["in a damaged part of an archive"] += 1
            end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            if member.offset_data + member.size > size:
                damage["cut off at the end of an archive"] += 1
                return
            if member.isfile() and (file := archive.extractfile(member)) is not None:
                yield member.name, file.read()
        if end == 0 and not _all_zero(path, 0, size):
            raise ValueError(f"{path} is not a tar archive; a shard is one, uncompressed")
        if end < size and not _all_zero(path, end, size):
            damage["in a damaged part of an archive"] += 1


def _all_zero(path: Path, start: int, end: int) -> bool:
    with path.open("rb") as file:
        file.seek(start)
        return not any(file.read(min(end - start, 1 << 20)))


def samples(path: Path, damage: Counter[str]) -> Iterator[Sample]:
    """The samples of a local shard: neighbouring members whose names agree up to the first dot."""
    key, group = "", {}
    for name, data in members(path, damage):
        folder, _, base = name.rpartition("/")
        stem, _, extension = base.partition(".")
        own = f"{folder}/{stem}" if folder else stem
        if own != key and group:
            yield Sample(key, group)
            group = {}
        key = own
        group[extension.lower()] = data
    if group:
        yield Sample(key, group)


def member_index(data: np.ndarray) -> dict[str, tuple[int, int]]:
    """Name → first byte and length of each member of a mapped tar (bytes, uint8) that `ShardWriter` wrote.

    Raises ValueError for one that is damaged.
    """
    places, position = {}, 0
    while position + tarfile.BLOCKSIZE <= len(data):
        header = data[position : position + tarfile.BLOCKSIZE].tobytes()
        if not any(header):
            break
        size = int(header[124:136].rstrip(b" \0"), 8)
        places[header[:100].rstrip(b"\0").decode()] = (position + tarfile.BLOCKSIZE, size)
        position += tarfile.BLOCKSIZE + -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    if position > len(data):
        raise ValueError("cut off")
    return places


class ShardWriter:
    """Writes samples into PREFIX-000000.tar and on, a new one when `max_bytes` are reached; each appears when whole."""

    def __init__(self, prefix: Path, max_bytes: int = 256 << 20, first: int = 0):
        prefix.parent.mkdir(parents=True, exist_ok=True)
        self.prefix, self.max_bytes, self.number = prefix, max_bytes, first
        self._tar: tarfile.TarFile | None = None

    @property
    def path(self) -> Path:
        return self.prefix.with_name(f"{self.prefix.name}-{self.number:06}.tar")

    def write(self, sample: Sample) -> None:
        if self._tar is None:
            self._tar = tarfile.open(self.path.with_suffix(".partial"), "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        for extension, data in sample.members.items():
            member = tarfile.TarInfo(f"{sample.key}.{extension}")
            member.size = len(data)
            self._tar.addfile(member, io.BytesIO(data))
        if self._tar.offset >= self.max_bytes:
            self.close()

    def close(self) -> None:
        """Finish the shard at hand, if one is open."""
        if self._tar is not None:
            self._tar.close()
            os.replace(self.path.with_suffix(".partial"), self.path)
            self._tar = None
            self.number += 1

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        elif self._tar is not None:
            self._tar.close()
            self.path.with_suffix(".partial").unlink()


def write_json(path: Path, value: object) -> None:
    """Write under a temporary name, then move into place: a reader sees the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value))
    os.replace(partial, path)
