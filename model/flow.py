"""Rectified flow, and THE time convention of this project: t = 0 is data, t = 1 is Gaussian noise.

Shapes: b batch, c latent channels, t frames. A time is a float, or a tensor (b,) with one per item.
Source: Esser et al. 2024 and the ARC paper (arXiv 2505.08175), equations 1–3.
"""

from collections.abc import Callable
from math import pi
from typing import TypeVar

import torch
from torch import Tensor

Time = TypeVar("Time", float, Tensor)


def expand_time(time: float | Tensor, like_bct: Tensor) -> float | Tensor:
    """Return times (b,) as (b, 1, 1) on the device of `like_bct`; a float stays a float."""
    return time if not isinstance(time, Tensor) else time.to(like_bct.device).view(-1, 1, 1)


def interpolate(x0_bct: Tensor, noise_bct: Tensor, time: float | Tensor) -> Tensor:
    """x_t = (1 − t)·x_0 + t·ε (equation 1)."""
    t = expand_time(time, x0_bct)
    return (1 - t) * x0_bct + t * noise_bct


def velocity_target(x0_bct: Tensor, noise_bct: Tensor) -> Tensor:
    """ε − x_0 = dx_t/dt, what the network learns to predict (equation 3)."""
    return noise_bct - x0_bct


def denoise(x_bct: Tensor, velocity_bct: Tensor, time: float | Tensor) -> Tensor:
    """x̂_0 = x_t − t·v: the data that a straight path with this velocity comes from."""
    return x_bct - expand_time(time, x_bct) * velocity_bct


def log_snr(time: Tensor) -> Tensor:
    """ln((1 − t)/t); its inverse is sigmoid(−log-SNR)."""
    return -torch.logit(time)


def flow_of_v(network: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the velocity that a v-objective network means, so that a flow's samplers run it.

    Such a network sees x' = cos φ·x_0 + sin φ·ε and φ·2/π, and predicts v = cos φ·ε − sin φ·x_0 (Salimans & Ho 2022,
    "Progressive distillation", appendix D). Where tan φ = t/(1 − t), x' is x_t/n with n² = (1 − t)² + t², and
    ε − x_0 = (sin φ − cos φ)·x' + (cos φ + sin φ)·v = ((2t − 1)·x_t/n + v)/n.
    """

    def velocity(x_bct: Tensor, time_b: Tensor) -> Tensor:
        t = time_b.to(x_bct.device).view(-1, 1, 1)
        n = torch.hypot(1 - t, t)
        v_bct = network(x_bct / n, torch.atan2(time_b, 1 - time_b) * (2 / pi))
        return ((2 * t - 1) * x_bct / n + v_bct) / n

    return velocity
