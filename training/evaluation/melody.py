"""Audio-to-audio: a sung or played melody keeps its pitch under another prompt.

Shapes: n samples, t frames of pitch.track.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

import numpy as np
from tqdm import tqdm

from model.pipeline import Pipeline
from training.corpus import Corpus
from training.evaluation.metrics import RATE_HZ
from training.evaluation.pitch import HOP, track, within
from training.evaluation.reconstruction import through_model
from training.evaluation.takes import started_from

TARGETS = ("saw lead synth", "cello", "flute", "electric bass guitar", "vibraphone", "choir singing ah")
LEVELS = (0.4, 0.6, 0.8, 0.95)
SECONDS = 4.0
MELODIES = 12
STEPS = 8
FEWEST_NOTES = 3  # pitch classes in a melody, each held for at least `HELD_FRAMES` within `HELD_SEMITONES`
HELD_FRAMES, HELD_SEMITONES = 4, 0.6
VOICED = 0.6  # share of a melody's frames, up to its last one with a pitch, that have one: no chords, no drums


def is_melody(midi_t: np.ndarray) -> bool:
    """Whether a track holds several notes, one after the other, and is one voice: no glide, no chord, no drum."""
    voice_t = np.trim_zeros(midi_t, "b")
    if len(voice_t) < HELD_FRAMES or np.count_nonzero(voice_t) < VOICED * len(voice_t):
        return False
    runs = np.lib.stride_tricks.sliding_window_view(voice_t, HELD_FRAMES)
    held = runs[(runs.min(1) > 0) & (np.ptp(runs, axis=1) < HELD_SEMITONES)].mean(1)
    return len(np.unique(held.round() % 12)) >= FEWEST_NOTES


def melodies(corpora: Sequence[Corpus], count: int = MELODIES) -> list[np.ndarray]:
    """Samples (n, 2) of the first clips that are melodies, of all corpora in turn."""
    sources = [_melodies_of(corpus) for corpus in corpora]
    in_turn = (clip for group in zip_longest(*sources) for clip in group if clip is not None)
    return list(islice(in_turn, count))


def _melodies_of(corpus: Corpus) -> Iterator[np.ndarray]:
    for i, entry in enumerate(corpus.entries):
        if entry.frames > RATE_HZ:
            clip = corpus.audio(i, 0, int(SECONDS * RATE_HZ))
            if is_melody(track(clip.mean(1))):
                yield clip


def kept(recording_t: np.ndarray, result_t: np.ndarray, *, any_octave: bool = False) -> float:
    """Share of the recording's pitched frames whose pitch a result has within 50 cents; 0 if there are none."""
    pairs = [(a, b) for a, b in zip(recording_t, result_t, strict=False) if a > 0]
    same = [b > 0 and within(100 * (b - a), any_octave=any_octave) for a, b in pairs]
    return sum(same) / max(len(same), 1)


def follow(pipeline: Pipeline, recordings: Sequence[np.ndarray], targets: Sequence[str] = TARGETS) -> dict:
    """The mean of `kept` for every noise level; level 0 is the autoencoder, level 1 the prompt alone: chance."""
    rows: dict[float, list[tuple[float, float]]] = {level: [] for level in (0.0, *LEVELS, 1.0)}
    for number, recording in enumerate(tqdm(recordings, desc="melodies", mininterval=5)):
        wanted_t, rebuilt = track(recording.mean(1)), through_model(pipeline, recording, number)
        for level, found in rows.items():
            for target in targets if level else targets[:1]:
                made = started_from(pipeline, target, recording, level, number, STEPS) if level else rebuilt
                result_t = track(np.nan_to_num(made).mean(1))
                found.append((kept(wanted_t, result_t), kept(wanted_t, result_t, any_octave=True)))
    return {
        "melodies": len(recordings),
        "frame_ms": round(1000 * HOP / RATE_HZ, 1),
        "levels": {
            f"{level:g}": dict(zip(("kept", "in_any_octave"), np.mean(found, axis=0).round(3).tolist(), strict=True))
            for level, found in rows.items()
        },
    }
