"""Noise schedules: a list of steps + 1 falling times, from the start level to 0 (flow.py's convention)."""

from math import exp, log

from model.flow import Time

LOG_SNR_START, LOG_SNR_END = -6.0, 2.0  # of a generation from pure noise


def _log_snr(time: float) -> float:
    return log((1 - time) / time + 1e-6)  # the published guard


def log_snr_times(steps: int, start: float = 1.0, *, published_rise: bool = False) -> list[float]:
    """Times with equal steps of log-SNR = ln((1 − t)/t), first set to `start`, last to 0.

    `start` is 1 for pure noise; below 1 it is the level to which a recording was re-noised. The range ends at
    log-SNR 2 (t = 0.119). Published code keeps that end for every start, so from a start below 0.119 its times
    *rise*: the sampler then adds more noise than was asked for and loses what a small level should keep. By default
    such times fall as far as the published ones would rise, so that a level still means the most noise ever added,
    and the least change of level the least change of sound. `published_rise=True` gives the published numbers;
    starts from 0.1193 upwards are the published ones either way.

    Raises ValueError for fewer than one step or a start outside (0, 1].
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: a schedule needs at least one step")
    if not 0 < start <= 1:
        raise ValueError(f"start={start}: a noise level is above 0 and at most 1")
    first = LOG_SNR_START if start == 1 else _log_snr(start)
    last = LOG_SNR_END if published_rise else max(LOG_SNR_END, 2 * first - LOG_SNR_END)
    inner = [1 / (1 + exp(first + (last - first) * i / steps)) for i in range(1, steps)]
    return [start, *inner, 0.0]


def shift_time(
    time: Time, frames: int, *, shifts: tuple[float, float] = (0.5, 1.15), lengths: tuple[int, int] = (256, 4096)
) -> Time:
    """Move times towards noise for long latents: logit(t') = logit(t) + shift, elementwise.

    The shift rises linearly with `frames` between the two `lengths` and is constant outside them. Used when
    training the flow (stable-audio-tools, "full" distribution shift); no sampler here applies it.
    """
    short, long = lengths
    part = (min(max(frames, short), long) - short) / (long - short)
    shift = shifts[0] + (shifts[1] - shifts[0]) * part
    return time / (time + exp(-shift) * (1 - time))
