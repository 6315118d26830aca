"""What the window shows, as one frozen value. No Qt."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arc_instrument.audio.protocol import AudioSettings
from arc_instrument.domain import PARTS, Clip, GenerationRequest, LoadedModel, Phase, Progress, SoundFacts, Take
from arc_instrument.editing import UNEDITED, Edit, edited
from arc_instrument.looping import PlayedLoop, played_loop
from arc_instrument.midi_bindings import Binding
from arc_instrument.musical_time import MusicalLength, longest_bars
from arc_instrument.shape import DEFAULT_SHAPE, Shape
from arc_instrument.silence import own_loop_end

if TYPE_CHECKING:
    from arc_instrument.audio.protocol import AudioState

DEFAULT_MAX_SECONDS = 128 * 2048 / 44_100  # ARC_MINI, until the loaded model says otherwise
MIN_SECONDS = 0.1
DEFAULT_OCTAVE, MIN_OCTAVE, MAX_OCTAVE = 4, 1, 7  # octave 4 starts at middle C, note 60
VELOCITY_STEP = 20
ROOT_NOTE = 60  # of a sound without a pitch
THEMES = ("dark", "light", "system")


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
    edit: Edit = UNEDITED  # done to `clip` before it sounds
    near_root: float | None = None  # a fresh note's: heard in it, or else that of the sound it varies

    @property
    def heard(self) -> Clip:
        """The clip as keys, playback and export have it."""
        return self.clip if self.edit == UNEDITED else edited(self.clip, self.edit)

    @property
    def heard_frames(self) -> int:
        """How long `heard` is."""
        start, end = self.edit.span(len(self.clip.samples))
        return end - start

    @cached_property
    def own_loop_end(self) -> int:
        """See `silence.own_loop_end`, in frames of `heard`."""
        return own_loop_end(self.heard.samples, keeps_length=self.keeps_length)

    @property
    def facts(self) -> SoundFacts | None:
        """What was heard in it, once its file is written."""
        return self.take.facts if self.take else None

    @property
    def keeps_length(self) -> bool:
        """Whether it was asked for as bars: then its loop shall last exactly as long."""
        made_by = self.take or self.request
        return made_by is not None and "bars" in made_by.settings

    @property
    def asked_bpm(self) -> float | None:
        """The tempo that it was asked for at, if it was."""
        made_by = self.take or self.request
        bpm = made_by.settings.get("bpm") if made_by else None
        return float(bpm) if isinstance(bpm, int | float) else None

    @property
    def root_note(self) -> float:
        """The MIDI note that plays it as it is, with a fraction so that the keys are in tune."""
        heard = self.facts.root_note if self.facts else None
        return next((root for root in (heard, self.near_root) if root is not None), ROOT_NOTE)


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
    """One sentence, with at most one action: the id of an entry in `actions.ACTIONS` or a remedy of `ui.window`.

    `detail` is what would fill the line, as a whole path does.
    """

    text: str
    is_error: bool = True
    action: str = ""
    action_title: str = ""
    detail: str = ""


@dataclass(frozen=True)
class ExportProgress:
    """How many of the sounds are written that are exported just now."""

    what: str  # "takes" or "pads"
    done: int
    count: int
    left_ms: float | None = None  # expected; None before one is written


@dataclass(frozen=True)
class OscStatus:
    """Whether the OSC port is open, and which; in one sentence, and what is wrong if it is not."""

    running: bool = False
    sentence: str = "OSC is off."
    port: int = 0


@dataclass(frozen=True)
class Preferences:
    """What a person chose once: `theme` one of `THEMES`, `precision` "" for the faster float of this machine."""

    theme: str = "dark"
    reduced_motion: bool = False
    precision: str = ""
    osc_enabled: bool = False
    osc_port: int = 9000
    osc_network: bool = False


@dataclass(frozen=True, eq=False)
class SessionState:
    """Everything a widget may render. Velocity 1–127, `strength_percent` 0–100, times in the unit of their name."""

    prompt: str = ""
    steps: int = 8
    seconds: float = 3.0
    wished_seconds: float = 3.0  # what was chosen, though the loaded model may make less
    max_seconds: float = DEFAULT_MAX_SECONDS
    seed: int = 0
    seed_locked: bool = False
    walk: tuple[tuple[int, float], ...] = ()  # of a variation whose settings were restored: away from the seed's noise
    strength_percent: int = 40
    init: InitSound | None = None

    phase: Phase = Phase.COLD
    phase_sentence: str = "Starting"
    model: LoadedModel | None = None  # the last one that was loaded
    generating: bool = False
    progress: Progress | None = None
    estimate_ms: float | None = None
    press_to_sound_ms: float | None = None  # of the last press; the quantiles are of the last `presses`
    press_to_sound_p50_ms: float | None = None
    press_to_sound_p95_ms: float | None = None
    presses: int = 0
    step_ms: float | None = None  # of the last sound that was made alone

    current: CurrentSound | None = None
    takes: tuple[Take, ...] = ()  # newest first
    search: str = ""
    found: frozenset[Path] | None = None  # what the search found; None while nothing is searched
    favourites_only: bool = False
    tag: str = ""  # only takes with this tag are shown
    selection: tuple[Path, ...] = ()
    previous_folder: Path | None = None  # whose takes may be moved along
    folder_problem: str = ""  # why takes do not reach their folder just now
    playing: bool = False

    fresh: bool = False
    keys_on: bool = True
    octave: int = DEFAULT_OCTAVE
    velocity: int = 100
    sustain: bool = False
    shapes: tuple[Shape, ...] = (DEFAULT_SHAPE,) * PARTS  # of the keys and the 16 pads

    distance_percent: int = 30  # of variations and fresh notes from the current sound: 100 is another seed's sound
    variations: tuple[Variation, ...] = ()
    chosen_variation: int | None = None
    variations_ms: float | None = None  # until the last of those that are being made is there
    pads: tuple[Pad, ...] = EMPTY_PADS
    kit_ms: float | None = None  # until the last pad that is being made is there
    stocked: int = 0  # fresh notes that are rendered ahead
    heard: CurrentSound | None = None  # the last of them that sounded, until it is kept or another sound is current
    velocity_drives: str = ""  # what the velocity of fresh notes changes, one of `velocity.DRIVES`
    live: bool = False  # whether a change of the controls makes the sound anew at once
    morph_prompts: tuple[str, str, str, str] = ("", "", "", "")
    morph_x: float = 0.0
    morph_y: float = 0.0

    export_format: str = "wav24"  # of `wavfile.FORMATS`
    exported: Path | None = None  # what was exported last
    exporting: ExportProgress | None = None  # while more than one sound is written

    audio: "AudioState | None" = None
    recording: bool = False
    count_in: bool = False
    count_in_beats: int = 4
    count_in_beat: int = 0  # the one that sounds now, from 1; 0 outside of a count-in
    metronome: bool = False  # clicks go on while a recording runs
    metronome_bpm: float = 120.0
    beats_per_bar: int = 4
    bars: int = 0  # asked for; 0 leaves the length to `seconds`
    key: str = ""  # asked for, "" for any
    record_bars: int = 0  # after which a recording ends by itself, 0 for never
    monitoring: bool = False
    monitor_gain: float = 1.0  # linear
    calibrating: bool = False
    calibration_ms: float | None = None  # round trip as measured for these devices
    recovered: Path | None = None  # a recording that a crash cut off

    ab: str = ""  # what sounds of the comparison: "recording", "result", or "" for neither
    init_onsets: tuple[float, ...] = ()  # seconds
    result_onsets: tuple[float, ...] = ()  # seconds, of the current sound; empty without a recording
    onset_f1: float | None = None  # how many of them agree within 50 ms, 0 … 1
    bindings: tuple[Binding, ...] = ()  # learned MIDI controls
    learning: str = ""  # the target that waits for its MIDI control
    osc: OscStatus = OscStatus()
    devices: AudioSettings = field(default_factory=AudioSettings)
    preferences: Preferences = Preferences()
    takes_folder: Path | None = None
    models_folder: Path | None = None
    message: Message | None = None
    undo_label: str = ""  # what would be undone next, as in "delete 3 takes"
    redo_label: str = ""

    @property
    def asked(self) -> tuple[object, ...]:
        """All that a sound made now would follow, but for its seed; beats a minute only with bars to count."""
        tempo_bpm = self.metronome_bpm if self.bars else None
        return (
            self.prompt, self.seconds, self.steps, self.init, self.strength_percent, self.bars, tempo_bpm, self.key,
        )  # fmt: skip

    @property
    def asked_bars(self) -> int:
        """As many of `bars` as the loaded model can make at this tempo; 0 leaves the length to `seconds`."""
        return min(self.bars, longest_bars(self.metronome_bpm, self.max_seconds))

    @property
    def asked_seconds(self) -> float:
        """How long the next sound will be."""
        return MusicalLength(self.metronome_bpm, self.asked_bars).seconds if self.asked_bars else self.seconds

    @property
    def visible_takes(self) -> tuple[Take, ...]:
        """The takes that the search and the filters let through."""
        if self.found is None and not self.favourites_only and not self.tag:
            return self.takes
        return _filtered(self.takes, self.found, self.favourites_only, self.tag)

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to cancel: a sound that a person ordered, or a note's fresh variation."""
        return self.generating or self.phase is Phase.GENERATING

    @property
    def shape(self) -> Shape:
        """Of the keys."""
        return self.shapes[0]

    @property
    def gated(self) -> bool:
        return self.shape.mode == "gate"

    @property
    def looped(self) -> bool:
        return self.shape.mode == "loop"

    @property
    def loop(self) -> PlayedLoop | None:
        """What the keys repeat of the current sound; None outside of loop mode."""
        sound = self.current
        if sound is None or not self.looped:
            return None
        return played_loop(self.shape, sound.heard_frames, sound.own_loop_end, keeps_length=sound.keeps_length)

    @property
    def is_draft(self) -> bool:
        """Whether what the keys play is a draft of one step, soon to be refined."""
        made_by = self.current.request if self.current else None
        return made_by is not None and made_by.origin == "draft" and made_by.steps < self.steps

    @property
    def can_mark(self) -> bool:
        """Whether there is a take to favour or delete; a file dropped from elsewhere is current, but not listed."""
        return bool(self.selection) or self.current_path in _paths(self.takes)

    @property
    def current_path(self) -> Path | None:
        return self.current.take.path if self.current and self.current.take else None


@lru_cache(maxsize=2)
def _filtered(
    takes: tuple[Take, ...], found: frozenset[Path] | None, favourites_only: bool, tag: str
) -> tuple[Take, ...]:
    """Cached, for states change many times a second while a sound is made, and 20,000 takes do not."""
    tag = tag.casefold()
    return tuple(
        take
        for take in takes
        if (found is None or take.path in found)
        and (take.favourite or not favourites_only)
        and (not tag or tag in (own.casefold() for own in take.tags))
    )


@lru_cache(maxsize=2)
def _paths(takes: tuple[Take, ...]) -> frozenset[Path]:
    """Cached as `_filtered` is: for 20,000 takes a look costs 0.1 ms, comparing their paths one by one 3 ms."""
    return frozenset(take.path for take in takes)


def init_noise(strength_percent: int) -> float:
    """Noise level at which audio-to-audio starts, from how strongly the recording is kept.

    0 % ignores the recording (1.0), 100 % keeps all but its finest texture (0.1). The exponent spends most of the
    slider on high noise levels, where the recording's rhythm stays and the prompt still decides the timbre.
    """
    return 1.0 - 0.9 * (strength_percent / 100) ** 1.5


def strength_percent(noise: float) -> int:
    """The slider position that gives `noise`; the inverse of `init_noise`, cut to the slider's range."""
    return round(100 * (min(max(1.0 - noise, 0.0), 0.9) / 0.9) ** (1 / 1.5))
