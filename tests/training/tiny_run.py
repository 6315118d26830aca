"""A training of the TINY generator on made latents, as a program: what tests start as real processes.

`python tests/training/tiny_run.py flow arc --run FOLDER …` takes the options of every training and runs in
FOLDER/STRATEGY/STAGE.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from model.config import TINY
from model.contour import ROWS
from model.controls import control_signals
from model.generator import Generator
from training import arc, pretrain
from training.config import ArcRecipe, PretrainRecipe
from training.latents import Batch, Latents, Told, Traits
from training.launch import Launch, add_launch_arguments, launch_of, one_sentence
from training.run import open_fabric
from training.sampling import told_of_contour

CAPTIONS = ("kick", "snare", "hat, 120 BPM", "bell A4")
FLOW = PretrainRecipe(steps=3, batch_frames=64, warmup=2)
ARC = ArcRecipe(steps=3, batch_frames=64, warmup=1, learning_rate=1e-3, discriminator_learning_rate=1e-3)


class MadeLatents:
    """Batches of eight frames: each caption has a pattern of its own, with some noise on it."""

    def __init__(self) -> None:
        rng = torch.Generator().manual_seed(0)
        self.patterns = torch.randn(len(CAPTIONS), 64, 8, generator=rng)
        self.tokens = torch.randn(len(CAPTIONS), TINY.text.max_tokens, TINY.text.width, generator=rng)

    def text(self, captions: Sequence[str]) -> Tensor:
        return self.tokens[[CAPTIONS.index(caption) for caption in captions]]

    def told(self, captions: Sequence[str], seconds_b: Tensor, traits: Sequence[Traits], frames: int) -> Told:
        items = zip(seconds_b.tolist(), captions, traits, strict=True)
        controls = np.stack([control_signals(TINY, frames, seconds, said, *own) for seconds, said, own in items])
        return Told(self.text(captions), seconds_b, torch.from_numpy(controls))

    def batch(self, batch_frames: int, rng: np.random.Generator, rank: int = 0, world: int = 1) -> Batch:
        which = rng.integers(len(CAPTIONS), size=batch_frames // 8)
        noise = rng.standard_normal((len(which), 64, 8), dtype=np.float32)
        captions = tuple(CAPTIONS[i] for i in which)
        seconds = torch.from_numpy(rng.uniform(0.1, 0.4, len(which)).astype(np.float32))
        latents = self.patterns[which] + 0.1 * torch.from_numpy(noise)
        levels = rng.random((len(which), ROWS, 8), np.float32)
        traits = tuple(Traits(told_of_contour(rows_st, rng), rng.random(8)) for rows_st in levels)
        told = self.told(captions, seconds, traits, 8)
        everything = Batch(latents, told, captions, traits, tuple(range(len(which))), captions)
        return everything[slice(rank, None, world)]


def pretrained() -> dict[str, Tensor]:
    """Some weights of the TINY generator, without the zeros that a fresh one has."""
    torch.manual_seed(0)
    return {name: t + 0.02 * torch.randn_like(t) for name, t in Generator(TINY).state_dict().items()}


def run_stages(folder: Path, stages: Sequence[str], launch: Launch, steps: int | None = None, frames: int = 64) -> None:
    """Train in this process, or in this one of several; on one thread, so that sums are in one order."""
    torch.set_num_threads(1)
    fabric, latents = open_fabric(launch), cast("Latents", MadeLatents())
    if "flow" in stages:
        recipe = replace(FLOW, steps=steps or FLOW.steps, batch_frames=frames)
        pretrain.train(TINY, latents, latents, recipe, folder / "flow", fabric, pretrained(), launch)
    if "arc" in stages:
        recipe = replace(ARC, steps=steps or ARC.steps, batch_frames=frames)
        arc.train(TINY, latents, pretrained(), recipe, folder / "arc", fabric, launch)


def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("stages", nargs="+", choices=("flow", "arc"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch-frames", type=int, default=64)
    parser.add_argument("--strategies", nargs="+", default=["auto"], help="one after the other, each in its own folder")
    add_launch_arguments(parser)
    args = parser.parse_args()
    with one_sentence():
        for strategy in args.strategies:
            launch = replace(launch_of(args), strategy=strategy)
            run_stages(args.run / strategy, args.stages, launch, args.steps, args.batch_frames)


if __name__ == "__main__":
    main()
