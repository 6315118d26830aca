"""D_ψ: the first blocks of the flow model, then a light convolutional head: one logit per position, HIGH = fake.

Shapes: b batch, c latent channels, t frames, l text tokens, d width, s control signals.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.config import ModelConfig
from model.generator import Generator


class Head(nn.Module):
    """4 × (1-D convolution, GroupNorm, SiLU), then one logit per position (the ARC paper, arXiv 2505.08175).

    Stride 1 by default: our shortest canvas has nine positions. The published code has kernel 4 and stride 2, which
    halves the length four times, and the same kernel before the logit: 257 positions become 13.
    """

    def __init__(self, width: int, layers: int = 4, kernel: int = 3, stride: int = 1, groups: int = 32):
        super().__init__()
        if (kernel - stride) % 2:
            raise ValueError(f"head kernel {kernel}, stride {stride}: both must be odd, or both even")
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, kernel, stride, padding=(kernel - stride) // 2) for _ in range(layers)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(groups, width) for _ in range(layers))
        self.logit = nn.Conv1d(width, 1, 1 if stride == 1 else kernel)

    def forward(self, features_bnd: Tensor) -> Tensor:
        x = features_bnd.transpose(1, 2)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.silu(norm(convolution(x)))
        return self.logit(x)[:, 0].float()


class Discriminator(nn.Module):
    """The trunk keeps the first `trunk_fraction` of the blocks, rounded down, and nothing that comes after them."""

    def __init__(self, config: ModelConfig, trunk_fraction: float = 0.75, head_kernel: int = 3, head_stride: int = 1):
        super().__init__()
        self.depth = int(config.dit.depth * trunk_fraction)
        self.trunk = Generator(config)
        self.trunk.dit.truncate(self.depth)
        self.head = Head(config.dit.width, kernel=head_kernel, stride=head_stride)

    def initialize(self, generator: Generator) -> None:
        """Copy what the trunk has in common with the pre-trained generator."""
        pretrained = generator.state_dict()
        self.trunk.load_state_dict({name: pretrained[name] for name in self.trunk.state_dict()})

    def forward(
        self,
        x_bct: Tensor,
        level_b: Tensor,
        text_bld: Tensor,
        seconds_b: Tensor,
        controls_bst: Tensor | None = None,
    ) -> Tensor:
        """Logits (b, 1 + t), fewer with a strided head, of latents noised to `level_b`."""
        conditioning = self.trunk.condition(text_bld, seconds_b, controls_bst)
        return self.head(self.trunk.dit.features(x_bct, level_b, conditioning, self.depth))
