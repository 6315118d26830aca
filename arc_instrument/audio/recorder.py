"""What the input hears: a ring that always runs, a level, and the recordings cut out of it.

`Recorder.capture` is what the audio callback calls; it writes to arrays made beforehand and nothing else.
Frames are counted from the opening of the stream; the callback's output block begins at the same count as its input
block, so that a click put out at frame n comes back at n + the round trip.
"""

import numpy as np
from numba import njit

from arc_instrument.domain import MAX_RECORDING_SECONDS

LATE_SECONDS = 1.0  # how late a recording may be cut out before the ring overwrites its beginning
PRE_ROLL_MS = 20.0
POST_ROLL_MS = 100.0
WINDOW_MS = 2.0
BELOW_PEAK_DB = -30.0
TAIL_BELOW_PEAK_DB = -45.0  # what decays is part of the sound, so its end is sought 15 dB lower than its onset
FLOOR_DBFS = -60.0
ROOM_QUANTILE = 0.1  # the quietest tenth of a recording is the room
ABOVE_ROOM_DB = 6.0

_RING = np.dtype([("written", "i8"), ("block", "i8"), ("peak", "f8")], align=True)


class Recorder:
    """Records at most 12 s. `capture` belongs to the audio callback, the rest to any other thread, one at a time."""

    def __init__(self, rate_hz: float):
        self.rate_hz = rate_hz
        self._max_frames = round(MAX_RECORDING_SECONDS * rate_hz)
        self._ring = np.zeros((self._max_frames + round(LATE_SECONDS * rate_hz), 2), np.float32)
        self._state = np.zeros(1, _RING)
        self._start: int | None = None
        self._wanted_frames = self._max_frames
        self._is_aligned = False

    def capture(self, block: np.ndarray) -> None:
        """Append float32 (frames, 1 or 2)."""
        _capture(block, self._ring, self._state)

    @property
    def written(self) -> int:
        """Frames heard since the stream opened: the clock that metronome and calibration go by."""
        return int(self._state["written"][0])

    @property
    def block_frames(self) -> int:
        """Length of the last block."""
        return int(self._state["block"][0])

    @property
    def recording(self) -> bool:
        """Whether a recording runs, or waits for its first frame."""
        return self._start is not None

    @property
    def start_frame(self) -> int | None:
        """The first frame of the running recording, in the future during a count-in."""
        return self._start

    @property
    def seconds(self) -> float:
        """Length of the running recording, 0 without one."""
        return self._frames(self._start) / self.rate_hz

    @property
    def full(self) -> bool:
        """Whether the running recording has its 12 s, or the length it was started for."""
        start = self._start  # read once: another thread may end the recording meanwhile
        return start is not None and self._frames(start) == self._wanted_frames

    def start(self) -> None:
        """Record from now on; the silence before the onset will be cut off."""
        self._begin(self.written, self._max_frames, is_aligned=False)

    def start_at(self, frame: int, frames: int | None = None) -> None:
        """Record from exactly `frame` on, now or later, `frames` of them if given; nothing will be cut off."""
        wanted = self._max_frames if frames is None else min(max(frames, 1), self._max_frames)
        self._begin(max(frame, 0), wanted, is_aligned=True)

    def stop(self) -> np.ndarray:
        """The recording, float32 (frames, 2), without the silence before its onset unless its start was exact.

        Empty if none was running, or if its first frame had not come yet.
        """
        start = self._start
        frames = self._frames(start)
        self._start = None
        if start is None:
            return np.zeros((0, 2), np.float32)
        samples = self.read(start, start + frames)
        return samples if self._is_aligned else samples[onset(samples, self.rate_hz) :]

    def keep_last(self) -> np.ndarray:
        """The sound within the last 12 s, without the silence around it, float32 (frames, 2); empty if all is silent.

        Retroactive: it needs no start, and leaves a running recording alone.
        """
        end = self.written
        samples = self.read(end - self._max_frames, end)
        first, last = sounding(samples, self.rate_hz)
        return samples[first:last]

    def read(self, first: int, last: int) -> np.ndarray:
        """The frames from `first` up to `last` that were heard and are still in the ring, float32 (frames, 2).

        A sample that is no number is silent: no file could keep it, and one would cost the whole recording.
        """
        written = self.written
        last = min(last, written)
        first = min(max(first, 0, written - len(self._ring)), last)
        heard = self._ring.take(np.arange(first, last), axis=0, mode="wrap")
        return np.nan_to_num(heard, copy=False, posinf=0.0, neginf=0.0)

    def take_peak(self) -> float:
        """Largest |sample| heard since the last call."""
        peak = float(self._state["peak"][0])
        self._state["peak"] = 0.0
        return peak

    def _begin(self, start: int, wanted_frames: int, is_aligned: bool) -> None:
        self._wanted_frames, self._is_aligned = wanted_frames, is_aligned
        self._start = start

    def _frames(self, start: int | None) -> int:
        return 0 if start is None else min(max(self.written - start, 0), self._wanted_frames)


def onset(samples: np.ndarray, rate_hz: float) -> int:
    """First frame to keep: 20 ms before the level first comes within 30 dB of the loudest 2 ms; 0 for silence.

    Where the room is louder than that, 6 dB above the room instead; levels under -60 dBFS count as silence.
    """
    power, window = _power(samples, rate_hz)
    threshold = _threshold(power, BELOW_PEAK_DB)
    if threshold is None:
        return 0
    return max(0, int(np.argmax(power >= threshold)) * window - round(PRE_ROLL_MS * rate_hz / 1000))


def sounding(samples: np.ndarray, rate_hz: float) -> tuple[int, int]:
    """First frame to keep and the one after the last, by level: from the `onset` to 100 ms after the decay is over.

    The decay is over 45 dB below the loudest 2 ms, or 6 dB above the room; (0, 0) for silence.
    """
    power, window = _power(samples, rate_hz)
    threshold = _threshold(power, TAIL_BELOW_PEAK_DB)
    if threshold is None:
        return 0, 0
    last = (len(power) - int(np.argmax(power[::-1] >= threshold))) * window
    return onset(samples, rate_hz), min(len(samples), last + round(POST_ROLL_MS * rate_hz / 1000))


def _power(samples: np.ndarray, rate_hz: float) -> tuple[np.ndarray, int]:
    """Mean square of each 2 ms, of the louder side, and the frames in 2 ms."""
    window = max(1, round(WINDOW_MS * rate_hz / 1000))
    loudest_side = (samples[: len(samples) // window * window].astype(np.float64) ** 2).max(axis=1)
    return loudest_side.reshape(-1, window).mean(axis=1), window


def _threshold(power: np.ndarray, below_peak_db: float) -> float | None:
    """The level that parts sound from room, None if all is silence.

    A sound that fills the recording has no room in it: 20 dB below the peak is the highest that the level may go.
    """
    floor = 10 ** (FLOOR_DBFS / 10)
    if len(power) == 0 or power.max() <= floor:
        return None
    room = float(np.quantile(power, ROOM_QUANTILE)) * 10 ** (ABOVE_ROOM_DB / 10)
    room = min(room, float(power.max()) * 10 ** (-20 / 10))
    return max(float(power.max()) * 10 ** (below_peak_db / 10), room, floor)


@njit(cache=True)
def _capture(block, ring, state):
    written, loudest, right = state[0].written, state[0].peak, block.shape[1] - 1
    at = written % len(ring)
    for i in range(len(block)):
        ring[at, 0], ring[at, 1] = block[i, 0], block[i, right]
        loudest = max(loudest, abs(block[i, 0]), abs(block[i, right]))
        at = at + 1 if at + 1 < len(ring) else 0
    state[0].written, state[0].block, state[0].peak = written + len(block), len(block), loudest
