"""Optimiser, learning-rate schedule and exponential moving average of weights."""

import copy

import torch
from torch import nn


def adamw(
    module: nn.Module, learning_rate: float, betas: tuple[float, float], weight_decay: float
) -> torch.optim.AdamW:
    """AdamW that decays matrices only: gains, biases and norms keep their size."""
    matrices = [p for p in module.parameters() if p.requires_grad and p.ndim >= 2]
    others = [p for p in module.parameters() if p.requires_grad and p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=1e-8)


def warmup_stable_decay(step: int, total: int, warmup: int, decay_fraction: float) -> float:
    """Learning-rate factor in [0, 1]: linear rise, plateau, linear fall over the last `decay_fraction` of `total`.

    The plateau makes a run extendable: resuming with a larger total continues it. Source: Hu et al. 2024 (MiniCPM).
    """
    rise = (step + 1) / max(warmup, 1)
    fall = (total - step) / max(decay_fraction * total, 1)
    return max(0.0, min(1.0, rise, fall))


def ramp(step: int, start: int, stop: int) -> float:
    """Factor that is 0 up to `start`, 1 from `stop`, linear between."""
    return min(1.0, max(0.0, (step - start) / max(stop - start, 1)))


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


class Ema(nn.Module):
    """Exponential moving average of a module's parameters; `module` is the average, buffers are copied."""

    def __init__(self, source: nn.Module, decay: float):
        super().__init__()
        self.decay = decay
        self.module = copy.deepcopy(source).requires_grad_(False)

    @torch.no_grad()
    def update(self, source: nn.Module, step: int) -> None:
        """Average one step in; early steps use the shorter memory (1 + step) / (10 + step)."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for average, value in zip(self.module.parameters(), source.parameters(), strict=True):
            average.lerp_(value, weight)
        for average, value in zip(self.module.buffers(), source.buffers(), strict=True):
            average.copy_(value)
