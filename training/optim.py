"""Optimiser, learning-rate schedules and exponential moving average of weights."""

import copy

import torch
from torch import Tensor, nn


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
    A fraction of 0 never falls.
    """
    rise = (step + 1) / max(warmup, 1)
    fall = (total - step) / max(decay_fraction * total, 1)
    return max(0.0, min(1.0, rise, fall))


def inverse_decay(step: int, half_life: float, power: float, warmup: float) -> float:
    """Learning-rate factor (1 + step/half_life)^−power, eased in by 1 − warmup^(step + 1): the published base's."""
    return (1 - warmup ** (step + 1)) * (1 + step / half_life) ** -power


def ramp(step: int, start: int, stop: int) -> float:
    """Factor that is 0 up to `start`, 1 from `stop`, linear between."""
    return min(1.0, max(0.0, (step - start) / max(stop - start, 1)))


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def whole(tensor: Tensor) -> Tensor:
    """A tensor that processes hold in pieces (FSDP), put together; every process must call it."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather()


class Ema(nn.Module):
    """Exponential moving average of a module's parameters; `module` is the average, buffers are copied.

    Early steps have a shorter memory: (1 + step)/(10 + step), or 1 − (1 + step)^−power as published.
    """

    def __init__(self, source: nn.Module, decay: float, power: float | None = None):
        super().__init__()
        self.decay, self.power = decay, power
        self.module = copy.deepcopy(source).requires_grad_(False)

    def decay_at(self, step: int) -> float:
        """How much of the average is kept at this step."""
        early = (1 + step) / (10 + step) if self.power is None else 1 - (1 + step) ** -self.power
        return min(self.decay, early)

    @torch.no_grad()
    def update(self, source: nn.Module, step: int) -> None:
        """Average one step in."""
        weight = 1 - self.decay_at(step)
        for average, value in zip(self.module.parameters(), source.parameters(), strict=True):
            average.lerp_(whole(value), weight)
        for average, value in zip(self.module.buffers(), source.buffers(), strict=True):
            average.copy_(value)
