"""ARC_MINI's post-filter: learned gains for the bands of a longer transform of what the decoder has made.

The decoder's own bins are 172 Hz wide, so beside a partial it leaves noise that a listener hears and a recording
lacks. In bands of 43 Hz a small network can tell the one from the other, and turns each band up or down.

Shapes: b batch, c audio channels, n samples, t frames, k bins, f bands.
"""

import copy
import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WINDOW = 2048  # samples
HOP = WINDOW // 2
BINS = WINDOW // 2  # without the last, at half the sample rate
BANDS = BINS // 2  # one gain for two bins: as good as one for each, at half the cost
SMOOTHING = 33  # bands of the mean that a band is compared with: 1.4 kHz
LOWEST_BAND = 8  # below 345 Hz the decoder has the waveform itself
LARGEST_GAIN = math.log(10) * 30 / 20  # 30 dB up or down, as a natural logarithm


class Transform(Protocol):
    """Between windowed frames (b, c, t, WINDOW) and the real, then the imaginary parts of their bins."""

    def analyse(self, frames_bctn: Tensor) -> Tensor:
        """→ (b, c, t, 2·BINS)."""
        ...

    def synthesise(self, parts_bctk: Tensor) -> Tensor:
        """→ (b, c, t, WINDOW)."""
        ...


class Fft:
    """`Transform` by torch's FFT."""

    def analyse(self, frames_bctn: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(frames_bctn)[..., :BINS]
        return torch.cat([spectrum.real, spectrum.imag], -1)

    def synthesise(self, parts_bctk: Tensor) -> Tensor:
        real, imaginary = parts_bctk.split(BINS, -1)
        return torch.fft.irfft(torch.complex(real, imaginary), WINDOW)


FFT = Fft()


class PostFilter(nn.Module):
    """The same gain for both channels, from levels around each band; the identity until it is trained.

    Source: gains of bands by a small network, as Valin 2018 (RNNoise) has them against noise in speech.
    """

    window: Tensor

    def __init__(self, width: int):
        super().__init__()
        samples = torch.arange(WINDOW, dtype=torch.float64)
        window = torch.sin(math.pi / WINDOW * (samples + 0.5)).float()
        self.register_buffer("window", window, persistent=False)
        self.first = nn.Conv2d(3, width, (3, 5), padding=(1, 2))
        self.layers = nn.ModuleList(
            nn.Conv2d(width, width, (taps, 7), padding=(taps // 2, 3 * dilation), dilation=(1, dilation))
            for taps, dilation in ((3, 1), (3, 3), (1, 9))
        )
        self.last = nn.Conv2d(width, 1, (1, 5), padding=(0, 2))
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def in_dtype(self, dtype: torch.dtype) -> "PostFilter":
        """A copy whose network computes in `dtype`; the samples stay float32."""
        copied = copy.deepcopy(self)
        for layer in (copied.first, *copied.layers, copied.last):
            layer.to(dtype)
        return copied

    @property
    def reach(self) -> int:
        """Samples on each side that an output depends on, a multiple of HOP."""
        frames = sum(layer.kernel_size[0] // 2 for layer in self.modules() if isinstance(layer, nn.Conv2d))
        return WINDOW - HOP + frames * HOP

    def forward(self, audio_bcn: Tensor, transform: Transform = FFT) -> Tensor:
        """(b, c, n) samples, with silence around them → the same, filtered."""
        n = audio_bcn.shape[-1]
        blocks = F.pad(audio_bcn, (HOP, HOP + -n % HOP)).unflatten(-1, (-1, HOP))
        frames = torch.cat([blocks[..., :-1, :], blocks[..., 1:, :]], -1) * self.window
        parts = transform.analyse(frames)
        change = self.gains(parts, frames.square().mean((1, 3))) - 1
        change = torch.stack([change, change], -1).flatten(-2)  # both bins of a band
        frames = transform.synthesise(parts * torch.cat([change, change], -1)[:, None]) * self.window
        early, late = frames.split(HOP, -1)
        return audio_bcn + (late[..., :-1, :] + early[..., 1:, :]).flatten(-2)[..., :n]

    def gains(self, parts_bctk: Tensor, power_bt: Tensor) -> Tensor:
        """(b, t, BANDS) factors from the bins' parts and the frames' mean power."""
        real, imaginary = parts_bctk.square().mean(1).split(BINS, -1)
        power_btk = real + imaginary
        power_btf = (power_btk[..., ::2] + power_btk[..., 1::2]) / 2
        relative = power_btf / (power_bt[..., None] * WINDOW + 1e-9)  # white noise: 1
        level = 10 * torch.log10(relative + 1e-10)
        around = F.avg_pool1d(level, SMOOTHING, 1, SMOOTHING // 2, count_include_pad=False)
        height = torch.linspace(-1.0, 1.0, BANDS, device=level.device).expand_as(level)
        x = torch.stack([level / 40 + 0.75, (level - around) / 20, height], -1)
        x = x.to(self.first.weight.dtype).permute(0, 3, 1, 2)  # channels last
        x = F.relu(self.first(x), inplace=True)
        for layer in self.layers:
            x = x + F.relu(layer(x), inplace=True)
        gains = (LARGEST_GAIN * torch.tanh(self.last(x)[:, 0].float() / 3)).exp()
        return F.pad(gains[..., LOWEST_BAND:], (LOWEST_BAND, 0), value=1.0)
