"""The crops of each step, from packed corpora or straight from shards; and held-out clips to listen to.

Shapes: b batch, c channels (left, right), n samples.
"""

from collections.abc import Callable, Sequence

import numpy as np
from lightning_fabric import Fabric
from torch import Tensor

from training.corpus import Augmentation, Clips, open_corpora, random_crops
from training.run import Run
from training.stream import Stream, batches

AS_THEY_ARE = Augmentation(gain_db=(0.0, 0.0), polarity=False, channel_swap=False, from_start=1.0, lead_samples=0)
LISTENED, LISTENED_FRAMES = 4, 131_072  # clips, and samples of each: 2.97 s, whole latent frames of every model


def rows_of(batch: int, fabric: Fabric) -> range:
    """The places of this process' items in the global batch.

    Raises ValueError where the processes cannot share it equally: the mean of their losses would not be the batch's.
    """
    if batch % fabric.world_size:
        raise ValueError(f"--batch {batch}: must be a multiple of the number of processes, {fabric.world_size}")
    return range(fabric.global_rank, batch, fabric.world_size)


def step_crops(source: Clips | list[str], frames: int, rows: Sequence[int], run: Run) -> Callable[[int], Tensor]:
    """What makes the crops (b, 2, frames) of a step, asked for in order; b are the items `rows` of the global batch.

    Of a corpus an item's crop follows from seed, step and place in the batch, so any number of processes together see
    what one sees. Of shards each process reads its own: the same only on average.
    """
    if isinstance(source, list):
        rank, world = run.fabric.global_rank, run.fabric.world_size
        loader = batches(Stream(source, len(rows), frames, run.seed, run.step, rank, world))
        return lambda _: next(loader)
    weights = source.weights()

    def crops(step: int) -> Tensor:
        rngs = [np.random.default_rng((run.seed, step, 1, row)) for row in rows]
        return random_crops(source, rngs, frames, weights)

    return crops


def held_out_clips(corpora: Sequence[str], shards: Sequence[str]) -> Tensor | None:
    """The beginnings (b, 2, n) of a few clips of the test split; None, with a line about it, where there is none."""
    try:
        if shards:
            stream = Stream(shards, LISTENED, LISTENED_FRAMES, seed=0, augmentation=AS_THEY_ARE, split="test")
            return next(iter(stream))
        corpus = open_corpora(corpora, "test")
        rngs = [np.random.default_rng((0, i)) for i in range(LISTENED)]
        return random_crops(corpus, rngs, LISTENED_FRAMES, corpus.weights(), AS_THEY_ARE)
    except ValueError as error:
        print(f"this run makes no previews: {error}")
        return None
