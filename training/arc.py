"""ARC post-training (equations 4–8).

`python -m training.arc --latents FOLDER --init RUN --run FOLDER`
"""

import argparse
import copy
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from model.config import MODELS, ModelConfig
from model.flow import denoise, interpolate
from model.generator import Generator
from training.config import ARC_RECIPES, ArcRecipe
from training.discriminator import Discriminator
from training.latents import Batch, Latents, Told, open_held_out, open_latents
from training.launch import (
    Ahead,
    Launch,
    add_launch_arguments,
    add_recipe_arguments,
    launch_of,
    one_sentence,
    recipe_of,
)
from training.losses import (
    contrastive_loss,
    gradient_penalty,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
)
from training.optim import Ema, adamw, set_learning_rate, warmup_stable_decay
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
from training.sampling import Draws, derange, log_snr_uniform, logit_normal
from training.trajectories import Trajectory


class Pair(NamedTuple):
    """(x_0)_s and (x̂_0)_s, a real and a generated sound of one prompt, noised to one level s."""

    real_bct: Tensor
    fake_bct: Tensor
    level_b: Tensor


def noised_pair(real: Tensor, fake: Tensor, level_b: Tensor, draws: Draws, *, shared_noise: bool) -> Pair:
    """One level a pair, noise drawn for each (paper, footnote 2) or shared (published code)."""
    noise_real = draws.noise(real)
    noise_fake = noise_real if shared_noise else draws.noise(fake)
    return Pair(interpolate(real, noise_real, level_b), interpolate(fake, noise_fake, level_b), level_b)


def make_pair(generator: nn.Module, batch: Batch, draws: Draws, recipe: ArcRecipe) -> Pair:
    """G's one-step estimate x̂_0 from level t ~ p_gen beside its own x_0, both at level s ~ p_disc (equations 6, 7)."""
    real = batch.latents_bct
    t_b = log_snr_uniform(draws.uniform()).to(real)
    s_b = logit_normal(draws.normal(), recipe.p_disc_mean).to(real)
    x_t = interpolate(real, draws.noise(real), t_b)
    fake = denoise(x_t, generator(x_t, t_b, *batch.told), t_b)
    return noised_pair(real, fake, s_b, draws, shared_noise=recipe.shared_noise)


def generator_loss(pair: Pair, judge: nn.Module, batch: Batch, recipe: ArcRecipe) -> Tensor:
    """L_R for G (equation 5); `judge` is D, which learns nothing from it."""
    with torch.no_grad():
        real_logits = judge(pair.real_bct, pair.level_b, *batch.told)
    fake_logits = judge(pair.fake_bct, pair.level_b, *batch.told)
    return relativistic_generator_loss(real_logits, fake_logits, saturating=recipe.saturating)


def discriminator_losses(
    pair: Pair, discriminator: nn.Module, batch: Batch, wrong: Told, valid_b: Tensor, draws: Draws, std: float
) -> tuple[Tensor, Tensor, Tensor]:
    """L_R and L_C for D (equations 5, 8) and, where `std` > 0, the mean of approximate R1 and R2."""
    real_logits = discriminator(pair.real_bct, pair.level_b, *batch.told)
    fake_logits = discriminator(pair.fake_bct, pair.level_b, *batch.told)
    wrong_logits = discriminator(pair.real_bct, pair.level_b, *wrong)
    relativistic = relativistic_discriminator_loss(real_logits, fake_logits)
    nothing = torch.zeros_like(relativistic)
    contrastive = contrastive_loss(real_logits[valid_b], wrong_logits[valid_b]) if valid_b.any() else nothing
    if std == 0:
        return relativistic, contrastive, nothing
    penalty = nothing
    for x, logits in ((pair.real_bct, real_logits), (pair.fake_bct, fake_logits)):
        perturbed_logits = discriminator(x + std * draws.noise(x), pair.level_b, *batch.told)
        penalty = penalty + gradient_penalty(logits, perturbed_logits) / 2
    return relativistic, contrastive, penalty


def train(
    config: ModelConfig,
    latents: Latents,
    pretrained: dict[str, Tensor],
    recipe: ArcRecipe,
    folder: Path,
    fabric: Fabric,
    launch: Launch | None = None,
    preview: GeneratorPreview | None = None,
) -> None:
    """Alternate G on L_R and D on L_R + λ·L_C, both from the flow model; resumes where `folder` left off."""
    launch = launch or Launch()
    torch.manual_seed(recipe.seed)
    generator = Generator(config)
    discriminator = Discriminator(config, recipe.trunk_fraction, recipe.head_kernel, recipe.head_stride)
    load_initial(generator, pretrained)
    discriminator.initialize(generator)
    ema = Ema(generator, recipe.ema_decay, recipe.ema_power).to(fabric.device)
    flow = copy.deepcopy(generator).requires_grad_(False) if recipe.ode_warmup_steps else None
    rates = {"g": recipe.learning_rate, "d": recipe.discriminator_learning_rate}
    generator, discriminator = (fabric.setup_module(launch.prepare(m)) for m in (generator, discriminator))
    g_optimizer = set_up_optimizer(fabric, adamw(generator, rates["g"], recipe.betas, recipe.weight_decay))
    d_optimizer = set_up_optimizer(fabric, adamw(discriminator, rates["d"], recipe.betas, recipe.weight_decay))
    parts = {
        "generator": generator,
        "discriminator": discriminator,
        "g_optimizer": g_optimizer,
        "d_optimizer": d_optimizer,
        "ema": ema,
    }
    run = Run(folder, recipe, parts, fabric, config, launch.save_every_s)
    rank, world = fabric.global_rank, fabric.world_size
    drawn = lambda step: step - step % recipe.ode_refresh if step < recipe.ode_warmup_steps else step  # noqa: E731
    g_batches = Ahead(lambda step: latents.batch(recipe.batch_frames, run.rng(drawn(step)), rank, world))
    d_batches = Ahead(lambda step: latents.batch(recipe.batch_frames, run.rng(step, stream=1), rank, world))
    trajectories: dict[tuple[int, int], Trajectory] = {}
    if flow is not None and run.step < recipe.ode_warmup_steps:
        flow.to(fabric.device)

    for step in run.steps(recipe.steps):
        factor = warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(g_optimizer, rates["g"] * factor)
        set_learning_rate(d_optimizer, rates["d"] * factor)

        # G: its one-step estimates shall look real; during a warm-up they shall be where the flow would end
        warming = step < recipe.ode_warmup_steps
        batch = g_batches(step).to(fabric.device)
        g_total = torch.zeros((), device=fabric.device)
        if not launch.shards:
            discriminator.requires_grad_(False)
        for part, last in parts_of(batch.rows, launch, fabric):
            items = batch[part]
            draws = Draws(recipe.seed, step, items.rows)
            # Sharded, D does get gradients here: exchanged at once they are cleared below, held back they would stay.
            with (
                fabric.no_backward_sync(generator, enabled=not last),
                fabric.no_backward_sync(discriminator, enabled=False),
            ):
                if warming:
                    key = drawn(step), part.start
                    if key not in trajectories:
                        assert flow is not None
                        trajectories = {k: v for k, v in trajectories.items() if k[0] == key[0]}
                        start = Draws(recipe.seed, key[0], items.rows, stream=2).noise(items.latents_bct)
                        with fabric.autocast():
                            trajectories[key] = Trajectory(flow, items, start, recipe)
                    loss = trajectories[key].loss(generator, draws)
                else:
                    pair = make_pair(generator, items, draws, recipe)
                    with fabric.autocast():
                        loss = generator_loss(pair, discriminator.module, items, recipe)
                loss = loss * (len(items.rows) * world / len(batch.everyone))
                fabric.backward(loss)
            g_total += loss.detach()
        discriminator.requires_grad_(True)
        g_loss = averaged_over_processes(fabric, loss=g_total)["loss"]
        g_norm = clip_gradients(fabric, generator, g_optimizer, recipe.clip_grad_norm)
        name = "ode_loss" if warming else "generator_loss"
        run.watch(step, g_norm, **{name: g_loss})
        g_optimizer.step()
        g_optimizer.zero_grad()
        ema.update(generator, step)
        if warming:
            if step % launch.log_every == 0:
                run.log(step, ode_loss=g_loss, g_grad_norm=g_norm)
            continue
        trajectories.clear()
        flow = None  # no teacher in memory: that is the point of ARC
        if preview is not None and launch.previews_after(step):
            preview.write(ema.module, run, step + 1, "pingpong")

        # D: on a batch of its own, tell real from generated, and right from wrong prompts (equation 8)
        batch = d_batches(step).to(fabric.device)
        wrong, valid = derange(batch.everyone, run.rng(step, stream=2))
        d_totals = torch.zeros(3, device=fabric.device)
        d_optimizer.zero_grad()  # sharded, it was not spared G's gradients
        for part, last in parts_of(batch.rows, launch, fabric):
            items = batch[part]
            draws = Draws(recipe.seed, step, items.rows, stream=1)
            others = [batch.everyone[wrong[row]] for row in items.rows]
            frames = items.latents_bct.shape[-1]
            told_wrongly = latents.told(others, items.told.seconds_b.cpu(), items.traits, frames).to(fabric.device)
            valid_b = torch.from_numpy(valid[list(items.rows)]).to(fabric.device)
            with torch.no_grad():
                pair = make_pair(generator, items, draws, recipe)
            with fabric.no_backward_sync(discriminator, enabled=not last):
                std = recipe.gradient_penalty_std if recipe.gradient_penalty_weight else 0.0
                losses = discriminator_losses(pair, discriminator, items, told_wrongly, valid_b, draws, std)
                counts = (len(items.rows) / len(valid), int(valid_b.sum()) / max(int(valid.sum()), 1))
                relativistic, contrastive, penalty = (
                    loss * world * count for loss, count in zip(losses, (*counts, counts[0]), strict=True)
                )
                fabric.backward(
                    relativistic + recipe.contrastive_weight * contrastive + recipe.gradient_penalty_weight * penalty
                )
            d_totals += torch.stack([relativistic, contrastive, penalty]).detach()
        names = ("relativistic_loss", "contrastive_loss", "gradient_penalty")
        d_losses = averaged_over_processes(fabric, **dict(zip(names, d_totals, strict=True)))
        d_norm = clip_gradients(fabric, discriminator, d_optimizer, recipe.clip_grad_norm)
        run.watch(step, d_norm, relativistic_loss=d_losses["relativistic_loss"])
        d_optimizer.step()
        d_optimizer.zero_grad()

        if step % launch.log_every == 0:
            missing = float(np.count_nonzero(~valid))
            norms = {"g_grad_norm": g_norm, "d_grad_norm": d_norm}
            run.log(step, generator_loss=g_loss, **d_losses, without_wrong_prompt=missing, **norms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latents", action="append", required=True, help="made by training.latents: FOLDER[=SHARE]")
    parser.add_argument("--split-shards", action="store_true", help="each process reads shards of its own alone")
    parser.add_argument("--init", type=Path, required=True, help="run of training.pretrain, model folder, .safetensors")
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    add_launch_arguments(parser)
    add_recipe_arguments(parser, ArcRecipe)
    args = parser.parse_args()
    with one_sentence():
        config = MODELS[args.model]
        launch, recipe = launch_of(args), recipe_of(args, ARC_RECIPES.get(config.name, ArcRecipe()))
        fabric = open_fabric(launch)
        place = fabric.global_rank, fabric.world_size, args.split_shards
        with all_or_none(fabric):
            latents = open_latents(args.latents, "train", config, recipe.max_items, *place)
            pretrained, preview = initial_weights(args.init, GENERATOR_PARTS), None
            if launch.preview_every and (held_out := open_held_out(args.latents, config, latents)):
                preview = open_preview(config, args.latents[0], held_out)
        train(config, latents, pretrained, recipe, args.run, fabric, launch, preview)


if __name__ == "__main__":
    main()
