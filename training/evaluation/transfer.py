"""Audio-to-audio: a drum recording keeps its onsets and takes on a prompt's timbre.

Shapes: n samples, d embedding width.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model.pipeline import Pipeline
from training.corpus import Corpus
from training.evaluation.asked import TARGETS
from training.evaluation.intervals import spread
from training.evaluation.metrics import RATE_HZ
from training.evaluation.onsets import onset_f1, onsets
from training.evaluation.reconstruction import through_model
from training.evaluation.takes import started_from, stereo_takes
from training.tower import Tower

DRUMS = re.compile(r"drum|beat|break|percussion|hi-hat", re.IGNORECASE)
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LOOP_SECONDS = 4.0
FEWEST_ONSETS = 6
LOOPS = 8
STEPS = 8
FREE_TAKES = 2  # of each prompt without a recording: where its timbre lies


def drum_loops(corpora: Sequence[Corpus], count: int = LOOPS) -> list[np.ndarray]:
    """Samples (n, 2) of the first loops that have enough onsets in their first seconds."""
    found: list[np.ndarray] = []
    for corpus in corpora:
        for i, entry in enumerate(corpus.entries):
            if len(found) == count:
                return found
            drums = entry.category == "loop" and DRUMS.search(" ".join(entry.captions)) is not None
            if drums and entry.frames > 2 * RATE_HZ:
                loop = corpus.audio(i, 0, int(LOOP_SECONDS * RATE_HZ))
                if len(onsets(loop.mean(1))) >= FEWEST_ONSETS:
                    found.append(loop)
    return found


def transfer(pipeline: Pipeline, loops: Sequence[np.ndarray], tower: Tower, targets: Sequence[str] = TARGETS) -> dict:
    """For every noise level the onset F1 at ±50 ms against the recording, and the tower's cosine to what is wanted.

    `to_prompt` is the cosine to the mean of sounds made of the prompt alone, `to_recording` to the recording. Level 0
    is the recording through the autoencoder, level 1 the prompt alone: its F1 is chance.
    """
    rows: dict[float, list[tuple[float, float, float]]] = {level: [] for level in (0.0, *LEVELS, 1.0)}
    bar = tqdm(total=len(loops) * len(targets), desc="audio-to-audio", mininterval=5)
    for number, loop in enumerate(loops):
        seconds, times, recording = len(loop) / RATE_HZ, onsets(loop.mean(1)), tower.embed(loop.mean(1))
        rebuilt = through_model(pipeline, loop, number)
        for target in targets:
            free = stereo_takes(pipeline, target, seconds, FREE_TAKES, STEPS, first=1_000).mean(-1)
            wanted = np.mean([tower.embed(np.nan_to_num(take)) for take in free], axis=0)
            wanted /= np.linalg.norm(wanted)
            for level, found in rows.items():
                made = started_from(pipeline, target, loop, level, number, STEPS) if level else rebuilt
                sound = made.mean(1)
                embedding = tower.embed(np.nan_to_num(sound))
                found.append((onset_f1(times, onsets(sound)), float(embedding @ wanted), float(embedding @ recording)))
            bar.update()
    names = ("onset_f1", "to_prompt", "to_recording")
    return {
        "loops": len(loops),
        "levels": {
            f"{level:g}": {
                name: {**spread(values), "mean": round(float(np.mean(values)), 3)}
                for name, values in zip(names, zip(*found, strict=True), strict=True)
            }
            for level, found in rows.items()
        },
    }


def plot(figures: dict, path: Path) -> None:
    """The curves over noise levels as a picture."""
    from matplotlib.figure import Figure

    levels = [float(level) for level in figures["levels"]]
    axes = (figure := Figure(figsize=(6, 3.6), layout="constrained")).subplots()
    titles = {"onset_f1": "onset F1 ±50 ms", "to_prompt": "cosine to the prompt", "to_recording": "… to the recording"}
    for name, title in titles.items():
        axes.plot(levels, [row[name]["mean"] for row in figures["levels"].values()], marker="o", label=title)
    axes.axhline(0.8, color="grey", linewidth=0.8, linestyle="--")
    axes.set(xlabel="noise level", ylim=(-0.1, 1.05))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
