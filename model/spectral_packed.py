"""ARC_MINI's decoder on a CPU: packed products, and one pass for all between them. The arithmetic of model/spectral.py.

Shapes: l latent frames, r rows (at the rate of a layer), c latent channels, t MDCT frames, k MDCT bins, n samples.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn

from model.kernels import DepthwiseNorm, Norm, coefficients, gelu
from model.packed import PackedLinear
from model.spectral import ConvNeXtBlock, SpectralAutoencoder, Unfold, mid_side, unfold_low_bins

LATENT_ROWS = 32  # latent frames of one product: a first chunk with its context, half of a later one


class _PackedConvNeXt:
    """A ConvNeXt block; its gain is part of the last product."""

    def __init__(self, block: ConvNeXtBlock, rows: int, dtype: torch.dtype):
        self._norm = DepthwiseNorm(block.depthwise, block.norm)
        self._widen = PackedLinear.of(block.widen, rows, dtype)
        gain = block.gain.detach()
        weight, bias = gain[:, None] * block.narrow.weight.detach(), gain * block.narrow.bias.detach()
        self._narrow = PackedLinear(weight.to(dtype), bias.to(dtype), rows)

    def __call__(self, x_rd: Tensor) -> Tensor:
        h = self._widen(self._norm(x_rd))
        gelu(h)
        self._narrow.add_to(x_rd, h)
        return x_rd


class PackedSpectralDecoder:
    """Latents of one item → MDCT coefficients → samples; body in `dtype`, ends in float32."""

    def __init__(self, autoencoder: SpectralAutoencoder, dtype: torch.dtype):
        decoder = autoencoder.decoder
        self._autoencoder, self._dtype = autoencoder, dtype
        rows = LATENT_ROWS
        self._layers: list[Any] = []
        for layer in decoder.layers:
            if isinstance(layer, ConvNeXtBlock):
                self._layers.append(_PackedConvNeXt(layer, rows, dtype))
            elif isinstance(layer, Unfold):
                project, stride = PackedLinear.of(layer.project, rows, dtype), layer.stride
                self._layers.append(lambda x, project=project, stride=stride: project(x).reshape(len(x) * stride, -1))
                rows *= stride
            elif isinstance(layer, nn.Linear):
                self._layers.append(PackedLinear.of(layer, rows, dtype))
            else:
                self._layers.append(Norm(cast(nn.LayerNorm, layer)))
        self._head = PackedLinear.of(decoder.head, rows)

    def __call__(self, latents_bcl: Tensor, frames: slice, noise_bctk: Tensor) -> Tensor:
        """See `spectral.Synthesis`."""
        decoder = self._autoencoder.decoder
        latents_lc = latents_bcl[0].t()
        x_rd = latents_lc.to(self._dtype)
        for layer in self._layers:
            x_rd = layer(x_rd)
        low = unfold_low_bins(decoder.low(latents_lc[None]), decoder.low_bins, decoder.frames_per_latent)
        low_rc = low[0, :, frames].transpose(0, 1).flatten(1)
        spectrum_ctk = coefficients(self._head(x_rd[frames].float()), low_rc, noise_bctk[0].contiguous())
        return mid_side(decoder.mdct.inverse(spectrum_ctk[None]))
