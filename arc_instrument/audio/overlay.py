"""Waves laid over the mixer's output at exact frames, held below the ceiling: for the kernels of the callback."""

import numpy as np
from numba import njit

CEILING = 10 ** (-1 / 20)  # -1 dBFS, the mixer's
KNEE = 10 ** (-3 / 20)


@njit(cache=True)
def add_wave(out, wave, at):
    """Add a mono `wave`, whose first sample is at frame `at` of the block `out` (maybe negative), to both sides."""
    for i in range(max(at, 0), min(at + len(wave), len(out))):
        for side in range(2):
            out[i, side] = sum_below_ceiling(out[i, side], wave[i - at])


@njit(cache=True)
def sum_below_ceiling(sample, added):
    """The sum, bent softly above -3 dBFS so that it never passes -1 dBFS; exact below, and where nothing is added."""
    total = sample + added
    if added == 0.0 or abs(total) <= KNEE:
        return total
    bent = KNEE + (CEILING - KNEE) * np.tanh((abs(total) - KNEE) / (CEILING - KNEE))
    return bent if total > 0.0 else -bent
