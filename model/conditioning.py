"""What the DiT is told: text tokens, the seconds token, a global vector, and signals for each latent frame.

Shapes: b batch, l text tokens, d width, s signals, t latent frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor, nn

from model.config import SecondsConfig
from model.controls import INSIDE, SIGNALS


@dataclass(frozen=True, eq=False)
class Conditioning:
    """The only condition type the DiT accepts.

    `tokens_bld` are the text tokens followed by a token for each duration, `global_bd` the durations' embeddings one
    after the other: the total's alone, or the start's and the total's (DiTConfig.durations). `controls_bst` are control
    signals (controls.py), where a model takes them.
    """

    tokens_bld: Tensor
    global_bd: Tensor
    controls_bst: Tensor | None = None

    @classmethod
    def join(
        cls, text_bld: Tensor, durations_bd: Sequence[Tensor], controls_bst: Tensor | None = None
    ) -> "Conditioning":
        """Join text tokens and embedded durations, in their published order: start, total."""
        tokens = [text_bld.to(durations_bd[0].dtype), *(embedding[:, None] for embedding in durations_bd)]
        return cls(torch.cat(tokens, 1), torch.cat(tuple(durations_bd), -1), controls_bst)

    def null(self) -> "Conditioning":
        """The unconditional counterpart for guidance: nothing is told but the duration, so that guidance strengthens
        every other thing: each cross-attention token is zero, and each control signal but the one of the end.
        """
        return self.keep(torch.zeros(len(self.tokens_bld), dtype=torch.bool, device=self.tokens_bld.device))

    def keep(self, keep_b: Tensor) -> "Conditioning":
        """Null the items where the boolean `keep_b` (b,) is false: condition dropout in training."""
        keep_b11, controls_bst = keep_b[:, None, None], self.controls_bst
        if controls_bst is not None:
            inside_bst, others_bst = controls_bst.split([INSIDE + 1, SIGNALS - INSIDE - 1], 1)
            controls_bst = torch.cat([inside_bst, others_bst * keep_b11], 1)
        return Conditioning(self.tokens_bld * keep_b11, self.global_bd, controls_bst)


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
