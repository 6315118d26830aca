"""From which distributions training draws noise levels, wrong prompts, and what an item is told of a contour.

Shapes: b batch, s rows of a contour, t latent frames, p parts of them. Levels are flow times: 0 data, 1 noise.
"""

from collections.abc import Sequence
from math import erf, log, sqrt

import numpy as np
import torch
from torch import Tensor

from model.contour import LEVELS, PARTS, PITCH

CONTOUR_SHARES = (0.65, 0.2, 0.09, 0.06)  # nothing, all, levels and onsets, pitch
BLURS = (1, 3, 5, 9)  # parts of latent frames, each 11.6 ms


class Draws:
    """Random numbers of one step, from a generator for each item of the global batch.

    Whichever process computes an item, alone or as part of whatever batch, draws the same numbers for it. `rows` are
    the items' places in the global batch, `stream` tells apart several uses of one step.
    """

    def __init__(self, seed: int, step: int, rows: Sequence[int], stream: int = 0):
        seeds = (np.random.SeedSequence((seed, step, stream, row)).generate_state(1) for row in rows)
        self._generators = [torch.Generator().manual_seed(int(own[0])) for own in seeds]

    def noise(self, like: Tensor) -> Tensor:
        """Standard normal numbers in the shape of `like`, on its device."""
        drawn = [torch.randn(like.shape[1:], generator=generator) for generator in self._generators]
        return torch.stack(drawn).to(like)

    def normal(self) -> Tensor:
        """(b,) standard normal numbers."""
        return torch.stack([torch.randn((), generator=generator) for generator in self._generators])

    def uniform(self) -> Tensor:
        """(b,) numbers uniform in [0, 1)."""
        return torch.stack([torch.rand((), generator=generator) for generator in self._generators])


def logit_normal(normal_b: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Levels with logit(t) ~ N(mean, std²). Source: Esser et al. 2024; p_disc is this with mean < 0."""
    return torch.sigmoid(mean + std * normal_b)


def truncated_logit_normal(uniform_b: Tensor, left: float = 0.075) -> Tensor:
    """Levels 1 − y, y logit-normal, cut off below `left` and stretched to [0, 1]: the published base model's.

    Drawn by the inverse of the distribution function, so no draw is rejected.
    """
    below = 0.5 * (1 + erf(log(left / (1 - left)) / sqrt(2)))  # chance of what is cut off
    y = torch.sigmoid(torch.special.ndtri(below + (1 - below) * uniform_b.double()))
    return (1 - (y - left) / (1 - left)).clamp(0, 1).to(uniform_b)


def told_of_contour(rows_st: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """What of a contour (contour.py) an item is told: of two thirds of them nothing, of the others all or a part.

    Levels are blurred by a random width, so that a voice, whose levels are no drum's, can be followed too
    (Sketch2Sound, which filters by random medians).
    """
    kind = rng.choice(len(CONTOUR_SHARES), p=CONTOUR_SHARES)
    if kind == 0:
        return None
    told_st = rows_st.copy()
    width = int(rng.choice(BLURS))
    levels_p = told_st[LEVELS].T.ravel()
    blurred_p = np.convolve(np.pad(levels_p, width // 2, "edge"), np.full(width, 1 / width), "valid")
    told_st[LEVELS] = blurred_p.reshape(-1, PARTS).T
    if kind == 2:
        told_st[PITCH] = 0
    if kind == 3:
        told_st[:PITCH] = 0
    return told_st


def log_snr_uniform(uniform_b: Tensor, low: float = -6.0, high: float = 2.0) -> Tensor:
    """Levels uniform in log-SNR = ln((1 − t)/t): p_gen, the range the sampler runs through."""
    return torch.sigmoid(-(low + (high - low) * uniform_b))


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
