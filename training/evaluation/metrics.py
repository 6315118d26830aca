"""How far a reconstruction is from the clip it was made of: pure functions of two mono signals.

Silence is left out of every mean: on one-shots it dominates and hides what went wrong with the sound.

Shapes: n samples, f mel bands or bins, t frames.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

RATE_HZ = 44_100
MEL_BANDS = 64
ACTIVE_DB = -50.0  # frames below this, relative to the clip's loudest, are silence
FLOOR_DB = -80.0  # what lies deeper below the reference's loudest counts as equally silent
STFT_SIZES = (512, 1024, 2048)


@lru_cache(maxsize=16)
def mel_filters(n_fft: int, bands: int = MEL_BANDS, low_hz: float = 30.0, high_hz: float = 18_000.0) -> Tensor:
    """Triangular HTK mel filters (n_fft // 2 + 1, bands)."""
    mel = lambda hz: 1127 * math.log1p(hz / 700)  # noqa: E731
    edges_hz = 700 * torch.expm1(torch.linspace(mel(low_hz), mel(high_hz), bands + 2) / 1127)
    bins_hz = torch.linspace(0, RATE_HZ / 2, n_fft // 2 + 1)[:, None]
    rising = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    return torch.minimum(rising, falling).clamp_min(0)


def magnitudes(mono_n: Tensor, n_fft: int, hop: int | None = None) -> Tensor:
    """STFT magnitudes (t, f), Hann window, hop by default a quarter of it; frames are centred, silence around."""
    window = torch.hann_window(n_fft, device=mono_n.device)
    return torch.stft(mono_n, n_fft, hop or n_fft // 4, window=window, return_complex=True, pad_mode="constant").abs().T


def log_mel(mono_n: Tensor, n_fft: int = 2048) -> Tensor:
    """Mel power in dB (t, f), floored 80 dB below the loudest."""
    mel = (magnitudes(mono_n, n_fft).square() @ mel_filters(n_fft).to(mono_n.device)).clamp_min(1e-12)
    decibels = 10 * mel.log10()
    return decibels.clamp_min(float(decibels.max()) + FLOOR_DB)


def active_frames(decibels_tf: Tensor) -> Tensor:
    """Boolean (t,): frames within 50 dB of the loudest."""
    level = decibels_tf.amax(1)
    return level > level.max() + ACTIVE_DB


def active_samples(reference_n: Tensor, block: int = 512) -> Tensor:
    """Boolean (n,): samples in blocks whose mean square is within 50 dB of the loudest block's."""
    blocks = torch.nn.functional.pad(reference_n, (0, -len(reference_n) % block)).unfold(0, block, block)
    power = blocks.square().mean(1)
    return (power > power.max() * 10 ** (ACTIVE_DB / 10)).repeat_interleave(block)[: len(reference_n)]


def log_mel_distance_db(reference_n: Tensor, estimate_n: Tensor) -> float:
    """Mean absolute difference of mel dB over the reference's active frames."""
    reference = log_mel(reference_n)
    estimate = log_mel(estimate_n).clamp_min(float(reference.max()) + FLOOR_DB)
    return (reference - estimate)[active_frames(reference)].abs().mean().item()


def stft_distance(reference_n: Tensor, estimate_n: Tensor) -> float:
    """Multi-resolution STFT distance: spectral convergence plus mean |ln S − ln Ŝ|, on the reference's active frames.

    Mean over windows of 512, 1024 and 2048 samples. Source: Yamamoto et al. 2020 (Parallel WaveGAN), equations 4–6.
    """
    total = 0.0
    for n_fft in STFT_SIZES:
        reference, estimate = magnitudes(reference_n, n_fft), magnitudes(estimate_n, n_fft)
        floor = float(reference.max()) * 10 ** (FLOOR_DB / 20) + 1e-9
        active = active_frames(20 * reference.clamp_min(floor).log10())
        reference, estimate = reference[active], estimate[active]
        convergence = (reference - estimate).norm() / reference.norm()
        logarithmic = (reference.clamp_min(floor).log() - estimate.clamp_min(floor).log()).abs().mean()
        total += (convergence + logarithmic).item()
    return total / len(STFT_SIZES)


def si_sdr_db(reference_n: Tensor, estimate_n: Tensor) -> float:
    """Scale-invariant signal-to-distortion ratio on the reference's active samples.

    Limited to ±100 dB, where float32 ends. Source: Le Roux et al. 2019, equation 2 (no mean is removed).
    """
    active = active_samples(reference_n)
    reference, estimate = reference_n[active].double(), estimate_n[active].double()
    target = reference * (estimate @ reference) / reference.square().sum().clamp_min(1e-30)
    signal, noise = target.square().sum().item(), (estimate - target).square().sum().item()
    return 10 * math.log10(min(max((signal + 1e-30) / (noise + 1e-30), 1e-10), 1e10))


def peak_change_db(reference_n: Tensor, estimate_n: Tensor) -> float:
    """How much louder the estimate's peak is."""
    return 20 * math.log10(estimate_n.abs().max().item() / max(reference_n.abs().max().item(), 1e-9) + 1e-9)


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
    return 10 * math.log10(before / max(loudest, 1e-12) + 1e-12)
