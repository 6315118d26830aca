"""Chunks that samplers and hosts read: smpl (root key, loop), acid (tempo), cue and its labels.

Frames count from the start of the sound. Layouts: "Multimedia Programming Interface and Data Specifications 1.0" and
its update of 1994 for smpl, cue and adtl; acid is Sonic Foundry's, as libsndfile reads it.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arc_instrument.audio.chunks import Chunk
from arc_instrument.domain import UserError
from arc_instrument.musical_time import Metre, MusicalLength

DEFAULT_ROOT = 60
_ONE_SHOT, _HAS_ROOT, _STRETCH = 0x01, 0x02, 0x04
_ACID = struct.Struct("<IHHfIHHf")
_SMPL, _LOOP = struct.Struct("<9I"), struct.Struct("<6I")
_CUE = struct.Struct("<II4sIII")


@dataclass(frozen=True)
class Loop:
    """Frames from `start` up to, not including, `end`, repeated for ever."""

    start: int
    end: int


@dataclass(frozen=True)
class Marker:
    frame: int
    label: str


@dataclass(frozen=True)
class Tempo:
    """What the sound lasts in beats; `metre` is beats a bar over the beat's note value."""

    bpm: float
    beats: int
    metre: tuple[int, int] = (4, 4)


@dataclass(frozen=True)
class SamplerMarks:
    """All that a sampler may know of a sound. `root_note`: MIDI number with a fraction, None: unpitched."""

    root_note: float | None = None
    loop: Loop | None = None
    tempo: Tempo | None = None
    markers: tuple[Marker, ...] = ()


def marks_of(comment: Mapping[str, Any], frames: int, rate_hz: int) -> SamplerMarks:
    """What the settings of a take (`takefile`) mean to a sampler; what lies outside of its `frames` is left out.

    The loop is the one that was chosen, else the bars that were asked for.
    """
    facts = comment.get("facts") or {}
    length, loop = _length(comment), chosen_loop(comment)
    if loop is None and length is not None:
        loop = Loop(0, length.frames(rate_hz))
    onsets = [frame for frame in facts.get("onsets", ()) if frame < frames]
    return SamplerMarks(
        root_note=facts.get("root_note"),
        loop=loop if loop and 0 <= loop.start < loop.end <= frames else None,
        tempo=Tempo(length.bpm, round(length.beats), (length.metre.beats, length.metre.unit)) if length else None,
        markers=tuple(Marker(frame, f"Onset {n}") for n, frame in enumerate(onsets, 1)),
    )


def chosen_loop(comment: Mapping[str, Any]) -> Loop | None:
    """The loop that the settings of a file tell; None for none, and for what is no loop."""
    ends = comment.get("loop")
    if isinstance(ends, list | tuple) and len(ends) == 2 and all(type(frame) is int for frame in ends):
        return Loop(*ends)
    return None


def _length(comment: Mapping[str, Any]) -> MusicalLength | None:
    """None also for what only another version, or no music, can mean: the settings may come from anybody's file."""
    try:
        return MusicalLength(comment["bpm"], comment["bars"], Metre(*comment.get("metre", (4, 4))))
    except (UserError, KeyError, TypeError):
        return None


def sampler_chunks(marks: SamplerMarks, rate_hz: int) -> list[Chunk]:
    """smpl, acid, cue and LIST adtl, as far as there is something to say."""
    chunks = []
    if marks.root_note is not None or marks.loop:
        chunks.append(_smpl(marks, rate_hz))
    if marks.root_note is not None or marks.loop or marks.tempo:
        chunks.append(_acid(marks))
    if marks.markers:
        chunks += [_cue(marks.markers), _labels(marks.markers)]
    return chunks


def read_marks(chunks: Sequence[Chunk]) -> SamplerMarks:
    """What `sampler_chunks` wrote; other programs' marks as far as they say the same. Damaged ones say nothing."""
    root, loop, tempo, labels, frames = None, None, None, {}, {}
    for name, data in chunks:
        if name == b"smpl" and len(data) >= _SMPL.size:
            _, _, _, note, fraction, _, _, loops, _ = _SMPL.unpack_from(data)
            root = note + fraction / 2**32
            if loops and len(data) >= _SMPL.size + _LOOP.size:
                _, _, start, last, _, _ = _LOOP.unpack_from(data, _SMPL.size)
                loop = Loop(start, last + 1)
        elif name == b"acid" and len(data) >= _ACID.size:
            flags, _, _, _, beats, lower, upper, bpm = _ACID.unpack_from(data)
            if not flags & _ONE_SHOT and math.isfinite(bpm) and bpm > 0:
                tempo = Tempo(bpm, beats, (upper, lower))
            if not flags & _HAS_ROOT:
                root = None
        elif name == b"cue ":
            for at in range(4, len(data) - _CUE.size + 1, _CUE.size):
                number, *_, frame = _CUE.unpack_from(data, at)
                frames[number] = frame
        elif name == b"LIST" and data[:4] == b"adtl":
            at = 4
            while at + 12 <= len(data):
                kind, size, number = struct.unpack_from("<4sII", data, at)
                if kind == b"labl":
                    labels[number] = data[at + 12 : at + 8 + size].split(b"\0")[0].decode("utf-8", "replace")
                at += 8 + size + size % 2
    markers = tuple(Marker(frame, labels.get(number, "")) for number, frame in frames.items())
    return SamplerMarks(root, loop, tempo, markers)


def _smpl(marks: SamplerMarks, rate_hz: int) -> Chunk:
    note, fraction = _note_and_fraction(marks.root_note)
    head = _SMPL.pack(0, 0, round(1e9 / rate_hz), note, fraction, 0, 0, int(marks.loop is not None), 0)
    return b"smpl", head + (_LOOP.pack(0, 0, marks.loop.start, marks.loop.end - 1, 0, 0) if marks.loop else b"")


def _acid(marks: SamplerMarks) -> Chunk:
    tempo, root = marks.tempo, marks.root_note
    flags = (_STRETCH if tempo else _ONE_SHOT) | (0 if root is None else _HAS_ROOT)
    note = DEFAULT_ROOT if root is None else min(max(round(root), 0), 127)
    upper, lower = tempo.metre if tempo else (4, 4)
    beats, bpm = (tempo.beats, tempo.bpm) if tempo else (0, 0.0)
    return b"acid", _ACID.pack(flags, note, 0x8000, 0.0, beats, lower, upper, bpm)


def _cue(markers: Sequence[Marker]) -> Chunk:
    points = (_CUE.pack(n, marker.frame, b"data", 0, 0, marker.frame) for n, marker in enumerate(markers, 1))
    return b"cue ", struct.pack("<I", len(markers)) + b"".join(points)


def _labels(markers: Sequence[Marker]) -> Chunk:
    body = b"adtl"
    for number, marker in enumerate(markers, 1):
        data = struct.pack("<I", number) + marker.label.encode("utf-8", "replace").replace(b"\0", b" ") + b"\0"
        body += b"labl" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"LIST", body


def _note_and_fraction(root_note: float | None) -> tuple[int, int]:
    """MIDI note, and how far the pitch lies above it in 2⁻³² semitones."""
    root = DEFAULT_ROOT if root_note is None else min(max(root_note, 0.0), 127.0)
    note = math.floor(root)
    fraction = round((root - note) * 2**32)
    return (note + 1, 0) if fraction == 2**32 else (note, fraction)
