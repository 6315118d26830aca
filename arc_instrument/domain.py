"""Frozen types that every part of the instrument speaks. No Qt, no torch, no sound card.

Shapes: `samples` are float32 (frames, 2), full scale ±1, at `rate_hz`.
"""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np

RATE_HZ = 44_100
MIN_STEPS, MAX_STEPS = 1, 100  # as many as the paper's baselines take
MAX_PLAYED_STEPS = 16  # more than a player waits for, and than few-step models use
PRECISIONS = ("float32", "bfloat16", "int8")  # what the model may compute in
MAX_PROMPT_CHARACTERS = 2_000
MAX_SEED = 2**32 - 1


class UserError(Exception):
    """Bad input or a broken surrounding: one clear sentence that says what was got and what to do."""


class Phase(Enum):
    """What the generator is doing, shown in the status strip."""

    COLD = "cold"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    GENERATING = "generating"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class Clip:
    """Audio in memory: float32 (frames, 2)."""

    samples: np.ndarray
    rate_hz: int = RATE_HZ

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate_hz


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """One wanted sound. `init` with `init_noise` in (0, 1] makes it audio-to-audio: 1 ignores it, near 0 keeps it.

    `origin` is "user" for a request typed or clicked, "fresh" for a variation ordered by a played note.
    """

    id: int
    prompt: str
    seconds: float
    steps: int
    seed: int
    init: Clip | None = None
    init_noise: float = 1.0
    origin: str = "user"


@dataclass(frozen=True)
class Progress:
    """`step` of `steps` denoising steps are done after `elapsed_ms`."""

    request_id: int
    step: int
    steps: int
    elapsed_ms: float


@dataclass(frozen=True)
class Timing:
    """Where the time of one generation went, milliseconds."""

    text_ms: float
    steps_ms: float
    decode_ms: float
    first_sound_ms: float
    total_ms: float


@dataclass(frozen=True)
class LoadedModel:
    """The model that makes sounds. `weights` is the folder that was asked for, None: the embedded model.

    The licence is that of the weights.
    """

    name: str
    max_seconds: float
    licence: str = ""
    licence_link: str = ""
    weights: Path | None = None


@dataclass(frozen=True, eq=False)
class Generated:
    """A finished generation, not yet on disk. `notes` are remarks such as a cropped init."""

    request: GenerationRequest
    clip: Clip
    timing: Timing
    model_name: str
    weights_licence: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Take:
    """A generation kept as a WAV on disk: it has a path from the moment it exists."""

    path: Path
    prompt: str
    seconds: float
    steps: int
    seed: int
    init_noise: float
    model_name: str
    weights_licence: str  # "" where the file does not say
    created: str  # ISO 8601, local time
    generation_ms: float
    peaks: np.ndarray = field(repr=False)  # (columns, 2) float32 minima and maxima for the waveform


@dataclass(frozen=True)
class NoteEvent:
    """A key or MIDI note. `velocity` 1–127, 0 is a note-off; `source` is "keys" or the MIDI port's name."""

    note: int
    velocity: int
    source: str


@dataclass(frozen=True)
class ControlEvent:
    """A MIDI controller moved: `channel` 0–15, `controller` and `value` 0–127, `source` the MIDI port's name.

    `kind` "program" is a program change: `controller` is then the program, and `value` 127.
    """

    channel: int
    controller: int
    value: int
    source: str
    kind: str = "controller"
