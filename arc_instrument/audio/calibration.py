"""Round-trip calibration: a short sweep goes out, comes back, and cross-correlation tells how much later.

`Probe.process` belongs to the audio callback; `round_trip_frames` is a pure function for any other thread.
"""

import numpy as np
from numba import njit

from arc_instrument.audio.overlay import add_wave

MAX_ROUND_TRIP_MS = 600.0
SWEEP_MS = 150.0
SWEEP_HZ = (300.0, 6_000.0)  # what laptop loudspeakers and microphones carry
SWEEP_LEVEL = 10 ** (-12 / 20)  # -12 dBFS
MIN_PEAK_TO_RMS = 12.0
"""Of the correlation, at 8, 44.1 and 96 kHz: noise alone reaches 3.0 to 5.5 (300 trials), the sweep in noise as strong
as itself gives 32 or more (90 trials)."""


def sweep(rate_hz: float) -> np.ndarray:
    """The probe, float32 (frames,): a linear sweep under a Hann window, whose correlation with itself is one peak."""
    t = np.arange(round(SWEEP_MS * rate_hz / 1000)) / rate_hz
    low, high = SWEEP_HZ[0], min(SWEEP_HZ[1], 0.4 * rate_hz)
    phase = 2 * np.pi * (low * t + (high - low) * t**2 * 1000 / (2 * SWEEP_MS))
    return (SWEEP_LEVEL * np.hanning(len(t)) * np.sin(phase)).astype(np.float32)


def listening_frames(rate_hz: float) -> int:
    """How much to record from the probe's first frame on: the probe, and the longest round trip."""
    return round((SWEEP_MS + MAX_ROUND_TRIP_MS) * rate_hz / 1000)


def round_trip_frames(heard: np.ndarray, rate_hz: float) -> int | None:
    """How many frames after its start the sweep begins in `heard`, float32 (frames, 2); None if it is not in there.

    The side that hears it better decides; polarity does not matter.
    """
    probe = sweep(rate_hz).astype(np.float64)
    lags = len(heard) - len(probe) + 1
    if lags < 1:
        return None
    size = 1 << (len(heard) + len(probe)).bit_length()
    spectrum = np.conj(np.fft.rfft(probe, size))
    best, round_trip = MIN_PEAK_TO_RMS, None
    for side in range(heard.shape[1]):
        correlation = np.abs(np.fft.irfft(spectrum * np.fft.rfft(heard[:, side].astype(np.float64), size))[:lags])
        rms = float(np.sqrt(np.median(correlation**2) / 0.455))  # of the noise: the median of a squared normal is 0.455
        peak = int(correlation.argmax())
        if correlation[peak] > best * max(rms, 1e-9):
            best, round_trip = float(correlation[peak]) / max(rms, 1e-9), peak
    return round_trip


class Probe:
    """Plays the sweep once, at an exact frame. `process` belongs to the audio callback."""

    def __init__(self, rate_hz: float):
        self._wave = sweep(rate_hz)
        self._start = np.full(1, -len(self._wave) - 1, np.int64)

    def start(self, frame: int) -> None:
        """Put the sweep out from `frame` on."""
        self._start[0] = frame

    def process(self, out: np.ndarray, frame: int) -> None:
        """Add what of the sweep falls into float32 (frames, 2) that begins at `frame`."""
        _process(out, frame, self._wave, self._start)


@njit(cache=True)
def _process(out, frame, wave, start):
    at = start[0] - frame
    if at + len(wave) > 0 and at < len(out):
        add_wave(out, wave, at)
