"""The diffusion transformer on a CPU: packed products for one shape of latents, and one pass for all between them.

The same arithmetic as model/dit.py, whose module still embeds times and prepares conditions; residual sums are part of
the products, and the two linear layers on either side of the blocks are one.

Shapes: b batch, c latent channels, t frames, n = 1 + t positions, r = b·n rows, d width, h heads, k a head's width.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import KeysValues, rotary_table
from model.dit import Block, DiffusionTransformer, Prepared
from model.kernels import HeadNorm, Norm, gated
from model.packed import PackedLinear
from model.quantise import Int8Linear


class _PackedBlock:
    def __init__(self, block: Block, items: int, rows: int):
        attention, cross, feed_forward = block.self_attention, block.cross_attention, block.feed_forward
        self._width, self._heads, self._items = block.self_norm.normalized_shape[0], attention.heads, items
        self._self_norm, self._cross_norm = Norm(block.self_norm), Norm(block.cross_norm)
        self._ff_norm = Norm(block.ff_norm)
        self._qkv, self._output = (_product(layer, rows) for layer in (attention.qkv, attention.output))
        self._query_norm = HeadNorm(cast(nn.LayerNorm, attention.query_norm), self._heads)
        self._key_norm = HeadNorm(cast(nn.LayerNorm, attention.key_norm), self._heads)
        self._cross_query, self._cross_output = (_product(layer, rows) for layer in (cross.query, cross.output))
        self._cross_query_norm = HeadNorm(cast(nn.LayerNorm, cross.query_norm), self._heads)
        self._widen, self._narrow = (_product(layer, rows) for layer in (feed_forward.input, feed_forward.output))

    def add_to(self, x_rd: Tensor, table: tuple[Tensor, Tensor], keys_values: KeysValues) -> None:
        """Run the block on the residual stream, in place."""
        qkv = self._qkv(self._self_norm(x_rd))
        q, k = self._query_norm(qkv, 0, table), self._key_norm(qkv, self._width, table)
        v = qkv[:, 2 * self._width :].unflatten(1, (self._heads, -1)).transpose(0, 1)[None]
        self._output.add_to(x_rd, _attended(*map(self._by_item, (q, k, v))))
        q = self._cross_query_norm(self._cross_query(self._cross_norm(x_rd)), 0, None)
        self._cross_output.add_to(x_rd, _attended(self._by_item(q), *keys_values))
        self._narrow.add_to(x_rd, gated(self._widen(self._ff_norm(x_rd))))

    def _by_item(self, x_1hrk: Tensor) -> Tensor:
        """Heads (1, h, r, k) of the rows of all items → (b, h, n, k)."""
        return x_1hrk[0].unflatten(1, (self._items, -1)).transpose(0, 1)


class PackedTransformer:
    """v_φ(x_t, t, c) of `items` canvases of `frames` at once: a product of more rows reads its weights once.

    `release` takes the weights out of `dit`, which then only prepares.
    """

    def __init__(self, dit: DiffusionTransformer, frames: int, items: int = 1, *, release: bool = False):
        weight = dit.input_projection.weight
        self._dtype, self._width = weight.dtype, dit.config.width
        self._items, self._frames = items, frames
        table = rotary_table(frames + 1, dit.config.rotary_width, torch.device("cpu"))
        self._table = table[0].repeat(items, 1), table[1].repeat(items, 1)
        input_di = weight.double() @ _with_identity(dit.input_mix)
        output_od = _with_identity(dit.output_mix) @ dit.output_projection.weight.double()
        self._input = PackedLinear(input_di.to(self._dtype), None, items * frames)
        self._output = PackedLinear(output_od.to(self._dtype), None, items * frames)
        self._blocks = []
        for block in dit.blocks:
            self._blocks.append(_PackedBlock(block, items, items * (frames + 1)))
            if release:
                _release(block)

    def velocity(self, x_bct: Tensor, time_1d: Tensor, prepared: Prepared) -> Tensor:
        """Return (b, c, t) in float32; the time is that of every item, and so is a condition of one."""
        x_bnd = torch.empty(self._items, self._frames + 1, self._width, dtype=self._dtype)
        x_bnd[:, 0] = prepared.global_bd + time_1d
        x_bnd[:, 1:] = self._input(x_bct.transpose(1, 2).to(self._dtype))
        for embedded_btd in prepared.controls:
            x_bnd[:, 1:] += embedded_btd
        x_rd = x_bnd.view(-1, self._width)
        for block, keys_values in zip(self._blocks, prepared.keys_values, strict=True):
            keys, values = (x.expand(self._items, -1, -1, -1) for x in keys_values)
            block.add_to(x_rd, self._table, (keys, values))
        return self._output(x_bnd[:, 1:]).transpose(1, 2).float()


def _product(layer: nn.Module, rows: int) -> PackedLinear | Int8Linear:
    """The layer packed, but for one of int8, whose codes serve any number of rows."""
    return layer if isinstance(layer, Int8Linear) else PackedLinear.of(cast("nn.Linear", layer), rows)


def _attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Heads (b, h, n, k) → rows (r, h·k)."""
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2).flatten(0, 1)


def _with_identity(mix: nn.Linear) -> Tensor:
    """The weight of x → x + mix(x), float64."""
    return mix.weight.double() + torch.eye(len(mix.weight), dtype=torch.float64)


def _release(block: Block) -> None:
    """Free what was packed: every linear layer but those of the text, which `DiffusionTransformer.prepare` uses."""
    for layer in block.modules():
        if isinstance(layer, nn.Linear) and layer is not block.cross_attention.key_value:
            layer.weight.data = layer.weight.new_empty(0)
