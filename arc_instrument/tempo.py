"""When a sound's events begin, and how fast they follow each other.

Onsets are peaks of the spectral flux (Bello et al. 2005); the tempo is the beat whose multiples the flux repeats after.
Shapes: f frames, k bins.
"""

import math
from dataclasses import dataclass

import numpy as np

WINDOW_SECONDS, HOP_SECONDS = 0.023, 0.0058
SLOWEST_BPM, FASTEST_BPM, BPM_STEP = 40.0, 240.0, 0.1
COMMON_BPM, PRIOR_OCTAVES, ASKED_OCTAVES = 120.0, 0.9, 0.4  # where octaves are in doubt: common, or near the asked one
MULTIPLES = 8  # of the beat, at which the flux must repeat
REGULAR = 0.25  # correlation at those; below it nothing repeats
FEWEST_ONSETS = 3
APART_SECONDS = 0.05
HEIGHT = 0.12  # of the highest flux; lower peaks are texture


@dataclass(frozen=True)
class Rhythm:
    """`onsets` in frames of the sound; `bpm` None where nothing repeats regularly."""

    onsets: tuple[int, ...]
    bpm: float | None


def rhythm_of(mono: np.ndarray, rate_hz: int, asked_bpm: float | None = None) -> Rhythm:
    """Onsets and tempo of `mono` (n,). Where half and double the tempo fit too, the one nearest to the asked counts."""
    flux, hop = _flux(mono, rate_hz)
    onsets = _onsets(mono, flux, hop, rate_hz)
    bpm = _tempo(flux, rate_hz / hop, asked_bpm) if len(onsets) >= FEWEST_ONSETS else None
    return Rhythm(onsets, bpm)


def _flux(mono: np.ndarray, rate_hz: int) -> tuple[np.ndarray, int]:
    """How much the logarithmic spectrum rises at each hop, and the hop in samples."""
    window, hop = 1 << round(math.log2(WINDOW_SECONDS * rate_hz)), max(1, round(HOP_SECONDS * rate_hz))
    padded = np.pad(mono, (window, window))  # a sound that begins at once has an onset too
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    level_fk = np.log1p(1_000 * np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32))) / window)
    return np.maximum(np.diff(level_fk, axis=0), 0).mean(1), hop


def _onsets(mono: np.ndarray, flux: np.ndarray, hop: int, rate_hz: int) -> tuple[int, ...]:
    if not flux.max(initial=0) > 1e-3:
        return ()
    reach = max(1, round(APART_SECONDS * rate_hz / hop))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flux, reach), 2 * reach + 1)
    is_peak = (flux == around.max(1)) & (flux > HEIGHT * flux.max()) & (flux > 2 * np.median(around, axis=1))
    found: list[int] = []
    for frame in np.flatnonzero(is_peak).tolist():
        at = _steepest(mono, frame * hop, rate_hz)
        if not found or at - found[-1] >= APART_SECONDS * rate_hz:
            found.append(at)
    return tuple(found)


def _steepest(mono: np.ndarray, near: int, rate_hz: int) -> int:
    """The sample from which the level rises most within some 20 ms: `near` is only good to a window."""
    step = max(1, rate_hz // 1_000)
    start = max(0, near - 24 * step)
    piece = np.abs(np.pad(mono, (8 * step, 0))[start : start + 40 * step])  # starts 8 ms before `start`
    level = piece[: len(piece) // step * step].reshape(-1, step).max(1, initial=0)
    if len(level) < 2:
        return min(near, max(0, len(mono) - 1))
    rise = np.diff(level)
    return min(max(0, start - 8 * step + (int(rise.argmax()) + 1) * step), len(mono) - 1)


def _tempo(flux: np.ndarray, frames_per_second: float, asked_bpm: float | None) -> float | None:
    smooth = np.convolve(flux - flux.mean(), np.hanning(9), mode="same")
    size = 1 << (2 * len(smooth)).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(smooth, size)) ** 2)[: len(smooth)]
    overlap = len(smooth) - np.arange(len(smooth))
    correlation = correlation / correlation[0] * len(smooth) / overlap
    usable = 0.8 * len(smooth)  # where less overlaps, chance decides
    bpm = np.arange(SLOWEST_BPM, FASTEST_BPM, BPM_STEP)
    lags = 60 * frames_per_second / bpm[:, None] * np.arange(1, MULTIPLES + 1)
    values = np.where(lags < usable, np.interp(lags, np.arange(len(smooth)), correlation), 0.0)
    counts = (lags < usable).sum(1)
    regularity = np.divide(values.sum(1), counts, out=np.zeros(len(bpm)), where=counts > 0)
    centre, octaves = (asked_bpm, ASKED_OCTAVES) if asked_bpm else (COMMON_BPM, PRIOR_OCTAVES)
    best = int((regularity * np.exp(-0.5 * (np.log2(bpm / centre) / octaves) ** 2)).argmax())
    near = np.flatnonzero(np.abs(bpm / bpm[best] - 1) < 0.03)
    best = int(near[regularity[near].argmax()])  # the prior chooses the octave, not the figure
    return round(float(bpm[best]), 1) if regularity[best] > REGULAR else None
