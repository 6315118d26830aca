"""Tempo from MIDI clock: 24 ticks a beat, each some milliseconds off."""

import math
from collections import deque

TICKS_A_BEAT = 24
KEPT_TICKS = 48  # two beats: 1 ms of jitter at 120 bpm leaves 0.06 bpm
GAP_RATIO = 2.5  # a pause that long, in ticks, begins anew
RESET_SECONDS = 0.5
STEP_BPM = 0.1  # smaller changes are not told


class MidiClock:
    """The line of least squares through the last two beats of ticks."""

    def __init__(self):
        self._times = deque[float](maxlen=KEPT_TICKS)
        self._told_bpm = 0.0

    def tick(self, time_s: float) -> float | None:
        """Take a tick; returns the tempo in bpm when, after a first beat, it differs from what was returned last."""
        if self._times:
            gap = time_s - self._times[-1]
            count = len(self._times)
            usual = (self._times[-1] - self._times[0]) / (count - 1) if count >= TICKS_A_BEAT else math.inf
            if gap > min(RESET_SECONDS, GAP_RATIO * max(usual, 1e-3)):
                self.reset()
        self._times.append(time_s)
        if len(self._times) <= TICKS_A_BEAT:
            return None
        bpm = 60 / (TICKS_A_BEAT * _slope(self._times))
        if abs(bpm - self._told_bpm) < STEP_BPM:
            return None
        self._told_bpm = bpm
        return bpm

    def reset(self) -> None:
        """Begin anew, as at a start or after a gap."""
        self._times.clear()
        self._told_bpm = 0.0


def _slope(times: deque[float]) -> float:
    """Seconds a tick, by least squares."""
    count = len(times)
    middle = (count - 1) / 2
    moment = sum((index - middle) * time_s for index, time_s in enumerate(times))
    return max(moment / (count * (count**2 - 1) / 12), 1e-6)
