"""Generated sounds on disk, made once: each file is named after everything that decides what it holds.

Shapes: s seeds, n samples, c latent channels, t latent frames.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

import model
from model.pipeline import AudioChunk, Generation, Pipeline
from model.sampler import draw_noise, pingpong
from model.schedule import log_snr_times
from training.evaluation.results import weights_hash


@dataclass(frozen=True)
class Way:
    """How a model is run: ping-pong for a post-trained one, Euler (with guidance or without) for a flow."""

    steps: int = 8
    sampler: str = "pingpong"
    guidance: float = 1.0


class Takes:
    """The takes of one model in `folder`; what is there already is not made again."""

    def __init__(self, folder: Path, pipeline: Pipeline, model_folder: Path | None):
        self.folder, self.pipeline = folder, pipeline
        self._made_by = {"weights": weights_hash(model_folder), "code": code_hash()}
        folder.mkdir(parents=True, exist_ok=True)

    def make(self, prompt: str, seconds: float, seeds: int, way: Way) -> np.ndarray:
        """Mono takes (s, n) float32 as decoded, of seeds 0, 1, …; what is not finite is kept as it is."""
        about = {**self._made_by, "prompt": prompt, "seconds": seconds, "seeds": seeds, **asdict(way)}
        path = self.folder / f"{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24]}.npy"
        if path.exists():
            return np.load(path).astype(np.float32)
        takes = stereo_takes(run_as(self.pipeline, way), prompt, seconds, seeds, way.steps).mean(-1)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, takes.astype(np.float16))
        os.replace(partial, path)
        return takes.astype(np.float16).astype(np.float32)  # the same the first time as ever after


def code_hash() -> str:
    """SHA-256 of the code that makes sounds, its first 16 digits: takes of another sampler are made anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(model.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def run_as(pipeline: Pipeline, way: Way) -> Pipeline:
    """The same loaded model under another sampler and guidance."""
    config = replace(pipeline.config, sampler=way.sampler, guidance=way.guidance)
    return Pipeline(config, pipeline.engine, pipeline.text_encoder, pipeline.licence, pipeline.licence_link)


def stereo_takes(pipeline: Pipeline, prompt: str, seconds: float, seeds: int, steps: int, first: int = 0) -> np.ndarray:
    """Takes (s, n, 2) float32 as decoded, made in one batch, of the seeds from `first`."""
    chunks: list[list[np.ndarray]] = [[] for _ in range(seeds)]
    for item in pipeline.stream_batch([Generation(prompt, seconds, steps, first + i) for i in range(seeds)]):
        if isinstance(item, AudioChunk):
            chunks[item.item].append(item.samples)
    return np.stack([np.concatenate(parts) for parts in chunks]).astype(np.float32)


def started_from(
    pipeline: Pipeline, prompt: str, recording: np.ndarray, noise_level: float, seed: int, steps: int
) -> np.ndarray:
    """A take (n, 2) as long as a recording (n, 2), made from it; at level 1 of the prompt alone."""
    seconds = len(recording) / pipeline.sample_rate
    if noise_level == 1:
        return stereo_takes(pipeline, prompt, seconds, 1, steps, first=seed)[0]
    return pipeline.generate(Generation(prompt, seconds, steps, seed, init=recording, init_noise=noise_level))


@torch.inference_mode()
def beyond_the_end(pipeline: Pipeline, prompt: str, seconds: float, seeds: int, steps: int, more: float) -> np.ndarray:
    """Takes (s, n, 2) on a canvas `more` seconds longer than what the model is told, the whole canvas decoded."""
    engine, config = pipeline.engine, pipeline.config
    samples = pipeline.samples(seconds + more)
    frames = config.canvas_frames(samples)
    controls_bst = pipeline.controls(prompt, seconds, frames)
    prepared = engine.prepare(pipeline.text_encoder.encode([prompt]).tokens_bld, torch.tensor([seconds]), controls_bst)
    rngs = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
    x_bct = draw_noise((seeds, config.dit.latent_channels, frames), rngs, engine.device)
    for step in pingpong(lambda x, t: engine.velocity(x, float(t[0]), prepared), x_bct, log_snr_times(steps), rngs):
        x_bct = step.latent_bct
    end = [-(-samples // config.autoencoder.frame_samples)]
    decoded = [
        torch.cat(list(engine.decode(x_bct[i : i + 1], end, rng)), -1)[0, :, :samples] for i, rng in enumerate(rngs)
    ]
    return torch.stack(decoded).transpose(1, 2).float().cpu().numpy()
