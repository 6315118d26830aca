"""Prompt to sound: `Pipeline.stream(Generation)` yields denoising Steps, then audio.

Shapes: b batch, c latent channels, t latent frames, n samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.config import ARC_MINI, ModelConfig
from model.dit import Prepared
from model.engine import fast_dtype, use_cores
from model.flow import interpolate
from model.generator import Generator
from model.sampler import Step, pingpong
from model.schedule import log_snr_times
from model.spectral import SpectralAutoencoder
from model.text import TextEncoder, load_encoder
from model.weights import embedded_folder, load_model

CEILING = 10 ** (-1 / 20)  # −1 dBFS: a louder result is turned down, never clipped
END_FADE_SECONDS = 0.003


@dataclass(frozen=True, eq=False)
class Generation:
    """What to make. `init` (n, 2) float32 at the model's rate with `init_noise` below 1 makes it audio-to-audio."""

    prompt: str
    seconds: float
    steps: int = 8
    seed: int = 0
    init: np.ndarray | None = None
    init_noise: float = 1.0


@dataclass(frozen=True, eq=False)
class TextDone:
    """The prompt is embedded; what follows is denoising."""


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """Samples (n, 2) float32 that follow those already given."""

    samples: np.ndarray


class Pipeline:
    """One loaded model. Not thread-safe: one thread owns it."""

    def __init__(
        self, config: ModelConfig, generator: Generator, autoencoder: SpectralAutoencoder, text_encoder: TextEncoder
    ):
        self.config, self.generator, self.autoencoder, self.text_encoder = config, generator, autoencoder, text_encoder

    @classmethod
    def load(cls, folder: Path | None = None, dtype: torch.dtype | None = None) -> "Pipeline":
        """Load ARC_MINI from `folder`, by default the embedded weights. Raises ValueError for damaged weights."""
        use_cores()
        config, dtype = ARC_MINI, dtype or fast_dtype()
        generator, autoencoder = Generator(config), SpectralAutoencoder.of(config)
        parts = {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}
        load_model(folder or embedded_folder(), parts)
        for module in (generator, autoencoder):
            module.float().eval().requires_grad_(False)
        generator.dit.to(dtype)
        autoencoder.decoder.layers.to(dtype)
        return cls(config, generator, autoencoder, load_encoder(config.text))

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def sample_rate(self) -> int:
        return self.config.sample_rate

    @property
    def max_seconds(self) -> float:
        return self.config.max_seconds

    def samples(self, seconds: float) -> int:
        """How many samples `seconds` are. Raises ValueError outside what the model makes."""
        samples = round(seconds * self.sample_rate)
        if not 0 < samples <= self.config.max_samples:
            raise ValueError(f"seconds={seconds:g}: this model makes more than 0 and at most {self.max_seconds:.2f} s")
        return samples

    @torch.inference_mode()
    def stream(self, generation: Generation) -> Iterator[TextDone | Step | AudioChunk]:
        """Yield TextDone, a Step after each denoising step, then the sound; closing the generator cancels.

        A seed is the same noise everywhere: it is drawn on the CPU, starting noise first, then one draw a step.
        """
        samples = self.samples(generation.seconds)
        frames = self.config.canvas_frames(samples)
        prepared = self._prepare(generation.prompt, generation.seconds)
        yield TextDone()
        rng = torch.Generator().manual_seed(generation.seed)
        x_bct = torch.randn((1, self.config.dit.latent_channels, frames), generator=rng)
        start = 1.0
        if generation.init is not None and generation.init_noise < 1:
            start = generation.init_noise
            x_bct = interpolate(self.encode(generation.init[:samples], frames), x_bct, start)

        def velocity(x_bct: Tensor, time_b: Tensor) -> Tensor:
            return self.generator.dit.velocity(x_bct, time_b, prepared)

        for step in pingpong(velocity, x_bct, log_snr_times(generation.steps, start), rng):
            x_bct = step.latent_bct
            yield step
        audio_bcn = self.autoencoder.decode(x_bct, rng)
        yield AudioChunk(finish(audio_bcn[0, :, :samples].T.contiguous().numpy(), self.sample_rate))

    def generate(self, generation: Generation) -> np.ndarray:
        """The whole sound, (n, 2) float32."""
        chunks = [item.samples for item in self.stream(generation) if isinstance(item, AudioChunk)]
        return np.concatenate(chunks)

    @torch.inference_mode()
    def encode(self, samples: np.ndarray, frames: int) -> Tensor:
        """Samples (n, 2) → latents (1, c, `frames`), the rest of the canvas silent."""
        canvas = torch.zeros(1, 2, frames * self.config.autoencoder.frame_samples)
        canvas[0, :, : len(samples)] = torch.from_numpy(np.ascontiguousarray(samples.T))
        return self.autoencoder.encode(canvas)

    def _prepare(self, prompt: str, seconds: float) -> Prepared:
        text = self.text_encoder.encode([prompt])
        conditioning = self.generator.condition(text.tokens_bld, torch.tensor([seconds]))
        return self.generator.dit.prepare(conditioning)


def finish(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Fade the last 3 ms so a cut never clicks, and turn down what is louder than −1 dBFS.

    Raises ValueError when the model produced values that are not finite.
    """
    if not np.isfinite(samples).all():
        raise ValueError("The model produced values that are not numbers: try another seed, and check the weights.")
    samples = samples.copy()
    fade = min(len(samples), round(END_FADE_SECONDS * rate_hz))
    samples[len(samples) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    peak = float(np.abs(samples).max(initial=0))
    return samples * (CEILING / peak) if peak > CEILING else samples
