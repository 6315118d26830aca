"""A training of the TINY generator on made latents, as a program: what tests start as real processes.

`python tests/training/tiny_run.py flow|arc --run FOLDER …` takes the options of training.pretrain and training.arc.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.config import TINY
from model.generator import Generator
from training import arc, pretrain
from training.config import ArcRecipe, PretrainRecipe
from training.latents import Batch
from training.launch import add_arguments, launch_of, one_sentence, recipe_of
from training.run import open_fabric

CAPTIONS = ("kick", "snare", "hat", "bell")
FLOW = PretrainRecipe(steps=4, batch_frames=64, warmup=2)
ARC = ArcRecipe(steps=3, batch_frames=64, warmup=1, learning_rate=1e-3, discriminator_learning_rate=1e-3)


class MadeLatents:
    """Batches of eight frames: each caption has a pattern of its own, with some noise on it."""

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        self.patterns = torch.randn(len(CAPTIONS), 64, 8, generator=rng)
        self.tokens = torch.randn(len(CAPTIONS), TINY.text.max_tokens, TINY.text.width, generator=rng)

    def text(self, captions: tuple[str, ...]) -> Tensor:
        return self.tokens[[CAPTIONS.index(caption) for caption in captions]]

    def batch(self, batch_frames: int, rng: np.random.Generator, rank: int = 0, world: int = 1) -> Batch:
        which = rng.integers(len(CAPTIONS), size=batch_frames // 8)
        noise = rng.standard_normal((len(which), 64, 8), dtype=np.float32)
        captions = tuple(CAPTIONS[i] for i in which)
        seconds = torch.from_numpy(rng.uniform(0.1, 0.4, len(which)).astype(np.float32))
        latents = self.patterns[which] + 0.1 * torch.from_numpy(noise)
        everything = Batch(latents, self.text(captions), seconds, captions, tuple(range(len(which))), captions)
        return everything[slice(rank, None, world)]


def pretrained() -> dict[str, Tensor]:
    """Some weights of the TINY generator, without the zeros that a fresh one has."""
    torch.manual_seed(0)
    return {name: t + 0.02 * torch.randn_like(t) for name, t in Generator(TINY).state_dict().items()}


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("stage", choices=("flow", "arc"))
    stage = sys.argv[1]
    recipe = FLOW if stage == "flow" else ARC
    add_arguments(parser, type(recipe))
    args = parser.parse_args()
    torch.set_num_threads(1)
    with one_sentence():
        launch, recipe = launch_of(args), recipe_of(args, recipe)
        fabric, latents = open_fabric(launch), MadeLatents()
        folder = Path(args.run)
        if isinstance(recipe, PretrainRecipe):
            pretrain.train(TINY, latents, latents, recipe, folder, fabric, pretrained(), launch)  # type: ignore
        else:
            arc.train(TINY, latents, pretrained(), recipe, folder, fabric, launch)  # type: ignore


if __name__ == "__main__":
    main()
