"""Encode a corpus once: `python -m training.latents --corpus FOLDER --autoencoder RUN --out FOLDER`; read it back.

Each clip is encoded as several views (natural length, followed by silence, cut short) on the canvas that inference
would use for that many seconds, so the flow never sees a padding it will not meet again. Stopped, it resumes.

Shapes: b batch, c latent channels, t latent frames, l text tokens, d width.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from model.config import MODELS, ModelConfig
from model.spectral import SpectralAutoencoder
from training.corpus import RATE_HZ, Corpus
from training.run import averaged_weights

FADE_SAMPLES = 441  # 10 ms, where a view cuts into sound
MIN_VIEW_SECONDS = 0.25
PEAK_DB = (-7.0, -1.0)  # a view's random peak level, dBFS


@dataclass(frozen=True)
class View:
    """One encoded view: its place in the latent file, its exact duration and the captions it may be given."""

    start: int
    frames: int
    seconds: float
    clip: int  # index into the corpus split


def random_view(corpus: Corpus, i: int, config: ModelConfig, rng: np.random.Generator) -> np.ndarray:
    """Samples (n, 2) of one view of clip `i`: 30 % of natural length, 45 % with silence after, 25 % cut short."""
    longest = config.max_samples
    spare = corpus.entries[i].frames - longest
    start = int(rng.integers(0, spare + 1)) if spare > 0 and rng.random() < 0.5 else 0
    audio = corpus.audio(i, start, longest)
    natural, shortest = len(audio), int(MIN_VIEW_SECONDS * RATE_HZ)
    kind = rng.choice(3, p=(0.30, 0.45, 0.25))
    if kind == 1 and natural < longest:
        length = int(rng.integers(natural, min(longest, natural + 3 * RATE_HZ) + 1))
    elif kind == 2 and natural > 2 * shortest:
        length = int(rng.integers(shortest, natural))
    else:
        length = max(natural, shortest)
    view = np.zeros((length, 2), np.float32)
    kept = min(length, natural)
    view[:kept] = audio[:kept]
    if kept < corpus.entries[i].frames - start:
        view[kept - FADE_SAMPLES : kept] *= np.linspace(1, 0, FADE_SAMPLES, dtype=np.float32)[:, None]
    if rng.random() < 0.5:
        view = view[:, ::-1]
    peak = np.abs(view).max()
    return view * (10 ** (rng.uniform(*PEAK_DB) / 20) / max(peak, 1e-4))


@torch.inference_mode()
def encode(
    corpus: Corpus, network: SpectralAutoencoder, config: ModelConfig, views: int, seed: int, folder: Path
) -> None:
    """Write mean and log standard deviation of every view (float16) and the index; resumes by whole passes."""
    folder.mkdir(parents=True, exist_ok=True)
    index_file = folder / "views.json"
    done = [View(**v) for v in json.loads(index_file.read_text())] if index_file.exists() else []
    position = max((v.start + v.frames for v in done), default=0)
    channels = 2 * config.autoencoder.latent_channels
    with (folder / "latents.f16").open("r+b" if done else "wb") as out:
        out.truncate(position * channels * 2)
        out.seek(0, 2)
        for number in range(len(done) // len(corpus), views):
            for i in tqdm(range(len(corpus)), desc=f"view {number + 1}/{views}", mininterval=5, unit="clip"):
                samples = random_view(corpus, i, config, np.random.default_rng((seed, number, i)))
                frames = config.canvas_frames(len(samples))
                canvas = torch.zeros(1, 2, frames * config.autoencoder.frame_samples)
                canvas[0, :, : len(samples)] = torch.from_numpy(samples.T.copy())
                mean, log_std = network.encoder(canvas)
                stored = torch.cat([mean, log_std], 1)[0].T.to(torch.float16).contiguous().numpy()
                out.write(stored.tobytes())
                done.append(View(position, frames, len(samples) / RATE_HZ, i))
                position += frames
            out.flush()
            index_file.write_text(json.dumps([asdict(v) for v in done]))


def channel_statistics(folder: Path, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each sampled latent channel over all views, (c, 1) each."""
    stored = np.memmap(folder / "latents.f16", np.float16, "r").reshape(-1, 2 * channels).astype(np.float32)
    mean, log_std = torch.from_numpy(stored).chunk(2, dim=1)
    variance = mean.var(0) + (2 * log_std).exp().mean(0)
    return mean.mean(0)[:, None], variance.sqrt()[:, None]


@torch.inference_mode()
def encode_captions(corpus: Corpus, config: ModelConfig, folder: Path) -> None:
    """Token states of every distinct caption, float16 (n, l, d), beside the list of captions."""
    from model.text import load_encoder

    captions = sorted({caption for entry in corpus.entries for caption in entry.captions})
    encoder = load_encoder(config.text)
    rows = [
        encoder.encode(captions[i : i + 64]).tokens_bld.to(torch.float16)
        for i in tqdm(range(0, len(captions), 64), desc="captions", mininterval=5)
    ]
    save_file({"tokens": torch.cat(rows)}, folder / "captions.safetensors")
    (folder / "captions.json").write_text(json.dumps(captions))


@dataclass(frozen=True, eq=False)
class Batch:
    """Latents of one canvas length with what was said of them: one process' share of a global batch."""

    latents_bct: Tensor
    text_bld: Tensor
    seconds_b: Tensor
    captions: tuple[str, ...]
    rows: tuple[int, ...]  # these items' places in the global batch
    everyone: tuple[str, ...]  # the captions of the global batch

    def __getitem__(self, part: slice) -> "Batch":
        latents, text, seconds = (x[part] for x in (self.latents_bct, self.text_bld, self.seconds_b))
        return Batch(latents, text, seconds, self.captions[part], self.rows[part], self.everyone)

    def to(self, device: torch.device) -> "Batch":
        latents, text, seconds = (x.to(device) for x in (self.latents_bct, self.text_bld, self.seconds_b))
        return Batch(latents, text, seconds, self.captions, self.rows, self.everyone)


class Latents:
    """An encoded corpus; `batch` draws normalised latents of one length, captions sampled among the alternatives."""

    def __init__(self, folder: Path, corpus: Corpus, config: ModelConfig, max_batch: int = 96):
        self.views = [View(**v) for v in json.loads((folder / "views.json").read_text())]
        self.corpus, self.channels, self.max_batch = corpus, config.autoencoder.latent_channels, max_batch
        self._values = np.memmap(folder / "latents.f16", np.float16, "r").reshape(-1, 2 * self.channels)
        self.shift, self.scale = channel_statistics(folder, self.channels)
        self._tokens = load_file(folder / "captions.safetensors")["tokens"]
        self._row = {caption: i for i, caption in enumerate(json.loads((folder / "captions.json").read_text()))}
        clip_weights = corpus.weights()
        lengths = np.array([view.frames for view in self.views])
        self.buckets = {int(length): np.flatnonzero(lengths == length) for length in np.unique(lengths)}
        self._weights = np.array([clip_weights[view.clip] for view in self.views])

    def batch(self, batch_frames: int, rng: np.random.Generator, rank: int = 0, world: int = 1) -> Batch:
        """About `batch_frames` latent frames; a view's chance is its clip's weight, whatever its length.

        Of several processes each gets its share of one global batch.
        """
        lengths = list(self.buckets)
        sizes = np.array([min(self.max_batch, max(2, batch_frames // length)) for length in lengths])
        mass = np.array([self._weights[self.buckets[length]].sum() for length in lengths]) / sizes
        chosen = int(rng.choice(len(lengths), p=mass / mass.sum()))
        members = self.buckets[lengths[chosen]]
        weights = self._weights[members]
        rows = rng.choice(members, sizes[chosen], p=weights / weights.sum())
        return self.collate([self.views[int(r)] for r in rows], rng)[slice(rank, None, world)]

    def collate(self, views: list[View], rng: np.random.Generator) -> Batch:
        """Sample the posterior of each view and one of its captions."""
        values = np.stack([self._values[v.start : v.start + v.frames] for v in views]).astype(np.float32)
        mean, log_std = torch.from_numpy(values).transpose(1, 2).chunk(2, dim=1)
        draw = torch.from_numpy(rng.standard_normal(mean.shape, dtype=np.float32))
        latents = (mean + log_std.exp() * draw - self.shift) / self.scale
        captions = tuple(str(rng.choice(self.corpus.entries[v.clip].captions)) for v in views)
        seconds = torch.tensor([v.seconds for v in views])
        return Batch(latents, self.text(captions), seconds, captions, tuple(range(len(views))), captions)

    def text(self, captions: Sequence[str]) -> Tensor:
        """Token states (b, l, d) of captions of this corpus."""
        return self._tokens[[self._row[caption] for caption in captions]].float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True, help="run folder of training.autoencoder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--views", type=int, default=5, help="encoded views of each training clip")
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    config = MODELS[args.model]
    network = SpectralAutoencoder.of(config).eval()
    network.load_state_dict(averaged_weights(args.autoencoder))
    for split, views in (("train", args.views), ("test", 1)):
        corpus, folder = Corpus(args.corpus, split), args.out / split
        encode(corpus, network, config, views, seed=4, folder=folder)
        encode_captions(corpus, config, folder)
    network.shift, network.scale = channel_statistics(args.out / "train", config.autoencoder.latent_channels)
    save_file(network.state_dict(), args.out / "autoencoder.safetensors")


if __name__ == "__main__":
    main()
