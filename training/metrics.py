"""What the trained parts are judged by: pure functions of signals.

Silence is left out of every mean: on one-shots it dominates and hides what went wrong with the sound.

Shapes: n samples, f mel bands, t frames.
"""

import math

import numpy as np
import torch
from torch import Tensor

RATE_HZ = 44_100
MEL_BANDS = 64
ACTIVE_DB = -50.0  # frames below this, relative to the clip's loudest, are silence


def mel_filters(n_fft: int, bands: int = MEL_BANDS, low_hz: float = 30.0, high_hz: float = 18_000.0) -> Tensor:
    """Triangular HTK mel filters (n_fft // 2 + 1, bands)."""
    mel = lambda hz: 1127 * math.log1p(hz / 700)  # noqa: E731
    edges_hz = 700 * torch.expm1(torch.linspace(mel(low_hz), mel(high_hz), bands + 2) / 1127)
    bins_hz = torch.linspace(0, RATE_HZ / 2, n_fft // 2 + 1)[:, None]
    rising = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    return torch.minimum(rising, falling).clamp_min(0)


def log_mel(mono_n: Tensor, n_fft: int = 2048) -> Tensor:
    """Mel power in dB (t, f), floored 80 dB below the loudest."""
    window = torch.hann_window(n_fft)
    power = torch.stft(mono_n, n_fft, n_fft // 4, window=window, return_complex=True).abs().square()
    mel = (power.T @ mel_filters(n_fft)).clamp_min(1e-12)
    decibels = 10 * mel.log10()
    return decibels.clamp_min(float(decibels.max()) - 80)


def active_frames(log_mel_tf: Tensor) -> Tensor:
    """Boolean (t,): frames within 50 dB of the loudest."""
    level = log_mel_tf.amax(1)
    return level > level.max() + ACTIVE_DB


def log_mel_distance_db(reference_n: Tensor, estimate_n: Tensor) -> float:
    """Mean absolute difference of mel dB over the reference's active frames."""
    reference = log_mel(reference_n)
    floor = float(reference.max()) - 80
    estimate = log_mel(estimate_n).clamp_min(floor)
    active = active_frames(reference)
    return (reference - estimate)[active].abs().mean().item()


def peak_change_db(reference_n: Tensor, estimate_n: Tensor) -> float:
    """How much louder the estimate's peak is."""
    return 20 * math.log10(estimate_n.abs().max().item() / reference_n.abs().max().item() + 1e-9)


def low_band_snr_db(reference_n: Tensor, estimate_n: Tensor, below_hz: float = 350.0) -> float:
    """Waveform signal-to-noise ratio below 350 Hz."""

    def low(x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x)
        spectrum[int(below_hz / RATE_HZ * len(x)) :] = 0
        return torch.fft.irfft(spectrum, len(x))

    wanted = low(reference_n)
    error = (wanted - low(estimate_n)).square().sum()
    return 10 * math.log10(wanted.square().sum().item() / max(error.item(), 1e-12) + 1e-9)


def energy_before_onset_db(reference_n: Tensor, estimate_n: Tensor, onset: int, window: int = 441) -> float:
    """Energy in the 10 ms before `onset` (a sample index), relative to the reference's loudest 10 ms."""
    before = estimate_n[max(0, onset - window) : onset].square().mean().item()
    loudest = reference_n.square().unfold(0, window, window).mean(1).max().item()
    return 10 * math.log10(before / loudest + 1e-9)


def timbre(mono_n: Tensor) -> np.ndarray:
    """A clip as a vector: mean and spread of its mel spectrum over active frames, its envelope, its length.

    Level-free: everything is relative to the loudest frame. Good enough to tell a kick from a flute, not a judge of
    quality.
    """
    spectrum = log_mel(mono_n, 1024)
    spectrum = spectrum - spectrum.max()
    active = spectrum[active_frames(spectrum)]
    level = spectrum.amax(1)
    at_seconds = torch.tensor([0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
    onset = int((level > level.max() - 20).nonzero()[0])
    frames = (onset + at_seconds * RATE_HZ / 256).round().long()
    envelope = torch.where(frames < len(level), level[frames.clamp_max(len(level) - 1)], torch.tensor(-80.0))
    return torch.cat([active.mean(0), active.std(0, unbiased=False), 2 * envelope]).numpy()


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """95 % confidence interval of a proportion. Source: Wilson 1927."""
    p, denominator = successes / trials, 1 + z * z / trials
    centre = (p + z * z / (2 * trials)) / denominator
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials)) / denominator
    return centre - half, centre + half
