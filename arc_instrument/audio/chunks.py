"""Chunks of a WAV that libsndfile does not write: bext (EBU Tech 3285), and iXML."""

import re
import struct
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Chunk = tuple[bytes, bytes]  # four letters, content


def with_chunks(wav: bytes, chunks: Sequence[Chunk]) -> bytes:
    """A RIFF file with these chunks after its own."""
    added = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    wav += b"\0" * (len(wav) % 2)
    return wav[:4] + struct.pack("<I", len(wav) + len(added) - 8) + wav[8:] + added


def bext(description: str, originator: str, created: datetime, coding_history: str) -> Chunk:
    """The Broadcast Wave extension, version 1; its texts are ASCII, what is not becomes a question mark."""
    fixed = struct.pack(
        "<256s32s32s10s8sQH254s",
        _ascii(description),
        _ascii(originator),
        b"",  # no reference of our own
        f"{created:%Y-%m-%d}".encode(),
        f"{created:%H:%M:%S}".encode(),
        0,  # samples since midnight: this was never recorded
        1,
        b"",
    )
    return b"bext", fixed + _ascii(coding_history) + b"\r\n"


def ixml(note: str, project: str, own: dict[str, str]) -> Chunk:
    """iXML with a note, the project, and an element of our own that holds the fields `own`."""
    root = ElementTree.Element("BWFXML")
    for name, text in (("IXML_VERSION", "3.01"), ("PROJECT", project), ("NOTE", note)):
        ElementTree.SubElement(root, name).text = _NO_XML.sub(" ", text)
    ours = ElementTree.SubElement(root, "ARC_INSTRUMENT")
    for name, text in own.items():
        ElementTree.SubElement(ours, name.upper()).text = _NO_XML.sub(" ", text)
    return b"iXML", ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace").replace(b"\0", b" ")
