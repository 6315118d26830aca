"""Chunks of a WAV: the RIFF container itself, and the texts in it: INFO, bext (EBU Tech 3285), iXML."""

import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, NamedTuple
from xml.etree import ElementTree

MAX_CHUNK_BYTES = 1 << 24  # no chunk of words or marks is larger; one that says so is damaged
UNKNOWN_LEVEL = 0x7FFF  # EBU Tech 3285 version 2: this figure was not measured
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_NAME = re.compile("[A-Za-z_][A-Za-z0-9_.-]*")

Chunk = tuple[bytes, bytes]  # four letters, content


class Place(NamedTuple):
    """Where a chunk's content lies in its file."""

    name: bytes
    start: int
    size: int


def riff(chunks: Sequence[Chunk]) -> bytes:
    """A WAV file of these chunks."""
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def places(file: BinaryIO) -> Iterator[Place]:
    """Where the chunks of a WAV lie, in order; none for a file that is no WAV, and none after a damaged one."""
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    at = 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if at + 8 + length > size:
            return
        yield Place(name, at + 8, length)
        at += 8 + length + length % 2


def read_chunks(
    file: BinaryIO, leave_out: frozenset[bytes] = frozenset({b"data"}), max_bytes: int = MAX_CHUNK_BYTES
) -> list[Chunk]:
    """The chunks of a WAV with their content, by default without the samples; larger ones are left out."""
    chunks = []
    for place in places(file):
        if place.name not in leave_out and place.size <= max_bytes:
            file.seek(place.start)
            chunks.append((place.name, file.read(place.size)))
    return chunks


def info(fields: Mapping[bytes, str]) -> Chunk:
    """LIST INFO of texts in UTF-8; a text ends at its first NUL, so those become spaces."""
    body = b"INFO"
    for name, text in fields.items():
        data = text.encode("utf-8", "replace").replace(b"\0", b" ") + b"\0"
        body += name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"LIST", body


def read_info(chunks: Sequence[Chunk]) -> dict[bytes, str]:
    """The texts of every LIST INFO."""
    fields = {}
    for name, data in chunks:
        if name != b"LIST" or data[:4] != b"INFO":
            continue
        at = 4
        while at + 8 <= len(data):
            field, length = struct.unpack_from("<4sI", data, at)
            fields[field] = data[at + 8 : at + 8 + length].split(b"\0")[0].decode("utf-8", "replace")
            at += 8 + length + length % 2
    return fields


def bext(
    description: str,
    originator: str,
    created: datetime,
    coding_history: str,
    loudness_lufs: float | None = None,
    true_peak_dbtp: float | None = None,
) -> Chunk:
    """The Broadcast Wave extension, version 2; its texts are ASCII, what is not becomes a question mark.

    Levels are written in hundredths, rounded as Tech 3285 v2 asks; what was not measured is marked as unknown.
    """
    fixed = struct.pack(
        "<256s32s32s10s8sQH64s5h180s",
        _ascii(description),
        _ascii(originator),
        b"",  # no reference of our own
        f"{created:%Y-%m-%d}".encode(),
        f"{created:%H:%M:%S}".encode(),
        0,  # samples since midnight: this was never recorded
        2,
        b"",  # no UMID
        _hundredths(loudness_lufs),
        UNKNOWN_LEVEL,  # the range asks for a programme of minutes
        _hundredths(true_peak_dbtp),
        UNKNOWN_LEVEL,
        UNKNOWN_LEVEL,
        b"",
    )
    return b"bext", fixed + _ascii(coding_history) + b"\r\n"


def ixml(note: str, project: str, own: Mapping[str, object]) -> Chunk:
    """iXML with a note, the project, and an element of our own that holds the fields `own`; nested ones as JSON."""
    root = ElementTree.Element("BWFXML")
    for name, text in (("IXML_VERSION", "3.01"), ("PROJECT", project), ("NOTE", note)):
        ElementTree.SubElement(root, name).text = _NO_XML.sub(" ", text)
    ours = ElementTree.SubElement(root, "ARC_INSTRUMENT")
    for name, value in own.items():
        if _XML_NAME.fullmatch(name):
            text = value if isinstance(value, str) else json.dumps(value)
            ElementTree.SubElement(ours, name.upper()).text = _NO_XML.sub(" ", text)
    return b"iXML", ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace").replace(b"\0", b" ")


def _hundredths(level_db: float | None) -> int:
    """As EBU Tech 3285 v2 stores a level; outside of what it may be (−99.99 to 99.99) it counts as not measured."""
    return round(100 * level_db) if level_db is not None and abs(level_db) <= 99.99 else UNKNOWN_LEVEL
