"""D_ψ: the first blocks of the flow model, then a light convolutional head: one logit per position, HIGH = fake.

Shapes: b batch, c latent channels, t frames, l text tokens, d width.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig
from model.generator import Generator


class Head(nn.Module):
    """4 × (1-D convolution, GroupNorm, SiLU), then one logit per position (method.md §3).

    Stride 1, where the published code halves the length four times: our shortest canvas has nine positions.
    """

    def __init__(self, width: int, layers: int = 4, kernel: int = 3, groups: int = 32):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, kernel, padding=kernel // 2) for _ in range(layers))
        self.norms = nn.ModuleList(nn.GroupNorm(groups, width) for _ in range(layers))
        self.logit = nn.Conv1d(width, 1, 1)

    def forward(self, features_bnd: Tensor) -> Tensor:
        x = features_bnd.transpose(1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.silu(norm(convolution(x)))
        return self.logit(x)[:, 0].float()


class Discriminator(nn.Module):
    """The trunk keeps the first `trunk_fraction` of the blocks, rounded down, and nothing that comes after them."""

    def __init__(self, config: ModelConfig, trunk_fraction: float = 0.75):
        super().__init__()
        self.depth = int(config.dit.depth * trunk_fraction)
        self.trunk = Generator(config)
        self.trunk.dit.truncate(self.depth)
        self.head = Head(config.dit.width)

    def initialize(self, generator: Generator) -> None:
        """Copy what the trunk has in common with the pre-trained generator."""
        pretrained = generator.state_dict()
        self.trunk.load_state_dict({name: pretrained[name] for name in self.trunk.state_dict()})

    def forward(self, x_bct: Tensor, level_b: Tensor, text_bld: Tensor, seconds_b: Tensor) -> Tensor:
        """Logits (b, 1 + t) of latents noised to `level_b`."""
        conditioning = self.trunk.condition(text_bld, seconds_b)
        return self.head(self.trunk.dit.features(x_bct, level_b, conditioning, self.depth))
