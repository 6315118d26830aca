"""G_φ: the trained part between text tokens and latents, a velocity network with its duration embedding.

Shapes: b batch, c latent channels, t frames, l text tokens, d width, s control signals.
"""

import torch
from torch import Tensor, nn

from model.conditioning import Conditioning, SecondsEmbedder
from model.config import ModelConfig
from model.dit import DiffusionTransformer


class Generator(nn.Module):
    """DiT and seconds embedder, trained and shipped together; the text encoder and autoencoder stay frozen."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.dit = DiffusionTransformer(config.dit)
        self.seconds = SecondsEmbedder(config.seconds)
        self.start = SecondsEmbedder(config.seconds) if config.dit.durations == 2 else None

    def condition(self, text_bld: Tensor, seconds_b: Tensor, controls_bst: Tensor | None = None) -> Conditioning:
        """Text tokens, durations, control signals → what the DiT is told. What is made starts at second 0 of itself."""
        starts = [self.start(torch.zeros_like(seconds_b))] if self.start else []
        return Conditioning.join(text_bld, [*starts, self.seconds(seconds_b)], controls_bst)

    def forward(
        self,
        x_bct: Tensor,
        time_b: Tensor,
        text_bld: Tensor,
        seconds_b: Tensor,
        controls_bst: Tensor | None = None,
        keep_b: Tensor | None = None,
    ) -> Tensor:
        """v_φ(x_t, t, c), (b, c, t); unconditional, as guidance.py needs it, for items that `keep_b` leaves out."""
        condition = self.condition(text_bld, seconds_b, controls_bst)
        return self.dit(x_bct, time_b, condition if keep_b is None else condition.keep(keep_b))
