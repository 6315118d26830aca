"""What a figure may be worth: intervals of proportions, medians and ratios, all at 95 %."""

import math
from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 1_000


def wilson_interval(successes: float, trials: float, z: float = 1.96) -> tuple[float, float]:
    """Confidence interval of a proportion; (0, 1) of no trials. Source: Wilson 1927."""
    if not trials:
        return 0.0, 1.0
    p, denominator = successes / trials, 1 + z * z / trials
    centre = (p + z * z / (2 * trials)) / denominator
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials)) / denominator
    return max(centre - half, 0.0), min(centre + half, 1.0)


def independent_trials(outcomes: np.ndarray, groups: np.ndarray) -> float:
    """How many independent trials tell as much of the share as these, of which those of a group are alike.

    p·(1 − p) over the variance of the share that groups drawn anew would have (Kish's effective size): the number of
    groups where each is all right or all wrong, that of trials where seeds of one prompt differ as much as prompts do.
    """
    _, members = np.unique(groups, return_inverse=True)
    sizes, share = np.bincount(members), outcomes.mean()
    excess = np.bincount(members, outcomes) - share * sizes
    variance = np.square(excess).sum() / len(outcomes) ** 2 * len(sizes) / max(len(sizes) - 1, 1)
    if not variance:
        return float(len(sizes) if share in (0, 1) else len(outcomes))
    return float(np.clip(share * (1 - share) / variance, len(sizes), len(outcomes)))


def proportion(outcomes: Sequence[bool], groups: Sequence[int] | np.ndarray | None = None) -> dict:
    """A share of successes with its interval; `groups` says which outcomes are seeds of one prompt."""
    successes, trials = sum(map(bool, outcomes)), len(outcomes)
    worth = float(trials)
    if groups is not None and trials:
        worth = independent_trials(np.array(outcomes, float), np.array(groups))
    low, high = wilson_interval(successes / max(trials, 1) * worth, worth)
    share = round(successes / trials, 4) if trials else None
    return {"share": share, "interval_95": [round(low, 4), round(high, 4)], "successes": successes, "of": trials}


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.median,
    groups: np.ndarray | None = None,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Percentile bootstrap of a statistic of `values` (rows); whole `groups` are drawn where seeds share a prompt."""
    rng = np.random.default_rng(0)
    labels = np.arange(len(values)) if groups is None else groups
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = []
    for _ in range(resamples):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        drawn.append(statistic(values[rows]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def spread(values: Sequence[float] | np.ndarray, groups: np.ndarray | None = None) -> dict:
    """Median with its interval, the deciles at the ends, and how many."""
    array = np.asarray(values, float)
    if not len(array):
        return {"median": None, "of": 0}
    low, high = bootstrap_interval(array, groups=groups)
    figures = {"median": np.median(array), "p10": np.quantile(array, 0.1), "p90": np.quantile(array, 0.9)}
    rounded = {name: round(float(value), 3) for name, value in figures.items()}
    return {**rounded, "interval_95": [round(low, 3), round(high, 3)], "of": len(array)}


def ratio(pairs_n2: np.ndarray, groups: np.ndarray | None = None) -> dict:
    """Mean of the first column over mean of the second, rows drawn together, with its interval."""
    means = pairs_n2.mean(0)
    if not means[1]:
        return {"ratio": None, "of": len(pairs_n2)}
    low, high = bootstrap_interval(
        pairs_n2, lambda rows: float(rows[:, 0].mean() / max(rows[:, 1].mean(), 1e-9)), groups
    )
    figures = {"ratio": round(float(means[0] / means[1]), 4), "interval_95": [round(low, 4), round(high, 4)]}
    return {**figures, "means": [round(float(mean), 4) for mean in means], "of": len(pairs_n2)}
