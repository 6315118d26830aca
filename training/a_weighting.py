"""A-weighting: how loud each frequency is to an ear, as a filter before a spectral loss (IEC 61672-1).

Shapes: b batch, c channels, n samples.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

POLES_HZ = (20.598997, 107.65265, 737.86223, 12_194.217)  # the first and the last are double
TAPS = 1023  # −19.0 dB at 100 Hz, where the standard says −19.1; 101 taps, as in the published code, cannot pass −9


def a_weighting(frequency_hz: Tensor) -> Tensor:
    """Gain of each frequency, 1 at 1 kHz."""

    def unscaled(hz: Tensor) -> Tensor:
        square, (p1, p2, p3, p4) = hz.square(), (pole * pole for pole in POLES_HZ)
        return square.square() / ((square + p1) * ((square + p2) * (square + p3)).sqrt() * (square + p4))

    return unscaled(frequency_hz) / unscaled(frequency_hz.new_tensor(1_000.0))


@lru_cache
def a_weighting_taps(rate_hz: int) -> Tensor:
    """Linear-phase FIR (TAPS,): the curve's inverse transform under a Hann window."""
    size = 64 * (TAPS + 1)
    response = torch.fft.irfft(a_weighting(torch.arange(size // 2 + 1, dtype=torch.float64) * rate_hz / size), size)
    return (response.roll(TAPS // 2)[:TAPS] * torch.hann_window(TAPS + 2, False, dtype=torch.float64)[1:-1]).float()


def a_weighted(audio_bcn: Tensor, rate_hz: int) -> Tensor:
    """The signal filtered, delay removed, of the same length; silence is assumed on both sides."""
    samples = audio_bcn.shape[-1]
    size = 2 ** math.ceil(math.log2(samples + TAPS - 1))
    spectrum = torch.fft.rfft(audio_bcn.float(), size)
    filtered = torch.fft.irfft(spectrum * torch.fft.rfft(a_weighting_taps(rate_hz).to(audio_bcn.device), size), size)
    return filtered[..., TAPS // 2 : TAPS // 2 + samples]
