"""Encode packed corpora into latents shards: views of each clip, in batches that share a canvas.

Each clip is encoded as several views (natural length, followed by silence, cut short) on the canvas that inference
would use for that many seconds; of some the canvas goes on, so that the model learns silence after the asked end.
Stopped, it goes on at the next shard.

Shapes: b batch, c latent channels, t latent frames, n samples.
"""

import hashlib
import io
import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

from model.config import ModelConfig, OobleckConfig
from model.contour import contour
from model.controls import note_of
from model.digests import sha256
from model.oobleck import OobleckAutoencoder
from model.spectral import SpectralAutoencoder
from model.text import TransformerEncoder, load_encoder
from training.clips import RATE_HZ
from training.corpus import Clips, Corpus, folder_and_share, names_of
from training.latents import INDEX, form_of, statistics
from training.packing import Entry, splits_of
from training.run import averaged_weights, initial_weights
from training.shards import Sample, ShardWriter, write_json

SEED = 4
FADE_SAMPLES = 441  # 10 ms, where a view cuts into sound
RISEN = 10 ** (-12 / 20)  # of a clip's peak; a beginning that stays below it is the quiet part of what rises
MIN_VIEW_SECONDS = 0.25
SILENCE_SECONDS = 3.0  # at most, after a clip
PEAK_DB = (-7.0, -1.0)  # a view's random peak level, dBFS
CLIPS_OF_A_SHARD = 1_000
BATCH_FRAMES = 1_024  # latent frames encoded at once
BEYOND_SHARE = 0.15  # of views, whose canvas goes on in silence after the asked end: what comes there is to be nothing
BEYOND_SECONDS = 1.5  # at most
# Shares of natural length, silence after, cut short. A loop that is cut or followed by silence loops no more, and
# what was rendered says in words how long it rings.
KINDS = {"loop": (0.8, 0.1, 0.1), "rendered": (0.5, 0.4, 0.1), "recorded": (0.30, 0.45, 0.25)}

Autoencoder = SpectralAutoencoder | OobleckAutoencoder


class Plan(NamedTuple):
    """What of a clip a view takes, and what is done to it."""

    clip: int
    start: int
    kept: int  # samples of the clip, then silence up to `length`
    length: int
    canvas: int  # latent frames, with those that go on after `length`
    swapped: bool
    peak: float


def plan_view(entry: Entry, clip: int, config: ModelConfig, number: int) -> Plan:
    """Draw view `number` of a clip from its own generator: the same whatever else is encoded."""
    rng = np.random.default_rng((SEED, number, zlib.crc32(entry.key.encode())))
    longest, shortest = config.max_samples, int(MIN_VIEW_SECONDS * RATE_HZ)
    spare = entry.frames - longest
    start = int(rng.integers(0, spare + 1)) if spare > 0 and rng.random() < 0.5 else 0
    natural = min(entry.frames - start, longest)
    shares = KINDS["loop" if entry.bpm else "rendered" if entry.parameters else "recorded"]
    kind = rng.choice(3, p=shares)
    if kind == 1 and natural < longest:
        length = int(rng.integers(natural, min(longest, natural + int(SILENCE_SECONDS * RATE_HZ)) + 1))
    elif kind == 2 and natural > 2 * shortest:
        length = int(rng.integers(shortest, natural))
    else:
        length = natural
    length = max(length, shortest)
    peak = 10 ** (rng.uniform(*PEAK_DB) / 20)
    swapped = bool(rng.random() < 0.5)
    beyond = rng.uniform(0, BEYOND_SECONDS * RATE_HZ) if rng.random() < BEYOND_SHARE else 0
    canvas = config.canvas_frames(length + int(beyond))
    return Plan(clip, start, min(length, natural), length, canvas, swapped, float(peak))


def where_it_sounds(corpus: Clips, plan: Plan, config: ModelConfig) -> Plan:
    """A view cut short, moved to the clip's end where the beginning that it would keep is quiet.

    From beginnings alone a model learnt of short risers their first moments: most of its silent takes were such.
    """
    natural = min(corpus.entries[plan.clip].frames - plan.start, config.max_samples)
    if plan.kept == natural:
        return plan
    magnitude = np.abs(corpus.audio(plan.clip, plan.start, natural)).max(1)
    quiet = magnitude[: plan.kept].max() < RISEN * magnitude.max()
    return plan._replace(start=plan.start + natural - plan.kept) if quiet else plan


def view_samples(corpus: Clips, plan: Plan) -> np.ndarray:
    """Samples (n, 2) of a planned view; faded where it cuts into the sound."""
    view = np.zeros((plan.length, 2), np.float32)
    view[: plan.kept] = corpus.audio(plan.clip, plan.start, plan.kept)
    fade = min(FADE_SAMPLES, plan.kept)
    if plan.start:
        view[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)[:, None]
    if plan.kept < corpus.entries[plan.clip].frames - plan.start:
        view[plan.kept - fade : plan.kept] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    if plan.swapped:
        view = view[:, ::-1]
    return view * (plan.peak / max(float(np.abs(view).max()), 1e-4))


def posterior(network: Autoencoder, audio_bcn: Tensor) -> Tensor:
    """Mean and log standard deviation of the latents, (b, 2c, t) float32."""
    if isinstance(network, OobleckAutoencoder):
        mean, std = network.posterior(audio_bcn)
        return torch.cat([mean, std.log()], 1)
    return torch.cat(network.encoder(audio_bcn), 1).float()


def contour_of(corpus: Clips, plan: Plan, config: ModelConfig) -> np.ndarray:
    """The contour of a view, (t, s) float16, by what the clip's captions say of its note."""
    note = note_of(corpus.entries[plan.clip].captions)
    frame_samples = config.autoencoder.frame_samples
    found = contour(view_samples(corpus, plan), plan.canvas, frame_samples, config.sample_rate, note)
    return found.T.astype(np.float16)


@torch.inference_mode()
def encode_views(corpus: Clips, plans: Sequence[Plan], network: Autoencoder, config: ModelConfig) -> list[np.ndarray]:
    """(t, 2c) float16 of each plan, encoded in batches of equal canvas."""
    device = next(network.parameters()).device
    groups, found = defaultdict(list), {}
    for i, plan in enumerate(plans):
        groups[plan.canvas].append(i)
    for frames, members in sorted(groups.items()):
        size = max(1, BATCH_FRAMES // frames)
        for batch in (members[k : k + size] for k in range(0, len(members), size)):
            canvas = torch.zeros(len(batch), 2, frames * config.autoencoder.frame_samples)
            for row, i in enumerate(batch):
                canvas[row, :, : plans[i].length] = torch.from_numpy(view_samples(corpus, plans[i]).T.copy())
            values = posterior(network, canvas.to(device)).transpose(1, 2).to(torch.float16).cpu().numpy()
            found |= dict(zip(batch, values, strict=True))
    return [found[i] for i in range(len(plans))]


class CaptionEncoder:
    """Token states of captions, float16 and without padding; captions that come again are remembered."""

    def __init__(self, config: ModelConfig, folder: Path | None):
        encoder = load_encoder(config.text, folder).encoder
        assert isinstance(encoder, TransformerEncoder)
        encoder.network.to("cuda" if torch.cuda.is_available() else "cpu")
        self._encoder, self._known = encoder, {}

    def identity(self) -> str:
        """A digest of its weights."""
        return digest_of(self._encoder.network)

    def encode(self, captions: Sequence[str]) -> list[np.ndarray]:
        """(tokens, d) of each caption."""
        new = sorted({caption for caption in captions if caption not in self._known}, key=len)
        for batch in (new[k : k + 64] for k in range(0, len(new), 64)):
            embedding = self._encoder.encode(batch)
            states = embedding.tokens_bld.to(torch.float16).cpu().numpy()
            for caption, row, mask in zip(batch, states, embedding.mask_bl.cpu().numpy(), strict=True):
                self._known[caption] = row[mask]
        return [self._known[caption] for caption in captions]


def array_bytes(array: np.ndarray) -> bytes:
    """An array as the bytes of a .npy file, row by row."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array))
    return file.getvalue()


def encode(
    corpora: Sequence[tuple[str, Corpus, float, int]],
    network: Autoencoder,
    config: ModelConfig,
    text: CaptionEncoder,
    autoencoder: str,
    folder: Path,
    keep_statistics: bool = False,
) -> dict[str, Any]:
    """Write the shards and the index of one split; each corpus has a name, a share and a number of views."""
    keep_statistics = keep_statistics or isinstance(network, OobleckAutoencoder)
    about = {
        "model": form_of(config),
        "autoencoder": autoencoder,
        "text": text.identity(),
        "keep_statistics": keep_statistics,
        "corpora": {n: {"share": s, "views": v, "clips": c.fingerprint()} for n, c, s, v in corpora},
    }
    index = {**about, "complete": False, "shards": [], "sums": None}
    if (folder / INDEX).exists():
        index = _resumable(folder / INDEX, about)
    if index["complete"]:
        return index
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [
        (name, corpus, views, first)
        for name, corpus, _, views in corpora
        for first in range(0, len(corpus), CLIPS_OF_A_SHARD)
    ]
    done = len(index["shards"])
    bar = tqdm(
        total=sum(len(corpus) for _, corpus, _, _ in corpora),
        desc=f"encoding {folder.name}",
        unit="clip",
        mininterval=5,
    )
    bar.update(sum(shard["clips"] for shard in index["shards"]))
    for name, corpus, views, first in chunks[done:]:
        clips = range(first, min(first + CLIPS_OF_A_SHARD, len(corpus)))
        drawn = (plan_view(corpus.entries[clip], clip, config, number) for clip in clips for number in range(views))
        plans = [where_it_sounds(corpus, plan, config) for plan in drawn]
        values = encode_views(corpus, plans, network, config)
        states = iter(text.encode([caption for clip in clips for caption in corpus.entries[clip].captions]))
        with ShardWriter(folder / name, max_bytes=1 << 62, first=first // CLIPS_OF_A_SHARD) as writer:
            path = writer.path
            for row, clip in enumerate(clips):
                own = slice(row * views, (row + 1) * views)
                sample = _sample(corpus.entries[clip], clip, plans[own], values[own], states)
                if config.dit.control_width:
                    contours = [contour_of(corpus, plan, config) for plan in plans[own]]
                    sample.members["contour.npy"] = array_bytes(np.concatenate(contours))
                writer.write(sample)
        index["sums"] = _add(index["sums"], values)
        index["shards"].append(
            {
                "file": path.name,
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
                "corpus": name,
                "clips": len(clips),
            }
        )
        write_json(folder / INDEX, index)
        bar.update(len(clips))
    bar.close()
    if keep_statistics:
        index["sums"] = _sums_of(network, config)
    index["complete"] = True
    write_json(folder / INDEX, index)
    return index


def _sample(entry: Entry, clip: int, plans: Sequence[Plan], values: Sequence[np.ndarray], states: Any) -> Sample:
    """A clip's views, captions and token states as one sample of a shard; `states` yields those of each caption."""
    tokens = [next(states) for _ in entry.captions]
    said = {name: value for name, value in asdict(entry).items() if name not in ("part", "start", "frames", "channels")}
    views = [(len(value), plan.length / RATE_HZ) for plan, value in zip(plans, values, strict=True)]
    said |= {"views": views, "tokens": [len(rows) for rows in tokens]}
    members = {
        "json": json.dumps(said).encode(),
        "npy": array_bytes(np.concatenate(values)),
        "text.npy": array_bytes(np.concatenate(tokens)),
    }
    return Sample(f"{clip:08}", members)


def _resumable(path: Path, about: dict[str, Any]) -> dict[str, Any]:
    """The index of an encoding begun before. Raises ValueError for one of something else."""
    try:
        index = json.loads(path.read_text())
        same = {name: index.get(name) for name in about} == about  # an older one does not tell all of it
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read: delete {path.parent}, or choose another --out") from error
    if not same:
        raise ValueError(
            f"{path.parent} holds latents of another corpus, autoencoder or model, or with other options: "
            "choose another --out"
        )
    return index


def _add(sums: dict[str, Any] | None, values: Sequence[np.ndarray]) -> dict[str, Any]:
    """`sums` over latent frames, with those of `values` added."""
    mean, log_std = np.split(np.concatenate(values).astype(np.float64), 2, axis=1)
    parts = {"mean": mean.sum(0), "square": np.square(mean).sum(0), "variance": np.exp(2 * log_std).sum(0)}
    before = sums or {"frames": 0, **{name: np.zeros(mean.shape[1]) for name in parts}}
    added: dict[str, Any] = {name: (np.array(before[name]) + part).tolist() for name, part in parts.items()}
    return added | {"frames": before["frames"] + len(mean)}


def _sums_of(network: Autoencoder, config: ModelConfig) -> dict[str, Any]:
    """Sums that give the statistics which the autoencoder has; the published one's latents are taken as they are."""
    shift, scale = np.zeros(config.autoencoder.latent_channels), np.ones(config.autoencoder.latent_channels)
    if isinstance(network, SpectralAutoencoder):
        shift, scale = (x.cpu().double().numpy()[:, 0] for x in (network.shift, network.scale))
    square = (shift**2 + scale**2).tolist()
    return {"frames": 1, "mean": shift.tolist(), "square": square, "variance": [0.0] * len(square)}


def load_autoencoder(config: ModelConfig, path: Path) -> Autoencoder:
    """The autoencoder of a training run, of a model folder, or in a .safetensors file of its own.

    Raises ValueError for a path that holds none of this model.
    """
    oobleck = isinstance(config.autoencoder, OobleckConfig)
    network = OobleckAutoencoder(config.autoencoder) if oobleck else SpectralAutoencoder.of(config)  # type: ignore[arg-type]
    try:
        if (path / "checkpoint.pt").exists():
            network.load_state_dict(averaged_weights(path))
        elif path.is_file():
            network.load_state_dict(load_file(path))
        else:
            network.load_state_dict(initial_weights(path, ("autoencoder",)))
    except (ValueError, OSError, RuntimeError, LookupError) as error:
        sentence = str(error).splitlines()[0]
        raise ValueError(f"{path} holds no autoencoder of {config.name}: {sentence}") from error
    return network.eval().requires_grad_(False)


def identity_of(network: Autoencoder) -> str:
    """A digest of the weights that decide the latents."""
    return digest_of(network.encoder)


def digest_of(network: nn.Module) -> str:
    """A digest of a network's weights, wherever they lie."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def encode_splits(
    corpora: Sequence[str],
    views: Sequence[int],
    config: ModelConfig,
    autoencoder: Path,
    out: Path,
    keep_statistics: bool = False,
    text: Path | None = None,
    categories: Collection[str] = (),
) -> None:
    """Encode the train and the test split of the corpora, and put the autoencoder with its statistics beside them.

    With `categories` only clips of those: latents of their own, which a training then draws with a share of their own.
    """
    if len(views) not in (1, len(corpora)) or min(views) < 1:
        raise ValueError(f"--views {' '.join(map(str, views))}: give one number of at least 1, or one for each corpus")
    given = [folder_and_share(argument) for argument in corpora]
    names = names_of([folder for folder, _ in given])
    network = load_autoencoder(config, autoencoder)
    identity, captions = identity_of(network), CaptionEncoder(config, text)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    wanted = views if len(views) == len(corpora) else list(views) * len(corpora)
    for split in ("train", "test"):
        found = []
        for name, (folder, share), number in zip(names, given, wanted, strict=True):
            if split in splits_of(folder):
                corpus = Corpus(folder, split)
                if categories:
                    corpus.entries = [entry for entry in corpus.entries if entry.category in categories]
                found.append((name, corpus, share, number if split == "train" else 1))
        found = [of_one for of_one in found if len(of_one[1])]
        if found:
            encode(found, network, config, captions, identity, out / split, keep_statistics)
    if not (out / "train" / INDEX).exists():
        raise ValueError(f"--category {' '.join(categories)}: these corpora hold no clip of it to learn from")
    sums = json.loads((out / "train" / INDEX).read_text())["sums"]
    if isinstance(network, SpectralAutoencoder):
        network.cpu().shift, network.scale = statistics(sums)
    save_file(network.cpu().state_dict(), out / "autoencoder.safetensors")
