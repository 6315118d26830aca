"""Metronome and count-in: clicks mixed into the output at exact frames, an accent on each one.

`Metronome.process` belongs to the audio callback; it renders from arrays made beforehand, into the block it is given.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from arc_instrument.audio.overlay import add_wave

CLICK_MS = 30.0
CLICK_HZ, ACCENT_HZ = 1_000.0, 1_500.0
CLICK_LEVEL, ACCENT_LEVEL = 10 ** (-15 / 20), 10 ** (-9 / 20)  # -15 and -9 dBFS

_CLICKS = np.dtype(
    [
        ("running", "i4"),
        ("beats_per_bar", "i4"),
        ("downbeat", "i8"),  # frame of beat 0
        ("first", "i8"),  # beat; negative in the count-in
        ("end", "i8"),  # the beat that does not sound any more
        ("bpm", "f8"),
    ],
    align=True,
)
_ENDLESS = 2**40


@dataclass(frozen=True)
class Beat:
    """Tempo and bar; `count_in_beats` sound before the downbeat, 0 for none."""

    bpm: float = 120.0
    beats_per_bar: int = 4
    count_in_beats: int = 4

    def frames(self, beats: int, rate_hz: float) -> int:
        """Length of so many beats, to the nearest frame: rounded as a whole, so that no error adds up."""
        return round(beats * 60.0 / self.bpm * rate_hz)


class Metronome:
    """Clicks around a downbeat. `process` belongs to the audio callback, the rest to any other thread."""

    def __init__(self, rate_hz: float):
        self.rate_hz = float(rate_hz)  # an int would be another signature, compiled in the callback
        self._clicks = np.zeros(1, _CLICKS)
        self._accent = _click(ACCENT_HZ, ACCENT_LEVEL, rate_hz)
        self._click = _click(CLICK_HZ, CLICK_LEVEL, rate_hz)
        self._beat, self._downbeat = Beat(), 0

    def start(self, frame: int, beat: Beat, keep_on: bool) -> int:
        """Count in from `frame`; returns the frame of the downbeat after it. `keep_on`: clicks go on until `stop`.

        The accents lie on the downbeat and whole bars before and after it.
        """
        downbeat = frame + beat.frames(beat.count_in_beats, self.rate_hz)
        self._beat, self._downbeat = beat, downbeat
        end = _ENDLESS if keep_on else 0
        # One assignment of a whole record: the callback, which needs the GIL too, sees all of it or nothing.
        self._clicks[0] = (1, beat.beats_per_bar, downbeat, -beat.count_in_beats, end, beat.bpm)
        return downbeat

    def stop(self) -> None:
        """No further click; one that sounds is cut where it is, at most 30 ms long."""
        self._clicks["running"] = 0

    def count_in_beat(self, frame: int) -> int:
        """Which beat of the count-in sounds at `frame`, from 1; 0 outside of it."""
        if not self._clicks["running"][0] or frame >= self._downbeat:
            return 0
        beat_frames = 60.0 / self._beat.bpm * self.rate_hz
        return max(0, self._beat.count_in_beats + int((frame - self._downbeat) // beat_frames) + 1)

    def process(self, out: np.ndarray, frame: int) -> None:
        """Add the clicks of float32 (frames, 2) that begins at `frame`."""
        _process(out, frame, self._clicks, self._accent, self._click, self.rate_hz)


def _click(hz: float, level: float, rate_hz: float) -> np.ndarray:
    """A decaying cosine: it is loudest at its first sample, which is the beat."""
    t = np.arange(round(CLICK_MS * rate_hz / 1000)) / rate_hz
    fade = np.exp(-150 * t) * np.cos(np.pi / 2 * t / (CLICK_MS / 1000)) ** 2
    return (level * fade * np.cos(2 * np.pi * hz * t)).astype(np.float32)


@njit(cache=True)
def _process(out, frame, clicks, accent, click, rate_hz):
    state = clicks[0]
    if state.running == 0:
        return
    beat_frames = 60.0 / state.bpm * rate_hz
    earliest = int(np.floor((frame - len(click) - state.downbeat) / beat_frames)) - 1
    latest = int(np.ceil((frame + len(out) - state.downbeat) / beat_frames)) + 1
    for beat in range(max(earliest, state.first), min(latest, state.end)):
        at = state.downbeat + round(beat * 60.0 / state.bpm * rate_hz) - frame
        add_wave(out, accent if beat % state.beats_per_bar == 0 else click, at)
