"""The frozen flow's own trajectories: what ARC's optional warm-up regresses (the published code's, §4a of its facts).

Shapes: b batch, c latent channels, t frames.
"""

import torch
from torch import Tensor, nn

from model.flow import denoise
from model.generator import Generator
from model.guidance import guided
from model.sampler import dpmpp
from model.schedule import log_snr_times
from training.config import ArcRecipe
from training.latents import Batch
from training.sampling import Draws


class Trajectory:
    """Points on the way from noise to sound, under guidance, of each item of a batch."""

    def __init__(self, flow: Generator, batch: Batch, noise_bct: Tensor, recipe: ArcRecipe):
        nowhere = torch.zeros(len(batch.rows), dtype=torch.bool, device=noise_bct.device)
        velocity = guided(
            lambda x_bct, time_b: flow(x_bct, time_b, *batch.told),
            lambda x_bct, time_b: flow(x_bct, time_b, *batch.told, nowhere),
            recipe.ode_guidance,
        )
        self.batch, self.times = batch, log_snr_times(recipe.ode_sampling_steps)
        points = [noise_bct, *(step.latent_bct.clone() for step in dpmpp(velocity, noise_bct, self.times))]
        self.points = torch.stack(points[:-1])
        self.end_bct = points[-1].clone()

    def loss(self, generator: nn.Module, draws: Draws) -> Tensor:
        """Squared error of the estimate x̂_0 from one random point of each trajectory against where it ends."""
        index_b = (draws.uniform() * len(self.points)).long()
        time_b = torch.tensor(self.times)[index_b].to(self.end_bct)
        x_bct = self.points[index_b.to(self.points.device), torch.arange(len(index_b))]
        velocity_bct = generator(x_bct, time_b, *self.batch.told)
        return (denoise(x_bct, velocity_bct, time_b) - self.end_bct).square().mean()
