"""ARC_MINI's autoencoder: MDCT frames ↔ latents ↔ MDCT frames with noise substitution.

The transform is two matrix products at a hop of 128 samples, so an attack stays near where it is and decoding six
seconds costs tens of milliseconds on two CPU cores. What has no phase worth keeping (breath, cymbals, rain) is
drawn as white noise under a predicted gain; what has one is a signed coefficient. The lowest bins, where the waveform
itself is heard, also take a linear path through the latents. A post-filter (postfilter.py) goes over the samples.

Shapes: b batch, c audio channels (left, right), n samples, t MDCT frames, k MDCT bins, l latent frames, d width.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig, SpectralConfig
from model.noise import NoiseSource, draw
from model.postfilter import HOP, PostFilter

COMPRESSION = 0.4  # exponent that brings MDCT coefficients, spread over five decades, near one another
COMPRESSED_GAIN = 4.0  # brings them near unit range: compressed coefficients of ordinary sound are near 0.1


def compress(coefficients: Tensor) -> Tensor:
    """MDCT coefficients → signed powers near unit range, the domain the networks work in."""
    return COMPRESSED_GAIN * coefficients.sign() * (coefficients.abs() + 1e-6) ** COMPRESSION


def expand(compressed: Tensor) -> Tensor:
    """The inverse of `compress`."""
    return compressed.sign() * (compressed.abs() / COMPRESSED_GAIN) ** (1 / COMPRESSION)


class Mdct(nn.Module):
    """Orthonormal MDCT with a sine window: frame i covers blocks i−1 and i of `hop` samples.

    t blocks become t frames. The block before the first is silence, so attacks at sample 0 are exact; the last
    block would need frame t and comes back aliased unless the signal has faded out there.
    Source: Princen, Johnson & Bradley 1987 (time-domain alias cancellation).
    """

    basis: Tensor  # (2·hop, hop)

    def __init__(self, hop: int):
        super().__init__()
        n = torch.arange(2 * hop, dtype=torch.float64)[:, None]
        k = torch.arange(hop, dtype=torch.float64)[None]
        window = torch.sin(math.pi / (2 * hop) * (n + 0.5))
        basis = window * math.sqrt(2 / hop) * torch.cos(math.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5))
        self.hop = hop
        self.register_buffer("basis", basis.float(), persistent=False)

    def forward(self, audio_bcn: Tensor) -> Tensor:
        """(b, c, t·hop) samples → (b, c, t, hop) coefficients."""
        b, c, n = audio_bcn.shape
        blocks = F.pad(audio_bcn, (self.hop, 0)).reshape(b, c, n // self.hop + 1, self.hop)
        frames = torch.cat([blocks[..., :-1, :], blocks[..., 1:, :]], dim=-1)
        return frames @ self.basis

    def inverse(self, coefficients_bctk: Tensor) -> Tensor:
        """(b, c, t, hop) coefficients → (b, c, t·hop) samples."""
        early, late = (coefficients_bctk @ self.basis.T).split(self.hop, dim=-1)
        return (late + F.pad(early[..., 1:, :], (0, 0, 0, 1))).flatten(-2)


def mid_side(audio_bcn: Tensor) -> Tensor:
    """Left/right ↔ mid/side, orthonormal and its own inverse."""
    left, right = audio_bcn.unbind(1)
    return torch.stack([left + right, left - right], dim=1) * math.sqrt(0.5)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a widened MLP; residual with a learned gain. Channels last.

    Source: Liu et al. 2022 (A ConvNet for the 2020s).
    """

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.reach = kernel // 2
        self.depthwise = nn.Conv1d(width, width, kernel, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.gain = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x_btd: Tensor) -> Tensor:
        # Shifted products beat the library's grouped convolution by a fifth at these sizes on a CPU.
        taps, bias = self.depthwise.weight[:, 0], self.depthwise.bias
        assert bias is not None
        padded = F.pad(x_btd, (0, 0, self.reach, self.reach))
        h = bias + padded[:, : x_btd.shape[1]] * taps[:, 0]
        for i in range(1, taps.shape[1]):
            h = h + padded[:, i : i + x_btd.shape[1]] * taps[:, i]
        h = self.narrow(F.gelu(self.widen(self.norm(h)), approximate="tanh"))
        return x_btd + self.gain * h


class Fold(nn.Module):
    """`stride` neighbouring frames become one of another width."""

    def __init__(self, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.stride = stride
        self.project = nn.Linear(stride * width_in, width_out)

    def forward(self, x_btd: Tensor) -> Tensor:
        b, t, d = x_btd.shape
        return self.project(x_btd.reshape(b, t // self.stride, self.stride * d))


class Unfold(nn.Module):
    """One frame becomes `stride` neighbouring frames of another width."""

    def __init__(self, width_in: int, width_out: int, stride: int):
        super().__init__()
        self.stride = stride
        self.project = nn.Linear(width_in, stride * width_out)

    def forward(self, x_btd: Tensor) -> Tensor:
        b, t, _ = x_btd.shape
        return self.project(x_btd).reshape(b, t * self.stride, -1)


def fold_low_bins(compressed_bctk: Tensor, bins: int, frames: int) -> Tensor:
    """The lowest `bins` of all MDCT frames that share a latent frame, as one vector: (b, l, 2·frames·bins)."""
    b, c, t, _ = compressed_bctk.shape
    blocks = compressed_bctk[..., :bins].reshape(b, c, t // frames, frames * bins)
    return blocks.transpose(1, 2).flatten(2)


def unfold_low_bins(low_bld: Tensor, bins: int, frames: int) -> Tensor:
    """The inverse of `fold_low_bins`: (b, 2, l·frames, bins)."""
    b, latent_frames, _ = low_bld.shape
    blocks = low_bld.reshape(b, latent_frames, 2, frames * bins).transpose(1, 2)
    return blocks.reshape(b, 2, latent_frames * frames, bins)


def mean_levels(compressed_bctk: Tensor, frames: int) -> Tensor:
    """Mean magnitude of each bin over the MDCT frames that share a latent frame: (b, l, 2·bins)."""
    levels = compressed_bctk.abs().unflatten(2, (-1, frames)).mean(3)
    return levels.transpose(1, 2).flatten(2)


class SpectralEncoder(nn.Module):
    """Samples → mean and log standard deviation of the latents."""

    def __init__(self, config: SpectralConfig):
        super().__init__()
        self.mdct = Mdct(config.hop)
        widths = config.widths
        layers: list[nn.Module] = [nn.Linear(2 * 2 * config.hop, widths[0])]
        for i, (width, depth) in enumerate(zip(widths, config.encoder_depths, strict=True)):
            if i > 0:
                layers.append(Fold(widths[i - 1], width, config.strides[i - 1]))
            layers.extend(ConvNeXtBlock(width, config.kernel) for _ in range(depth))
        self.layers = nn.Sequential(*layers, nn.LayerNorm(widths[-1]))
        self.head = nn.Linear(widths[-1], 2 * config.latent_channels)
        # The waveform of lows is what a network of magnitudes learns last; a linear path learns it within minutes.
        self.low_bins, self.frames_per_latent = config.linear_bins, math.prod(config.strides)
        self.low = nn.Linear(2 * self.frames_per_latent * self.low_bins, config.latent_channels, bias=False)
        # So do levels, one for each bin and latent frame: without this path mel bands over 1.4 kHz were 7 dB off.
        self.level = nn.Linear(2 * config.hop, config.latent_channels, bias=False)
        with torch.no_grad():  # start nearly deterministic: a noisy start teaches the decoder to ignore the latents
            self.head.bias[config.latent_channels :].fill_(-3.0)

    def forward(self, audio_bcn: Tensor) -> tuple[Tensor, Tensor]:
        """(b, 2, l·2048) samples → mean and log standard deviation, each (b, latent channels, l)."""
        compressed = compress(self.mdct(mid_side(audio_bcn)))
        features = torch.cat([compressed, compressed.abs()], dim=1)  # phase, and level at once
        x_btd = features.transpose(1, 2).flatten(2)
        mean_bld, log_std_bld = self.head(self.layers(x_btd)).chunk(2, dim=-1)
        mean_bld = mean_bld + self.low(fold_low_bins(compressed, self.low_bins, self.frames_per_latent))
        mean_bld = mean_bld + self.level(mean_levels(compressed, self.frames_per_latent))
        return mean_bld.transpose(1, 2), log_std_bld.transpose(1, 2).clamp(-10.0, 3.0)


class SpectralDecoder(nn.Module):
    """Latents → signed coefficients and noise gains → samples."""

    def __init__(self, config: SpectralConfig):
        super().__init__()
        self.mdct = Mdct(config.hop)
        widths, strides = config.widths[::-1], config.strides[::-1]
        layers: list[nn.Module] = [nn.Linear(config.latent_channels, widths[0])]
        for i, (width, depth) in enumerate(zip(widths, config.decoder_depths[::-1], strict=True)):
            if i > 0:
                layers.append(Unfold(widths[i - 1], width, strides[i - 1]))
            layers.extend(ConvNeXtBlock(width, config.kernel) for _ in range(depth))
        layers.append(nn.LayerNorm(widths[-1]))
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], 2 * 2 * config.hop)
        self.low_bins, self.frames_per_latent = config.linear_bins, math.prod(config.strides)
        self.low = nn.Linear(config.latent_channels, 2 * self.frames_per_latent * self.low_bins, bias=False)
        self.level = nn.Linear(config.latent_channels, 2 * config.hop, bias=False)
        self.postfilter = PostFilter(config.postfilter_width)

    def spectrum(self, latents_bcl: Tensor) -> tuple[Tensor, Tensor]:
        """Latents → (compressed coefficients, noise gains), each (b, 2, t, hop), mid/side, float32."""
        latents_bld = latents_bcl.transpose(1, 2)
        body_dtype = next(self.layers.parameters()).dtype  # bfloat16 at inference where that is fast
        x_btd = self.layers(latents_bld.to(body_dtype))
        x_btd = self.head(x_btd.to(self.head.weight.dtype)).float()
        value, noise = x_btd.unflatten(-1, (2, 2, -1)).permute(2, 0, 3, 1, 4)
        low = self.low(latents_bld.to(self.low.weight.dtype)).float()
        low = unfold_low_bins(low, self.low_bins, self.frames_per_latent)
        compressed = value + F.pad(low, (0, value.shape[-1] - self.low_bins))
        level = self.level(latents_bld.to(self.level.weight.dtype)).float().unflatten(-1, (2, -1)).transpose(1, 2)
        noise = (noise.unflatten(2, (-1, self.frames_per_latent)) + level[:, :, :, None]).flatten(2, 3)
        return compressed, expand(F.softplus(noise - 1.0))  # −1: noise starts quiet

    def synthesize(self, compressed_bctk: Tensor, noise_gain_bctk: Tensor, noise_bctk: Tensor) -> Tensor:
        """Coefficients plus gain × noise → (b, 2, n) samples, left/right, filtered."""
        return self.postfilter(self.unfiltered(compressed_bctk, noise_gain_bctk, noise_bctk))

    def unfiltered(self, compressed_bctk: Tensor, noise_gain_bctk: Tensor, noise_bctk: Tensor) -> Tensor:
        """What the post-filter goes over, (b, 2, n)."""
        return mid_side(self.mdct.inverse(expand(compressed_bctk) + noise_gain_bctk * noise_bctk))


# (latents (b, c, l) as the networks have them, the MDCT frames wanted of them, their noise) → samples (b, 2, n)
Synthesis = Callable[[Tensor, slice, Tensor], Tensor]


class Reconstruction(NamedTuple):
    """Two decodings (b, 2, n) of one sample of the latents, and what they were made of."""

    draw_a_bcn: Tensor
    draw_b_bcn: Tensor
    compressed_bctk: Tensor  # coefficients, mid/side, without the substituted noise
    mean_bcl: Tensor
    log_std_bcl: Tensor


class SpectralAutoencoder(nn.Module):
    """Variational autoencoder between stereo samples at 44.1 kHz and latents at 21.5 Hz.

    `scale` and `shift` normalise each latent channel to zero mean and unit variance over the training corpus; they
    are identity until `training.latents` measures them. The flow model only ever sees normalised latents.
    Raises ValueError for latent frames that the post-filter's do not divide: chunks would differ from the whole.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, config: SpectralConfig):
        super().__init__()
        if config.frame_samples % HOP:
            raise ValueError(f"a latent frame of {config.frame_samples} samples: must be a multiple of {HOP}")
        self.config = config
        self.encoder = SpectralEncoder(config)
        self.decoder = SpectralDecoder(config)
        self.register_buffer("shift", torch.zeros(config.latent_channels, 1))
        self.register_buffer("scale", torch.ones(config.latent_channels, 1))

    @classmethod
    def of(cls, config: ModelConfig) -> "SpectralAutoencoder":
        """The autoencoder of a model. Raises ValueError for a model that has another kind."""
        if not isinstance(config.autoencoder, SpectralConfig):
            raise ValueError(f"{config.name}: its autoencoder is not a spectral one")
        return cls(config.autoencoder)

    @property
    def context_frames(self) -> int:
        """Latents on each side that a decoded frame depends on: chunks decoded with this much context are exact."""
        reach = (self.config.hop + self.decoder.postfilter.reach) / self.config.frame_samples  # frames overlap by one
        frames_per_latent = 1
        for depth, stride in zip(self.config.decoder_depths[::-1], (*self.config.strides[::-1], 1), strict=True):
            reach += depth * (self.config.kernel // 2) / frames_per_latent
            frames_per_latent *= stride
        return math.ceil(reach)

    def encode(self, audio_bcn: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(b, 2, l·2048) samples → normalised latents (b, c, l); sampled if a CPU generator is given, else the mean."""
        mean_bcl, log_std_bcl = self.encoder(audio_bcn)
        if generator is not None:
            draw = torch.randn(mean_bcl.shape, generator=generator)
            mean_bcl = mean_bcl + log_std_bcl.exp() * draw.to(mean_bcl)
        return (mean_bcl - self.shift) / self.scale

    def reconstruct(
        self, audio_bcn: Tensor, noise_bcl: Tensor, noise_a_bctk: Tensor, noise_b_bctk: Tensor
    ) -> Reconstruction:
        """For training: encode, sample the latents with one noise, decode twice with the others."""
        mean_bcl, log_std_bcl = (x.float() for x in self.encoder(audio_bcn))
        compressed, gain = self.decoder.spectrum(mean_bcl + log_std_bcl.exp() * noise_bcl)
        with torch.autocast(audio_bcn.device.type, enabled=False):  # samples in bfloat16 have noise at −48 dB
            draw_a, draw_b = (self.decoder.synthesize(compressed, gain, x) for x in (noise_a_bctk, noise_b_bctk))
        return Reconstruction(draw_a, draw_b, compressed, mean_bcl, log_std_bcl)

    def decode(self, latents_bcl: Tensor, generator: NoiseSource) -> Tensor:
        """Normalised latents (b, c, l) → (b, 2, l·2048) samples; `generator` (CPU) draws the substituted noise."""
        return next(self.decode_chunks(latents_bcl, [latents_bcl.shape[-1]], generator))

    def decode_chunks(self, latents_bcl: Tensor, ends: Sequence[int], generator: NoiseSource) -> Iterator[Tensor]:
        """Yield what `decode` returns in chunks that end at the latent frames `ends`, rising; nothing past the last."""
        noise_bctk, start = self.draw_noise(latents_bcl, ends[-1], generator), 0
        for end in ends:
            yield self.decode_range(latents_bcl, start, end, noise_bctk, self.synthesis)
            start = end

    def draw_noise(self, latents_bcl: Tensor, end: int, generator: NoiseSource) -> Tensor:
        """The white noise that decoding up to the latent frame `end` substitutes, (b, 2, t, hop)."""
        b, _, frames = latents_bcl.shape
        # Frame-major draw: the first frames of a long sound use the numbers that a chunk of them would use.
        shape = (min(frames * math.prod(self.config.strides), self._mdct_frames(0, end).stop), b, 2, self.config.hop)
        return draw(shape, generator).permute(1, 2, 0, 3).contiguous().to(latents_bcl)

    def decode_range(
        self, latents_bcl: Tensor, start: int, end: int, noise_bctk: Tensor, synthesis: Synthesis
    ) -> Tensor:
        """The samples of the latent frames `start` to `end` − 1, decoded with `context_frames` more on each side."""
        first, last = max(0, start - self.context_frames), min(latents_bcl.shape[-1], end + self.context_frames)
        per_latent, wanted = math.prod(self.config.strides), self._mdct_frames(start, end)
        frames = slice(wanted.start - first * per_latent, min(wanted.stop, last * per_latent) - first * per_latent)
        latents_bcl = latents_bcl[..., first:last] * self.scale + self.shift
        audio_bcn = synthesis(latents_bcl, frames, noise_bctk[..., wanted, :])
        skip = start * self.config.frame_samples - wanted.start * self.config.hop
        return audio_bcn[..., skip : skip + (end - start) * self.config.frame_samples]

    def _mdct_frames(self, start: int, end: int) -> slice:
        """Those that the samples of the latent frames `start` to `end` − 1 are made of.

        They are as many more as the post-filter reaches, and one that completes the last block.
        """
        per_latent, reach = math.prod(self.config.strides), self.decoder.postfilter.reach // self.config.hop
        return slice(max(0, start * per_latent - reach), end * per_latent + reach + 1)

    def synthesis(self, latents_bcl: Tensor, frames: slice, noise_bctk: Tensor) -> Tensor:
        """The decoder's own `Synthesis`."""
        compressed, gain = (x_bctk[..., frames, :] for x_bctk in self.decoder.spectrum(latents_bcl))
        return self.decoder.synthesize(compressed, gain, noise_bctk)
