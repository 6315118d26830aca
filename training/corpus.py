"""Captioned clips: WebDataset shards, decoded once into one memory-mapped file, then cropped at random.

`python -m training.corpus SHARD... --out FOLDER` decodes; `Corpus(FOLDER)` reads back.

Shapes: b batch, c channels (left, right), n samples.
"""

import argparse
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

RATE_HZ = 44_100
FULL_SCALE = 32_767


@dataclass(frozen=True)
class Entry:
    """One clip: where its samples lie in the packed file and what is said about it."""

    key: str
    start: int
    frames: int
    captions: tuple[str, ...]
    category: str
    source: str
    split: str


def pack(shards: list[str], folder: Path) -> None:
    """Decode every clip of the shards (KEY.ogg + KEY.json) to 16-bit stereo in `folder`; an existing pack is kept."""
    import soundfile
    from webdataset.pipeline import DataPipeline
    from webdataset.shardlists import SimpleShardList
    from webdataset.tariterators import tarfile_to_samples

    if (folder / "index.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    entries, position = [], 0
    with (folder / "audio.i16").open("wb") as out:
        samples_of = DataPipeline(SimpleShardList(shards), tarfile_to_samples())
        for sample in tqdm(samples_of, desc="decoding", unit="clip", mininterval=2):
            key, ogg, about = sample["__key__"], sample["ogg"], json.loads(sample["json"])
            samples, rate_hz = soundfile.read(io.BytesIO(ogg), dtype="float32", always_2d=True)
            if rate_hz != RATE_HZ:
                raise ValueError(f"{key}: {rate_hz} Hz; a corpus is stored at {RATE_HZ} Hz")
            stereo = np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples[:, :2]
            out.write((stereo.clip(-1, 1) * FULL_SCALE).round().astype("<i2").tobytes())
            captions = (about["caption"], *about.get("captions_alt", ()))
            entries.append(
                Entry(key, position, len(stereo), captions, about["category"], about["source"], about["split"])
            )
            position += len(stereo)
    (folder / "index.json").write_text(json.dumps([asdict(entry) for entry in entries]))


class Corpus:
    """A packed corpus, one split of it; samples stay on disk until asked for."""

    def __init__(self, folder: Path, split: str):
        index = folder / "index.json"
        if not index.exists():
            raise ValueError(f"{folder} holds no packed corpus: run python -m training.corpus SHARD... --out {folder}")
        entries = [Entry(**{**e, "captions": tuple(e["captions"])}) for e in json.loads(index.read_text())]
        self.entries = [entry for entry in entries if entry.split == split]
        self._audio = np.memmap(folder / "audio.i16", dtype="<i2", mode="r").reshape(-1, 2)

    def __len__(self) -> int:
        return len(self.entries)

    def audio(self, i: int, start: int = 0, frames: int | None = None) -> np.ndarray:
        """Samples (n, 2) float32 of clip `i`, from `start`, at most `frames`."""
        entry = self.entries[i]
        stop = entry.frames if frames is None else min(entry.frames, start + frames)
        return self._audio[entry.start + start : entry.start + stop].astype(np.float32) / FULL_SCALE

    def weights(self, power: float = 0.5) -> np.ndarray:
        """Sampling probabilities: a source of k clips gets k^power shares, so 250 hits of one shaker do not rule."""
        sources = [entry.source for entry in self.entries]
        count = {source: sources.count(source) for source in set(sources)}
        weights = np.array([count[source] ** (power - 1) for source in sources])
        return weights / weights.sum()

    def fingerprint(self) -> str:
        """What a run records to tell which data it saw."""
        return hashlib.sha256(json.dumps([e.key for e in self.entries]).encode()).hexdigest()[:16]


def random_crops(
    corpus: Corpus, batch: int, frames: int, rng: np.random.Generator, weights: np.ndarray
) -> torch.Tensor:
    """(b, 2, frames) crops placed on the sound: half start at the clip's start (attacks), the rest anywhere.

    Augmented by gain (−18…0 dB), polarity and channel swap; shorter clips are padded with silence.
    """
    crops = np.zeros((batch, 2, frames), np.float32)
    for row, i in enumerate(rng.choice(len(corpus), batch, p=weights)):
        spare = corpus.entries[i].frames - frames
        lead = int(rng.integers(0, 4096)) if rng.random() < 0.5 else 0  # silence before the onset
        start = int(rng.integers(0, spare + 1)) if spare > 0 and rng.random() < 0.5 else 0
        if start:
            lead = 0
        clip = corpus.audio(int(i), start, frames - lead).T
        if rng.random() < 0.5:
            clip = clip[::-1]
        gain = 10 ** (rng.uniform(-18, 0) / 20) * rng.choice((-1, 1))
        crops[row, :, lead : lead + clip.shape[1]] = clip * gain
    return torch.from_numpy(crops)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", nargs="+", help="WebDataset shards, local paths or URLs")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    pack(args.shards, args.out)
    for split in ("train", "test"):
        corpus = Corpus(args.out, split)
        hours = sum(entry.frames for entry in corpus.entries) / RATE_HZ / 3600
        print(f"{split}: {len(corpus)} clips, {hours:.2f} h, {corpus.fingerprint()}")


if __name__ == "__main__":
    main()
