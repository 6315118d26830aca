"""A small text–audio tower, trained on train splits: `python -m training.tower --corpus FOLDER … --out FOLDER`.

Sounds and captions meet in one space, trained by symmetric InfoNCE and a category head. It judges what this project's
models make of its captions and is nothing like CLAP: its numbers compare only with each other.

Shapes: b batch, n samples, t frames of 1024 samples, f mel bands, d embedding width, l text tokens.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from model.config import ARC_MINI
from model.machine import fast_dtype
from model.text import TextEncoder, load_encoder
from training.corpus import Corpus, by_name
from training.evaluation.metrics import RATE_HZ, magnitudes, mel_filters

CATEGORIES = (
    *("ambience", "bass", "drum", "foley", "instrument", "keys"),
    *("loop", "percussion", "sfx", "synth", "ui", "vocal"),
)
WINDOW, BANDS = 2048, 64
CROP_FRAMES = 128  # 3 s
RANGE_DB = 80.0
LONGEST_SECONDS = 6.0
WEIGHTS_FILE, ABOUT_FILE = "tower.safetensors", "tower.json"


@dataclass(frozen=True)
class TowerRecipe:
    """About three minutes on two cores."""

    seed: int = 5
    steps: int = 1_200
    batch: int = 64
    clips: int = 6_000  # at most so many of each corpus
    learning_rate: float = 2e-3
    weight_decay: float = 5e-2
    category_weight: float = 0.5
    masked_frames: int = 24  # at most, hidden at random, and as many sixths of bands
    widths: tuple[int, ...] = (24, 48, 96, 128)
    embedding: int = 96


def features(mono_n: np.ndarray) -> Tensor:
    """Log-mel (t, f) in −1 (80 dB below the loudest) … 1, without the silence at the end; level-free."""
    power = magnitudes(torch.from_numpy(np.ascontiguousarray(mono_n, np.float32)), WINDOW, WINDOW // 2).square()
    decibels = 10 * (power @ mel_filters(WINDOW, BANDS)).clamp_min(1e-12).log10()
    relative = (decibels - decibels.max()).clamp_min(-RANGE_DB)
    heard = (relative.amax(1) > -60).nonzero()
    return relative[: int(heard[-1]) + 1] * (2 / RANGE_DB) + 1


def crop(features_tf: Tensor, start: int) -> Tensor:
    """CROP_FRAMES from `start`, silence where there are fewer."""
    part = features_tf[start : start + CROP_FRAMES]
    return F.pad(part, (0, 0, 0, CROP_FRAMES - len(part)), value=-1.0)


class TowerNetwork(nn.Module):
    """Log-mel crops (b, t, f) and text means (b, 384) → unit embeddings (b, d)."""

    centroids: Tensor

    def __init__(self, recipe: TowerRecipe):
        super().__init__()
        layers: list[nn.Module] = []
        for width_in, width in zip((1, *recipe.widths[:-1]), recipe.widths, strict=True):
            layers += [nn.Conv2d(width_in, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        bands = BANDS // 2 ** len(recipe.widths)
        self.audio = nn.Linear(2 * recipe.widths[-1] * bands, recipe.embedding)
        self.text = nn.Linear(ARC_MINI.text.width, recipe.embedding)
        self.category = nn.Linear(recipe.embedding, len(CATEGORIES))
        self.log_scale = nn.Parameter(torch.tensor(2.5))  # inverse temperature of InfoNCE
        self.register_buffer("centroids", torch.zeros(len(CATEGORIES), recipe.embedding))

    def embed_audio(self, crops_btf: Tensor) -> Tensor:
        maps = self.layers(crops_btf[:, None])  # (b, channels, t, f)
        pooled = torch.cat([maps.mean(2), maps.amax(2)], 1).flatten(1)
        return F.normalize(self.audio(pooled), dim=-1)

    def embed_text(self, means_bd: Tensor) -> Tensor:
        return F.normalize(self.text(means_bd), dim=-1)


def info_nce(audio_bd: Tensor, text_bd: Tensor, same_bb: Tensor, scale: Tensor) -> Tensor:
    """Symmetric cross-entropy of similarities; items of one caption (`same_bb`) are all right answers to each other."""
    logits = scale * audio_bd @ text_bd.T
    target = same_bb / same_bb.sum(1, keepdim=True)
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


def text_means(encoder: TextEncoder, captions: list[str]) -> Tensor:
    """Mean of the token states of each caption (n, 384)."""
    means = []
    for start in range(0, len(captions), 64):
        found = encoder.encode(captions[start : start + 64])
        mask = found.mask_bl[..., None].float()
        means.append((found.tokens_bld * mask).sum(1) / mask.sum(1))
    return torch.cat(means)


class Tower:
    """A trained tower: embeds clips and captions, and tells which category a clip is nearest to."""

    def __init__(self, network: TowerNetwork, encoder: TextEncoder):
        self.network, self.encoder = network.eval(), encoder

    @classmethod
    def open(cls, folder: Path) -> "Tower":
        """Raises ValueError where `folder` holds no tower."""
        if not (folder / WEIGHTS_FILE).is_file():
            raise ValueError(f"{folder} holds no tower: run python -m training.tower --corpus FOLDER --out {folder}")
        settings = json.loads((folder / ABOUT_FILE).read_text())["recipe"]
        network = TowerNetwork(TowerRecipe(**{**settings, "widths": tuple(settings["widths"])}))
        network.load_state_dict({name: value.float() for name, value in load_file(folder / WEIGHTS_FILE).items()})
        return cls(network, load_encoder(ARC_MINI.text))

    @torch.inference_mode()
    def embed(self, mono_n: np.ndarray) -> np.ndarray:
        """Unit embedding (d,) of a clip at 44.1 kHz: of its crops of 3 s, averaged."""
        found = features(mono_n[: int(LONGEST_SECONDS * RATE_HZ)])
        crops = torch.stack([crop(found, start) for start in range(0, len(found), CROP_FRAMES)])
        return F.normalize(self.network.embed_audio(crops).mean(0), dim=-1).numpy()

    @torch.inference_mode()
    def embed_captions(self, captions: list[str]) -> np.ndarray:
        """Unit embeddings (n, d)."""
        return self.network.embed_text(text_means(self.encoder, captions)).numpy()

    def category(self, embedding_d: np.ndarray) -> str:
        """The category whose train clips' mean embedding is nearest by cosine."""
        return CATEGORIES[int(np.argmax(self.network.centroids.numpy() @ embedding_d))]


@dataclass(frozen=True, eq=False)
class Lesson:
    """One training clip: its features (float16), rows of its captions, its category."""

    features_tf: Tensor
    captions: tuple[int, ...]
    category: int


def lessons(corpora: list[Corpus], recipe: TowerRecipe, rng: np.random.Generator) -> tuple[list[Lesson], list[str]]:
    """Features of the clips, and the distinct captions their rows point to; two captions a clip, the first always."""
    found, rows = [], {}
    for corpus in corpora:
        chosen = rng.permutation(len(corpus))[: recipe.clips]
        for i in tqdm(chosen, desc="features", mininterval=5, unit="clip"):
            entry = corpus.entries[int(i)]
            audio = corpus.audio(int(i), 0, int(LONGEST_SECONDS * RATE_HZ)).mean(1)
            if entry.category not in CATEGORIES or not np.abs(audio).max(initial=0) > 1e-4:
                continue
            captions = [entry.captions[0], str(rng.choice(entry.captions))]
            numbers = tuple(rows.setdefault(caption, len(rows)) for caption in captions)
            found.append(Lesson(features(audio).half(), numbers, CATEGORIES.index(entry.category)))
    if len(found) < recipe.batch:
        raise ValueError(f"{len(found)} usable clips for batches of {recipe.batch}: give a larger corpus")
    return found, list(rows)


def masked(crops_btf: Tensor, most: int, rng: np.random.Generator) -> Tensor:
    """Silence a random stretch of time and of bands of each crop (SpecAugment, Park et al. 2019)."""
    for item in crops_btf:
        length, bands = int(rng.integers(0, most)), int(rng.integers(0, BANDS // 6))
        item[(start := int(rng.integers(0, CROP_FRAMES))) : start + length] = -1
        item[:, (low := int(rng.integers(0, BANDS))) : low + bands] = -1
    return crops_btf


def train(corpora: list[Corpus], recipe: TowerRecipe) -> TowerNetwork:
    """AdamW under a one-cycle rate; rare categories are drawn more often. The centroids are measured at the end."""
    rng = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    clips, captions = lessons(corpora, recipe, rng)
    means = text_means(load_encoder(ARC_MINI.text), captions)
    network = TowerNetwork(recipe)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=recipe.steps)
    categories = np.array([clip.category for clip in clips])
    weights = np.bincount(categories, minlength=len(CATEGORIES))[categories] ** -0.5
    weights /= weights.sum()
    bar = tqdm(range(recipe.steps), desc="tower", mininterval=5)
    for _ in bar:
        drawn = [clips[int(i)] for i in rng.choice(len(clips), recipe.batch, p=weights)]
        starts = [int(rng.integers(0, max(1, len(clip.features_tf) - CROP_FRAMES // 2))) for clip in drawn]
        starts = [start if rng.random() < 0.5 else 0 for start in starts]
        crops = torch.stack([crop(clip.features_tf, s) for clip, s in zip(drawn, starts, strict=True)]).float()
        rows = torch.tensor([int(rng.choice(clip.captions)) for clip in drawn])
        crops = masked(crops, recipe.masked_frames, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast_dtype() is torch.bfloat16):
            audio = network.embed_audio(crops).float()
        text = network.embed_text(means[rows])
        loss = info_nce(audio, text, (rows[:, None] == rows).float(), network.log_scale.exp().clamp_max(50))
        labels = torch.tensor([clip.category for clip in drawn])
        head = F.cross_entropy(network.category(10 * audio), labels, label_smoothing=0.1)
        (loss + recipe.category_weight * head).backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}", category=f"{head.item():.3f}", refresh=False)
    measure_centroids(network.eval(), clips)
    return network


@torch.inference_mode()
def measure_centroids(network: TowerNetwork, clips: list[Lesson]) -> None:
    """Mean embedding of each category's clips, made a unit vector; zero for a category without clips."""
    sums = torch.zeros_like(network.centroids)
    for start in range(0, len(clips), 128):
        part = clips[start : start + 128]
        crops = torch.stack([crop(clip.features_tf, 0) for clip in part]).float()
        sums.index_add_(0, torch.tensor([clip.category for clip in part]), network.embed_audio(crops))
    network.centroids.copy_(F.normalize(sums, dim=-1))


def save(network: TowerNetwork, recipe: TowerRecipe, about: dict, folder: Path) -> None:
    """Write the weights as float16, and what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    save_file(state, folder / WEIGHTS_FILE)
    (folder / ABOUT_FILE).write_text(json.dumps({"recipe": asdict(recipe), **about}, indent=2) + "\n")


def held_out_accuracy(tower: Tower, corpus: Corpus, limit: int = 400) -> dict[str, float]:
    """Share of the first `limit` clips of a split that are nearest to their category."""
    right = [
        tower.category(tower.embed(corpus.audio(i).mean(1))) == corpus.entries[i].category
        for i in range(min(limit, len(corpus)))
    ]
    return {"category": round(float(np.mean(right)), 3), "of": len(right)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, action="append", required=True, help="packed corpus; may be repeated")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=TowerRecipe.steps)
    parser.add_argument("--batch", type=int, default=TowerRecipe.batch)
    parser.add_argument("--clips", type=int, default=TowerRecipe.clips, help="at most so many of each corpus")
    parser.add_argument("--threads", type=int, help="of torch; 1 is fastest where other work keeps the cores busy")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = replace(TowerRecipe(), steps=args.steps, batch=args.batch, clips=args.clips)
    try:
        learnt, test = (by_name(args.corpus, split) for split in ("train", "test"))
        network = train(list(learnt.values()), recipe)
    except ValueError as error:
        parser.error(str(error))
    tower = Tower(network, load_encoder(ARC_MINI.text))
    held_out = {name: held_out_accuracy(tower, split) for name, split in test.items() if len(split)}
    about = {"corpora": {name: split.fingerprint() for name, split in learnt.items()}, "held_out": held_out}
    save(network, recipe, about, args.out)
    print(json.dumps(about, indent=2))


if __name__ == "__main__":
    main()
