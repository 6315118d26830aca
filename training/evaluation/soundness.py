"""Many prompts, one question each: is anything wrong with the take?"""

from collections import Counter

import numpy as np
from tqdm import tqdm

from model.finishing import finish
from model.pipeline import Pipeline
from training.corpus import Corpus
from training.evaluation.asked import combined_prompts
from training.evaluation.intervals import proportion, spread
from training.evaluation.levels import decibels, faults, true_peak_dbtp
from training.evaluation.metrics import RATE_HZ
from training.evaluation.takes import stereo_takes

CANVASES = 6  # lengths asked for, as each length of canvas is packed once
STEPS = 8


def soundness(pipeline: Pipeline, prompts: int) -> dict:
    """Faults (levels.py) of one finished take for each of `prompts` prompts made of words, and the worst figures."""
    lengths = np.linspace(0.4, pipeline.max_seconds - 0.05, CANVASES).round(2)
    jobs = [(float(lengths[i % CANVASES]), prompt, i) for i, prompt in enumerate(combined_prompts(prompts))]
    found: Counter[str] = Counter()
    sound, starts, peaks, offsets, examples = [], [], [], [], {}
    for seconds, prompt, seed in tqdm(sorted(jobs), desc="soundness", mininterval=5):
        take = stereo_takes(pipeline, prompt, seconds, 1, STEPS, first=seed)[0]
        finite = bool(np.isfinite(take).all())
        finished = finish(take, pipeline.sample_rate) if finite else take
        wrong = faults(finished)
        found.update(wrong)
        sound.append(not wrong)
        for fault in wrong:
            examples.setdefault(fault, f"{prompt}, {seconds:g} s, seed {seed}")
        if finite:
            starts.append(decibels(np.abs(finished[0]).max() / max(np.abs(finished).max(), 1e-9)))
            peaks.append(true_peak_dbtp(finished))
            offsets.append(float(np.abs(finished.mean(0)).max()))
    return {
        "sound": proportion(sound),
        "faults": dict(found),
        "examples": examples,
        "first_sample_db": spread(starts),
        "true_peak_dbtp": {**spread(peaks), "max": round(max(peaks, default=float("nan")), 3)},
        "dc": {"max": round(max(offsets, default=float("nan")), 5)},
    }


def recordings(corpus: Corpus, limit: int | None = None) -> dict:
    """The faults of held-out clips, finished alike: what the criteria make of sounds that people recorded."""
    wrong = [faults(finish(corpus.audio(i), RATE_HZ)) for i in range(len(corpus))[:limit]]
    return {"sound": proportion([not w for w in wrong]), "faults": dict(Counter(f for w in wrong for f in w))}
