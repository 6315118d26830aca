"""Captioned clips: shards or sound files, decoded once into memory-mapped files, then cropped at random.

`python -m training.corpus SHARD... --out FOLDER` decodes (packing.py); `Corpus(FOLDER, split)` reads back, and
`Corpora` reads several as one.

Shapes: b batch, c channels (left, right), n samples.
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from training.clips import RATE_HZ
from training.packing import FULL_SCALE, Entry, pack, pack_folder, read_index, splits_of, state_of

AUDIBLE_DB = -40.0  # a crop this far below another of its clip has missed the sound
CANDIDATES = 3


class Clips(Protocol):
    """What training asks of a corpus, be it one or several."""

    entries: list[Entry]

    def __len__(self) -> int: ...
    def audio(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray: ...
    def weights(self, power: float = 0.5) -> np.ndarray: ...


class Corpus:
    """A packed corpus, one split of it; samples stay on disk until asked for.

    Raises ValueError for a folder that holds no pack, a damaged one, or none of this split.
    """

    def __init__(self, folder: Path, split: str):
        index = read_index(folder)
        entries = [
            Entry(**{**e, "captions": tuple(e["captions"]), "tags": tuple(e.get("tags", ()))}) for e in index["entries"]
        ]
        self.entries = [entry for entry in entries if entry.split == split]
        if not self.entries:
            there = ", ".join(f"{count} {name}" for name, count in Counter(e.split for e in entries).items())
            raise ValueError(f"{folder} holds no clips of the split {split}; it holds {there}")
        self._parts = {}
        for name in {entry.part for entry in self.entries}:
            try:
                self._parts[name] = np.memmap(folder / name, dtype="<i2", mode="r")
            except (OSError, ValueError) as error:
                raise ValueError(f"{folder / name} is missing or empty: pack the corpus again") from error
        for entry in self.entries:
            if entry.start + entry.frames * entry.channels > len(self._parts[entry.part]):
                raise ValueError(f"{folder / entry.part} is cut off: pack the corpus again")
        digests = index.get("sha256", {})  # older packs have none
        self._told = {name: digests.get(name) or state_of(folder / name) for name in sorted(self._parts)}

    def __len__(self) -> int:
        return len(self.entries)

    def audio(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Samples (n, 2) float32 of clip `i`, from `start`, at most `frames`."""
        entry = self.entries[i]
        stop = entry.frames if frames is None else min(entry.frames, start + frames)
        stored = self._parts[entry.part][entry.start + start * entry.channels : entry.start + stop * entry.channels]
        samples = stored.reshape(-1, entry.channels).astype(np.float32) / FULL_SCALE
        return samples if entry.channels == 2 else samples.repeat(2, axis=1)

    def weights(self, power: float = 0.5) -> np.ndarray:
        """Sampling probabilities: a source of k clips gets k^power shares, so 250 hits of one shaker do not rule."""
        return source_weights([entry.source for entry in self.entries], power)

    def fingerprint(self) -> str:
        """What latents and towers record of the data they were made of: another once a caption or a sample is."""
        told = json.dumps([[vars(entry) for entry in self.entries], self._told])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


class Corpora:
    """Several corpora as one; each is drawn from in proportion to its share."""

    def __init__(self, corpora: Sequence[tuple[Corpus, float]]):
        self.corpora = corpora
        self.entries = [entry for corpus, _ in corpora for entry in corpus.entries]
        self._ends = np.cumsum([len(corpus) for corpus, _ in corpora])

    def __len__(self) -> int:
        return len(self.entries)

    def audio(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """See Corpus."""
        which = int(np.searchsorted(self._ends, i, side="right"))
        corpus = self.corpora[which][0]
        return corpus.audio(i - int(self._ends[which]) + len(corpus), start, frames)

    def weights(self, power: float = 0.5) -> np.ndarray:
        """Sampling probabilities: those of each corpus times its share."""
        weights = np.concatenate([share * corpus.weights(power) for corpus, share in self.corpora])
        return weights / weights.sum()


def source_weights(sources: Sequence[str], power: float = 0.5) -> np.ndarray:
    """Sampling probabilities where a source of k clips has k^power shares."""
    count = Counter(sources)
    weights = np.array([count[source] ** (power - 1) for source in sources])
    return weights / weights.sum()


def open_corpora(arguments: Sequence[str], split: str) -> Clips:
    """`--corpus FOLDER` or `--corpus FOLDER=0.5`, given any number of times, as one corpus; the number is its share.

    Corpora without clips of this split are left out. Raises ValueError where none has any.
    """
    if not arguments:
        raise ValueError("no corpus given: --corpus FOLDER")
    given = [folder_and_share(argument) for argument in arguments]
    having = [(folder, share) for folder, share in given if split in splits_of(folder)]
    found = [(Corpus(folder, split), share) for folder, share in having or given[:1]]
    return found[0][0] if len(found) == 1 else Corpora(found)


def by_name(folders: Sequence[Path], split: str) -> dict[str, Corpus]:
    """A split of every packed corpus, by its folder's name. Raises ValueError where two have the same."""
    return {name: Corpus(folder, split) for name, folder in zip(names_of(folders), folders, strict=True)}


def names_of(folders: Sequence[Path]) -> list[str]:
    """What the corpora are called by. Raises ValueError where two folders have the same name."""
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise ValueError(f"two corpora have the same folder name ({', '.join(names)}): rename one")
    return names


def named_share(argument: str) -> tuple[str, float]:
    """ "NAME=0.5" → its parts; without a number the share is 1."""
    name, equals, number = argument.rpartition("=")
    try:
        share = float(number) if equals else 1.0
    except ValueError:
        return argument, 1.0  # a name that has an equals sign
    if not (np.isfinite(share) and share > 0):
        raise ValueError(f"{argument}: the share of a corpus is a positive number")
    return (name if equals else argument), share


def folder_and_share(argument: str) -> tuple[Path, float]:
    """ "FOLDER=0.5" → its parts; without a number the share is 1."""
    name, share = named_share(argument)
    return Path(name), share


@dataclass(frozen=True)
class Augmentation:
    """What is drawn anew for each crop."""

    gain_db: tuple[float, float] = (-18.0, 0.0)
    polarity: bool = True  # turned over, half of the time
    channel_swap: bool = True  # left and right exchanged, half of the time
    from_start: float = 0.5  # share of crops of long clips that start where the clip does, as attacks do
    lead_samples: int = 4096  # at most so much silence before half of the attacks


def random_crops(
    corpus: Clips,
    rngs: Sequence[np.random.Generator],
    frames: int,
    weights: np.ndarray,
    augmentation: Augmentation | None = None,
) -> torch.Tensor:
    """(b, 2, frames) crops placed on the sound: half start at the clip's start (attacks), the rest where it sounds.

    Each crop is drawn by a generator of its own. Shorter clips are padded with silence.
    """
    options = augmentation or Augmentation()
    crops = np.empty((len(rngs), 2, frames), np.float32)
    for row, rng in enumerate(rngs):
        i = int(rng.choice(len(corpus), p=weights))
        crops[row] = random_crop(partial(corpus.audio, i), corpus.entries[i].frames, frames, rng, options).T
    return torch.from_numpy(crops)


def random_crop(
    read: Callable[[int, int], np.ndarray], length: int, frames: int, rng: np.random.Generator, options: Augmentation
) -> np.ndarray:
    """Samples (frames, 2) from a clip of `length` samples, of which `read(start, n)` gives (≤ n, 2)."""
    crop = np.zeros((frames, 2), np.float32)
    most = min(options.lead_samples, frames // 2)
    lead = int(rng.integers(0, most)) if most and rng.random() < 0.5 else 0
    if length > frames and rng.random() >= options.from_start:
        clip, lead = sounding_crop(read, length, frames, rng), 0
    else:
        clip = read(0, frames - lead)
    crop[lead : lead + len(clip)] = augmented(clip, options, rng)
    return crop


def sounding_crop(
    read: Callable[[int, int], np.ndarray], length: int, frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Samples (frames, 2) from anywhere in a clip that is longer, but not from where it has died away."""
    crops = [read(start, frames) for start in (*rng.integers(0, length - frames + 1, CANDIDATES).tolist(), 0)]
    energy = [float(np.square(crop[::7]).sum()) for crop in crops]
    return next(c for c, e in zip(crops, energy, strict=True) if e >= max(energy) * 10 ** (AUDIBLE_DB / 10))


def augmented(clip: np.ndarray, options: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Samples (n, 2) with a drawn gain, polarity and order of channels."""
    if options.channel_swap and rng.random() < 0.5:
        clip = clip[:, ::-1]
    sign = rng.choice((-1, 1)) if options.polarity else 1
    return clip * np.float32(sign * 10 ** (rng.uniform(*options.gain_db) / 20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", nargs="+", help="WebDataset shards (paths, globs, URLs) or one folder of sound files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="decoders at once")
    args = parser.parse_args()
    first = Path(args.shards[0])
    try:
        if len(args.shards) == 1 and first.is_dir() and not list(first.glob("*.tar")):
            packed = pack_folder(first, args.out, args.processes)
        else:
            names = [f"{name}/*.tar" if Path(name).is_dir() else name for name in args.shards]
            packed = pack(names, args.out, args.processes)
        print(packed, file=sys.stderr)
        for split in splits_of(args.out):
            corpus = Corpus(args.out, split)
            hours = sum(entry.frames for entry in corpus.entries) / RATE_HZ / 3600
            print(f"{split}: {len(corpus)} clips, {hours:.2f} h, {corpus.fingerprint()}")
    except ValueError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
