"""From which distributions training draws noise levels, and which wrong prompt each item meets.

Shapes: b batch. Levels are flow times: 0 data, 1 noise.
"""

import numpy as np
import torch
from torch import Tensor


def logit_normal(batch: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Levels (b,) with logit(t) ~ N(mean, std²). Source: Esser et al. 2024; p_disc is this with mean < 0."""
    return torch.sigmoid(mean + std * torch.randn(batch))


def log_snr_uniform(batch: int, low: float = -6.0, high: float = 2.0) -> Tensor:
    """Levels (b,) uniform in log-SNR = ln((1 − t)/t): p_gen, the range the sampler runs through."""
    return torch.sigmoid(-(low + (high - low) * torch.rand(batch)))


def derange(prompts: tuple[str, ...], rng: np.random.Generator, tries: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """P[c] of equation 8: `(permutation, valid)`, where item i meets the prompt of item permutation[i].

    No valid item meets a prompt equal to its own; the permutation with the fewest invalid items of a few random
    ones, mended by swaps, is taken. Items without any partner are not `valid` and must be left out of L_C.
    """
    own = np.array(prompts)
    best = rng.permutation(len(own))
    for _ in range(tries):
        permutation = rng.permutation(len(own))
        for i in np.flatnonzero(own[permutation] == own):
            swappable = (own[permutation] != own[i]) & (own != own[permutation[i]])
            if swappable.any():
                j = rng.choice(np.flatnonzero(swappable))
                permutation[[i, j]] = permutation[[j, i]]
        if (own[permutation] == own).sum() < (own[best] == own).sum():
            best = permutation
        if not (own[best] == own).any():
            break
    return best, own[best] != own
