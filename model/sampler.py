"""Samplers: from noise, or from a re-noised recording, to data. Generators, so progress and cancelling need no hooks.

Shapes: b batch, c latent channels, t frames. A sampler knows only a velocity callable and the times of schedule.py.
Noise is drawn on the CPU in float32 and then moved (noise.py).
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from math import expm1, inf, log

import torch
from torch import Tensor

from model.flow import denoise, interpolate
from model.noise import NoiseSource, draw

Velocity = Callable[[Tensor, Tensor], Tensor]  # (x_bct, time_b) → velocity_bct
NoiseSources = NoiseSource | Sequence[NoiseSource]


@dataclass(frozen=True, eq=False)
class Step:
    """`index` of `steps` (counted from 1) is done: at noise level `time` the model saw `x0_bct` in the latent.

    `latent_bct` is where the next step starts; after the last step it is the result, equal to `x0_bct`.
    """

    index: int
    steps: int
    time: float
    x0_bct: Tensor
    latent_bct: Tensor


def draw_noise(shape: Sequence[int], noise: NoiseSources, device: torch.device | str = "cpu") -> Tensor:
    """Gaussian noise in float32 from one source, or from one for each item: then items do not share noise."""
    if isinstance(noise, Sequence):
        return torch.cat([draw((1, *shape[1:]), source) for source in noise]).to(device)
    return draw(shape, noise).to(device)


def _x0(velocity: Velocity, x_bct: Tensor, time: float) -> Tensor:
    return denoise(x_bct, velocity(x_bct, x_bct.new_full((len(x_bct),), time)), time)


@torch.inference_mode()
def pingpong(
    velocity: Velocity, x_bct: Tensor, times: Sequence[float], noise: NoiseSources
) -> Generator[Step, None, None]:
    """Denoise completely, re-noise to the next time with fresh noise, repeat (the ARC paper, arXiv 2505.08175).

    `x_bct` is the latent at level `times[0]`. Noise is drawn after every step, the last included, as the
    published sampler does, so the generator's state after a run depends on the number of steps alone.
    """
    steps = len(times) - 1
    for i in range(steps):
        x0_bct = _x0(velocity, x_bct, times[i])
        noise_bct = draw_noise(x_bct.shape, noise, x_bct.device)
        x_bct = interpolate(x0_bct, noise_bct, times[i + 1])
        yield Step(i + 1, steps, times[i], x0_bct, x_bct)


@torch.inference_mode()
def euler(velocity: Velocity, x_bct: Tensor, times: Sequence[float]) -> Generator[Step, None, None]:
    """Integrate dx = v dt with one velocity a step; deterministic."""
    steps = len(times) - 1
    for i in range(steps):
        x0_bct = _x0(velocity, x_bct, times[i])
        ratio = times[i + 1] / times[i]
        x_bct = ratio * x_bct + (1 - ratio) * x0_bct  # = x + (t' − t)·v
        yield Step(i + 1, steps, times[i], x0_bct, x_bct)


@torch.inference_mode()
def dpmpp(velocity: Velocity, x_bct: Tensor, times: Sequence[float]) -> Generator[Step, None, None]:
    """DPM-Solver++(2M) (Lu et al. 2022) in log-SNR, for x_t = (1 − t)·x_0 + t·ε; deterministic.

    First order where log-SNR is infinite: at the first step from t = 1 and at the last, to t = 0.
    """
    steps = len(times) - 1
    log_snrs = [log((1 - t) / t) if 0 < t < 1 else (inf if t == 0 else -inf) for t in times]
    previous_x0 = None
    for i in range(steps):
        x0_bct = _x0(velocity, x_bct, times[i])
        h = log_snrs[i + 1] - log_snrs[i]
        target = x0_bct
        if previous_x0 is not None and h < inf:
            last_h = log_snrs[i] - log_snrs[i - 1]
            target = x0_bct + (x0_bct - previous_x0) * (h / (2 * last_h))
        x_bct = times[i + 1] / times[i] * x_bct - (1 - times[i + 1]) * expm1(-h) * target
        previous_x0 = x0_bct
        yield Step(i + 1, steps, times[i], x0_bct, x_bct)
