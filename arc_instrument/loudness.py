"""How loud a clip is (ITU-R BS.1770), its true peak, and the gains that make two clips equally loud.

pyloudnorm brings scipy with it, 2.5 s to import on a busy core: it is loaded at the first measurement, so measure off
the GUI thread.
"""

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import soxr

from arc_instrument.domain import Clip

if TYPE_CHECKING:
    from pyloudnorm import Meter

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
    meter = _meter(clip.rate_hz)
    if clip.seconds >= SHORTEST_SECONDS:
        return float(meter.integrated_loudness(samples))
    for weighting in meter._filters.values():
        samples = np.stack([weighting.apply_filter(channel) for channel in samples.T], axis=1)
    power = float((samples**2).mean(axis=0).sum())
    loudness = -0.691 + 10 * math.log10(power) if power > 0 else -math.inf
    return loudness if loudness > SILENCE_LUFS else -math.inf


def true_peak_dbtp(clip: Clip) -> float:
    """The highest level between the samples too, by 4× oversampling; -inf for silence. Never below the sample peak."""
    if len(clip.samples) == 0:
        return -math.inf
    between = soxr.resample(np.asarray(clip.samples, np.float32), clip.rate_hz, _OVERSAMPLING * clip.rate_hz)
    peak = max(float(np.abs(clip.samples).max()), float(np.abs(between).max(initial=0.0)))
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


@cache
def _meter(rate_hz: int) -> "Meter":
    from pyloudnorm import Meter

    return Meter(rate_hz)
