"""What a model already can, kept while it learns something else: its own sounds of other prompts, and its velocities.

Shapes: b batch, c latent channels, t latent frames, l text tokens, d width.
"""

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.config import ModelConfig
from model.flow import interpolate
from model.generator import Generator
from model.sampler import draw_noise, pingpong
from model.schedule import log_snr_times
from training.latents import Told, told_of
from training.losses import velocity_loss
from training.sampling import log_snr_uniform

PRIOR_SECONDS = (0.5, 1.2)
PRIOR_STEPS = 4


def others(prompts: Sequence[str], captions: Iterable[str]) -> list[str]:
    """The prompts that have no word in common with the captions, which may change what their words mean."""
    said = {word for caption in captions for word in re.findall(r"\w+", caption.lower())}
    return [prompt for prompt in prompts if not said & set(re.findall(r"\w+", prompt.lower()))]


@torch.no_grad()
def sample(
    generator: Generator, config: ModelConfig, text_bld: Tensor, seconds: float, steps: int, seeds: Sequence[int]
) -> Tensor:
    """Latents (b, c, t) of one length, one for each prompt and its seed."""
    told = told_of(config, text_bld, seconds)
    rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
    frames = config.canvas_frames(round(seconds * config.sample_rate))
    x_bct = draw_noise((len(rngs), config.dit.latent_channels, frames), rngs, torch.device("cpu"))

    def velocity(x_bct: Tensor, time_b: Tensor) -> Tensor:
        return generator(x_bct, time_b.expand(len(x_bct)), *told)

    for step in pingpong(velocity, x_bct, log_snr_times(steps, 1.0), rngs):
        x_bct = step.latent_bct
    return x_bct


@dataclass(frozen=True, eq=False)
class Prior:
    """Sounds that the frozen `base` made of other prompts."""

    base: Generator
    made: tuple[tuple[Tensor, Told], ...]  # latents of one length each, and what was told of them

    @classmethod
    def of(cls, base: Generator, config: ModelConfig, states: Sequence[np.ndarray]) -> "Prior":
        """`states` (tokens, d) are those of each prompt."""
        text_bld = torch.zeros(len(states), config.text.max_tokens, config.text.width)
        for row, own in zip(text_bld, states, strict=True):
            row[: len(own)] = torch.from_numpy(own)
        longest, made = config.max_seconds, []
        for seconds in (min(seconds, longest) for seconds in PRIOR_SECONDS):
            latents = sample(base, config, text_bld, seconds, PRIOR_STEPS, range(len(states)))
            made.append((latents, told_of(config, text_bld, seconds)))
        return cls(base, tuple(made))

    def to(self, device: torch.device) -> "Prior":
        made = tuple((latents.to(device), told.to(device)) for latents, told in self.made)
        return Prior(copy.deepcopy(self.base).to(device), made)  # the caller's own stays where it is

    def text(self, count: int, rng: np.random.Generator) -> Tensor:
        """The tokens (b, l, d) of some of the prompts."""
        text_bld = self.made[0][1].text_bld
        return text_bld[torch.from_numpy(rng.choice(len(text_bld), count)).to(text_bld.device)]

    def loss(self, generator: torch.nn.Module, batch_frames: int, rng: np.random.Generator) -> Tensor:
        """Mean squared difference of velocities to the base's, on about `batch_frames` frames of what it made."""
        latents, told = self.made[rng.integers(len(self.made))]
        size = min(len(latents), max(1, batch_frames // latents.shape[2]))
        rows = torch.from_numpy(rng.choice(len(latents), size, replace=False)).to(latents.device)
        x_0, condition = latents[rows], told.part(rows)
        level_b = log_snr_uniform(torch.rand(size)).to(x_0)
        x_t = interpolate(x_0, torch.randn_like(x_0), level_b)
        with torch.no_grad():
            wanted = self.base(x_t, level_b, *condition)
        return velocity_loss(generator(x_t, level_b, *condition), wanted)
