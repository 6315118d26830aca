"""Frozen types that every part of the instrument speaks. No Qt, no torch, no sound card.

Shapes: `samples` are float32 (frames, 2), full scale ±1, at `rate_hz`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

RATE_HZ = 44_100
PARTS = 17  # 0 is played on the keys, 1 to 16 are the pads
FIRST_PAD_NOTE = 36  # of pad 1: General MIDI's bass drum, where pad controllers begin
POOL_CLIPS = 16  # that wait to be the next hit of a part
EVERY_VELOCITY = (1, 127)  # the softest and the hardest hit
MIN_STEPS, MAX_STEPS = 1, 100  # as many as the paper's baselines take
MAX_PLAYED_STEPS = 16  # more than a player waits for, and than few-step models use
PRECISIONS = ("float32", "bfloat16", "int8")  # what the model may compute in
MAX_PROMPT_CHARACTERS = 2_000
OWN_MIDI_PORT = "ARC Instrument"  # that other programs can connect to
MAX_SEED = 2**32 - 1
MAX_RECORDING_SECONDS = 12.0  # as much as the recorder always keeps
SILENT_PEAK = 1e-3  # −60 dBFS
MAX_LEGS = 64  # of a walk: variations of variations of …

# The most urgent first: typed or clicked; made while typing; chosen to be heard beside each other; pads; ahead of hits.
ORIGINS = ("user", "draft", "variation", "kit", "fresh")


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

    @property
    def is_silent(self) -> bool:
        """Whether nothing of it is above −60 dBFS."""
        return float(np.abs(self.samples).max(initial=0.0)) < SILENT_PEAK


@dataclass(frozen=True)
class SoundFacts:
    """`root_note` is a MIDI number with a fraction, None without a clear pitch; `tempo_bpm` None without a clear one.

    `onsets` in frames. Levels are None for silence; with samples that are no numbers only `has_bad_samples` is said.
    """

    root_note: float | None = None
    pitch_confidence: float = 0.0
    tempo_bpm: float | None = None
    beats: float | None = None
    onsets: tuple[int, ...] = ()
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    centroid_hz: float = 0.0
    is_silent: bool = False
    is_clipped: bool = False
    has_bad_samples: bool = False

    @property
    def root_key(self) -> int | None:
        """The nearest MIDI note."""
        return None if self.root_note is None else round(self.root_note)

    @property
    def cents(self) -> float:
        """How far the pitch lies above `root_key`."""
        return 0.0 if self.root_note is None else 100 * (self.root_note - round(self.root_note))


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """One wanted sound. `init` with `init_noise` in (0, 1] makes it audio-to-audio: 1 ignores it, near 0 keeps it.

    `walk` turns the noise of `seed` towards that of other seeds, each leg a seed and a distance from 0 to 1.
    `origin` is one of `ORIGINS`: who wants it, and so how urgent it is. `settings` is what else the file of the take
    shall tell, as JSON: `takefile` names the known keys.
    """

    id: int
    prompt: str
    seconds: float
    steps: int
    seed: int
    init: Clip | None = None
    init_noise: float = 1.0
    origin: str = "user"
    settings: Mapping[str, Any] = field(default_factory=dict)
    walk: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Progress:
    """`step` of `steps` denoising steps are done after `elapsed_ms`."""

    request_id: int
    step: int
    steps: int
    elapsed_ms: float


@dataclass(frozen=True)
class Timing:
    """Where the time of one generation went, milliseconds; of several made `together`, each one's share of it."""

    text_ms: float
    steps_ms: float
    decode_ms: float
    first_sound_ms: float
    total_ms: float
    together: int = 1


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
    """A generation kept as a WAV on disk: it has a path from the moment it exists.

    `settings` is what else its file tells, see `GenerationRequest`; `facts` what was heard in it, None in older files.
    """

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
    favourite: bool = False  # this and the tags are a person's words about the take, not the file's about itself
    tags: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: SoundFacts | None = None

    @property
    def walk(self) -> tuple[tuple[int, float], ...]:
        """How its noise was turned away from that of its seed, see `GenerationRequest`."""
        return tuple((int(seed), float(distance)) for seed, distance in self.settings.get("walk", ()))


@dataclass(frozen=True)
class NoteEvent:
    """A key or MIDI note. `velocity` 1–127, 0 is a note-off; `source` is "keys" or the MIDI port's name.

    `part` 0 is the keys, 1–16 are the pads; None is a note that sounds nowhere: one on the pads' MIDI channel that no
    pad has, or one that a person made a control.
    """

    note: int
    velocity: int
    source: str
    part: int | None = 0


@dataclass(frozen=True)
class ControlEvent:
    """A MIDI control change: `channel` 1–16, `controller` and `value` 0–127; `source` is the port's name."""

    channel: int
    controller: int
    value: int
    source: str


@dataclass(frozen=True)
class ProgramEvent:
    """A MIDI program change: `channel` 1–16, `program` 0–127; `source` is the port's name."""

    channel: int
    program: int
    source: str


@dataclass(frozen=True)
class HitEvent:
    """A note sounded the clip that was given as `clip_id`; `stocked` clips of its part's pool remain."""

    part: int
    clip_id: int
    stocked: int
