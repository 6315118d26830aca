"""What a decoded sound still needs before it is a take: no click, no offset, no peak above −1 dBTP.

Shapes: n samples, c channels.
"""

import numpy as np

# True peak: a louder result is turned down, never clipped. Of white noise the interpolation misses up to 0.05 dB, of
# the brightest of 1,000 takes 0.11 dB.
CEILING = 10 ** (-1.15 / 20)
START_FADE_SECONDS, END_FADE_SECONDS = 0.0007, 0.003  # the first is shorter than the attack of any drum
OFFSET = 0.003  # a mean above this is taken out; a short low sound has a small one of its own
OFFSET_HZ = 5.0
FINER = 4  # steps of the interpolation between samples
BLOCK, MARGIN = 2_048, 256  # samples interpolated at once, and faded ones on each side
NEAR_PEAK = 0.6  # samples below this part of the loudest have no higher peak beside them
RISE = np.sin(np.pi / 2 * (np.arange(MARGIN, dtype=np.float32) + 0.5) / MARGIN) ** 2
TAPER = np.concatenate((RISE, np.ones(BLOCK, np.float32), RISE[::-1]))


def finish(samples_nc: np.ndarray, rate_hz: int) -> np.ndarray:
    """Fade the edges so that none clicks, take out an offset, and turn down what is louder than −1 dBTP.

    Raises ValueError when the model produced values that are not finite.
    """
    if not np.isfinite(samples_nc).all():
        raise ValueError("The model produced values that are not numbers: try another seed, and check the weights.")
    centred = (np.abs(samples_nc.mean(0)) <= OFFSET).all() if len(samples_nc) else True
    samples = samples_nc.copy() if centred else without_offset(samples_nc, rate_hz)
    rise, fall = (min(len(samples), round(s * rate_hz)) for s in (START_FADE_SECONDS, END_FADE_SECONDS))
    samples[:rise] *= np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)[:, None]
    samples[len(samples) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)[:, None]
    peak = true_peak(samples)
    return samples * np.float32(CEILING / peak) if peak > CEILING else samples


def without_offset(samples_nc: np.ndarray, rate_hz: int) -> np.ndarray:
    """Less its own average over some 60 ms around each sample: a zero-phase high-pass filter at 5 Hz."""
    size = 1 << (len(samples_nc) + rate_hz // 4 - 1).bit_length()  # silence between the end and the start
    hz = np.fft.rfftfreq(size, 1 / rate_hz)[:, None]
    spectrum = np.fft.rfft(samples_nc, size, axis=0) * (hz**2 / (hz**2 + OFFSET_HZ**2))
    return np.fft.irfft(spectrum, size, axis=0)[: len(samples_nc)].astype(np.float32)


def true_peak(samples_nc: np.ndarray) -> float:
    """The highest magnitude at and between the samples, interpolated fourfold (ITU-R BS.1770, annex 2).

    Through the spectrum, of those blocks alone that have samples near the peak: at most 20 ms for 3 s on one core.
    """
    peak = float(np.abs(samples_nc).max(initial=0))
    blocks = max(1, -(-len(samples_nc) // BLOCK))
    for channel in samples_nc.T:
        padded = np.pad(channel, (MARGIN, MARGIN + blocks * BLOCK - len(channel)))
        around = np.lib.stride_tricks.sliding_window_view(padded, BLOCK + 2 * MARGIN)[::BLOCK]
        near = around[np.abs(around).max(1, initial=0) > NEAR_PEAK * peak] * TAPER
        dense = np.fft.irfft(np.fft.rfft(near), FINER * near.shape[1]) * FINER
        peak = max(peak, float(np.abs(dense[:, FINER * MARGIN : -FINER * MARGIN]).max(initial=0)))
    return peak
