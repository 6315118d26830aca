"""The chunks of a WAV inside a FLAC: APPLICATION blocks "riff", one a chunk, as `flac --keep-foreign-metadata` does.

FLAC has no place of its own for root key, loop points or onsets; `flac -d --keep-foreign-metadata` writes the WAV with
all of these again. Layout: RFC 9639, section 8.4, and foreign_metadata.c of the reference encoder.
"""

import struct
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from arc_instrument.audio.chunks import MAX_CHUNK_BYTES, Chunk

MAGIC, RIFF = b"fLaC", b"riff"
_APPLICATION, _LAST = 2, 0x80
_FMT = struct.Struct("<HHIIHH")


class Block(NamedTuple):
    """A metadata block: its type, and its content without the header."""

    kind: int
    data: bytes


def with_chunks(flac: bytes, chunks: Sequence[Chunk], channels: int, rate_hz: int, bits: int, frames: int) -> bytes:
    """A FLAC file that also holds the chunks of the WAV it stands for."""
    blocks, audio = _split(flac)
    block_bytes = channels * bits // 8
    fmt = _FMT.pack(1, channels, rate_hz, rate_hz * block_bytes, block_bytes, bits)
    whole = [
        _chunk(b"fmt ", fmt),
        b"data" + struct.pack("<I", frames * block_bytes),
        *(_chunk(*each) for each in chunks),
    ]
    data_bytes = frames * block_bytes + frames * block_bytes % 2
    head = b"RIFF" + struct.pack("<I", 4 + sum(map(len, whole)) + data_bytes) + b"WAVE"
    riff = [Block(_APPLICATION, RIFF + each) for each in (head, *whole)]
    blocks = [blocks[0], *riff, *blocks[1:]]  # the stream's own block has to be the first
    return MAGIC + b"".join(_packed(block, block is blocks[-1]) for block in blocks) + audio


def read_chunks(file: BinaryIO) -> list[Chunk]:
    """The chunks that `with_chunks` put there, without samples; none for another file or a damaged one."""
    file.seek(0)
    if file.read(4) != MAGIC:
        return []
    chunks, is_last = [], False
    while not is_last:
        head = file.read(4)
        if len(head) < 4:
            return []
        is_last, kind, size = bool(head[0] & _LAST), head[0] & ~_LAST, int.from_bytes(head[1:], "big")
        data = file.read(size)
        if kind == _APPLICATION and data[:4] == RIFF and 12 <= len(data) <= MAX_CHUNK_BYTES:
            name, length = data[4:8], struct.unpack_from("<I", data, 8)[0]
            if name not in (b"RIFF", b"data") and length <= len(data) - 12:
                chunks.append((name, data[12 : 12 + length]))
    return chunks


def _split(flac: bytes) -> tuple[list[Block], bytes]:
    """The metadata blocks, and the rest: the sound."""
    blocks, at, is_last = [], 4, False
    while not is_last:
        is_last, kind, size = bool(flac[at] & _LAST), flac[at] & ~_LAST, int.from_bytes(flac[at + 1 : at + 4], "big")
        blocks.append(Block(kind, flac[at + 4 : at + 4 + size]))
        at += 4 + size
    return blocks, flac[at:]


def _packed(block: Block, is_last: bool) -> bytes:
    return bytes([block.kind | (_LAST if is_last else 0)]) + len(block.data).to_bytes(3, "big") + block.data


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
