"""The diffusion transformer: velocity of a latent, given its time and its conditioning.

Shapes: b batch, c latent channels, t frames, n = 1 + t positions, l text tokens, d width, s control signals.
"""

from collections.abc import Sequence
from math import pi
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import CrossAttention, KeysValues, SelfAttention, rotary_table
from model.conditioning import Conditioning
from model.config import DiTConfig
from model.controls import SIGNALS


class Prepared(NamedTuple):
    """All that depends on the condition alone: one prompt's, or each item's, for every step and every seed."""

    global_bd: Tensor
    keys_values: tuple[KeysValues, ...]  # of each block
    controls: tuple[Tensor, ...] = ()  # embedded (b, t, d), of a model that takes control signals

    @classmethod
    def join(cls, parts: Sequence["Prepared"]) -> "Prepared":
        """A condition for each item; the same for all of them stays one."""
        if all(part is parts[0] for part in parts):
            return parts[0]
        blocks = zip(*(part.keys_values for part in parts), strict=True)
        pairs = tuple((torch.cat([k for k, _ in block]), torch.cat([v for _, v in block])) for block in blocks)
        controls = tuple(torch.cat(embedded) for embedded in zip(*(part.controls for part in parts), strict=True))
        return cls(torch.cat([part.global_bd for part in parts]), pairs, controls)

    @classmethod
    def mean(cls, parts: Sequence["Prepared"], weights: Sequence[float]) -> "Prepared":
        """What lies between several conditions, by weights that add up to 1."""

        def mean(tensors: Sequence[Tensor]) -> Tensor:
            total = sum((weight * x.float() for x, weight in zip(tensors, weights, strict=True)), torch.zeros(()))
            return total.to(tensors[0].dtype)

        blocks = zip(*(part.keys_values for part in parts), strict=True)
        pairs = tuple((mean([k for k, _ in block]), mean([v for _, v in block])) for block in blocks)
        controls = tuple(mean(embedded) for embedded in zip(*(part.controls for part in parts), strict=True))
        return cls(mean([part.global_bd for part in parts]), pairs, controls)

    def item(self, index: int) -> "Prepared":
        """The condition of one item."""
        if len(self.global_bd) == 1:
            return self
        one = slice(index, index + 1)
        pairs = tuple((k[one], v[one]) for k, v in self.keys_values)
        return Prepared(self.global_bd[one], pairs, tuple(embedded[one] for embedded in self.controls))


class FeedForward(nn.Module):
    """SwiGLU: a·SiLU(b) between two linear layers."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.input = nn.Linear(width, 2 * inner)
        self.output = nn.Linear(inner, width)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.input(x).chunk(2, -1)
        return self.output(value * F.silu(gate))


class Block(nn.Module):
    """Self-attention, cross-attention and feed-forward, each on a normalised copy of the residual stream."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.self_norm = nn.LayerNorm(config.width, bias=False)
        self.self_attention = SelfAttention(config.width, config.heads, config.qk_norm)
        self.cross_norm = nn.LayerNorm(config.width, bias=False)
        self.cross_attention = CrossAttention(config.width, config.heads, config.token_width, config.qk_norm)
        self.ff_norm = nn.LayerNorm(config.width, bias=False)
        self.feed_forward = FeedForward(config.width, config.ff_inner)

    def forward(self, x_bnd: Tensor, table: tuple[Tensor, Tensor], keys_values: KeysValues) -> Tensor:
        x_bnd = x_bnd + self.self_attention(self.self_norm(x_bnd), table)
        x_bnd = x_bnd + self.cross_attention(self.cross_norm(x_bnd), keys_values)
        return x_bnd + self.feed_forward(self.ff_norm(x_bnd))


class TimeEmbedding(nn.Module):
    """Time as [cos 2πwt, sin 2πwt] with learned w, then an MLP. The angles are float32 whatever the weights are."""

    def __init__(self, features: int, width: int):
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(features // 2))
        self.mlp = nn.Sequential(nn.Linear(features, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time_b: Tensor) -> Tensor:
        angles = 2 * pi * time_b.float()[:, None] * self.frequencies.float()
        features = torch.cat((angles.cos(), angles.sin()), -1)
        return self.mlp(features.to(self.frequencies.dtype))


def condition_mlp(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width, bias=False), nn.SiLU(), nn.Linear(width, width, bias=False))


class ControlEmbedding(nn.Module):
    """Control signals (b, s, t) → (b, t, d), added to the embedded latent frames; at first nothing."""

    def __init__(self, inner: int, width: int):
        super().__init__()
        self.input = nn.Linear(SIGNALS, inner, bias=False)
        self.output = nn.Linear(inner, width, bias=False)
        nn.init.zeros_(self.output.weight)

    def forward(self, controls_bst: Tensor) -> Tensor:
        return self.output(F.silu(self.input(controls_bst.transpose(1, 2).to(self.input.weight.dtype))))


class DiffusionTransformer(nn.Module):
    """v_θ(x_t, t, c). The global condition and the time are one token prepended to the latent frames."""

    def __init__(self, config: DiTConfig):
        super().__init__()
        self.config = config
        channels, width = config.latent_channels, config.width
        self.time_embedding = TimeEmbedding(config.time_features, width)
        self.token_mlp = condition_mlp(config.conditioning_width, config.token_width)
        self.global_mlp = condition_mlp(config.global_width, width)
        self.input_mix = nn.Linear(channels, channels, bias=False)
        self.input_projection = nn.Linear(channels, width, bias=False)
        self.control_embedding = ControlEmbedding(config.control_width, width) if config.control_width else None
        self.blocks = cast("Sequence[Block]", nn.ModuleList(Block(config) for _ in range(config.depth)))
        self.output_projection = nn.Linear(width, channels, bias=False)
        self.output_mix = nn.Linear(channels, channels, bias=False)
        nn.init.zeros_(self.input_mix.weight)
        nn.init.zeros_(self.output_mix.weight)

    @property
    def dtype(self) -> torch.dtype:
        """What the layers compute in."""
        return self.time_embedding.frequencies.dtype

    def forward(self, x_bct: Tensor, time_b: Tensor, conditioning: Conditioning) -> Tensor:
        """Return the velocity (b, c, t), in the dtype of `x_bct`; times are (b,)."""
        return self.velocity(x_bct, time_b, self.prepare(conditioning))

    def prepare(self, conditioning: Conditioning, depth: int | None = None) -> Prepared:
        """Compute what does not change from step to step, for the first `depth` blocks (all of them by default).

        Raises ValueError for a condition without control signals where the model takes them, or with them where not.
        """
        dtype, controls_bst = self.dtype, conditioning.controls_bst
        if (controls_bst is None) != (self.control_embedding is None):
            raise ValueError("control signals are told to a model that takes them, and to no other")
        controls = () if self.control_embedding is None else (self.control_embedding(controls_bst),)
        tokens_bld = self.token_mlp(conditioning.tokens_bld.to(dtype))
        return Prepared(
            self.global_mlp(conditioning.global_bd.to(dtype)),
            tuple(block.cross_attention.keys_values(tokens_bld) for block in self.blocks[:depth]),
            controls,
        )

    def velocity(self, x_bct: Tensor, time_b: Tensor, prepared: Prepared) -> Tensor:
        """Return what `forward` does, under an already prepared condition of the same batch size."""
        return self.velocity_at(x_bct, self.time_embedding(time_b), prepared)

    def velocity_at(self, x_bct: Tensor, time_bd: Tensor, prepared: Prepared) -> Tensor:
        """Return what `velocity` does, from an already embedded time."""
        out_btc = self.output_projection(self._residual_stream(x_bct, time_bd, prepared))[:, 1:]
        return (out_btc + self.output_mix(out_btc)).transpose(1, 2).to(x_bct.dtype)

    def truncate(self, depth: int) -> None:
        """Drop the blocks past `depth` and the output layers for good: what is left makes `features`."""
        del self.blocks[depth:]  # pyright: ignore[reportIndexIssue]
        del self.output_projection, self.output_mix

    def features(self, x_bct: Tensor, time_b: Tensor, conditioning: Conditioning, depth: int) -> Tensor:
        """Return the residual stream (b, 1 + t, d) after the first `depth` blocks, the prepended token first."""
        if not 0 <= depth <= len(self.blocks):
            raise ValueError(f"depth={depth}: this transformer has {len(self.blocks)} blocks")
        return self._residual_stream(x_bct, self.time_embedding(time_b), self.prepare(conditioning, depth))

    def _residual_stream(self, x_bct: Tensor, time_bd: Tensor, prepared: Prepared) -> Tensor:
        """Return (b, 1 + t, d) after the blocks that `prepared` covers."""
        x_btc = x_bct.transpose(1, 2).to(self.dtype)
        frames_btd = self.input_projection(x_btc + self.input_mix(x_btc))
        for embedded_btd in prepared.controls:
            frames_btd = frames_btd + embedded_btd
        token_bd = (prepared.global_bd + time_bd).to(frames_btd.dtype).expand(len(x_bct), -1)
        x_bnd = torch.cat((token_bd[:, None], frames_btd), 1)
        table = rotary_table(x_bnd.shape[1], self.config.rotary_width, x_bnd.device)
        for block, keys_values in zip(self.blocks, prepared.keys_values, strict=False):
            x_bnd = block(x_bnd, table, keys_values)
        return x_bnd
