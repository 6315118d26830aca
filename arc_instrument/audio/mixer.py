"""Voices that play the armed clip, and the bus they meet on: fades, pitch, limiter.

`Mixer.process` is what the audio callback calls. It works on arrays made beforehand: no allocation, lock, log or file.
Other threads only append to the event ring and swap one tuple of clips.
"""

import threading

import numpy as np
from numba import njit

MAX_VOICES = 32
ROWS = 48  # the rows above MAX_VOICES let stolen and retriggered voices fade out
CLIP_SLOTS = 8  # clips that may sound at once: the armed one and older ones still ringing
EVENTS = 1024

ATTACK_MS = 3.0
RELEASE_MS = 5.0
CEILING = 10 ** (-1 / 20)  # -1 dBFS
KNEE = 10 ** (-3 / 20)  # below it the limiter does nothing
LIMITER_RELEASE_MS = 80.0
PREVIEW = -1  # the note of `play`, no key's

_IDLE, _SOUNDING, _RELEASING = 0, 1, 2
_NOTE_ON, _NOTE_OFF, _PANIC, _PEDAL, _GATE, _ARM, _FREE_CLIP = range(7)

_VOICE = np.dtype(
    [
        ("stage", "i4"),
        ("note", "i4"),
        ("clip", "i4"),
        ("lifted", "i4"),  # key let go while the pedal holds it
        ("serial", "i8"),
        ("position", "f8"),  # frames into the clip
        ("increment", "f8"),  # clip frames per output frame
        ("gain", "f8"),
        ("fade", "f8"),  # 0 silent … 1 full, on a raised cosine
    ],
    align=True,
)
_BUS = np.dtype(
    [
        ("read", "i8"),  # events taken
        ("blocks", "i8"),
        ("started", "i8"),  # voices begun
        ("dropped", "i8"),  # notes that found no row
        ("armed", "i4"),  # clip slot, -1 for none
        ("root", "i4"),
        ("gate", "i4"),
        ("pedal", "i4"),
        ("voices", "i4"),
        ("limiter_gain", "f8"),
        ("peak", "f8"),
    ],
    align=True,
)


class Mixer:
    """Plays one armed clip on up to 32 voices.

    `process` belongs to the audio callback; every other method to any other thread, and none of them waits for audio.
    """

    def __init__(self, rate_hz: float):
        self.rate_hz = rate_hz
        self._voices = np.zeros(ROWS, _VOICE)
        self._bus = np.zeros(1, _BUS)
        self._bus["armed"], self._bus["root"], self._bus["limiter_gain"] = -1, 60, 1.0
        self._events = np.zeros((EVENTS, 3), np.int32)
        self._written = np.zeros(1, np.int64)
        self._push_lock = threading.Lock()
        silence = np.zeros((1, 2), np.float32)
        self._clips = (silence,) * CLIP_SLOTS
        self._retired = self._clips  # keeps the last swapped-out clip alive until no callback can hold it
        self._armed_slot = -1
        self._fade_steps = (1000 / (ATTACK_MS * rate_hz), 1000 / (RELEASE_MS * rate_hz))
        self._limiter_step = -np.expm1(-1000 / (LIMITER_RELEASE_MS * rate_hz))

    def process(self, out: np.ndarray) -> None:
        """Fill float32 (frames, 2), any number of frames."""
        limit = self._written[0]  # before the clips: every arming below the limit then finds its clip in the tuple
        _process(out, self._clips, self._voices, self._bus, self._events, limit, *self._fade_steps, self._limiter_step)

    def arm(self, samples: np.ndarray, root_note: int = 60) -> bool:
        """Make float32 (frames, 2) at the mixer's rate the sound of the next hit; sounding voices keep theirs.

        False when every slot still sounds: the oldest is then faded out, and a call some milliseconds later succeeds.
        """
        samples = np.nan_to_num(np.array(samples, dtype=np.float32, order="C"), posinf=0.0, neginf=0.0)
        order = [(self._armed_slot + 1 + step) % CLIP_SLOTS for step in range(CLIP_SLOTS - 1)]
        in_use = set(self._voices["clip"][self._voices["stage"] != _IDLE].tolist())
        slot = next((slot for slot in order if slot not in in_use), None)
        if slot is None:
            self._push(_FREE_CLIP, order[0], 0)
            return False
        self._retired = self._clips
        self._clips = (*self._clips[:slot], samples, *self._clips[slot + 1 :])
        self._armed_slot = slot
        return self._push(_ARM, slot, root_note)

    def play(self) -> bool:
        """The armed clip as it is: root pitch, full gain."""
        return self._push(_NOTE_ON, PREVIEW, 127)

    def note_on(self, note: int, velocity: int) -> bool:
        """A key. Velocity 0 is a note-off. False when the ring is full and the note is lost."""
        return self._push(_NOTE_ON, note, velocity) if velocity else self.note_off(note)

    def note_off(self, note: int) -> bool:
        """Ends the note in gate mode; a one-shot plays through."""
        return self._push(_NOTE_OFF, note, 0)

    def pedal(self, down: bool) -> bool:
        """Sustain, MIDI controller 64: in gate mode keys let go sound on while it is down."""
        return self._push(_PEDAL, int(down), 0)

    def set_gate(self, gate: bool) -> bool:
        """Whether a note-off ends its note (gate) or not (one-shot, the default)."""
        return self._push(_GATE, int(gate), 0)

    def panic(self) -> bool:
        """Fade everything out at once."""
        return self._push(_PANIC, 0, 0)

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

    def take_peak(self) -> float:
        """Largest |sample| put out since the last call."""
        peak = float(self._bus["peak"][0])
        self._bus["peak"] = 0.0
        return peak

    def _push(self, kind: int, first: int, second: int) -> bool:
        with self._push_lock:  # among producers only: the callback never takes it
            written = int(self._written[0])
            if written - int(self._bus["read"][0]) >= EVENTS:
                return False
            self._events[written % EVENTS] = kind, first, second
            self._written[0] = written + 1
            return True


@njit(cache=True)
def _process(out, clips, voices, bus, events, limit, attack_step, release_step, limiter_step):
    state = bus[0]
    while state.read < limit:
        event = events[state.read % EVENTS]
        _apply(event[0], event[1], event[2], voices, state)
        state.read += 1
    out[:] = 0.0
    sounding = 0
    for row in range(ROWS):
        if voices[row].stage != _IDLE:
            _render(out, clips[voices[row].clip], voices[row], attack_step, release_step)
            sounding += 1
    state.voices = sounding
    _limit(out, state, limiter_step)
    state.blocks += 1


@njit(cache=True)
def _apply(kind, first, second, voices, state):
    if kind == _NOTE_ON:
        _start(first, second, voices, state)
    elif kind == _ARM:
        state.armed, state.root = first, second
    elif kind == _GATE:
        state.gate = first
    elif kind == _PEDAL:
        state.pedal = first
        for voice in voices:
            if first == 0 and voice.lifted and voice.stage == _SOUNDING:
                voice.stage = _RELEASING
    elif kind == _NOTE_OFF:
        for voice in voices:
            if state.gate and voice.note == first and voice.stage == _SOUNDING:
                if state.pedal:
                    voice.lifted = 1
                else:
                    voice.stage = _RELEASING
    else:  # panic, or a clip whose slot is wanted
        for voice in voices:
            if voice.stage == _SOUNDING and (kind == _PANIC or voice.clip == first):
                voice.stage = _RELEASING
        if kind == _PANIC:
            state.pedal = 0


@njit(cache=True)
def _start(note, velocity, voices, state):
    """Begin a voice: the same note fades out first (retrigger), the oldest one if all 32 sound (steal)."""
    if state.armed < 0:
        return
    free, oldest, sounding = -1, -1, 0
    for row in range(ROWS):
        voice = voices[row]
        if voice.stage == _SOUNDING and voice.note == note:
            voice.stage = _RELEASING
        if voice.stage == _IDLE:
            free = row
        elif voice.stage == _SOUNDING:
            sounding += 1
            if oldest < 0 or voice.serial < voices[oldest].serial:
                oldest = row
    if free < 0:
        state.dropped += 1
        return
    if sounding >= MAX_VOICES:
        voices[oldest].stage = _RELEASING
    state.started += 1
    voice = voices[free]
    voice.stage, voice.note, voice.clip, voice.lifted = _SOUNDING, note, state.armed, 0
    voice.serial, voice.position, voice.fade = state.started, 0.0, 0.0
    voice.increment = 1.0 if note == PREVIEW else 2.0 ** ((note - state.root) / 12.0)
    voice.gain = (velocity / 127.0) ** 2  # the curve of DLS and SoundFont: 40 log10(v / 127) dB


@njit(cache=True)
def _render(out, clip, voice, attack_step, release_step):
    """Add one voice, by Catmull-Rom interpolation between four frames; silence surrounds the clip."""
    frames = len(clip)
    position, increment, fade, stage = voice.position, voice.increment, voice.fade, voice.stage
    fade_out_at = frames - increment / release_step
    for i in range(len(out)):
        if stage == _SOUNDING and position >= fade_out_at:
            stage = _RELEASING
        fade = min(1.0, fade + attack_step) if stage == _SOUNDING else fade - release_step
        if fade <= 0.0 or position >= frames:
            stage = _IDLE
            break
        level = voice.gain if fade == 1.0 else voice.gain * (0.5 - 0.5 * np.cos(np.pi * fade))
        k = int(position)
        x = position - k
        for side in range(2):
            before = clip[k - 1, side] if k > 0 else 0.0
            here = clip[k, side]
            after = clip[k + 1, side] if k + 1 < frames else 0.0
            beyond = clip[k + 2, side] if k + 2 < frames else 0.0
            slope = 0.5 * (after - before)
            square = before - 2.5 * here + 2.0 * after - 0.5 * beyond
            cube = 0.5 * (beyond - before) + 1.5 * (here - after)
            out[i, side] += level * (((cube * x + square) * x + slope) * x + here)
        position += increment
    voice.position, voice.fade, voice.stage = position, fade, stage


@njit(cache=True)
def _limit(out, state, release_step):
    """Soft knee from -3 dBFS, never above -1 dBFS; the gain falls at once for both sides and recovers in 80 ms."""
    gain, loudest = state.limiter_gain, state.peak
    for i in range(len(out)):
        peak = max(abs(out[i, 0]), abs(out[i, 1]))
        gain += (1.0 - gain) * release_step
        if gain > 0.999999:
            gain = 1.0
        if peak * gain > KNEE:
            allowed = KNEE + (CEILING - KNEE) * np.tanh((peak - KNEE) / (CEILING - KNEE))
            gain = min(gain, allowed / peak)
        for side in range(2):
            out[i, side] = min(CEILING, max(-CEILING, out[i, side] * gain))
        loudest = max(loudest, peak * gain)
    state.limiter_gain, state.peak = gain, loudest
