"""Somebody's own sounds: a folder of files, what is said of them, and how near takes come to them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from training.corpus import RATE_HZ, Corpus, Entry
from training.evaluation.metrics import active_frames, log_mel

ENVELOPE_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)  # after the onset
COMPARED_SOUNDS = 64


def check_folder(sounds: Path, *others: Path) -> None:
    """Raises ValueError for what is no folder, or lies around or inside a folder of models."""
    if not sounds.is_dir():
        raise ValueError(f"{sounds} is not a folder: name the folder that holds your sounds")
    for other in others:
        own, theirs = sounds.resolve(), other.resolve()
        if own.is_relative_to(theirs) or theirs.is_relative_to(own):
            raise ValueError(
                f"{sounds} and the models in {other} lie in one another: put your sounds in another folder"
            )


def files_in(sounds: Path) -> list[Path]:
    """Every file below the folder, in order."""
    return sorted(path for path in sounds.rglob("*") if path.is_file())


def cut(entries: list[Entry], longest_seconds: float, piece_frames: int) -> list[Entry]:
    """Files longer than two of the longest sounds become pieces; of very long ones, pieces spread over the file."""
    pieces = []
    for entry in entries:
        if entry.frames <= 2 * piece_frames:
            pieces.append(entry)
            continue
        kept = max(1, int(min(entry.frames, longest_seconds * RATE_HZ) // piece_frames))
        for number, start in enumerate(np.linspace(0, entry.frames - piece_frames, kept).astype(int).tolist()):
            first = entry.start + start * entry.channels
            pieces.append(replace(entry, key=f"{entry.key}#{number}", start=first, frames=piece_frames))
    return pieces


def described(corpus: Corpus, files: int) -> str:
    """ "23 sounds, 41 s; captions such as …"."""
    counted = Counter(entry.captions[0] for entry in corpus.entries)
    said = ", ".join(f"“{caption}”" for caption, _ in counted.most_common(4))
    seconds = sum(entry.frames for entry in corpus.entries) / RATE_HZ
    pieces = f" (cut into {len(corpus)} pieces)" if len(corpus) > files else ""
    length = f"{seconds:.0f} s" if seconds < 300 else f"{seconds / 60:.0f} min"
    return f"{files} sound{'s' * (files != 1)}{pieces}, {length}; captions such as {said}"


def timbre(samples: np.ndarray) -> np.ndarray:
    """Samples (n, 2) as a vector in dB: mean and spread of the mel spectrum over active frames, and the envelope.

    Level-free: everything is relative to the loudest frame. Good enough to tell a kick from a flute, not a judge of
    quality.
    """
    spectrum = log_mel(torch.from_numpy(samples.mean(1)), 1024)
    spectrum = spectrum - spectrum.max()
    active, level = spectrum[active_frames(spectrum)], spectrum.amax(1)
    onset = int((level > level.max() - 20).nonzero()[0])
    frames = [onset + round(seconds * RATE_HZ / 256) for seconds in ENVELOPE_SECONDS]
    envelope = torch.stack([level[i] if i < len(level) else torch.tensor(-80.0) for i in frames])
    return torch.cat([active.mean(0), active.std(0, correction=0), envelope]).numpy()


def nearness(takes: list[np.ndarray], corpus: Corpus) -> float:
    """Mean over takes (n, 2) of the timbre distance to the nearest of the sounds, dB."""
    space = np.stack([timbre(corpus.audio(i, 0, 2 * RATE_HZ)) for i in range(min(len(corpus), COMPARED_SOUNDS))])
    points = [timbre(take) for take in takes]
    return float(np.mean([np.abs(space - point).mean(1).min() for point in points]))


def distance(takes: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Mean timbre distance of each take (n, 2) to the other of its pair, dB."""
    return float(np.mean([np.abs(timbre(a) - timbre(b)).mean() for a, b in zip(takes, others, strict=True)]))
