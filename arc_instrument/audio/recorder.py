"""What the input hears: a ring that always runs, a level, and the recording cut out of it.

`Recorder.capture` is what the audio callback calls; it writes to arrays made beforehand and nothing else.
"""

import numpy as np
from numba import njit

MAX_SECONDS = 12.0
LATE_SECONDS = 1.0  # how late a recording may be cut out before the ring overwrites its beginning
PRE_ROLL_MS = 20.0
WINDOW_MS = 2.0
BELOW_PEAK_DB = -30.0
FLOOR_DBFS = -60.0

_RING = np.dtype([("written", "i8"), ("peak", "f8")], align=True)


class Recorder:
    """Records at most 12 s. `capture` belongs to the audio callback, the rest to one other thread."""

    def __init__(self, rate_hz: float):
        self.rate_hz = rate_hz
        self._max_frames = round(MAX_SECONDS * rate_hz)
        self._ring = np.zeros((self._max_frames + round(LATE_SECONDS * rate_hz), 2), np.float32)
        self._state = np.zeros(1, _RING)
        self._start: int | None = None

    def capture(self, block: np.ndarray) -> None:
        """Append float32 (frames, 1 or 2)."""
        _capture(block, self._ring, self._state)

    @property
    def recording(self) -> bool:
        return self._start is not None

    @property
    def seconds(self) -> float:
        """Length of the running recording, 0 without one."""
        return self._frames() / self.rate_hz

    @property
    def full(self) -> bool:
        """Whether the running recording has its 12 s."""
        return self._frames() == self._max_frames

    def start(self) -> None:
        self._start = int(self._state["written"][0])

    def stop(self) -> np.ndarray:
        """The recording without the silence at its beginning, float32 (frames, 2); empty if none was running."""
        frames = self._frames()
        if self._start is None:
            return np.zeros((0, 2), np.float32)
        samples = self._ring.take(np.arange(self._start, self._start + frames), axis=0, mode="wrap")
        self._start = None
        return samples[onset(samples, self.rate_hz) :]

    def take_peak(self) -> float:
        """Largest |sample| heard since the last call."""
        peak = float(self._state["peak"][0])
        self._state["peak"] = 0.0
        return peak

    def _frames(self) -> int:
        return 0 if self._start is None else min(int(self._state["written"][0]) - self._start, self._max_frames)


def onset(samples: np.ndarray, rate_hz: float) -> int:
    """First frame to keep: 20 ms before the level first comes within 30 dB of the loudest 2 ms; 0 for silence.

    A room's noise lies lower than that below any voice or beat; levels under -60 dBFS count as silence.
    """
    window = max(1, round(WINDOW_MS * rate_hz / 1000))
    loudest_side = (samples[: len(samples) // window * window].astype(np.float64) ** 2).max(axis=1)
    power = loudest_side.reshape(-1, window).mean(axis=1)
    if len(power) == 0 or power.max() <= 10 ** (FLOOR_DBFS / 10):
        return 0
    threshold = max(power.max() * 10 ** (BELOW_PEAK_DB / 10), 10 ** (FLOOR_DBFS / 10))
    return max(0, int(np.argmax(power >= threshold)) * window - round(PRE_ROLL_MS * rate_hz / 1000))


@njit(cache=True)
def _capture(block, ring, state):
    written, loudest, right = state[0].written, state[0].peak, block.shape[1] - 1
    at = written % len(ring)
    for i in range(len(block)):
        ring[at, 0], ring[at, 1] = block[i, 0], block[i, right]
        loudest = max(loudest, abs(block[i, 0]), abs(block[i, right]))
        at = at + 1 if at + 1 < len(ring) else 0
    state[0].written, state[0].peak = written + len(block), loudest
