"""The mixer: parts with an armed clip, a pool of clips stocked ahead and a `Shape`, played on 32 voices.

`Mixer.process` is what the audio callback calls; it holds the GIL while it runs, so it never sees half of what another
thread writes. Other threads append events, set controllers, and put clips into slots that nothing sounds.
"""

import math
import threading
from typing import NamedTuple

import numpy as np

from arc_instrument.audio import kernel
from arc_instrument.audio.kernel import (
    ALL_PARTS,
    AS_IT_IS,
    ATTACK_MS,
    CEILING,
    KNEE,
    MAX_VOICES,
    RELEASE_MS,
    ROWS,
)
from arc_instrument.domain import EVERY_VELOCITY, PARTS, POOL_CLIPS, RATE_HZ
from arc_instrument.shape import DEFAULT_SHAPE, LOOP_FADE_MS, MODES, Shape

__all__ = [
    "ATTACK_MS",
    "CEILING",
    "CLIP_SLOTS",
    "EVENTS",
    "KNEE",
    "MAX_VOICES",
    "RELEASE_MS",
    "RESERVED_EVENTS",
    "ROWS",
    "Hit",
    "Mixer",
]

EVENTS = 1024
RESERVED_EVENTS = 256  # of these, for what must not be lost: notes that begin leave them free
CLIP_SLOTS = 512  # more than can be armed, stocked, sounding and on their way: 17 + 17 + 17 · 16 + 48, and 128 events
_REST = (0.0, 0.0, 0.0, 1.0, 1.0, 0.0)  # bend, wheel, pressure, volume, expression, balance


class Hit(NamedTuple):
    """`part` sounded the clip that was given as `clip_id`; so many remain stocked."""

    part: int
    clip_id: int
    stocked: int


class Mixer:
    """Plays 17 parts, 0 the keys and 1 to 16 the pads, on up to 32 voices.

    `process` belongs to the audio callback; every other method to any other thread, and none of them waits for audio.
    What returns a bool says whether it found room among the events that the callback has not taken yet.
    """

    def __init__(self, rate_hz: float):
        self.rate_hz = rate_hz
        self._slots = np.zeros(CLIP_SLOTS, kernel.SLOT)
        self._voices = np.zeros(ROWS, kernel.VOICE)
        self._parts = np.zeros(PARTS + 1, kernel.PART)
        self._parts["armed"] = self._parts["last"] = -1
        self._shapes = np.zeros(PARTS + 1, kernel.SHAPE)
        self._shapes[:] = shape_row(DEFAULT_SHAPE, rate_hz)
        self._controls = np.zeros(PARTS + 1, kernel.CONTROL)
        self._controls[:] = _REST
        self._pools = np.full((PARTS + 1, POOL_CLIPS), -1, np.int32)
        self._held = np.zeros((PARTS + 1, kernel.HELD_NOTES), np.int32)
        self._hits = np.zeros(kernel.HITS, kernel.HIT)
        self._hits_taken = 0
        self._bus = np.zeros(1, kernel.BUS)
        self._bus["rate_hz"], self._bus["limiter_gain"] = rate_hz, 1.0
        self._bus["cut_step"] = 1000 / (RELEASE_MS * rate_hz)
        self._bus["loop_fade"] = round(LOOP_FADE_MS * rate_hz / 1000)
        self._bus["smooth_share"] = -np.expm1(-1000 * kernel.TICK / (kernel.SMOOTH_MS * rate_hz))
        self._bus["limiter_share"] = -np.expm1(-1000 / (kernel.LIMITER_RELEASE_MS * rate_hz))
        self._events = np.zeros(EVENTS, kernel.EVENT)
        self._written = np.zeros(1, np.int64)
        self._push_lock = threading.Lock()
        self._clip_lock = threading.Lock()
        self._clips: dict[int, np.ndarray] = {}  # by slot; what it holds is never freed or written to while in use

    def process(self, out: np.ndarray) -> None:
        """Fill float32 (frames, 2), any number of frames."""
        kernel.process(
            out, self._slots, self._voices, self._parts, self._shapes, self._controls, self._pools, self._held,
            self._hits, self._bus, self._events, self._written[0],
        )  # fmt: skip

    # --- clips ------------------------------------------------------------------------------------------------------

    def arm(
        self,
        samples: np.ndarray,
        root_note: float = 60,
        part: int = 0,
        clip_id: int = 0,
        velocities: tuple[int, int] = EVERY_VELOCITY,
        keeps_length: bool = False,
        loop_end: int = 0,
    ) -> bool:
        """Make float32 (frames, 2) at the mixer's rate the sound of a part from its next hit on and empty its pool.

        One that `keeps_length`, such as bars, is never shortened by the crossfade of its loop. `loop_end` is where a
        loop ends whose end nobody set, in frames at the mixer's rate, 0 for the clip's own.

        Sounding voices keep theirs. False when no slot is free, because the callback has taken no event for long.
        """
        return self._put(kernel.ARM, samples, root_note, part, clip_id, velocities, keeps_length, loop_end)

    def stock(
        self,
        samples: np.ndarray,
        root_note: float = 60,
        part: int = 0,
        clip_id: int = 0,
        velocities: tuple[int, int] = EVERY_VELOCITY,
        keeps_length: bool = False,
        loop_end: int = 0,
    ) -> bool:
        """Add a clip to a part's pool; of more than 16 the oldest goes unheard.

        Each hit takes the first whose `velocities`, softest and hardest, hold its own; if none does, the nearest.
        """
        return self._put(kernel.STOCK, samples, root_note, part, clip_id, velocities, keeps_length, loop_end)

    def clear_stock(self, part: int = 0) -> bool:
        """Forget a part's pool: its last sound sounds again."""
        return self._push(kernel.CLEAR_STOCK, part)

    def _put(
        self,
        kind: int,
        samples: np.ndarray,
        root_note: float,
        part: int,
        clip_id: int,
        velocities: tuple[int, int],
        keeps_length: bool,
        loop_end: int,
    ) -> bool:
        samples = np.nan_to_num(np.array(samples, dtype=np.float32, order="C"), posinf=0.0, neginf=0.0)
        if len(samples) == 0:
            samples = np.zeros((1, 2), np.float32)
        with self._clip_lock:
            used = self._used_slots()
            self._clips = {slot: clip for slot, clip in self._clips.items() if slot in used}
            slot = next((slot for slot in range(CLIP_SLOTS) if slot not in used), None)
            if slot is None:
                return False
            self._clips[slot] = samples
            end = min(loop_end or len(samples), len(samples))
            self._slots[slot] = samples.ctypes.data, len(samples), root_note, clip_id, *velocities, keeps_length, end
            return self._push(kind, part, slot)

    def _used_slots(self) -> set[int]:
        """Slots that may sound. A clip wanders from event to pool to part to voice: looked for in that order."""
        waiting = self._events[np.arange(self._bus["read"][0], self._written[0]) % EVENTS]
        used = set(waiting["first"][np.isin(waiting["kind"], (kernel.ARM, kernel.STOCK))].tolist())
        for part, stocked in enumerate(self._parts["stocked"].tolist()):
            used |= set(self._pools[part, :stocked].tolist())
        used |= set(self._parts["armed"].tolist()) | set(self._parts["last"].tolist())
        return used | set(self._voices["slot"][self._voices["stage"] != kernel.IDLE].tolist())

    # --- notes ------------------------------------------------------------------------------------------------------

    def play(self) -> bool:
        """The armed clip of the keys as it is: root pitch, full gain, no filter, no controllers."""
        return self._push(kernel.NOTE_ON, kernel.PREVIEW_PART, AS_IT_IS, 127)

    def note_on(self, note: int, velocity: int, part: int = 0) -> bool:
        """A key, or a pad whatever the note: pads play at their own pitch. Velocity 0 is a note-off.

        False when too many events wait and the note is lost.
        """
        if not velocity:
            return self.note_off(note, part)
        return self._push(kernel.NOTE_ON, part, note if part == 0 else AS_IT_IS, velocity, leave=RESERVED_EVENTS)

    def note_off(self, note: int, part: int = 0) -> bool:
        """Ends the note in gate and loop mode; a one-shot plays through. Never lost: if no room, every note ends."""
        return self._push(kernel.NOTE_OFF, part, note if part == 0 else AS_IT_IS)

    def pedal(self, down: bool, part: int = 0) -> bool:
        """Sustain: keys let go sound on while it is down."""
        return self._push(kernel.PEDAL, part, int(down))

    def notes_off(self, part: int) -> bool:
        """Lift every key and the pedal of a part, one-shots too: its sounds end with their release."""
        return self._push(kernel.NOTES_OFF, part)

    def sound_off(self, part: int) -> bool:
        """Fade a part out within 5 ms and lift its keys and pedal."""
        return self._push(kernel.SOUND_OFF, part)

    def panic(self) -> bool:
        """Fade everything out within 5 ms and lift all keys and pedals."""
        return self._push(kernel.SOUND_OFF, ALL_PARTS)

    # --- how a part sounds ------------------------------------------------------------------------------------------

    def set_shape(self, part: int, shape: Shape) -> None:
        """Give a part another shape; sounding voices follow within 15 ms without a click."""
        self._shapes[part] = shape_row(shape, self.rate_hz)

    def control(self, part: int, name: str, value: float) -> None:
        """Move a controller: bend and balance -1 to 1, wheel, pressure, volume and expression from 0 to 1 (gains)."""
        self._controls[part][name] = value

    def reset_controls(self, part: int) -> None:
        """As MIDI's controller 121 wants it: all but volume and balance go back to rest, and the pedal up."""
        volume, balance = self._controls[part]["volume"], self._controls[part]["balance"]
        self._controls[part] = (*_REST[:3], volume, _REST[4], balance)
        self.pedal(False, part)

    # --- what it tells ----------------------------------------------------------------------------------------------

    @property
    def voices(self) -> int:
        """Voices sounding, those fading out included."""
        return int(self._bus["voices"][0])

    @property
    def started(self) -> int:
        """Voices begun so far."""
        return int(self._bus["started"][0])

    @property
    def blocks(self) -> int:
        """Blocks processed so far."""
        return int(self._bus["blocks"][0])

    @property
    def dropped(self) -> int:
        """Notes lost because 16 others were still fading out within the same milliseconds."""
        return int(self._bus["dropped"][0])

    def take_hits(self) -> list[Hit]:
        """Which clips were hit since the last call, each once, in order; previews are not hits. One thread may ask."""
        count = int(self._bus["hits"][0])
        first, self._hits_taken = max(self._hits_taken, count - kernel.HITS), count
        rows = [self._hits[index % kernel.HITS] for index in range(first, count)]
        latest = {(int(row["part"]), int(row["id"])): int(row["stocked"]) for row in rows if row["part"] < PARTS}
        return [Hit(part, clip_id, stocked) for (part, clip_id), stocked in latest.items()]

    def take_peak(self) -> float:
        """Largest |sample| put out since the last call."""
        peak = float(self._bus["peak"][0])
        self._bus["peak"] = 0.0
        return peak

    def _push(self, kind: int, part: int, first: int = 0, second: int = 0, leave: int = 0) -> bool:
        with self._push_lock:  # among producers only: the callback never takes it
            written = int(self._written[0])
            if written - int(self._bus["read"][0]) >= EVENTS - leave:
                if kind in (kernel.NOTE_OFF, kernel.PEDAL, kernel.NOTES_OFF, kernel.SOUND_OFF):
                    self._bus["overflowed"] = 1
                return False
            self._events[written % EVENTS] = kind, part, first, second
            self._written[0] = written + 1
            return True


def shape_row(shape: Shape, rate_hz: float) -> tuple:
    """A shape as one row of `kernel.SHAPE`, the least fades enforced."""
    frames_per_ms = rate_hz / 1000
    opens = kernel.BRIGHTNESS_OCTAVES if shape.aftertouch_to == "brightness" else 0.0
    return (
        MODES.index(shape.mode),
        shape.voices,
        1 / (max(ATTACK_MS, shape.attack_ms) * frames_per_ms),
        -math.expm1(-math.log(1000) / (max(kernel.DECAY_MS, shape.decay_ms) * frames_per_ms)),
        shape.sustain,
        1 / (max(RELEASE_MS, shape.release_ms) * frames_per_ms),
        10 ** (shape.gain_db / 20),
        shape.pan,
        math.log2(shape.low_pass_hz),
        math.log2(shape.high_pass_hz),
        math.sqrt(2) * 10 ** (-shape.resonance * (24 + 3) / 20),  # a gain of Q at the cutoff: from -3 dB to 24 dB
        shape.glide_ms * frames_per_ms / kernel.TICK,
        shape.tune_semitones,
        math.nan if shape.root_note is None else shape.root_note,
        round(shape.loop_start * rate_hz / RATE_HZ),
        round(shape.loop_end * rate_hz / RATE_HZ),
        round(shape.crossfade_ms * frames_per_ms),
        2 * shape.velocity_to_level,  # 1 is the curve of DLS and SoundFont: 40 log10(v / 127) dB
        kernel.BRIGHTNESS_OCTAVES * shape.velocity_to_brightness,
        shape.bend_semitones,
        shape.vibrato_hz * kernel.TICK / rate_hz,
        shape.vibrato_cents / 100,
        opens,
        0.0 if opens else 1.0,
    )
