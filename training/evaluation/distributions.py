"""Distances between sets of sounds, from their embeddings or class scores: pure functions of arrays.

Shapes: n, m items, d embedding width, k classes. These are the formulas of the paper's metrics; its embeddings
(OpenL3, PaSST, CLAP) are not used here, so the numbers are not comparable with its tables.
"""

import numpy as np

EPSILON = 1e-6  # added to every class score before the scores are normalised to sum 1


def frechet_distance(a_nd: np.ndarray, b_md: np.ndarray) -> float:
    """‖μa − μb‖² + tr(Σa + Σb − 2·(Σa·Σb)^½) of Gaussians fitted to both. Source: Heusel et al. 2017."""
    a_nd, b_md = a_nd.astype(np.float64), b_md.astype(np.float64)
    cov_a, cov_b = np.cov(a_nd, rowvar=False), np.cov(b_md, rowvar=False)
    values, vectors = np.linalg.eigh(cov_a)
    root_a = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root_a @ cov_b @ root_a).clip(0)).sum()
    mean = np.square(a_nd.mean(0) - b_md.mean(0)).sum()
    return float(mean + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def class_distribution(scores_nk: np.ndarray) -> np.ndarray:
    """Scores + 1e-6, normalised to sum 1 (n, k)."""
    shifted = scores_nk.astype(np.float64) + EPSILON
    return shifted / shifted.sum(-1, keepdims=True)


def kl_divergence(real_nk: np.ndarray, generated_nk: np.ndarray) -> np.ndarray:
    """KL(real‖generated) of each pair of class scores (n,), in nats."""
    p, q = class_distribution(real_nk), class_distribution(generated_nk)
    return (p * np.log(p / q)).sum(-1)


def top_agreement(real_nk: np.ndarray, generated_nk: np.ndarray, count: int = 10) -> np.ndarray:
    """Share of the `count` best classes of a real sound that are among the `count` best of its counterpart (n,)."""
    best = [np.argsort(-scores, axis=-1)[:, :count] for scores in (real_nk, generated_nk)]
    return np.array([len(np.intersect1d(a, b)) / count for a, b in zip(*best, strict=True)])


def _distances(a_nd: np.ndarray, b_md: np.ndarray) -> np.ndarray:
    squares = (a_nd**2).sum(1)[:, None] + (b_md**2).sum(1) - 2 * a_nd @ b_md.T
    return np.sqrt(squares.clip(0))


def _radii(points_nd: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each point to its k-th nearest other one."""
    return np.partition(_distances(points_nd, points_nd), neighbours, axis=1)[:, neighbours]


def recall(real_nd: np.ndarray, generated_md: np.ndarray, neighbours: int = 5) -> float:
    """Share of real points inside the k-nearest-neighbour ball of a generated one. Source: Kynkäänniemi et al. 2019."""
    inside = _distances(real_nd, generated_md) <= _radii(generated_md, neighbours)
    return float(inside.any(1).mean())


def coverage(real_nd: np.ndarray, generated_md: np.ndarray, neighbours: int = 5) -> float:
    """Share of real points whose own k-nearest-neighbour ball holds a generated one. Source: Naeem et al. 2020."""
    inside = _distances(real_nd, generated_md) <= _radii(real_nd, neighbours)[:, None]
    return float(inside.any(1).mean())


def conditional_diversity(groups: list[np.ndarray]) -> np.ndarray:
    """Mean pairwise cosine distance within each group (seeds of one prompt), (groups,): the form of CCDS."""
    found = []
    for group in groups:
        unit = group / np.linalg.norm(group, axis=1, keepdims=True).clip(1e-12)
        similarity = unit @ unit.T
        others = ~np.eye(len(unit), dtype=bool)
        found.append(1 - similarity[others].mean())
    return np.array(found)
