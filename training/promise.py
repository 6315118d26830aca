"""ARC's own promise: few steps as good as the flow's fifty, and as various.

Shapes: p prompts, s seeds, n items, d embedding width.
"""

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from training.adherence import clip_of
from training.asked import Asked, likest
from training.corpus import Corpus
from training.distributions import conditional_diversity, coverage, frechet_distance, recall
from training.intervals import bootstrap_interval
from training.takes import Takes, Way
from training.tower import Tower

FLOW_STEPS = 50
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


def row(generated_psd: np.ndarray, reference_nd: np.ndarray) -> dict:
    """Fréchet distance, recall and coverage against the reference, diversity within prompts; prompts are redrawn."""

    def distance(sounds_psd: np.ndarray) -> float:
        return frechet_distance(sounds_psd.reshape(-1, sounds_psd.shape[-1]), reference_nd)

    every = generated_psd.reshape(-1, generated_psd.shape[-1])
    diversity = conditional_diversity(list(generated_psd))
    figures = {
        "frechet": {"value": distance(generated_psd), "interval_95": bootstrap_interval(generated_psd, distance)},
        "diversity": {"value": float(diversity.mean()), "interval_95": bootstrap_interval(diversity, np.mean)},
    }
    table = {
        name: {"value": round(f["value"], 4), "interval_95": [round(edge, 4) for edge in f["interval_95"]]}
        for name, f in figures.items()
    }
    return {
        **table,
        "recall": round(recall(reference_nd, every), 3),
        "coverage": round(coverage(reference_nd, every), 3),
        "of": len(every),
    }


def promise(
    asked: Sequence[Asked],
    reference_nd: np.ndarray,
    arc: Takes,
    flow: Takes | None,
    tower: Tower,
    seeds: int,
    guidances: Sequence[float],
) -> dict[str, dict]:
    """A row for each system, the post-trained model first."""
    systems = {"post-trained, 8 steps": (arc, Way(8))}
    if flow is not None:
        systems["flow, 8 steps"] = (flow, Way(8, "euler"))
        for scale in guidances:
            name = f"flow, {FLOW_STEPS} steps" + (f", guidance {scale:g}" if scale != 1 else "")
            systems[name] = (flow, Way(FLOW_STEPS, "euler", scale))
    return {
        name: row(embedded(asked, takes, tower, seeds, way), reference_nd) for name, (takes, way) in systems.items()
    }
