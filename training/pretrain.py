"""Rectified-flow pre-training: `python -m training.pretrain --latents FOLDER --run FOLDER`."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from model.config import MODELS, ModelConfig
from model.flow import interpolate, velocity_target
from model.generator import Generator
from training.config import PretrainRecipe
from training.latents import Batch, Latents, open_latents
from training.losses import velocity_loss
from training.optim import Ema, adamw, set_learning_rate, warmup_stable_decay
from training.run import Run, averaged_weights, clip_gradients, open_fabric
from training.sampling import logit_normal

VALIDATION_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


def flow_loss(generator: torch.nn.Module, batch: Batch, text_bld: Tensor, level_b: Tensor) -> Tensor:
    """L_RF of one batch at the given levels (equation 3)."""
    noise = torch.randn_like(batch.latents_bct)
    x_t = interpolate(batch.latents_bct, noise, level_b)
    velocity = generator(x_t, level_b, text_bld, batch.seconds_b)
    return velocity_loss(velocity, velocity_target(batch.latents_bct, noise))


@torch.no_grad()
def validate(generator: torch.nn.Module, batches: list[Batch], fabric: Fabric) -> float:
    """Mean flow loss over fixed batches and levels, the same noise every time."""
    torch.manual_seed(0)
    with fabric.autocast():
        losses = [
            flow_loss(generator, batch, batch.text_bld, torch.full((len(batch.captions),), level)).item()
            for batch in batches
            for level in VALIDATION_LEVELS
        ]
    return sum(losses) / len(losses)


def train(
    config: ModelConfig,
    latents: Latents,
    held_out: Latents,
    recipe: PretrainRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
) -> None:
    """Learn the velocity, from `initial` weights if given; resumes where `folder` left off."""
    torch.manual_seed(recipe.seed)
    generator = Generator(config)
    if initial is not None:
        generator.load_state_dict(initial)
    ema = Ema(generator, recipe.ema_decay).to(fabric.device)
    generator, optimizer = fabric.setup(
        generator, adamw(generator, recipe.learning_rate, recipe.betas, recipe.weight_decay)
    )
    run = Run(folder, recipe, {"generator": generator, "optimizer": optimizer, "ema": ema}, fabric)
    validation = [held_out.batch(512, np.random.default_rng(i)).to(fabric.device) for i in range(4)]

    for step in run.steps(recipe.steps):
        rate = recipe.learning_rate * warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(optimizer, rate)
        batch = latents.batch(recipe.batch_frames, run.rng(step)).to(fabric.device)
        size = len(batch.captions)
        kept_b = (torch.rand(size) >= recipe.prompt_dropout).to(fabric.device)
        level_b = logit_normal(size).to(fabric.device)
        loss = flow_loss(generator, batch, batch.text_bld * kept_b[:, None, None], level_b)
        fabric.backward(loss)
        norm = clip_gradients(fabric, generator, optimizer, recipe.clip_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(generator, step)
        if step % 20 == 0:
            run.log(step, loss=loss.item(), grad_norm=norm, learning_rate=rate)
        if step % 500 == 499:
            run.log(step, held_out_loss=validate(ema.module, validation, fabric))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latents", action="append", required=True, help="made by training.latents: FOLDER[=SHARE]")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder; resumed if it exists")
    parser.add_argument("--init", type=Path, help="run folder whose averaged weights to start from")
    parser.add_argument("--steps", type=int, default=PretrainRecipe.steps)
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    config = MODELS[args.model]
    recipe = replace(PretrainRecipe(), steps=args.steps)
    latents, held_out = (open_latents(args.latents, split, config) for split in ("train", "test"))
    held_out.shift, held_out.scale = latents.shift, latents.scale
    initial = averaged_weights(args.init) if args.init else None
    train(config, latents, held_out, recipe, args.run, open_fabric(), initial)


if __name__ == "__main__":
    main()
