"""What the model is asked for when it is judged: held-out captions, word pairs, and prompts made of words."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

import numpy as np

from model.controls import named_bpm, named_note
from training.corpus import Corpus
from training.evaluation.metrics import RATE_HZ

SHORTEST_SECONDS = 0.25
WHOLE_SPLIT = 200  # test splits up to this size are asked whole, of larger ones some of each category

# Sounds that can be bright or dark, short or long, without turning into another sound.
SOUNDS = (
    *("kick drum", "snare drum", "hi-hat", "crash cymbal", "tom drum", "clap", "shaker", "cowbell", "tambourine"),
    *("electric bass", "synth bass", "double bass", "piano note", "electric piano note", "organ chord", "bell"),
    *("flute note", "saxophone note", "tuba note", "guitar pluck", "synth pad", "synth lead", "pluck"),
    *("explosion", "impact", "laser", "riser", "wind", "rain", "engine", "metal hit", "glitch"),
)
OPPOSITES = {"brightness": ("bright", "dark"), "length": ("long", "short")}  # what raises the measure comes first
PLACES = ("", "in a large hall", "close up", "with reverb", "lo-fi", "distorted", "soft", "at 120 BPM")
TEXTURES = ("", "bright", "dark", "short", "long", "noisy", "warm", "metallic", "deep", "loud")
TARGETS = (  # what a drum recording is turned into
    *("acoustic kick drum and hi-hat", "glass hits", "electric bass guitar notes"),
    *("wood block percussion", "analog synth plucks", "metal hits in a large hall"),
)


@dataclass(frozen=True)
class Asked:
    """A held-out clip and the sound asked for in its words: one of its captions, its duration as far as the model goes.

    `learnt` says whether train clips have the very same caption; `note` and `bpm` are what it names, None where it
    names none.
    """

    corpus: str
    clip: int
    prompt: str
    seconds: float
    category: str
    learnt: bool = False

    @property
    def note(self) -> int | None:
        return named_note(self.prompt)

    @property
    def bpm(self) -> float | None:
        return named_bpm(self.prompt)


def held_out(
    corpora: dict[str, Corpus],
    longest_seconds: float,
    per_category: int = 20,
    limit: int | None = None,
    learnt: Collection[str] = (),
) -> list[Asked]:
    """Every clip of the small test splits, `per_category` of each category of the large ones; at most `limit` each.

    Recordings are asked for in their first caption. What was rendered was held out for all its words at once, of which
    a caption may say one: it is asked for in its first caption that is not among those `learnt`, or not at all.
    """
    asked = []
    for name, corpus in corpora.items():
        seen: Counter[str] = Counter()
        found = []
        for i, entry in enumerate(corpus.entries):
            new = [caption for caption in entry.captions if caption not in learnt]
            enough = len(corpus) > WHOLE_SPLIT and seen[entry.category] >= per_category
            if enough or (entry.parameters and not new):
                continue
            seen[entry.category] += 1
            prompt = new[0] if entry.parameters else entry.captions[0]
            seconds = min(max(entry.frames / RATE_HZ, SHORTEST_SECONDS), longest_seconds)
            found.append(Asked(name, i, prompt, round(seconds, 3), entry.category, prompt in learnt))
        if limit is not None:  # spread over the split, whose order may be that of its categories
            found = [found[int(i)] for i in np.linspace(0, len(found) - 1, min(limit, len(found)))]
        asked += found
    return asked


def word_pairs(measure: str, limit: int | None = None) -> list[tuple[str, str]]:
    """("bright kick drum", "dark kick drum"), …: the prompt that shall have more of the measure, then the other."""
    more, less = OPPOSITES[measure]
    return [(f"{more} {sound}", f"{less} {sound}") for sound in SOUNDS][:limit]


def combined_prompts(count: int, seed: int = 0) -> list[str]:
    """`count` different prompts made of textures, sounds and places, drawn without replacement."""
    every = [" ".join(filter(None, words)) for words in product(TEXTURES, SOUNDS, PLACES)]
    if count > len(every):
        raise ValueError(f"{count} prompts: the words combine to {len(every)}; ask for at most so many")
    return [every[int(i)] for i in np.random.default_rng(seed).permutation(len(every))[:count]]


def likeness(caption: str, other: str) -> float:
    """Share of words that two captions have in common (Jaccard)."""
    a, b = (set(text.lower().replace(",", " ").split()) for text in (caption, other))
    return len(a & b) / max(len(a | b), 1)


def likest(asked: Asked, corpora: dict[str, Corpus], count: int = 1) -> list[tuple[str, int]]:
    """The train clips of its category whose captions share the most words with it: (corpus, clip), best first.

    The real counterpart of a held-out clip: how alike two real sounds of the same words are.
    """
    found = [
        (max(likeness(asked.prompt, caption) for caption in entry.captions), name, i)
        for name, corpus in corpora.items()
        for i, entry in enumerate(corpus.entries)
        if entry.category == asked.category
    ]
    return [(name, i) for _, name, i in sorted(found, key=lambda item: -item[0])[:count]]
