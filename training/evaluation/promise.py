"""ARC's own promise: few steps as good as the flow's fifty, and as various.

Shapes: p prompts, s seeds, n items, d embedding width.
"""

from collections.abc import Callable, Sequence

import numpy as np
from tqdm import tqdm

from training.corpus import Corpus
from training.evaluation.adherence import clip_of
from training.evaluation.asked import Asked, likest
from training.evaluation.distributions import conditional_diversity, coverage, frechet_distance, recall
from training.evaluation.intervals import bootstrap_interval
from training.evaluation.takes import Takes, Way
from training.tower import Tower

FLOW_STEPS = 50
RESAMPLES = 200
REFERENCES = 4  # train clips of the likest captions beside each held-out clip


def reference(
    asked: Sequence[Asked], test: dict[str, Corpus], train: dict[str, Corpus], tower: Tower, longest: float
) -> np.ndarray:
    """Embeddings (n, d) of the held-out clips and of the train clips whose captions are likest, each once."""
    places = {("test", item.corpus, item.clip) for item in asked}
    places |= {("train", *place) for item in asked for place in likest(item, train, REFERENCES)}
    corpora = {"test": test, "train": train}
    return np.stack(
        [
            tower.embed(clip_of(corpora[split], name, i, longest))
            for split, name, i in tqdm(sorted(places), desc="reference", mininterval=5)
        ]
    )


def embedded(asked: Sequence[Asked], takes: Takes, tower: Tower, seeds: int, way: Way) -> np.ndarray:
    """Embeddings (p, s, d) of what a model makes of every prompt."""
    found = [np.empty(0)] * len(asked)
    order = sorted(range(len(asked)), key=lambda i: asked[i].seconds)
    for i in tqdm(order, desc=f"{way.sampler}, {way.steps} steps, guidance {way.guidance:g}", mininterval=5):
        sounds = takes.make(asked[i].prompt, asked[i].seconds, seeds, way)
        found[i] = np.stack([tower.embed(np.nan_to_num(sound)) for sound in sounds])
    return np.stack(found)


def row(generated_psd: np.ndarray, reference_nd: np.ndarray, first_psd: np.ndarray | None = None) -> dict:
    """Fréchet distance, recall and coverage against the reference, and diversity within prompts.

    `ratio` says how many times as far from the reference, and as various, the system `first_psd` is. Intervals draw
    whole prompts, the same ones of both systems. Those of a Fréchet distance lie high on few prompts, as a set
    drawn with repetitions is less various than the one it was drawn from.
    """

    def distance(sounds_psd: np.ndarray) -> float:
        return frechet_distance(sounds_psd.reshape(-1, sounds_psd.shape[-1]), reference_nd)

    def diversity(sounds_psd: np.ndarray) -> float:
        return float(conditional_diversity(list(sounds_psd)).mean())

    every = generated_psd.reshape(-1, generated_psd.shape[-1])
    table: dict = {"recall": round(recall(reference_nd, every), 3), "coverage": round(coverage(reference_nd, every), 3)}
    for name, measure in (("frechet", distance), ("diversity", diversity)):
        edges = bootstrap_interval(generated_psd, measure, resamples=RESAMPLES)
        table[name] = {"value": round(measure(generated_psd), 4), "interval_95": [round(edge, 4) for edge in edges]}
        if first_psd is not None:
            both = np.stack([first_psd, generated_psd], 1)

            def times(pairs: np.ndarray, measure: Callable[[np.ndarray], float] = measure) -> float:
                return measure(pairs[:, 0]) / max(measure(pairs[:, 1]), 1e-9)

            edges = bootstrap_interval(both, times, resamples=RESAMPLES)
            table[name]["ratio"] = {"value": round(times(both), 4), "interval_95": [round(edge, 4) for edge in edges]}
    return {**table, "of": len(every)}


def promise(
    asked: Sequence[Asked],
    reference_nd: np.ndarray,
    arc: Takes,
    flow: Takes | None,
    tower: Tower,
    seeds: int,
    guidances: Sequence[float],
) -> dict[str, dict]:
    """A row for each system, the post-trained model first; the others say how it compares with them."""
    first = embedded(asked, arc, tower, seeds, Way(8))
    table = {"post-trained, 8 steps": row(first, reference_nd)}
    ways = [] if flow is None else [Way(8, "euler"), *(Way(FLOW_STEPS, "euler", scale) for scale in guidances)]
    for way in ways:
        assert flow is not None
        name = f"flow, {way.steps} steps" + (f", guidance {way.guidance:g}" if way.guidance != 1 else "")
        table[name] = row(embedded(asked, flow, tower, seeds, way), reference_nd, first)
    return table
