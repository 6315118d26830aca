"""Monitor: the input on the output, off by default, faded on and off, and muted when it howls.

A microphone that hears its own loudspeaker feeds back. Monitoring is for headphones; where the guard finds the input
at full level for half a second on end, which no voice keeps up, it mutes and says so.
"""

import numpy as np
from numba import njit

from arc_instrument.audio.overlay import sum_below_ceiling

FADE_MS = 10.0
HOWL_LEVEL = 10 ** (-3 / 20)  # -3 dBFS of the monitored signal
HOWL_SECONDS = 0.5
HOLD_MS = 25.0  # half a period of 20 Hz: what lies between two peaks counts as loud

_MONITOR = np.dtype([("gain", "f8"), ("wanted", "f8"), ("quiet", "i8"), ("loud", "i8"), ("howled", "i4")], align=True)


class Monitor:
    """`process` belongs to the audio callback, the rest to any other thread."""

    def __init__(self, rate_hz: float):
        self._state = np.zeros(1, _MONITOR)
        self._step = 1000 / (FADE_MS * rate_hz)
        self._hold_frames, self._howl_frames = round(HOLD_MS * rate_hz / 1000), round(HOWL_SECONDS * rate_hz)

    def set_gain(self, gain: float) -> None:
        """Hear the input with this gain (linear, 0 is off), faded from the gain before within 10 ms."""
        self._state["wanted"] = gain

    def take_howl(self) -> bool:
        """Whether the guard muted the monitor since the last call."""
        howled = bool(self._state["howled"][0])
        self._state["howled"] = 0
        return howled

    def process(self, block: np.ndarray, out: np.ndarray) -> None:
        """Add the input, float32 (frames, 1 or 2), to float32 (frames, 2)."""
        _process(block, out, self._state, self._step, self._hold_frames, self._howl_frames)


@njit(cache=True)
def _process(block, out, monitor, step, hold_frames, howl_frames):
    state = monitor[0]
    gain, wanted, quiet, loud = state.gain, state.wanted, state.quiet, state.loud
    right = block.shape[1] - 1
    for i in range(len(block)):
        gain = min(gain + step, wanted) if gain < wanted else max(gain - step, wanted)
        if gain == 0.0:
            quiet = loud = 0
            continue
        out[i, 0] = sum_below_ceiling(out[i, 0], gain * block[i, 0])
        out[i, 1] = sum_below_ceiling(out[i, 1], gain * block[i, right])
        quiet = 0 if gain * max(abs(block[i, 0]), abs(block[i, right])) >= HOWL_LEVEL else quiet + 1
        loud = loud + 1 if quiet < hold_frames else 0
        if loud >= howl_frames:
            state.wanted, state.howled = 0.0, 1
            wanted, loud = 0.0, 0
    state.gain, state.quiet, state.loud = gain, quiet, loud
