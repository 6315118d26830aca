"""What the base and a fine-tuned model make of the same prompts: how near the sounds each comes, what else has moved.

Shapes: b batch, l text tokens, d width, c latent channels, t latent frames, n samples.
"""

import statistics
import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.generator import Generator
from model.pipeline import finish
from training.base import Base
from training.corpus import RATE_HZ, Corpus
from training.latents import Latents
from training.prior import sample
from training.sounds import distance, nearness

COMPARED, OTHERS = 16, 10  # takes of the sounds' captions, and of other prompts
SHORTEST_TAKE_SECONDS = 0.3


def takes_of(
    generator: Generator, base: Base, text_bld: Tensor, seconds: float, steps: int, first_seed: int = 0
) -> list[np.ndarray]:
    """What a generator makes of the prompts, (n, 2) each; the same seeds each time."""
    seeds = range(first_seed, first_seed + len(text_bld))
    takes = []
    for seed, latent_ct in zip(
        seeds, sample(generator, base.architecture, text_bld, seconds, steps, seeds), strict=True
    ):
        audio_bcn = base.autoencoder.decode(latent_ct[None], torch.Generator().manual_seed(seed))
        takes.append(finish(audio_bcn[0, :, : round(seconds * RATE_HZ)].T.numpy(), RATE_HZ))
    return takes


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the base and the new model make of the sounds' captions, and of other prompts; distances in dB of timbre."""

    steps: int
    before: list[np.ndarray]
    after: list[np.ndarray]
    near: tuple[float, float]  # to the nearest of the sounds, before and after
    other: float  # between the base's take of another prompt and the new model's
    seeds: float  # between the base's takes of another prompt with two seeds

    @classmethod
    def of(cls, learnt: Generator, base: Base, latents: Latents, corpus: Corpus, others_bld: Tensor, steps: int):
        """Takes as long as the median sound, of the most frequent captions and of other prompts."""
        seconds = statistics.median(entry.frames for entry in corpus.entries) / RATE_HZ
        seconds = min(max(seconds, SHORTEST_TAKE_SECONDS), base.architecture.max_seconds)
        said = [caption for caption, _ in Counter(names[0] for names in latents.captions).most_common(COMPARED)]
        own_bld = latents.text([said[i % len(said)] for i in range(COMPARED)])
        before, after = (takes_of(network, base, own_bld, seconds, steps) for network in (base.generator, learnt))
        was, now = (takes_of(network, base, others_bld, seconds, steps) for network in (base.generator, learnt))
        again = takes_of(base.generator, base, others_bld, seconds, steps, first_seed=len(others_bld))
        near = nearness(before, corpus), nearness(after, corpus)
        return cls(steps, before, after, near, distance(was, now), distance(was, again))

    def __str__(self) -> str:
        return (
            f"{self.steps} step{'s' * (self.steps > 1)}: {self.near[0]:.1f} dB from the nearest of the sounds before, "
            f"{self.near[1]:.1f} dB after; takes of other prompts moved by {self.other:.1f} dB "
            f"(another seed: {self.seeds:.1f} dB)"
        )


def write_preview(path: Path, takes: list[np.ndarray]) -> None:
    """The takes one after the other, 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.concatenate(takes).clip(-1, 1) * 32_767).round().astype("<i2").tobytes())
