"""What the DiT is told: text tokens, the seconds token, and a global vector.

Shapes: b batch, l text tokens, d width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor, nn

from model.config import SecondsConfig


@dataclass(frozen=True, eq=False)
class Conditioning:
    """The only condition type the DiT accepts.

    `tokens_bld` are the text tokens followed by a token for each duration, `global_bd` the durations' embeddings one
    after the other: the total's alone, or the start's and the total's (DiTConfig.durations).
    """

    tokens_bld: Tensor
    global_bd: Tensor

    @classmethod
    def join(cls, text_bld: Tensor, durations_bd: Sequence[Tensor]) -> "Conditioning":
        """Join text tokens and embedded durations, in their published order: start, total."""
        tokens = [text_bld.to(durations_bd[0].dtype), *(embedding[:, None] for embedding in durations_bd)]
        return cls(torch.cat(tokens, 1), torch.cat(tuple(durations_bd), -1))

    def null(self) -> "Conditioning":
        """The unconditional counterpart for guidance: every cross-attention token zero, the global vector kept."""
        return Conditioning(torch.zeros_like(self.tokens_bld), self.global_bd)

    def keep(self, keep_b: Tensor) -> "Conditioning":
        """Null the items where the boolean `keep_b` (b,) is false: condition dropout in training."""
        return Conditioning(self.tokens_bld * keep_b[:, None, None], self.global_bd)

    def to(self, device: torch.device | str) -> "Conditioning":
        return Conditioning(self.tokens_bld.to(device), self.global_bd.to(device))


class SecondsEmbedder(nn.Module):
    """A duration as a vector: [s, sin 2πws, cos 2πws] with learned w, then one linear layer, in float32."""

    def __init__(self, config: SecondsConfig):
        super().__init__()
        self.config = config
        self.frequencies = nn.Parameter(torch.randn(config.frequencies))
        self.projection = nn.Linear(2 * config.frequencies + 1, config.width)

    def forward(self, seconds_b: Tensor) -> Tensor:
        """Return (b, d). Seconds outside the configured range are clamped."""
        low, high = self.config.min_seconds, self.config.max_seconds
        s_b1 = ((seconds_b.float().clamp(low, high) - low) / (high - low))[:, None]
        angles = 2 * pi * s_b1 * self.frequencies.float()
        features = torch.cat((s_b1, angles.sin(), angles.cos()), -1)
        return self.projection(features.to(self.projection.weight.dtype))
