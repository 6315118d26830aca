"""Discriminator on complex STFTs at several scales: the adversary of the autoencoders.

Each scale sees real and imaginary parts, so phase counts, and keeps a map over time and frequency: every logit judges
a patch. A HIGH logit means real (hinge), unlike ARC's. Source: Défossez et al. 2022 (EnCodec), two channels as in
Stable Audio's autoencoder.

Shapes: b batch, c audio channels, n samples, p planes (real and imaginary part of each channel), f frequency bins,
t frames.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from training.config import AdversaryConfig
from training.losses import feature_matching_loss, hinge_discriminator_loss, hinge_generator_loss
from training.optim import adamw, set_learning_rate
from training.run import averaged_over_processes, clip_gradients

DILATIONS = (1, 2, 4)  # over time, of the three layers that halve the frequencies
SLOPE = 0.2


class Judgement(NamedTuple):
    """Logits (b, 1, t, f) and the features of every layer (b, filters, t, f) of one scale."""

    logits: Tensor
    features: list[Tensor]


def complex_planes(audio_bcn: Tensor, n_fft: int, compression: float) -> Tensor:
    """Real and imaginary STFT parts at hop ¼, (b, 2c, t, f); magnitudes are raised to the power `compression`.

    A power below 1 lets quiet partials be seen beside loud ones. The window has unit energy.
    """
    window = torch.hann_window(n_fft, device=audio_bcn.device)
    spectrum = torch.stft(audio_bcn.flatten(0, 1), n_fft, n_fft // 4, window=window, return_complex=True)
    parts = torch.view_as_real(spectrum) / window.square().sum().sqrt()
    if compression != 1.0:
        parts = parts * (parts.square().sum(-1, keepdim=True) + 1e-5) ** ((compression - 1) / 2)
    return parts.unflatten(0, audio_bcn.shape[:2]).permute(0, 1, 4, 3, 2).flatten(1, 2)


class StftScale(nn.Module):
    """One window length: five convolutions, three of them dilated over time and halving the frequencies."""

    def __init__(self, n_fft: int, config: AdversaryConfig, audio_channels: int = 2):
        super().__init__()
        self.n_fft, self.compression = n_fft, config.compression
        width, (frames, bins), (first_frames, first_bins) = config.filters, config.kernel, config.first_kernel
        overlap = (first_frames // 2, (first_bins - config.first_stride) // 2)
        layers = [nn.Conv2d(2 * audio_channels, width, config.first_kernel, (1, config.first_stride), padding=overlap)]
        for dilation in DILATIONS:
            padding = (frames // 2 * dilation, bins // 2)
            layers.append(nn.Conv2d(width, width, config.kernel, (1, 2), padding, dilation=(dilation, 1)))
        layers.append(nn.Conv2d(width, width, 3, padding=1))
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.head = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, audio_bcn: Tensor) -> Judgement:
        x = complex_planes(audio_bcn.float(), self.n_fft, self.compression)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return Judgement(self.head(x), features)


class StftDiscriminator(nn.Module):
    """One judgement a window length."""

    def __init__(self, config: AdversaryConfig, audio_channels: int = 2):
        super().__init__()
        self.scales = nn.ModuleList(StftScale(n_fft, config, audio_channels) for n_fft in config.n_ffts)

    def forward(self, audio_bcn: Tensor) -> list[Judgement]:
        return [scale(audio_bcn) for scale in self.scales]


class Adversary:
    """A discriminator with its optimiser. `parts` belong into a run's checkpoint: it then resumes with the rest."""

    def __init__(self, config: AdversaryConfig, fabric: Fabric, clip_grad_norm: float, audio_channels: int = 2):
        discriminator = StftDiscriminator(config, audio_channels)
        optimizer = adamw(discriminator, config.learning_rate, config.betas, config.weight_decay)
        self.config, self.fabric, self.clip_grad_norm = config, fabric, clip_grad_norm
        self.discriminator, self.optimizer = fabric.setup(discriminator, optimizer)
        self.parts = {"discriminator": self.discriminator, "discriminator_optimizer": self.optimizer}

    def learn(self, real_bcn: Tensor, fake_bcn: Tensor, rate_factor: float) -> tuple[float, float]:
        """One step of the discriminator on the hinge loss; the loss and the norm of its gradient."""
        judgements = self.discriminator(torch.cat([real_bcn, fake_bcn.detach()]))
        split = len(real_bcn)
        losses = [hinge_discriminator_loss(j.logits[:split], j.logits[split:]) for j in judgements]
        loss = torch.stack(losses).mean()
        self.fabric.backward(loss)
        set_learning_rate(self.optimizer, self.config.learning_rate * rate_factor)
        norm = clip_gradients(self.fabric, self.discriminator, self.optimizer, self.clip_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return averaged_over_processes(self.fabric, loss=loss)["loss"], norm

    def judge(self, real_bcn: Tensor, draws_bcn: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """What one or two reconstructions of a sound cost the generator: hinge loss and feature matching.

        Gradients reach the reconstructions only. Relative features are measured against the mean of this process'
        items: several processes then learn what one learns only on average.
        """
        network = self.discriminator.module  # around DDP, which would wait for gradients of the parameters
        network.requires_grad_(False)
        with self.fabric.autocast():
            with torch.no_grad():
                real = network(real_bcn)
            fake = network(torch.cat(list(draws_bcn)))
        network.requires_grad_(True)
        adversarial = torch.stack([hinge_generator_loss(j.logits) for j in fake]).mean()
        features = []
        for r, f in zip(real, fake, strict=True):
            draws = list(zip(*(layer.chunk(len(draws_bcn)) for layer in f.features), strict=True))
            features.append(feature_matching_loss(r.features, draws, relative=self.config.relative_features))
        return adversarial, torch.stack(features).mean()


def gradient_norm(loss: Tensor, at: Tensor, fabric: Fabric | None = None) -> float:
    """‖∂loss/∂at‖: how strongly one part of an objective pulls at a reconstruction. Keeps the graph; see `norm_of`."""
    return norm_of(torch.autograd.grad(loss, at, retain_graph=True), fabric).item()


def norm_of(gradients: Sequence[Tensor], fabric: Fabric | None = None) -> Tensor:
    """The norm of several tensors taken as one vector.

    With `fabric`: of the gradient of the mean over all processes' losses, each of which has a piece of it.
    """
    norm = torch.stack([gradient.float().norm() for gradient in gradients]).norm()
    if fabric is None or fabric.world_size == 1:
        return norm
    square = fabric.all_reduce(norm.square(), reduce_op="mean")
    assert isinstance(square, Tensor)
    return (square / fabric.world_size).sqrt()


def balanced(
    main: Sequence[Tensor], other: Sequence[Tensor], share: float, fabric: Fabric | None = None
) -> list[Tensor]:
    """Gradients `main` + c·`other`, with c such that the norm of the second term is `share` of the first's.

    A discriminator sharpens as it learns: with fixed weights its pull grew thirtyfold within 140 steps. Source:
    Défossez et al. 2022 (EnCodec), section 3.4; nothing is averaged over steps, so there is no state to resume.
    """
    c = share * norm_of(main, fabric) / norm_of(other, fabric).clamp_min(1e-12)
    return [x + c * y for x, y in zip(main, other, strict=True)]
