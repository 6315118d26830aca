"""Rectified-flow pre-training: `python -m training.pretrain --latents FOLDER --run FOLDER`."""

import argparse
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from model.config import MODELS, ModelConfig
from model.flow import interpolate, velocity_target
from model.generator import Generator
from model.schedule import shift_time
from training.config import PRETRAIN_RECIPES, PretrainRecipe
from training.latents import Batch, Latents, open_held_out, open_latents
from training.launch import (
    Ahead,
    Launch,
    add_launch_arguments,
    add_recipe_arguments,
    launch_of,
    one_sentence,
    recipe_of,
)
from training.losses import velocity_loss
from training.optim import Ema, adamw, inverse_decay, set_learning_rate, warmup_stable_decay
from training.previews import GeneratorPreview, open_preview
from training.run import (
    GENERATOR_PARTS,
    Run,
    all_or_none,
    averaged_over_processes,
    clip_gradients,
    initial_weights,
    load_initial,
    open_fabric,
    parts_of,
    set_up_optimizer,
)
from training.sampling import Draws, logit_normal, truncated_logit_normal

VALIDATION_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


def rate_factor(recipe: PretrainRecipe, step: int) -> float:
    """The learning rate of a step as part of the recipe's."""
    if recipe.schedule == "inverse":
        return inverse_decay(step, recipe.inverse_half_life, 0.5, recipe.inverse_warmup)
    return warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)


def draw_levels(recipe: PretrainRecipe, draws: Draws, frames: int) -> Tensor:
    """Levels (b,) at which the flow is learnt, for a canvas of so many latent frames."""
    if recipe.times == "logit-normal":
        level_b = logit_normal(draws.normal(), recipe.time_mean, recipe.time_std)
    else:
        level_b = truncated_logit_normal(draws.uniform())
    return shift_time(level_b, frames) if recipe.shift_times else level_b


def flow_loss(
    generator: torch.nn.Module, batch: Batch, level_b: Tensor, noise_bct: Tensor, keep_b: Tensor | None = None
) -> Tensor:
    """L_RF of one batch at the given levels (equation 3), unconditional where `keep_b` is false."""
    x_t = interpolate(batch.latents_bct, noise_bct, level_b)
    velocity = generator(x_t, level_b, *batch.told, keep_b)
    return velocity_loss(velocity, velocity_target(batch.latents_bct, noise_bct))


@torch.no_grad()
def validate(generator: torch.nn.Module, batches: list[Batch], fabric: Fabric) -> float:
    """Mean flow loss over fixed batches and levels, the same noise every time."""
    losses = []
    with fabric.autocast():
        for i, batch in enumerate(batches):
            noise_bct = Draws(0, i, batch.rows).noise(batch.latents_bct)
            for level in VALIDATION_LEVELS:
                level_b = torch.full((len(batch.rows),), level, device=fabric.device)
                losses.append(flow_loss(generator, batch, level_b, noise_bct).item())
    return sum(losses) / len(losses)


def train(
    config: ModelConfig,
    latents: Latents,
    held_out: Latents | None,
    recipe: PretrainRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
    launch: Launch | None = None,
    preview: GeneratorPreview | None = None,
) -> None:
    """Learn the velocity, from `initial` weights if given; resumes where `folder` left off."""
    launch = launch or Launch()
    torch.manual_seed(recipe.seed)
    generator = Generator(config)
    if initial is not None:
        load_initial(generator, initial)
    ema = Ema(generator, recipe.ema_decay, recipe.ema_power).to(fabric.device)
    generator = fabric.setup_module(launch.prepare(generator))
    optimizer = set_up_optimizer(fabric, adamw(generator, recipe.learning_rate, recipe.betas, recipe.weight_decay))
    parts = {"generator": generator, "optimizer": optimizer, "ema": ema}
    run = Run(folder, recipe, parts, fabric, config, launch.save_every_s)
    validation = []
    if held_out is not None:
        validation = [held_out.batch(512, np.random.default_rng(i)).to(fabric.device) for i in range(4)]
    rank, world = fabric.global_rank, fabric.world_size
    batches = Ahead(lambda step: latents.batch(recipe.batch_frames, run.rng(step), rank, world))

    for step in run.steps(recipe.steps):
        rate = recipe.learning_rate * rate_factor(recipe, step)
        set_learning_rate(optimizer, rate)
        batch = batches(step).to(fabric.device)
        total = torch.zeros((), device=fabric.device)
        for part, last in parts_of(batch.rows, launch, fabric):
            items = batch[part]
            draws = Draws(recipe.seed, step, items.rows)
            level_b = draw_levels(recipe, draws, items.latents_bct.shape[-1]).to(fabric.device)
            keep_b = (draws.uniform() >= recipe.prompt_dropout).to(fabric.device)
            with fabric.no_backward_sync(generator, enabled=not last):
                loss = flow_loss(generator, items, level_b, draws.noise(items.latents_bct), keep_b)
                loss = loss * (len(items.rows) * world / len(batch.everyone))  # processes are averaged, items counted
                fabric.backward(loss)
            total += loss.detach()
        loss = averaged_over_processes(fabric, loss=total)["loss"]
        norm = clip_gradients(fabric, generator, optimizer, recipe.clip_grad_norm)
        run.watch(step, norm, loss=loss)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(generator, step)
        if step % launch.log_every == 0:
            run.log(step, loss=loss, grad_norm=norm, learning_rate=rate)
        if validation and step % 500 == 499:
            run.log(step, held_out_loss=validate(ema.module, validation, fabric))
        if preview is not None and launch.previews_after(step):
            preview.write(ema.module, run, step + 1, "euler")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latents", action="append", required=True, help="made by training.latents: FOLDER[=SHARE]")
    parser.add_argument("--split-shards", action="store_true", help="each process reads shards of its own alone")
    parser.add_argument("--init", type=Path, help="run or model folder, or .safetensors, whose weights to start from")
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    add_launch_arguments(parser)
    add_recipe_arguments(parser, PretrainRecipe)
    args = parser.parse_args()
    with one_sentence():
        config = MODELS[args.model]
        launch, recipe = launch_of(args), recipe_of(args, PRETRAIN_RECIPES.get(config.name, PretrainRecipe()))
        fabric = open_fabric(launch)
        place = fabric.global_rank, fabric.world_size, args.split_shards
        with all_or_none(fabric):
            latents = open_latents(args.latents, "train", config, recipe.max_items, *place)
            held_out = open_held_out(args.latents, config, latents)
            initial = initial_weights(args.init, GENERATOR_PARTS) if args.init else None
            preview = open_preview(config, args.latents[0], held_out) if launch.preview_every and held_out else None
        train(config, latents, held_out, recipe, args.run, fabric, initial, launch, preview)


if __name__ == "__main__":
    main()
