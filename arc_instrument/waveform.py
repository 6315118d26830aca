"""What a waveform picture needs of a sound: minima and maxima per column, and where it may be cut."""

import numpy as np

PEAK_COLUMNS = 800
CARD_COLUMNS = 64  # as many as a small picture shows: 20,000 takes then hold 10 MB, not 128
SILENT = 0.01  # peak, −40 dBFS: not magnified further, so that silence looks silent


def peaks(samples: np.ndarray, columns: int = PEAK_COLUMNS) -> np.ndarray:
    """Minima and maxima over both channels of `samples` (frames, 2): float32 (columns, 2).

    Every frame belongs to exactly one column; with fewer frames than columns there is one column per frame.
    """
    frames, channels = samples.shape
    columns = min(columns, frames)
    if columns == 0:
        return np.zeros((0, 2), np.float32)
    starts = channels * (np.arange(columns) * frames // columns)
    values = samples.reshape(-1)  # a minimum over an axis of two takes 5 ms for 3 s, over columns of them all 0.1 ms
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return np.stack([low, high], axis=1).astype(np.float32)


def fewer(peaks: np.ndarray, columns: int = CARD_COLUMNS) -> np.ndarray:
    """`peaks` joined to at most `columns`; every extreme is kept."""
    if len(peaks) <= columns:
        return peaks
    starts = np.arange(columns) * len(peaks) // columns
    low, high = np.minimum.reduceat(peaks[:, 0], starts), np.maximum.reduceat(peaks[:, 1], starts)
    return np.stack([low, high], axis=1).astype(np.float32)


def normalised(peaks: np.ndarray) -> np.ndarray:
    """`peaks` with the loudest at full scale, for small pictures that tell sounds apart rather than their level."""
    return peaks / max(float(np.abs(peaks).max(initial=0.0)), SILENT)


def nearest_zero_crossing(samples: np.ndarray, frame: int, within: int) -> int:
    """The frame nearest to `frame`, at most `within` away, before which both channels' mean changes sign.

    A cut there does not click. `frame` itself where there is none, and at either end of `samples` (frames, 2).
    """
    first = max(1, frame - within)
    last = min(len(samples) - 1, frame + within)
    if frame <= 0 or frame >= len(samples) or last < first:
        return frame
    is_positive = samples[first - 1 : last + 1].mean(axis=1) >= 0
    crossings = first + np.flatnonzero(is_positive[1:] != is_positive[:-1])
    return int(crossings[np.argmin(np.abs(crossings - frame))]) if len(crossings) else frame
