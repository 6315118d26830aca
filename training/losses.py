"""Losses as pure functions, named after the ARC paper's formulas (arXiv 2505.08175) where they have one.

Shapes: b batch, c channels, n samples, f frequency bins, t frames.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from training.evaluation.metrics import ACTIVE_DB, FLOOR_DB, mel_filters

WINDOWS = (128, 512, 2048)  # samples: attacks, formants, partials
# From, to, weight: where the waveform itself counts, which is what the autoencoder's linear path carries.
COHERENT_BANDS_HZ = ((0.0, 700.0, 1.0), (700.0, 1_400.0, 0.4))
EPSILON = 1e-9
QUIET = 1e-3  # of a magnitude's logarithm: 60 dB below a clip's own level


def clip_level(audio_bcn: Tensor, window: int = 2048) -> Tensor:
    """RMS of the loudest 46 ms of each clip over both channels, (b, 1, 1): the measure of the clip's own errors."""
    power_bn = audio_bcn.square().mean(1, keepdim=True)
    return F.avg_pool1d(power_bn, window, window // 2).amax(-1, keepdim=True).sqrt().clamp_min(1e-4)


def spectral_features(audio_bcn: Tensor) -> list[tuple[float, Tensor]]:
    """(weight, feature) pairs: STFT magnitudes, compressed, linear and logarithmic, at three windows."""
    features = []
    flat = audio_bcn.flatten(0, 1)
    for n_fft in WINDOWS:
        window = torch.hann_window(n_fft, device=flat.device)
        spectrum = (
            torch.stft(flat, n_fft, n_fft // 2, window=window, return_complex=True) / window.square().sum().sqrt()
        )
        parts = torch.view_as_real(spectrum)
        magnitude = (parts.square().sum(-1) + EPSILON).sqrt()
        features.append((1.0, magnitude**0.4))
        features.append((0.3, magnitude))
        features.append((0.1, (magnitude + QUIET).log()))
    return features


def spectral_energy_distance(target_bcn: Tensor, draw_a_bcn: Tensor, draw_b_bcn: Tensor) -> Tensor:
    """Σ_features |x − y| + |x − y′| − |y − y′| for two decodings y, y′ of the same latents with independent noise.

    A proper scoring rule: unlike |x − y| alone it does not teach a noise gain to shrink towards the median, which
    costs noisy sounds about 3 dB. Source: Gritsenko et al. 2020 (A Spectral Energy Distance for Parallel Speech
    Synthesis). Each clip is divided by its own level first, so a quiet clip counts as much as a loud one.
    """
    level = clip_level(target_bcn)
    total = target_bcn.new_zeros(())
    features = (spectral_features(audio / level) for audio in (target_bcn, draw_a_bcn, draw_b_bcn))
    for (weight, x), (_, a), (_, b) in zip(*features, strict=True):
        total = total + weight * ((x - a).abs() + (x - b).abs() - (a - b).abs()).mean()
    return total


def log_mel_loss(target_bcn: Tensor, *draws_bcn: Tensor) -> Tensor:
    """Mel distance in frames of 46 ms that hold sound, which evaluation measures too, plus in all frames of 12 ms.

    The latter hear what comes before an attack. Either teaches noise its median, which is quieter than what
    `spectral_energy_distance` teaches.
    """
    distances = [
        mel_distance_db(target_bcn, draw_bcn, n_fft, lowest_db)
        for draw_bcn in draws_bcn
        for n_fft, lowest_db in ((2048, ACTIVE_DB), (512, -math.inf))
    ]
    return torch.stack(distances).sum() / len(draws_bcn)


def mel_distance_db(target_bcn: Tensor, estimate_bcn: Tensor, n_fft: int, lowest_db: float) -> Tensor:
    """Mean |difference| of mel power in dB over the bands and those frames of the target that are above `lowest_db`.

    Levels are relative to the loudest of a clip's channels, and a silent channel is left out: a mono sound has no
    difference of left and right. All clips count alike, but for those that are nearly silent.
    """
    window = torch.hann_window(n_fft, device=target_bcn.device)
    window, filters = window * (2 / window.sum()), mel_filters(n_fft).to(target_bcn.device)  # a full-scale sine: 0 dB
    decibels = []
    for audio_bcn in (target_bcn, estimate_bcn):
        spectrum = torch.stft(
            audio_bcn.flatten(0, 1), n_fft, n_fft // 4, window=window, return_complex=True, pad_mode="constant"
        )
        power = torch.view_as_real(spectrum).square().sum(-1).transpose(1, 2) @ filters
        decibels.append(10 * power.clamp_min(1e-12).log10().unflatten(0, audio_bcn.shape[:2]))
    target, estimate = decibels
    loudest = target.amax((1, 2, 3), keepdim=True).clamp_min(-40.0)
    floor = (loudest + FLOOR_DB).expand_as(target)
    errors = (target.maximum(floor) - estimate.maximum(floor)).abs().mean(-1)
    loudest, level, channel = loudest[..., 0], target.amax(-1), target.amax((2, 3))[..., None]
    counts = ((level > loudest + lowest_db) & (channel > loudest + FLOOR_DB)).float()
    return ((errors * counts).sum((1, 2)) / counts.sum((1, 2)).clamp_min(1)).mean()


def coherence_loss(target_bctk: Tensor, estimate_bctk: Tensor, rate_hz: int = 44_100) -> Tensor:
    """Error of signed MDCT values relative to the target's, per clip and band: √(noise/signal).

    Used on compressed values, where every partial counts, and on linear ones, where peaks do. The floor keeps bands
    with hardly any sound from counting.
    """
    bins = target_bctk.shape[-1]
    floor = 0.03 * target_bctk.square().sum((1, 2, 3)).sqrt() + 1e-4
    total = target_bctk.new_zeros(())
    for low_hz, high_hz, weight in COHERENT_BANDS_HZ:
        band = slice(round(2 * low_hz / rate_hz * bins), round(2 * high_hz / rate_hz * bins))
        target, estimate = target_bctk[..., band], estimate_bctk[..., band]
        error = ((target - estimate).square().sum((1, 2, 3)) + EPSILON).sqrt()
        total = total + weight * (error / (target.square().sum((1, 2, 3)).sqrt() + floor)).mean()
    return total


def multi_resolution_stft_loss(
    target_bcn: Tensor, estimate_bcn: Tensor, n_ffts: Sequence[int] = (2048, 1024, 512, 256, 128, 64, 32)
) -> Tensor:
    """Spectral convergence + L1 of log magnitudes, averaged over resolutions (hop ¼), items and channels.

    Source: Yamamoto et al. 2020 (Parallel WaveGAN), per item and channel as in Stable Audio's training. A channel is
    measured against at least a hundredth of its item, because the difference of a mono sound is silence.
    """
    total = target_bcn.new_zeros(())
    for n_fft in n_ffts:
        window = torch.hann_window(n_fft, device=target_bcn.device)
        target, estimate = (
            torch.stft(x.flatten(0, 1), n_fft, n_fft // 4, window=window, return_complex=True).unflatten(0, x.shape[:2])
            for x in (target_bcn, estimate_bcn)
        )
        x, y = (torch.view_as_real(z).square().sum(-1).clamp_min(1e-8).sqrt() for z in (target, estimate))
        norm_bc = x.square().sum((2, 3)).sqrt()
        norm_bc = torch.maximum(norm_bc, 0.01 * x.square().sum((1, 2, 3)).sqrt()[:, None])
        convergence = ((x - y).square().sum((2, 3)) + EPSILON).sqrt() / norm_bc
        total = total + convergence.mean() + (x.log() - y.log()).abs().mean()
    return total / len(n_ffts)


def kl_divergence(mean_bcl: Tensor, log_std_bcl: Tensor) -> Tensor:
    """KL(N(mean, std²) ‖ N(0, 1)), summed over channels, averaged over frames and batch, nats."""
    return 0.5 * (mean_bcl.square() + (2 * log_std_bcl).exp() - 2 * log_std_bcl - 1).sum(1).mean()


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """max(0, 1 − real) + max(0, 1 + fake): here a HIGH logit means real. Source: Lim & Ye 2017 (Geometric GAN)."""
    return F.relu(1 - real_logits.float()).mean() + F.relu(1 + fake_logits.float()).mean()


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """−fake: the generator's part of the hinge loss."""
    return -fake_logits.float().mean()


def feature_matching_loss(
    real: Sequence[Tensor], draws: Sequence[Sequence[Tensor]], *, relative: bool = False
) -> Tensor:
    """Mean over layers of |x − y| between features of the real sound and of its reconstruction.

    Of two reconstructions y, y′ of the same latents with independent noise: the energy distance
    ½|x − y| + ½|x − y′| − ½|y − y′|, for the reason given at `spectral_energy_distance`. `relative`: each layer is
    divided by the mean magnitude of its real features, so that no layer counts more because its values are larger.
    """
    total = real[0].new_zeros((), dtype=torch.float32)
    for layer, target in enumerate(real):
        x, ys = target.float(), [draw[layer].float() for draw in draws]
        distance = torch.stack([(x - y).abs().mean() for y in ys]).mean()
        if len(ys) == 2:
            distance = distance - 0.5 * (ys[0] - ys[1]).abs().mean()
        total = total + (distance / (x.abs().mean() + 1e-3) if relative else distance)
    return total / len(real)


def velocity_loss(velocity: Tensor, target: Tensor) -> Tensor:
    """L_RF (equation 3): mean squared error of the velocity."""
    return F.mse_loss(velocity.float(), target.float())


def relativistic_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """−L_R for D (equation 5). A HIGH logit means fake: D wants fake − real large."""
    return F.softplus(-(fake_logits - real_logits)).mean()


def relativistic_generator_loss(real_logits: Tensor, fake_logits: Tensor, *, saturating: bool = False) -> Tensor:
    """L_R for G: non-saturating softplus(fake − real); `saturating`: the paper's literal −softplus(−(fake − real))."""
    margin = fake_logits - real_logits
    return -F.softplus(-margin).mean() if saturating else F.softplus(margin).mean()


def contrastive_loss(matched_logits: Tensor, mismatched_logits: Tensor) -> Tensor:
    """−L_C for D (equation 8): a wrong prompt shall have the higher logit."""
    return F.softplus(-(mismatched_logits - matched_logits)).mean()


def gradient_penalty(logits_bn: Tensor, perturbed_bn: Tensor) -> Tensor:
    """Approximate R1 (of real) or R2 (of generated sound): Σ_logits (D(x + σn) − D(x))², averaged over the batch.

    Source: the published code, which has no factor 1/σ².
    """
    return (perturbed_bn - logits_bn).square().sum(1).mean()
