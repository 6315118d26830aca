"""A few sounds learnt by a finished few-step generator: ARC on them, held to what it makes of other prompts.

A plain flow loss would undo the post-training: it teaches the mean of all sounds that fit the noise, not one of them.

Shapes: b batch, c latent channels, t latent frames, l text tokens, d width.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import nn

from model.config import ModelConfig
from model.generator import Generator
from training.arc import discriminator_losses, generator_loss, make_pair
from training.config import ArcRecipe, FinetuneRecipe
from training.discriminator import Discriminator
from training.latents import Batch, Latents, Told
from training.lora import merged, with_adapters
from training.optim import Ema, adamw, set_learning_rate, warmup_stable_decay
from training.prior import Prior
from training.run import Run, clip_gradients, open_fabric
from training.sampling import Draws, derange

ARC = ArcRecipe()  # how pairs are made and judged


def wrong_prompts(batch: Batch, prior: Prior, rng: np.random.Generator) -> Told:
    """P[c] of equation 8: another sound's caption, where all are called the same one of the prior's.

    The control signals stay the sound's own: few captions of somebody's sounds name a note or a tempo.
    """
    order, valid = derange(batch.captions, rng)
    text_bld = batch.told.text_bld
    valid_b11 = torch.from_numpy(valid)[:, None, None].to(text_bld.device)
    return batch.told._replace(
        text_bld=torch.where(valid_b11, text_bld[torch.from_numpy(order)], prior.text(len(order), rng))
    )


def adapt(
    base: Generator, config: ModelConfig, latents: Latents, prior: Prior, recipe: FinetuneRecipe, folder: Path
) -> Generator:
    """The base, having learnt the sounds; resumes where `folder` left off."""
    fabric = open_fabric()
    torch.manual_seed(recipe.seed)
    prior = prior.to(fabric.device)
    discriminator: nn.Module = Discriminator(config, ARC.trunk_fraction, ARC.head_kernel, ARC.head_stride)
    discriminator.initialize(base)
    network: nn.Module = copy.deepcopy(base).requires_grad_(True)
    if recipe.method == "lora":
        network = with_adapters(network, recipe.rank)
    ema = Ema(network, recipe.ema_decay).to(fabric.device)
    g_optimizer = adamw(network, recipe.learning_rate, recipe.betas, recipe.weight_decay)
    d_optimizer = adamw(discriminator, recipe.discriminator_learning_rate, recipe.betas, recipe.weight_decay)
    network, g_optimizer = fabric.setup(network, g_optimizer)
    discriminator, d_optimizer = fabric.setup(discriminator, d_optimizer)
    parts = {
        "network": network,
        "discriminator": discriminator,
        "g_optimizer": g_optimizer,
        "d_optimizer": d_optimizer,
        "ema": ema,
    }
    run = Run(folder, recipe, parts, fabric)
    for step in run.steps(recipe.steps):
        factor = warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(g_optimizer, recipe.learning_rate * factor)
        set_learning_rate(d_optimizer, recipe.discriminator_learning_rate * factor)

        # G: what it makes of the sounds' captions shall pass for one of them, what it makes of others stay as it was
        rng = run.rng(step)
        batch = latents.batch(recipe.batch_frames, rng).to(fabric.device)
        pair = make_pair(network, batch, Draws(recipe.seed, step, batch.rows), ARC)
        discriminator.requires_grad_(False)
        with fabric.autocast():
            g_loss = generator_loss(pair, discriminator, batch, ARC)
            kept = prior.loss(network, recipe.batch_frames // 2, rng)
        fabric.backward(g_loss + recipe.prior_weight * kept)
        discriminator.requires_grad_(True)
        norm = clip_gradients(fabric, network, g_optimizer, recipe.clip_grad_norm)
        run.watch(step, norm, generator_loss=g_loss.item(), kept=kept.item())
        g_optimizer.step()
        g_optimizer.zero_grad()
        ema.update(network, step)

        # D: on a batch of its own
        rng = run.rng(step, stream=1)
        batch = latents.batch(recipe.batch_frames, rng).to(fabric.device)
        draws = Draws(recipe.seed, step, batch.rows, stream=1)
        with torch.no_grad():
            pair = make_pair(network, batch, draws, ARC)
        wrong, all_b = wrong_prompts(batch, prior, rng), torch.ones(len(batch.rows), dtype=torch.bool)
        relativistic, contrastive, _ = discriminator_losses(pair, discriminator, batch, wrong, all_b, draws, 0.0)
        fabric.backward(relativistic + ARC.contrastive_weight * contrastive)
        d_norm = clip_gradients(fabric, discriminator, d_optimizer, recipe.clip_grad_norm)
        run.watch(step, d_norm, relativistic_loss=relativistic.item())
        d_optimizer.step()
        d_optimizer.zero_grad()
        if step % 10 == 0 or step == recipe.steps - 1:
            losses = {"relativistic_loss": relativistic.item(), "contrastive_loss": contrastive.item()}
            run.log(
                step, generator_loss=g_loss.item(), kept=kept.item(), **losses, g_grad_norm=norm, d_grad_norm=d_norm
            )
    learnt = merged(ema.module) if recipe.method == "lora" else ema.module
    assert isinstance(learnt, Generator)
    return learnt.cpu().eval()
