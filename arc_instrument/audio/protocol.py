"""What the app and the audio process say to each other: a JSON object a line, commands to stdin, messages from stdout.

Samples never go through the pipe: they lie as `.npy` files in a folder both know, in shared memory where `/dev/shm` is.
"""

import itertools
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arc_instrument.domain import EVERY_VELOCITY, RATE_HZ

DEVICE_LOST = 3
"""Exit status of an audio process whose device fell silent: closing a dead device can hang for ever, leaving cannot."""

_serial = itertools.count()


@dataclass(frozen=True)
class AudioSettings:
    """Host API and devices by PortAudio's names, "" for the best default; `block_frames` 0 leaves it to the driver.

    `ignored_midi` names MIDI inputs that shall not play, present or absent.
    """

    host_api: str = ""
    device: str = ""
    input_device: str = ""
    block_frames: int = 0
    rate_hz: int = RATE_HZ
    ignored_midi: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ArmedClip:
    """What a part plays: float32 (frames, 2) at `rate_hz`, the note that plays it as it is, and its number in the app.

    `velocities`, softest and hardest, are those of the hits that take it out of a pool; whether a loop of all
    of it `keeps_length` or is shortened by its crossfade; where such a loop ends, 0: with its last frame.
    """

    samples: np.ndarray
    rate_hz: int
    root_note: float
    clip_id: int
    velocities: tuple[int, int] = EVERY_VELOCITY
    keeps_length: bool = False
    loop_end: int = 0


@dataclass(frozen=True)
class RecordingPlan:
    """How to record. `path` is where the running recording is kept on disk, "" for nowhere.

    `bars` of `beats_per_bar` at `bpm` end the recording by itself, 0 for as long as it takes (at most 12 s);
    `metronome`: clicks go on after the count-in; `round_trip_ms` None: what the driver says of itself.
    """

    path: str = ""
    bpm: float = 120.0
    beats_per_bar: int = 4
    count_in_beats: int = 0
    metronome: bool = False
    bars: int = 0
    round_trip_ms: float | None = None


@dataclass(frozen=True)
class AudioState:
    """Whether sound runs, in sentences for the status strip; an empty `recording_sentence`: recording is possible.

    `midi_inputs` are open; `midi_present` also has those that are ignored.
    """

    running: bool = False
    sentence: str = ""
    latency_ms: float = 0.0
    midi_inputs: tuple[str, ...] = ()
    midi_sentence: str = ""
    recording_sentence: str = ""
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    midi_present: tuple[str, ...] = ()
    device_pair: str = ""  # output, input and rate in words: what a measured round trip belongs to
    round_trip_ms: float = 0.0  # as the driver reports it, output and input together
    host_apis: tuple[str, ...] = ()  # those that have an output


@dataclass(frozen=True)
class AudioLevels:
    """Meters, about 20 a second. `xruns`, `dropped_notes`: since the stream opened. Peaks, `load`: 1 is full."""

    output_peak: float = 0.0
    input_peak: float = 0.0
    voices: int = 0
    xruns: int = 0
    recorded_seconds: float = 0.0
    dropped_notes: int = 0
    load: float = 0.0
    count_in_beat: int = 0  # from 1, 0 outside of a count-in


def encode(kind: str, **fields: object) -> bytes:
    """One message as a line."""
    return json.dumps({"kind": kind, **fields}).encode() + b"\n"


def decode(line: bytes) -> tuple[str, dict]:
    """The kind and the fields of one line. Raises ValueError for anything that is not a message."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise ValueError(f"not a message: {line[:80]!r}")
    return fields.pop("kind"), fields


def make_exchange_folder() -> Path:
    """A new private folder for samples on their way, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="arc-audio-", dir=memory if os.access(memory, os.W_OK) else None))


def put_samples(folder: Path, samples: np.ndarray) -> str:
    """Write float32 (frames, 2) for the other process; returns the path it takes them from."""
    path = folder / f"{os.getpid()}-{next(_serial)}.npy"
    np.save(path, np.ascontiguousarray(samples, dtype=np.float32))
    return str(path)


def take_samples(path: str) -> np.ndarray:
    """Read what `put_samples` wrote and remove it."""
    samples = np.load(path, allow_pickle=False)
    os.unlink(path)
    return samples
