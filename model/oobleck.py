"""Oobleck, the published variational autoencoder: stereo audio ↔ latents, 2048 samples a frame.

Shapes: b batch, c latent channels, t latent frames, n audio samples (stereo: (b, 2, n)).
The published file stores weight-normed convolutions; checkpoint.py folds them into plain weights as it reads,
so nothing is normalised again at each call. Layer numbering is the published one.
"""

from collections.abc import Iterator, Sequence
from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import OobleckConfig
from model.noise import NoiseSource, draw

DILATIONS = (1, 3, 9)
UNIT_KERNEL = EDGE_KERNEL = 7


class Snake(nn.Module):
    """x + sin²(a·x)/b for each channel (Ziyin et al. 2020); a and b are stored as logarithms."""

    def __init__(self, channels: int):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.alpha.exp()[:, None], self.beta.exp()[:, None]
        return torch.addcmul(x, torch.sin(x * a).square(), 1 / (b + 1e-9))


class ResidualUnit(nn.Module):
    def __init__(self, channels: int, dilation: int):
        super().__init__()
        padding = dilation * (UNIT_KERNEL - 1) // 2
        self.layers = nn.Sequential(
            Snake(channels),
            nn.Conv1d(channels, channels, UNIT_KERNEL, padding=padding, dilation=dilation),
            Snake(channels),
            nn.Conv1d(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class EncoderBlock(nn.Module):
    """Three residual units, then `stride` times fewer positions."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.layers = nn.Sequential(
            *(ResidualUnit(inputs, dilation) for dilation in DILATIONS),
            Snake(inputs),
            nn.Conv1d(inputs, outputs, 2 * stride, stride, padding=ceil(stride / 2)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class DecoderBlock(nn.Module):
    """`stride` times more positions, then three residual units."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.layers = nn.Sequential(
            Snake(inputs),
            nn.ConvTranspose1d(inputs, outputs, 2 * stride, stride, padding=ceil(stride / 2)),
            *(ResidualUnit(outputs, dilation) for dilation in DILATIONS),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Encoder(nn.Module):
    """Audio → means and scales, (b, 2c, t): the scale is a standard deviation before softplus."""

    def __init__(self, config: OobleckConfig):
        super().__init__()
        widths = [config.channels * multiple for multiple in (1, *config.multiples)]
        blocks = zip(widths, widths[1:], config.strides, strict=False)
        self.layers = nn.Sequential(
            nn.Conv1d(config.audio_channels, widths[0], EDGE_KERNEL, padding=EDGE_KERNEL // 2),
            *(EncoderBlock(inputs, outputs, stride) for inputs, outputs, stride in blocks),
            Snake(widths[-1]),
            nn.Conv1d(widths[-1], 2 * config.latent_channels, 3, padding=1),
        )

    def forward(self, audio_bcn: Tensor) -> Tensor:
        return self.layers(audio_bcn)


class Decoder(nn.Module):
    """Latents → audio, without a final tanh: peaks may exceed full scale."""

    def __init__(self, config: OobleckConfig):
        super().__init__()
        widths = [config.channels * multiple for multiple in (1, *config.multiples)][::-1]
        blocks = zip(widths, widths[1:], config.strides[::-1], strict=False)
        self.layers = nn.Sequential(
            nn.Conv1d(config.latent_channels, widths[0], EDGE_KERNEL, padding=EDGE_KERNEL // 2),
            *(DecoderBlock(inputs, outputs, stride) for inputs, outputs, stride in blocks),
            Snake(widths[-1]),
            nn.Conv1d(widths[-1], config.audio_channels, EDGE_KERNEL, padding=EDGE_KERNEL // 2, bias=False),
        )

    def forward(self, latents_bct: Tensor) -> Tensor:
        return self.layers(latents_bct)


def posterior(encoded_bct: Tensor) -> tuple[Tensor, Tensor]:
    """What the encoder returns (b, 2c, t) as the latents' mean and standard deviation, each (b, c, t)."""
    mean, scale = encoded_bct.chunk(2, 1)
    return mean, F.softplus(scale) + 1e-4


def sample_posterior(mean: Tensor, std: Tensor, generator: NoiseSource) -> Tensor:
    """Draw latents (b, c, t)."""
    return mean + std * draw(mean.shape, generator).to(mean)


class OobleckAutoencoder(nn.Module):
    def __init__(self, config: OobleckConfig):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @property
    def dtype(self) -> torch.dtype:
        """What the layers compute in."""
        return next(self.parameters()).dtype

    @property
    def context_frames(self) -> int:
        """Latent frames on each side that can touch a decoded frame: 10 for the published sizes."""
        unit_reach = sum(dilation * (UNIT_KERNEL // 2) for dilation in DILATIONS)
        frames, scale = float(EDGE_KERNEL // 2), 1
        for stride in self.config.strides[::-1]:
            frames += 1 / scale  # a transposed convolution two strides long reaches its neighbours
            scale *= stride
            frames += unit_reach / scale
        return ceil(frames + (EDGE_KERNEL // 2) / scale)

    def posterior(self, audio_bcn: Tensor) -> tuple[Tensor, Tensor]:
        """Return the latents' mean and standard deviation, each (b, c, t); n is a multiple of `frame_samples`."""
        samples, hop = audio_bcn.shape[-1], self.config.frame_samples
        if samples % hop:
            raise ValueError(f"{samples} samples: pad the audio to a multiple of {hop} to encode it")
        return posterior(self.encoder(audio_bcn.to(self.dtype)).float())

    def encode(self, audio_bcn: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return latents (b, c, t): the mean, or a sample when a CPU generator is given (published code samples)."""
        mean, std = self.posterior(audio_bcn)
        return mean if generator is None else sample_posterior(mean, std, generator)

    def decode(self, latents_bct: Tensor) -> Tensor:
        """Return audio (b, 2, n) with n = t · `frame_samples`, float32."""
        return self.decoder(latents_bct.to(self.dtype)).float()

    def reconstruct(self, audio_bcn: Tensor, noise_bct: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For training: a decoding (b, 2, n) of one sample of the latents, and their mean and standard deviation."""
        mean, std = self.posterior(audio_bcn)
        return self.decode(mean + std * noise_bct), mean, std

    def decode_chunks(
        self, latents_bct: Tensor, ends: Sequence[int], generator: NoiseSource | None = None
    ) -> Iterator[Tensor]:
        """Yield the audio of `decode` in chunks that end at the latent frames `ends`, rising; no further than the last.

        Every chunk is decoded with `context_frames` more latents on each side that are then cut off, which is
        all a sample can depend on: the joined chunks equal one decode up to rounding. Nothing is drawn.
        """
        context, hop, start = self.context_frames, self.config.frame_samples, 0
        for end in ends:
            first = max(start - context, 0)
            audio = self.decode(latents_bct[..., first : end + context])
            yield audio[..., (start - first) * hop :][..., : (end - start) * hop]
            start = end
