"""Latents of a corpus, encoded once: `python -m training.latents --corpus FOLDER --autoencoder RUN --out FOLDER`.

What it writes (encoding.py) is complete in itself: shards with latents, captions and their token states, and an index.
It can be copied, or read from a web server. `Latents` reads it at random.

Shapes: b batch, c latent channels, t latent frames, l text tokens, d width, s control signals or rows of a contour.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError

import numpy as np
import torch
from torch import Tensor

from model.config import MODELS, ModelConfig
from model.contour import ROWS
from model.controls import control_signals, note_of, phase_ahead
from training.corpus import named_share, source_weights
from training.sampling import told_of_contour
from training.shards import fetch, is_remote, member_index, opened, read_all

INDEX = "index.json"
NPY_HEADER = 128  # bytes before the numbers of an array of two axes
CACHE = Path.home() / ".cache" / "arc-instrument" / "latents"


@dataclass(frozen=True)
class View:
    """One encoded view: where its latents lie, its exact duration, and whose it is."""

    shard: int
    start: int  # byte
    frames: int
    seconds: float
    clip: int
    contour: int  # the first byte of its contour; 0 where the model takes none


class Told(NamedTuple):
    """What a generator is told of each item, in the order of its arguments; control signals where it takes them."""

    text_bld: Tensor
    seconds_b: Tensor
    controls_bst: Tensor | None

    def part(self, items: slice | Tensor) -> "Told":
        """What is told of some of the items."""
        controls_bst = None if self.controls_bst is None else self.controls_bst[items]
        return Told(self.text_bld[items], self.seconds_b[items], controls_bst)

    def to(self, device: torch.device) -> "Told":
        controls_bst = None if self.controls_bst is None else self.controls_bst.to(device)
        return Told(self.text_bld.to(device), self.seconds_b.to(device), controls_bst)


class Traits(NamedTuple):
    """What the control signals tell of an item's own sound, under whatever caption."""

    contour_st: np.ndarray | None  # what of its contour is to be followed
    ahead_t: np.ndarray | float  # turns by which the phase of its note is ahead


def told_of(config: ModelConfig, text_bld: Tensor, seconds: float, prompt: str = "") -> Told:
    """What a generator is told of items of one length under one prompt, or under several that name no note or tempo."""
    seconds_b, frames = torch.full((len(text_bld),), seconds), config.canvas_frames(round(seconds * config.sample_rate))
    if not config.dit.control_width:
        return Told(text_bld, seconds_b, None)
    signals_st = torch.from_numpy(control_signals(config, frames, seconds, prompt))
    return Told(text_bld, seconds_b, signals_st.expand(len(text_bld), -1, -1))


@dataclass(frozen=True, eq=False)
class Batch:
    """Latents of one canvas length with what was said of them: one process' share of a global batch."""

    latents_bct: Tensor
    told: Told
    captions: tuple[str, ...]
    traits: tuple[Traits, ...]
    rows: tuple[int, ...]  # these items' places in the global batch
    everyone: tuple[str, ...]  # the captions of the global batch

    def __getitem__(self, part: slice) -> "Batch":
        own = self.captions[part], self.traits[part], self.rows[part]
        return Batch(self.latents_bct[part], self.told.part(part), *own, self.everyone)

    def to(self, device: torch.device) -> "Batch":
        return replace(self, latents_bct=self.latents_bct.to(device), told=self.told.to(device))


class Latents:
    """One split of one or more encoded corpora; `batch` draws normalised latents of one length with captions.

    Each folder (or URL) has a share of what is drawn. `shift` and `scale` are the first one's: the autoencoder that is
    exported beside it has them. With `split_shards` a process opens, and downloads, its own shards alone.
    Raises ValueError for what is missing, damaged, unfinished, or made for another model.
    """

    def __init__(
        self,
        folders: Sequence[tuple[str, float]],
        split: str,
        config: ModelConfig,
        max_batch: int = 96,
        rank: int = 0,
        world: int = 1,
        split_shards: bool = False,
        cache: Path = CACHE,
    ):
        self.config, self.max_batch = config, max_batch
        self.channels = config.autoencoder.latent_channels
        self.captions: list[tuple[str, ...]] = []  # of each clip
        self.views: list[View] = []
        self._shards: list[np.ndarray] = []
        self._text: dict[str, tuple[int, int, int]] = {}  # caption → shard, first byte, tokens
        weights, autoencoders = [], set()
        for number, (folder, share) in enumerate(folders):
            index, place = read_index(folder, split, config, cache)
            autoencoders.add(index["autoencoder"])
            if number == 0:
                self.shift, self.scale = statistics(index["sums"])
            shards = index["shards"][rank::world] if split_shards else index["shards"]
            sources: dict[str, list[str]] = {}
            clips: dict[str, list[int]] = {}
            for shard in shards:
                first = len(self.captions)
                sources.setdefault(shard["corpus"], []).extend(self._open(f"{place}/{shard['file']}", shard, cache))
                clips.setdefault(shard["corpus"], []).extend(range(first, len(self.captions)))
            for corpus, members in sources.items():
                there = share * index["corpora"][corpus]["share"]
                weights += list(zip(clips[corpus], there * source_weights(members), strict=True))
        if len(autoencoders) > 1:
            raise ValueError(
                f"{', '.join(f for f, _ in folders)}: encoded by different autoencoders; encode them again"
            )
        if not self.views:
            raise ValueError(f"{folders[0][0]}: fewer shards than processes; use fewer, or do not split them")
        clip_weights = np.array([weight for _, weight in sorted(weights)])
        views_of = np.bincount([view.clip for view in self.views], minlength=len(clip_weights))
        self._weights = np.array([clip_weights[view.clip] / views_of[view.clip] for view in self.views])
        lengths = np.array([view.frames for view in self.views])
        self.buckets = {int(length): np.flatnonzero(lengths == length) for length in np.unique(lengths)}

    def _open(self, name: str, shard: dict[str, Any], cache: Path) -> list[str]:
        """Take in the views, captions and token states of a shard; the source of each of its clips."""
        path = fetch(name, cache, shard["sha256"])
        if not path.exists() or path.stat().st_size != shard["bytes"]:
            raise ValueError(f"{path} is missing or cut off: encode or fetch the latents again")
        data, number, sources = np.memmap(path, np.uint8, "r"), len(self._shards), []
        try:
            places = member_index(data)
            for key in (name.removesuffix(".json") for name in places if name.endswith(".json")):
                start, size = places[f"{key}.json"]
                about = json.loads(data[start : start + size].tobytes())
                clip, position = len(self.captions), places[f"{key}.npy"][0] + NPY_HEADER
                contour = places[f"{key}.contour.npy"][0] + NPY_HEADER if self.config.dit.control_width else 0
                for frames, seconds in about["views"]:
                    self.views.append(View(number, position, frames, seconds, clip, contour))
                    position += frames * 2 * self.channels * 2
                    contour += frames * ROWS * 2 if contour else 0
                if position != sum(places[f"{key}.npy"]) or (contour and contour != sum(places[f"{key}.contour.npy"])):
                    raise ValueError("lengths")
                position = places[f"{key}.text.npy"][0] + NPY_HEADER
                for caption, tokens in zip(about["captions"], about["tokens"], strict=True):
                    self._text.setdefault(caption, (number, position, tokens))
                    position += tokens * self.config.text.width * 2
                self.captions.append(tuple(about["captions"]))
                sources.append(about["source"])
        except (ValueError, LookupError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is damaged: encode or fetch the latents again") from error
        self._shards.append(data)
        return sources

    def batch(self, batch_frames: int, rng: np.random.Generator, rank: int = 0, world: int = 1) -> Batch:
        """About `batch_frames` latent frames of one length, at least one item for each process.

        A view's chance is its clip's weight, whatever its length. All of the global batch is drawn from `rng`, equal
        in all processes, and of it this one's rows are read: together N processes see what one would. With
        `split_shards` each draws such a batch from its own shards, and still uses its rows alone.
        """
        lengths = list(self.buckets)
        sizes = np.array([max(2, world, min(self.max_batch, batch_frames // length)) for length in lengths])
        mass = np.array([self._weights[self.buckets[length]].sum() for length in lengths]) / sizes
        chosen = int(rng.choice(len(lengths), p=mass / mass.sum()))
        members = self.buckets[lengths[chosen]]
        weights = self._weights[members]
        drawn = rng.choice(members, sizes[chosen], p=weights / weights.sum())
        return self.collate([self.views[int(i)] for i in drawn], rng, rank, world)

    def collate(self, views: Sequence[View], rng: np.random.Generator, rank: int = 0, world: int = 1) -> Batch:
        """Sample the posterior of each view, and one of its captions; this process's rows of them."""
        everyone = tuple(str(rng.choice(self.captions[view.clip])) for view in views)
        seed, rows = int(rng.integers(2**62)), tuple(range(rank, len(views), world))
        mine, latents = [views[row] for row in rows], []
        for row, view in zip(rows, mine, strict=True):
            mean, log_std = np.split(self._values(view), 2, axis=1)
            draw = np.random.default_rng((seed, row)).standard_normal(mean.shape, dtype=np.float32)
            latents.append(torch.from_numpy((mean + np.exp(log_std) * draw).T.copy()))
        latents_bct = (torch.stack(latents) - self.shift) / self.scale
        captions = tuple(everyone[row] for row in rows)
        seconds_b = torch.tensor([view.seconds for view in mine])
        traits = tuple(
            self._traits(view, np.random.default_rng((seed, row, 1))) for row, view in zip(rows, mine, strict=True)
        )
        told = self.told(captions, seconds_b, traits, latents_bct.shape[-1])
        return Batch(latents_bct, told, captions, traits, rows, everyone)

    def _traits(self, view: View, rng: np.random.Generator) -> Traits:
        if not view.contour:
            return Traits(None, 0.0)
        contour_st, note = self._contour(view), note_of(self.captions[view.clip])
        ahead_t = 0.0 if note is None else phase_ahead(self.config, contour_st, note)
        return Traits(told_of_contour(contour_st, rng), ahead_t)

    def told(self, captions: Sequence[str], seconds_b: Tensor, traits: Sequence[Traits], frames: int) -> Told:
        """What the generator is told of items on a canvas of `frames`, under captions that these latents have."""
        controls_bst = None
        if self.config.dit.control_width:
            items = zip(seconds_b.tolist(), captions, traits, strict=True)
            controls = [control_signals(self.config, frames, seconds, said, *own) for seconds, said, own in items]
            controls_bst = torch.from_numpy(np.stack(controls))
        return Told(self.text(captions), seconds_b, controls_bst)

    def _contour(self, view: View) -> np.ndarray:
        """Its contour (s, t) float32."""
        stored = np.frombuffer(self._shards[view.shard], np.float16, view.frames * ROWS, view.contour)
        return stored.reshape(view.frames, ROWS).T.astype(np.float32)

    def _values(self, view: View) -> np.ndarray:
        """Mean and log standard deviation (t, 2c) float32."""
        count = view.frames * 2 * self.channels
        stored = np.frombuffer(self._shards[view.shard], np.float16, count, view.start)
        return stored.reshape(view.frames, -1).astype(np.float32)

    def text(self, captions: Sequence[str]) -> Tensor:
        """Token states (b, l, d) of captions that these latents have; zeros after the last token."""
        text = np.zeros((len(captions), self.config.text.max_tokens, self.config.text.width), np.float32)
        for row, caption in enumerate(captions):
            shard, start, tokens = self._text[caption]
            stored = np.frombuffer(self._shards[shard], np.float16, tokens * text.shape[2], start)
            text[row, :tokens] = stored.reshape(tokens, -1)
        return torch.from_numpy(text)


def open_latents(
    arguments: Sequence[str],
    split: str,
    config: ModelConfig,
    max_batch: int = 96,
    rank: int = 0,
    world: int = 1,
    split_shards: bool = False,
) -> Latents:
    """`--latents FOLDER` or `--latents URL=0.5`, given any number of times, as one; the number is its share."""
    folders = [named_share(argument) for argument in arguments]
    if not folders:
        raise ValueError("no latents given: --latents FOLDER")
    return Latents(folders, split, config, max_batch, rank, world, split_shards)


def open_held_out(arguments: Sequence[str], config: ModelConfig, train: Latents) -> Latents | None:
    """The test splits of those latents that have one, normalised as `train` is; None where nothing is held out."""
    having = [argument for argument in arguments if has_split(named_share(argument)[0], "test")]
    if not having:
        print("these latents hold no test split: no held-out loss, no previews")
        return None
    held_out = open_latents(having, "test", config)
    held_out.shift, held_out.scale = train.shift, train.scale
    return held_out


def has_split(folder: str, split: str) -> bool:
    """Whether a latents folder or URL has this split. Raises ValueError for a server that says neither."""
    index = f"{folder.rstrip('/')}/{split}/{INDEX}"
    if not is_remote(folder):
        return Path(index).exists()
    try:
        opened(index).close()
    except ValueError as error:
        if not (isinstance(error.__cause__, HTTPError) and error.__cause__.code == 404):
            raise
        return False
    return True


def read_index(folder: str, split: str, config: ModelConfig, cache: Path = CACHE) -> tuple[dict[str, Any], str]:
    """The index of one split of a latents folder or URL, and where its shards lie."""
    place = f"{folder.rstrip('/')}/{split}"
    if not is_remote(folder) and not Path(place, INDEX).exists():
        raise ValueError(
            f"{folder} holds no latents of the split {split}: run python -m training.latents --out {folder}"
        )
    try:
        index = json.loads(read_all(f"{place}/{INDEX}"))
        made_for, complete = index["model"], index["complete"]
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError) as error:
        raise ValueError(f"{place}/{INDEX} cannot be read: encode or fetch the latents again") from error
    if not complete:
        raise ValueError(f"{place}: its encoding has not finished; repeat the command to go on")
    wanted = form_of(config)
    if made_for != wanted:
        raise ValueError(
            f"{place} was encoded for another model ({made_for['name']}, now {wanted['name']}): encode it again"
        )
    return index, place


def form_of(config: ModelConfig) -> dict[str, Any]:
    """What of a model decides how its latents look."""
    return {
        "name": config.name,
        "max_frames": config.max_frames,
        "canvas_multiple": config.canvas_multiple,
        "frame_samples": config.autoencoder.frame_samples,
        "channels": config.autoencoder.latent_channels,
        "text": config.text.name,
        "text_width": config.text.width,
        "max_tokens": config.text.max_tokens,
        "contours": config.dit.control_width > 0 and ROWS,
    }


def statistics(sums: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each sampled latent channel, (c, 1) each, from sums over all latent frames."""
    frames = sums["frames"]
    mean, square, variance = (torch.tensor(sums[name], dtype=torch.float64) for name in ("mean", "square", "variance"))
    mean = mean / frames
    total = square / frames - mean.square() + variance / frames
    return mean.float()[:, None], total.clamp_min(1e-12).sqrt().float()[:, None]


def main() -> None:
    from training.encoding import encode_splits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--corpus", action="append", required=True, help="packed corpus, FOLDER or FOLDER=SHARE; repeats"
    )
    parser.add_argument(
        "--autoencoder", type=Path, required=True, help="run of training.autoencoder, or a model folder"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--views",
        type=int,
        nargs="+",
        default=[5],
        help="encoded views of each training clip: one number, or one a corpus",
    )
    parser.add_argument("--category", nargs="+", default=[], help="encode only clips of these categories")
    parser.add_argument("--keep-statistics", action="store_true", help="normalise as the given autoencoder does")
    parser.add_argument("--text", type=Path, help="folder of the text encoder, where it comes in no package")
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    try:
        encode_splits(
            args.corpus,
            args.views,
            MODELS[args.model],
            args.autoencoder,
            args.out,
            args.keep_statistics,
            args.text,
            args.category,
        )
    except ValueError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
