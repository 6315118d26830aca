"""How loud a clip is (ITU-R BS.1770-4), its true peak, and the gains that make clips equally loud.

Our own, because pyloudnorm brings scipy: 2.5 s to import on a busy core, which the first take of a session waited for.
"""

import math

import numpy as np

from arc_instrument.domain import Clip

# Of 52 sounds of ARC_MINI, more than half of them drums, 71 % reach this below the ceiling (-16: 31 %), and what was
# 4.8 LU apart (standard deviation) is 1.5 LU apart.
TARGET_LUFS = -20.0
CEILING_DBTP = -1.0
MAX_BOOST_DB = 24.0  # those needed 14 dB at most; what is softer than that is meant to be soft, or is noise
SILENCE_LUFS = -70.0  # the absolute gate of BS.1770
SHORTEST_SECONDS = 0.4  # one gating block
_OVERSAMPLING = 4


def loudness_lufs(clip: Clip) -> float:
    """Integrated loudness; of a clip under 0.4 s, which has no gating block, the K-weighted mean. -inf for silence."""
    if len(clip.samples) == 0:
        return -math.inf
    step = round(SHORTEST_SECONDS / 4 * clip.rate_hz)
    if len(clip.samples) < 4 * step:
        power = _weighted_power(clip.samples[None], clip.rate_hz)
    else:
        steps = clip.samples[: len(clip.samples) // step * step].reshape(-1, step, 2)
        power = np.lib.stride_tricks.sliding_window_view(_weighted_power(steps, clip.rate_hz), 4).mean(-1)
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


def loudness_gain_db(clip: Clip, target_lufs: float = TARGET_LUFS) -> float:
    """The gain that brings a clip to `target_lufs`, whatever its peaks become; 0 for silence."""
    loudness = loudness_lufs(clip)
    return 0.0 if math.isinf(loudness) else min(target_lufs - loudness, MAX_BOOST_DB)


def take_gain_db(clip: Clip, target_lufs: float = TARGET_LUFS) -> float:
    """The gain that brings a take to `target_lufs`, as far as the true peak stays below -1 dBTP; 0 for silence."""
    return min(loudness_gain_db(clip, target_lufs), CEILING_DBTP - true_peak_dbtp(clip))


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


def _weighted_power(steps_snc: np.ndarray, rate_hz: int) -> np.ndarray:
    """Mean power of each step (s, n samples, 2), K-weighted, of both channels together.

    By Parseval's theorem from the spectrum of L + iR: 1 to 3 ms for 3 s, where filtering the samples takes 20. From
    35 Hz on within 0.2 dB of the filters; at 15 Hz, which nobody hears, 2 dB above them.
    """
    size = steps_snc.shape[1]
    weighting = _k_weighting(size, rate_hz).astype(np.float32) ** 2
    both_sn = np.ascontiguousarray(steps_snc, np.float32).view(np.complex64)[..., 0]
    spectrum_sk = np.fft.fft(both_sn)
    two_sided = np.concatenate([weighting, weighting[1 : size - size // 2][::-1]])
    return (spectrum_sk.real**2 + spectrum_sk.imag**2) @ two_sided / np.float32(size) ** 2


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
