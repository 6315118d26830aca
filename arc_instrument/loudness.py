"""How loud a clip is (ITU-R BS.1770-4), its true peak, and the gains that make two clips equally loud.

Our own, because pyloudnorm brings scipy: 2.5 s to import on a busy core, which the first take of a session waited for.
"""

import math

import numpy as np

from arc_instrument.domain import Clip

TARGET_LUFS = -16.0
CEILING_DBTP = -1.0
MAX_BOOST_DB = 24.0  # what is softer than that is meant to be soft, or is noise
SILENCE_LUFS = -70.0  # the absolute gate of BS.1770
SHORTEST_SECONDS = 0.4  # one gating block
_OVERSAMPLING = 4


def loudness_lufs(clip: Clip) -> float:
    """Integrated loudness; of a clip under 0.4 s, which has no gating block, the K-weighted mean. -inf for silence."""
    samples = np.asarray(clip.samples, np.float64)
    if len(samples) == 0:
        return -math.inf
    size = 1 << (len(samples) + clip.rate_hz // 4).bit_length()  # silence between the end and the start
    weighting = _k_weighting(size, clip.rate_hz)[:, None]
    weighted = np.fft.irfft(np.fft.rfft(samples, size, axis=0) * weighting, size, axis=0)[: len(samples)]
    energy = np.concatenate([[0.0], np.cumsum((weighted**2).sum(axis=1))])
    block = min(round(SHORTEST_SECONDS * clip.rate_hz), len(samples))
    starts = np.arange(0, len(samples) - block + 1, max(block // 4, 1))
    power = (energy[starts + block] - energy[starts]) / block
    audible = power[power > 10 ** ((SILENCE_LUFS + 0.691) / 10)]
    if not len(audible):
        return -math.inf
    gated = audible[audible > audible.mean() / 10]  # 10 LU below the loudness of what is audible
    return float(-0.691 + 10 * np.log10(gated.mean()))


def true_peak_dbtp(clip: Clip) -> float:
    """The highest level at and between the samples, by 4× oversampling (annex 2); -inf for silence."""
    import soxr

    if len(clip.samples) == 0:
        return -math.inf
    padded = np.pad(np.asarray(clip.samples, np.float32), ((256, 256), (0, 0)))
    between = soxr.resample(padded, clip.rate_hz, _OVERSAMPLING * clip.rate_hz)
    peak = max(float(np.abs(clip.samples).max()), float(np.abs(between).max()))
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def take_gain_db(clip: Clip, target_lufs: float = TARGET_LUFS) -> float:
    """The gain that brings a take to `target_lufs`, as far as the true peak stays below -1 dBTP; 0 for silence."""
    loudness = loudness_lufs(clip)
    if math.isinf(loudness):
        return 0.0
    return min(target_lufs - loudness, CEILING_DBTP - true_peak_dbtp(clip), MAX_BOOST_DB)


def matched_gains_db(first: Clip, second: Clip, target_lufs: float = TARGET_LUFS) -> tuple[float, float]:
    """The gains at which two clips are equally loud: at the target, or as near to it as both stay below -1 dBTP.

    A silent clip keeps its level, and the other one gets the gain it has alone.
    """
    loudness = loudness_lufs(first), loudness_lufs(second)
    if any(map(math.isinf, loudness)):
        return take_gain_db(first, target_lufs), take_gain_db(second, target_lufs)
    reached = (take_gain_db(clip, target_lufs) + level for clip, level in zip((first, second), loudness, strict=True))
    common = min(reached)
    return common - loudness[0], common - loudness[1]


def with_gain(clip: Clip, gain_db: float) -> Clip:
    """The clip, louder by `gain_db`."""
    return Clip(clip.samples * np.float32(10 ** (gain_db / 20)), clip.rate_hz)


def _k_weighting(size: int, rate_hz: int) -> np.ndarray:
    """Magnitude of BS.1770's two filters at the bins of an FFT, for any rate (De Man 2014)."""
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    shelf, high = 1.0, 1.0
    for hz, q in ((1681.974450955533, 0.7071752369554196), (38.13547087602444, 0.5003270373238773)):
        k = np.tan(np.pi * hz / rate_hz)
        poles = (1 + k / q + k**2) + 2 * (k**2 - 1) * z + (1 - k / q + k**2) * z**2
        if hz > 1_000:
            gain, middle = 10 ** (3.999843853973347 / 20), 10 ** (0.4996667741545416 * 3.999843853973347 / 20)
            shelf = (gain + middle * k / q + k**2) + 2 * (k**2 - gain) * z + (gain - middle * k / q + k**2) * z**2
            shelf = shelf / poles
        else:
            high = (1 - z) ** 2 / poles * (1 + k / q + k**2)
    return np.abs(shelf * high)
