"""What can be wrong with a take, and what its words can change: levels, clicks, brightness, decay.

Shapes: n samples, c channels.
"""

import math

import numpy as np
import torch

from training.evaluation.metrics import RATE_HZ, active_frames, magnitudes

OVERSAMPLING = 4  # of the true peak, as ITU-R BS.1770 asks for
SILENT_DB = -60.0  # loudest 50 ms below this: a silent take
CLICK_DB = -50.0  # a jump from or into silence below this, relative to the take's peak, is not heard
CLICK_FACTOR = 2.0  # nor is one that is less than so many times the jumps inside the next 10 ms, as of a noise
DC_LEVEL = 0.01  # of full scale (−40 dB); a short low sound has a mean of its own
CEILING_DBTP = -1.0
DECAY_DB = -30.0


def decibels(ratio: float) -> float:
    """Amplitude ratio in dB, never below −200."""
    return 20 * math.log10(max(ratio, 1e-10))


def true_peak_dbtp(samples_nc: np.ndarray) -> float:
    """Peak between samples too, dBFS: interpolated fourfold through the spectrum, silence around the take."""
    padded = np.pad(samples_nc.astype(np.float64), ((256, 256), (0, 0)))
    size = 1 << (len(padded) - 1).bit_length()
    spectrum = np.fft.rfft(padded, size, axis=0)
    dense = np.fft.irfft(spectrum, OVERSAMPLING * size, axis=0) * OVERSAMPLING
    return decibels(float(np.abs(dense).max(initial=0)))


def clicks(samples_nc: np.ndarray) -> bool:
    """Whether the take breaks in with a click: silence to first sample is a jump unlike those that follow.

    A tone cut at its crest clicks; a noise or an attack whose own samples differ as much does not. Give the take
    backwards to ask for its end.
    """
    jump = np.abs(samples_nc[0])
    inside = np.abs(np.diff(samples_nc[: RATE_HZ // 100], axis=0)).max(0, initial=0)
    peak = float(np.abs(samples_nc).max(initial=0)) + 1e-10
    return bool(((jump > CLICK_FACTOR * inside) & (jump > peak * 10 ** (CLICK_DB / 20))).any())


def faults(samples_nc: np.ndarray) -> list[str]:
    """What is wrong with a finished take: not finite, silent, click at start, click at end, dc, true peak."""
    if not np.isfinite(samples_nc).all():
        return ["not finite"]
    block = round(0.05 * RATE_HZ)
    padded = np.pad(samples_nc.astype(np.float64) ** 2, ((0, -len(samples_nc) % block), (0, 0)))
    loudest = padded.reshape(-1, block, samples_nc.shape[1]).mean((1, 2)).max(initial=0)
    if 10 * math.log10(loudest + 1e-20) < SILENT_DB:
        return ["silent"]
    found = {
        "click at start": clicks(samples_nc),
        "click at end": clicks(samples_nc[::-1]),
        "dc": bool((np.abs(samples_nc.mean(0)) > DC_LEVEL).any()),
        "true peak": true_peak_dbtp(samples_nc) > CEILING_DBTP + 0.01,
    }
    return [name for name, is_so in found.items() if is_so]


def energy_after_db(samples_nc: np.ndarray, samples: int) -> float:
    """Energy from sample `samples` on, relative to the energy before it."""
    power = samples_nc.astype(np.float64) ** 2
    return 10 * math.log10((power[samples:].sum() + 1e-20) / (power[:samples].sum() + 1e-20))


def centroid_hz(mono_n: np.ndarray) -> float:
    """Centre of the magnitude spectrum over the active frames: what bright raises and dark lowers."""
    spectrum = magnitudes(torch.from_numpy(np.pad(mono_n.astype(np.float32), 1024)), 2048)
    spectrum = spectrum[active_frames(20 * spectrum.clamp_min(1e-9).log10())].mean(0)
    hz = torch.linspace(0, RATE_HZ / 2, len(spectrum))
    return float((spectrum * hz).sum() / spectrum.sum().clamp_min(1e-12))


def decay_seconds(mono_n: np.ndarray) -> float:
    """From the loudest 10 ms to the last that are within 30 dB of it: what long raises and short lowers."""
    block = RATE_HZ // 100
    power = np.pad(mono_n.astype(np.float64) ** 2, (0, -len(mono_n) % block)).reshape(-1, block).mean(1)
    if power.max(initial=0) < 1e-12:
        return 0.0
    last = np.flatnonzero(power > power.max() * 10 ** (DECAY_DB / 10))[-1]
    return float(last - power.argmax() + 1) / 100
