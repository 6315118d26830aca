"""Crops straight from WebDataset shards, local or on a web server, for corpora that no disk holds decoded.

What a step sees follows from the seed, the step, the rank and the number of loading processes alone. So a run
resumes at its step with nothing to save: at most one block of shards is read again.

Shapes: b batch, c channels (left, right), n samples.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.clips import SkipClip, decode, sound_member
from training.corpus import Augmentation, random_crop
from training.shards import expand, opened


class Undecoded(NamedTuple):
    """The bytes of a sound, and the shard that they are from."""

    sound: bytes
    shard: str


class Stream(IterableDataset):
    """Batches of crops (b, 2, n) for one process of `world`, from step `start` on, without end.

    Each loading process works in blocks: it reads the next `mixed` shards of the epoch's order that are its own,
    shuffles their clips, and makes `block_steps` batches of them. Clips that are no usable sound are passed over with
    a line on stderr, those of another split without. Raises ValueError for a shard that is missing, and for shards
    without a usable clip.
    """

    def __init__(
        self,
        shards: Sequence[str],
        batch: int,
        frames: int,
        seed: int,
        start: int = 0,
        rank: int = 0,
        world: int = 1,
        augmentation: Augmentation | None = None,
        block_steps: int = 32,
        mixed: int = 2,
        split: str = "train",
    ):
        self.shards = expand(list(shards))
        self.batch, self.frames, self.seed, self.start = batch, frames, seed, start
        self.rank, self.world, self.split = rank, world, split
        self.augmentation = augmentation or Augmentation()
        self.block_steps, self.mixed = block_steps, min(mixed, len(self.shards))
        self.skipped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        lane = (self.start + number) % workers  # which steps this process makes, wherever a run started
        turn = (self.start + number) // workers
        while True:
            block, done = divmod(turn, self.block_steps)
            clips = self.clips_of(self.block_shards(block, lane, workers), block)
            for step in range(done, self.block_steps):
                rng = np.random.default_rng((self.seed, self.rank, block * self.block_steps + step, lane))
                yield self.crops(clips, step, rng)
            turn = (block + 1) * self.block_steps

    def block_shards(self, block: int, lane: int, workers: int) -> list[str]:
        """The shards of a block: every epoch is another order of all, dealt to ranks and loading processes in turn."""
        first = ((block * self.world + self.rank) * workers + lane) * self.mixed
        places = (divmod(first + i, len(self.shards)) for i in range(self.mixed))
        return [self.shards[np.random.default_rng((self.seed, e)).permutation(len(self.shards))[i]] for e, i in places]

    def clips_of(self, shards: Sequence[str], block: int) -> list[Undecoded | None]:
        """The sounds of the shards, shuffled."""
        clips = [Undecoded(sound, shard) for shard in shards for sound in self.sounds(shard)]
        if not clips:
            raise ValueError(f"{', '.join(shards)}: no usable clip of the split {self.split} in them")
        order = np.random.default_rng((self.seed, self.rank, block)).permutation(len(clips))
        return [clips[i] for i in order]

    def sounds(self, shard: str) -> Iterator[bytes]:
        """Read a shard once from front to back; what is damaged is passed over."""
        from webdataset.tariterators import group_by_keys, tar_file_expander

        def damaged(_: Exception) -> bool:
            self.pass_over("in a damaged part of an archive", shard)
            return True

        with opened(shard) as stream:
            files = tar_file_expander([{"url": shard, "stream": stream}], damaged)
            for sample in group_by_keys(files, handler=damaged):
                try:
                    sound = sound_member(sample)
                except SkipClip as reason:
                    self.pass_over(str(reason), shard)
                    continue
                if split_of(sample) == self.split:
                    yield sound

    def pass_over(self, reason: str, shard: str) -> None:
        """Count what cannot be used; say so the 1st, 2nd, 4th, 8th … time: neither nothing nor a line a clip."""
        self.skipped[reason] += 1
        if (count := self.skipped[reason]).bit_count() == 1:
            print(f"{shard}: passed over what is {reason}; {count} such so far, repeats counted", file=sys.stderr)

    def crops(self, clips: list[Undecoded | None], step: int, rng: np.random.Generator) -> Tensor:
        """(b, 2, n): the block's clips in turn; those that cannot be used leave its list."""
        rows, place = [], step * self.batch
        while len(rows) < self.batch:
            if not any(clips):
                raise ValueError("none of a block's clips is usable sound: look at the shards with training.corpus")
            index = place % len(clips)
            place += 1
            if (clip := clips[index]) is None:
                continue
            try:
                samples = decode(clip.sound)
            except SkipClip as reason:
                self.pass_over(str(reason), clip.shard)
                clips[index] = None
                continue
            stereo = samples if samples.shape[1] == 2 else samples.repeat(2, axis=1)
            read = lambda start, n, clip=stereo: clip[start : start + n]  # noqa: E731
            rows.append(random_crop(read, len(stereo), self.frames, rng, self.augmentation).T)
        return torch.from_numpy(np.stack(rows))


def split_of(members: Mapping[str, Any]) -> str:
    """The split that KEY.json states; "train" where it states none."""
    try:
        return str(json.loads(members["json"])["split"])
    except (ValueError, LookupError, TypeError):
        return "train"


def batches(stream: Stream, workers: int = 2) -> Iterator[Tensor]:
    """The batches of a stream in the order of their steps, loaded ahead by `workers` processes."""
    # Spawned: the caller may hold a GPU, and threads of torch, that a fork does not survive.
    context = "spawn" if workers else None
    try:
        yield from DataLoader(stream, batch_size=None, num_workers=workers, multiprocessing_context=context)
    except ValueError as error:  # a loading process sends its whole traceback
        raise ValueError(str(error).strip().splitlines()[-1].removeprefix("ValueError: ")) from error
