"""Whether a listener gets what the words say: classes, category, pitch, tempo, length, brightness.

Shapes: s seeds, n samples, k classes, d embedding width.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from model.pipeline import Pipeline
from training.corpus import Corpus
from training.evaluation.asked import Asked, likest, word_pairs
from training.evaluation.distributions import kl_divergence, top_agreement
from training.evaluation.embedders import Classifier
from training.evaluation.intervals import proportion, ratio, spread
from training.evaluation.levels import centroid_hz, decay_seconds, energy_after_db
from training.evaluation.metrics import RATE_HZ
from training.evaluation.onsets import same_tempo, tempo_bpm
from training.evaluation.pitch import Pitch, cents_off, pitch, within
from training.evaluation.reconstruction import through_model
from training.evaluation.takes import Takes, Way, beyond_the_end
from training.tower import Tower

LONGER_SECONDS = 1.0  # of canvas than the model is told, where the asked length is measured
QUIET_DB = -50.0  # energy after the asked length, relative to the clip
WORD_SECONDS = {"brightness": 1.5, "length": 3.0}
MEASURES: dict[str, Callable[[np.ndarray], float]] = {"brightness": centroid_hz, "length": decay_seconds}


@dataclass(frozen=True, eq=False)
class Heard:
    """What the judges make of one sound; pitch and tempo are only asked where the caption names one."""

    scores_k: np.ndarray | None
    embedding_d: np.ndarray
    category: str
    pitch: Pitch | None = None
    bpm: float | None = None


class Judges:
    """Classifier (where one is given), tower, pitch and tempo."""

    def __init__(self, classifier: Classifier | None, tower: Tower):
        self.classifier, self.tower = classifier, tower

    def hear(self, mono_n: np.ndarray, asked: Asked) -> Heard:
        """A silent or broken take is heard as silence: it is of no class and has no pitch."""
        mono_n = np.nan_to_num(mono_n, nan=0.0, posinf=0.0, neginf=0.0)
        embedding = self.tower.embed(mono_n)
        return Heard(
            self.classifier.scores(mono_n, RATE_HZ) if self.classifier else None,
            embedding,
            self.tower.category(embedding),
            pitch(mono_n) if asked.note is not None else None,
            tempo_bpm(mono_n) if asked.bpm is not None else None,
        )


def figures(asked: Sequence[Asked], real: Sequence[Heard], heard: Sequence[Sequence[Heard]]) -> dict:
    """What `heard` (a few sounds of each prompt) reach beside the held-out clips `real`.

    KL(real‖generated) and agreement compare each sound with the held-out clip of its caption: `top_10` is the share
    of the clip's ten best classes that are among the sound's ten best, `best_in_10` whether the clip's best class is.
    Retrieval is right where the tower puts a sound nearest to its own of the 12 categories; the ratio is to what the
    held-out clips themselves reach. Intervals draw whole prompts. `by_category` has its share for each category asked.
    """
    rows = [(i, j) for i, sounds in enumerate(heard) for j in range(len(sounds))]
    groups = np.array([i for i, _ in rows])
    found: dict = {}
    scored = [(real[i].scores_k, heard[i][j].scores_k) for i, j in rows]
    if scored and all(theirs is not None and ours is not None for theirs, ours in scored):
        theirs, ours = (np.stack(scores) for scores in zip(*scored, strict=True))
        kl, agreement = kl_divergence(theirs, ours), top_agreement(theirs, ours)
        best = [np.argmax(a) in np.argsort(-b)[:10] for a, b in zip(theirs, ours, strict=True)]
        found["kl"] = {**spread(kl, groups), "mean": round(float(kl.mean()), 3)}
        found["top_10"] = {**spread(agreement, groups), "mean": round(float(agreement.mean()), 3)}
        found["best_in_10"] = proportion([bool(b) for b in best], groups)
    right = [(heard[i][j].category == asked[i].category, real[i].category == asked[i].category) for i, j in rows]
    found["retrieval"] = ratio(np.array(right, float), groups)
    by_category: dict[str, list[tuple[bool, int]]] = defaultdict(list)
    for (i, _), (is_right, _) in zip(rows, right, strict=True):
        by_category[asked[i].category].append((is_right, i))
    found["by_category"] = {name: _share(by_category[name]) for name in sorted(by_category)}
    pitched = [(heard[i][j].pitch, note, i) for i, j in rows if (note := asked[i].note) is not None]
    cents = [(cents_off(p, note) if p else None, i) for p, note, i in pitched]
    found["pitch"] = _share((c is not None and within(c), i) for c, i in cents)
    found["pitch_any_octave"] = _share((c is not None and within(c, any_octave=True), i) for c, i in cents)
    tempi = [(heard[i][j].bpm, named, i) for i, j in rows if (named := asked[i].bpm) is not None]
    for name, any_octave in (("tempo", True), ("tempo_exact", False)):
        found[name] = _share((b is not None and same_tempo(b, n, any_octave=any_octave), i) for b, n, i in tempi)
    return found


def _share(outcomes: Iterable[tuple[bool, int]]) -> dict:
    """The share of what came right, of outcomes with the prompt that each is of."""
    pairs = list(outcomes)
    return proportion([right for right, _ in pairs], [prompt for _, prompt in pairs])


def by_corpus(asked: Sequence[Asked], real: Sequence[Heard], heard: Sequence[Sequence[Heard]]) -> dict[str, dict]:
    """`figures` of each corpus and, where there are several, of all of them."""
    names = list(dict.fromkeys(item.corpus for item in asked))
    table = {"all": figures(asked, real, heard)} if len(names) > 1 else {}
    for name in names:
        chosen = [i for i, item in enumerate(asked) if item.corpus == name]
        table[name] = figures([asked[i] for i in chosen], [real[i] for i in chosen], [heard[i] for i in chosen])
    return table


def clip_of(corpora: dict[str, Corpus], name: str, i: int, longest_seconds: float) -> np.ndarray:
    """A clip as mono samples, cut where the model's sounds end."""
    return corpora[name].audio(i, 0, int(longest_seconds * RATE_HZ)).mean(1)


def real_clips(asked: Sequence[Asked], corpora: dict[str, Corpus], judges: Judges, longest: float) -> list[Heard]:
    """The held-out clips themselves."""
    return [
        judges.hear(clip_of(corpora, item.corpus, item.clip, longest), item)
        for item in tqdm(asked, desc="held-out clips", mininterval=5)
    ]


def reconstructed(
    asked: Sequence[Asked], corpora: dict[str, Corpus], pipeline: Pipeline, judges: Judges, longest: float
) -> list[list[Heard]]:
    """The held-out clips through the autoencoder: what a generator of perfect latents would reach."""
    heard = []
    for item in tqdm(asked, desc="through the autoencoder", mininterval=5):
        clip = corpora[item.corpus].audio(item.clip, 0, int(longest * RATE_HZ))
        heard.append([judges.hear(through_model(pipeline, clip, item.clip).mean(1), item)])
    return heard


def counterparts(asked: Sequence[Asked], train: dict[str, Corpus], judges: Judges, longest: float) -> list[list[Heard]]:
    """For each held-out clip the train clip whose caption is likest: what two real clips of the same words share."""
    return [
        [judges.hear(clip_of(train, *place, longest), item) for place in likest(item, train)]
        for item in tqdm(asked, desc="real counterparts", mininterval=5)
    ]


def generated(asked: Sequence[Asked], takes: Takes, judges: Judges, seeds: int, way: Way) -> list[list[Heard]]:
    """`seeds` sounds of every prompt; by length, as each length of canvas is packed once."""
    heard: list[list[Heard]] = [[] for _ in asked]
    order = sorted(range(len(asked)), key=lambda i: asked[i].seconds)
    for i in tqdm(order, desc=f"{way.sampler}, {way.steps} steps", mininterval=5):
        item = asked[i]
        heard[i] = [judges.hear(take, item) for take in takes.make(item.prompt, item.seconds, seeds, way)]
    return heard


def length(asked: Sequence[Asked], takes: Takes, seeds: int, steps: int = 8) -> dict:
    """Energy after the asked length on a canvas 1 s longer, relative to the energy before it."""
    pipeline = takes.pipeline
    fitting = [item for item in asked if item.seconds + LONGER_SECONDS <= pipeline.max_seconds]
    after = [
        energy_after_db(take, round(item.seconds * RATE_HZ))
        for item in tqdm(sorted(fitting, key=lambda a: a.seconds), desc="length", mininterval=5)
        for take in beyond_the_end(pipeline, item.prompt, item.seconds, seeds, steps, LONGER_SECONDS)
    ]
    return {"energy_after_db": spread(after), "quiet": proportion([value < QUIET_DB for value in after])}


def moved(measure: str, more_sn: np.ndarray, less_sn: np.ndarray) -> tuple[float, list[bool]]:
    """(ratio of the medians over seeds, for each seed whether its two takes differ as the words say)."""
    more, less = (np.array([MEASURES[measure](np.nan_to_num(take)) for take in found]) for found in (more_sn, less_sn))
    return float(np.median(more) / max(np.median(less), 1e-6)), [bool(a > b) for a, b in zip(more, less, strict=True)]


def words(measure: str, takes: Takes, seeds: int, steps: int = 8, limit: int | None = None) -> dict:
    """Share of pairs of prompts whose median moves as the words say, and of pairs of takes of equal seeds."""
    ratios: dict[str, float] = {}
    single: list[tuple[bool, int]] = []
    for prompts in tqdm(word_pairs(measure, limit), desc=measure, mininterval=5):
        more, less = (takes.make(prompt, WORD_SECONDS[measure], seeds, Way(steps)) for prompt in prompts)
        ratios[prompts[0]], seeds_right = moved(measure, more, less)
        single += [(right, len(ratios)) for right in seeds_right]
    pairs = proportion([value > 1 for value in ratios.values()])
    rounded = {name: round(value, 2) for name, value in ratios.items()}
    return {"pairs": pairs, "seeds": _share(single), "ratio_of_medians": rounded}
