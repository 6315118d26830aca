"""What a spectrogram picture needs of a sound: levels in decibels over logarithmic frequency and time."""

import numpy as np

WINDOW_FRAMES, HOP_FRAMES = 2048, 512
ROWS = 160  # 18 an octave: finer than a semitone's third
LOW_HZ, HIGH_HZ = 40.0, 20_000.0
FLOOR_DB = -80.0


def spectrogram(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Levels of the channels' mean of `samples` (frames, 2): float32 (ROWS, columns) in FLOOR_DB to 0 dB, row 0 lowest.

    A sine at full scale is 0 dB (down to −1.4 dB between two bins). Column c is centred on frame c · HOP_FRAMES.
    6 s take 27 to 40 ms on one core: two frames of the GUI, so it is computed on another thread.
    """
    mono = samples.mean(axis=1, dtype=np.float32)
    half = WINDOW_FRAMES // 2
    padded = np.concatenate([np.zeros(half, np.float32), mono, np.zeros(half, np.float32)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_FRAMES)[::HOP_FRAMES]
    hann = np.hanning(WINDOW_FRAMES + 1)[:-1].astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(windows * hann, axis=1)).astype(np.float32) * (2 / hann.sum())
    return np.maximum(20 * np.log10(_rows(magnitudes.T, rate_hz) + 1e-9), FLOOR_DB).clip(max=0.0)


def _rows(magnitudes: np.ndarray, rate_hz: int) -> np.ndarray:
    """`magnitudes` (bins, columns) on ROWS frequencies: a row's loudest bin, between bins where rows are finer."""
    last = len(magnitudes) - 1
    edges = np.minimum(frequency_of(np.arange(ROWS + 1) / ROWS) * WINDOW_FRAMES / rate_hz, last)
    centres = np.sqrt(edges[:-1] * edges[1:])
    below = np.minimum(centres.astype(int), last - 1)
    fraction = (centres - below).astype(np.float32)[:, None]
    rows = (1 - fraction) * magnitudes[below] + fraction * magnitudes[below + 1]
    first, end = np.ceil(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    for row in np.flatnonzero(end > first):  # at least one bin lies in the row
        rows[row] = magnitudes[first[row] : end[row]].max(axis=0)
    return rows


def frequency_of(height: np.ndarray | float) -> np.ndarray:
    """The frequency in hertz at `height`, 0 (lowest) to 1."""
    return LOW_HZ * (HIGH_HZ / LOW_HZ) ** np.asarray(height, float)


def height_of(frequency_hz: float) -> float:
    """Where `frequency_hz` lies, 0 (lowest) to 1; the inverse of `frequency_of`."""
    return float(np.log(frequency_hz / LOW_HZ) / np.log(HIGH_HZ / LOW_HZ))
