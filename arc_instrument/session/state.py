"""What the window shows, as one frozen value. No Qt."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arc_instrument.domain import PARTS, Clip, GenerationRequest, LoadedModel, Phase, Progress, Take

if TYPE_CHECKING:
    from arc_instrument.audio.protocol import AudioState

DEFAULT_MAX_SECONDS = 128 * 2048 / 44_100  # ARC_MINI, until the loaded model says otherwise
MIN_SECONDS = 0.1
DEFAULT_OCTAVE, MIN_OCTAVE, MAX_OCTAVE = 4, 1, 7  # octave 4 starts at middle C, note 60
VELOCITY_STEP = 20
SILENCE = 1e-3  # peak, −60 dBFS: below it a sound is reported as silent, not passed off as a success


@dataclass(frozen=True, eq=False)
class InitSound:
    """The recording, or the dropped file, that audio-to-audio starts from."""

    name: str
    clip: Clip
    peaks: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class CurrentSound:
    """What the keys play. `take` is None until its file is written, and stays None if that failed."""

    clip: Clip
    peaks: np.ndarray = field(repr=False)
    prompt: str
    seed: int
    generation_ms: float
    take: Take | None = None
    request: GenerationRequest | None = None  # what made it, where that is known: variations start from it


@dataclass(frozen=True, eq=False)
class Variation:
    """One of the sounds to choose from; `clip` and `peaks` are None until it is made."""

    request: GenerationRequest
    clip: Clip | None = None
    peaks: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Pad:
    """One of the 16 pads. A locked one is left alone when a kit is made; `pending`: its sound is being made."""

    prompt: str = ""
    seed: int = 0
    locked: bool = False
    pending: bool = False
    clip: Clip | None = None
    peaks: np.ndarray | None = field(default=None, repr=False)
    take: Take | None = None


EMPTY_PADS = (Pad(),) * (PARTS - 1)


@dataclass(frozen=True)
class Message:
    """One sentence, with at most one action: the id of an entry in `actions.ACTIONS` or a remedy of `ui.window`."""

    text: str
    is_error: bool = True
    action: str = ""
    action_title: str = ""


@dataclass(frozen=True, eq=False)
class SessionState:
    """Everything a widget may render. Velocity 1–127, `strength_percent` 0–100, times in the unit of their name."""

    prompt: str = ""
    steps: int = 8
    seconds: float = 3.0
    max_seconds: float = DEFAULT_MAX_SECONDS
    seed: int = 0
    seed_locked: bool = False
    strength_percent: int = 40
    init: InitSound | None = None

    phase: Phase = Phase.COLD
    phase_sentence: str = "Starting"
    model: LoadedModel | None = None  # the last one that was loaded
    generating: bool = False
    progress: Progress | None = None
    estimate_ms: float | None = None
    press_to_sound_ms: float | None = None

    current: CurrentSound | None = None
    takes: tuple[Take, ...] = ()
    playing: bool = False

    fresh: bool = False
    keys_on: bool = True
    octave: int = DEFAULT_OCTAVE
    velocity: int = 100

    distance_percent: int = 30  # of variations and fresh notes from the current sound: 100 is another seed's sound
    variations: tuple[Variation, ...] = ()
    chosen_variation: int | None = None
    variations_ms: float | None = None  # until the last of those that are being made is there
    pads: tuple[Pad, ...] = EMPTY_PADS
    kit_ms: float | None = None  # until the last pad that is being made is there
    stocked: int = 0  # fresh notes that are rendered ahead
    velocity_drives: str = ""  # "strength": softer fresh notes keep more of the recording; "": nothing
    live: bool = False  # whether a change of the controls makes the sound anew at once
    morph_prompts: tuple[str, str, str, str] = ("", "", "", "")
    morph_x: float = 0.0
    morph_y: float = 0.0

    audio: "AudioState | None" = None
    recording: bool = False
    message: Message | None = None

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to cancel: a sound that a person ordered, or a note's fresh variation."""
        return self.generating or self.phase is Phase.GENERATING

    @property
    def is_draft(self) -> bool:
        """Whether what the keys play is a draft of one step, soon to be refined."""
        made_by = self.current.request if self.current else None
        return made_by is not None and made_by.origin == "draft" and made_by.steps < self.steps

    @property
    def current_path(self) -> Path | None:
        return self.current.take.path if self.current and self.current.take else None


def init_noise(strength_percent: int) -> float:
    """Noise level at which audio-to-audio starts, from how strongly the recording is kept.

    0 % ignores the recording (1.0), 100 % keeps all but its finest texture (0.1). The exponent spends most of the
    slider on high noise levels, where the recording's rhythm stays and the prompt still decides the timbre.
    """
    return 1.0 - 0.9 * (strength_percent / 100) ** 1.5


def strength_percent(noise: float) -> int:
    """The slider position that gives `noise`; the inverse of `init_noise`, cut to the slider's range."""
    return round(100 * (min(max(1.0 - noise, 0.0), 0.9) / 0.9) ** (1 / 1.5))
