"""What the window shows, as one frozen value. No Qt."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arc_instrument.domain import Clip, LoadedModel, Phase, Progress, Take
from arc_instrument.midi_bindings import Binding

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

    audio: "AudioState | None" = None
    recording: bool = False
    bindings: tuple[Binding, ...] = ()  # learned MIDI controls
    learning: str = ""  # the target that waits for its MIDI control
    message: Message | None = None

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to cancel: a sound that a person ordered, or a note's fresh variation."""
        return self.generating or self.phase is Phase.GENERATING

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
