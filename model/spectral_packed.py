"""ARC_MINI's decoder on a CPU: packed products, and one pass for all between them. The arithmetic of model/spectral.py.

Shapes: l latent frames, r rows (at the rate of a layer), c latent channels, t MDCT frames, k MDCT bins, n samples.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from model.kernels import DepthwiseNorm, Norm, coefficients, gelu
from model.packed import PackedLinear
from model.spectral import ConvNeXtBlock, SpectralDecoder, Unfold, mid_side, unfold_low_bins

LATENT_ROWS = (16, 48)  # latent frames of one product: for a first chunk with its context, and for parts of later ones


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


class _Body:
    """From latents to the head's predictions, with products for `rows` latent frames."""

    def __init__(self, decoder: SpectralDecoder, rows: int, dtype: torch.dtype):
        self._dtype = dtype
        self._layers: list[Callable[[Tensor], Tensor]] = []
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
                self._layers.append(Norm(cast("nn.LayerNorm", layer)))
        self._head = PackedLinear.of(decoder.head, rows)

    def __call__(self, latents_lc: Tensor, frames: slice) -> Tensor:
        x_rd = latents_lc.to(self._dtype)
        for layer in self._layers:
            x_rd = layer(x_rd)
        return self._head(x_rd[frames].float())


class PackedSpectralDecoder:
    """Latents of one item → MDCT coefficients → samples; the networks in `dtype`, samples in float32."""

    def __init__(self, decoder: SpectralDecoder, dtype: torch.dtype):
        self._decoder = decoder
        self._postfilter = decoder.postfilter.in_dtype(dtype)
        self._bodies = {rows: _Body(decoder, rows, dtype) for rows in LATENT_ROWS}

    def __call__(self, latents_bcl: Tensor, frames: slice, noise_bctk: Tensor) -> Tensor:
        """See `spectral.Synthesis`."""
        decoder, latents_lc = self._decoder, latents_bcl[0].t()
        rows = next((rows for rows in LATENT_ROWS if len(latents_lc) <= rows), LATENT_ROWS[-1])
        spectrum_tk = self._bodies[rows](latents_lc, frames)
        low = unfold_low_bins(decoder.low(latents_lc[None]), decoder.low_bins, decoder.frames_per_latent)
        low_tk = low[0, :, frames].transpose(0, 1).flatten(1)
        level_tk = decoder.level(latents_lc).repeat_interleave(decoder.frames_per_latent, 0)[frames]
        spectrum_tk[:, level_tk.shape[1] :] += level_tk
        coefficients_ctk = coefficients(spectrum_tk, low_tk, noise_bctk[0].contiguous())
        return self._postfilter(mid_side(decoder.mdct.inverse(coefficients_ctk[None])))
