"""ARC post-training (equations 4–8).

`python -m training.arc --latents FOLDER --init RUN --run FOLDER`
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from model.config import MODELS, ModelConfig
from model.flow import denoise, interpolate
from model.generator import Generator
from training.config import ArcRecipe
from training.discriminator import Discriminator
from training.latents import Latents, open_latents
from training.losses import contrastive_loss, relativistic_discriminator_loss, relativistic_generator_loss
from training.optim import Ema, adamw, set_learning_rate, warmup_stable_decay
from training.run import Run, averaged_weights, clip_gradients, open_fabric
from training.sampling import derange, log_snr_uniform, logit_normal


def noised_pair(real: Tensor, fake: Tensor, level_b: Tensor, *, shared_noise: bool) -> tuple[Tensor, Tensor]:
    """(x_0)_s and (x̂_0)_s at one level a pair, noise drawn for each (paper, footnote 2) or shared (published code)."""
    noise_real = torch.randn_like(real)
    noise_fake = noise_real if shared_noise else torch.randn_like(fake)
    return interpolate(real, noise_real, level_b), interpolate(fake, noise_fake, level_b)


def train(
    config: ModelConfig,
    latents: Latents,
    pretrained: dict[str, Tensor],
    recipe: ArcRecipe,
    folder: Path,
    fabric: Fabric,
) -> None:
    """Alternate G on L_R and D on L_R + λ·L_C, both from the flow model; resumes where `folder` left off."""
    torch.manual_seed(recipe.seed)
    generator, discriminator = Generator(config), Discriminator(config, recipe.trunk_fraction)
    generator.load_state_dict(pretrained)
    discriminator.initialize(generator)
    ema = Ema(generator, recipe.ema_decay).to(fabric.device)
    rates = {"g": recipe.generator_learning_rate, "d": recipe.discriminator_learning_rate}
    generator, g_optimizer = fabric.setup(generator, adamw(generator, rates["g"], recipe.betas, recipe.weight_decay))
    discriminator, d_optimizer = fabric.setup(
        discriminator, adamw(discriminator, rates["d"], recipe.betas, recipe.weight_decay)
    )
    parts = {
        "generator": generator,
        "discriminator": discriminator,
        "g_optimizer": g_optimizer,
        "d_optimizer": d_optimizer,
        "ema": ema,
    }
    run = Run(folder, recipe, parts, fabric)

    for step in run.steps(recipe.steps):
        factor = warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(g_optimizer, rates["g"] * factor)
        set_learning_rate(d_optimizer, rates["d"] * factor)
        rng = run.rng(step)

        # G: its one-step estimate from level t ~ p_gen shall look real at level s ~ p_disc (equations 5–7)
        batch = latents.batch(recipe.batch_frames, rng).to(fabric.device)
        c = (batch.text_bld, batch.seconds_b)
        real, size = batch.latents_bct, len(batch.captions)
        t_b, s_b = log_snr_uniform(size).to(real), logit_normal(size, recipe.p_disc_mean).to(real)
        x_t = interpolate(real, torch.randn_like(real), t_b)
        fake = denoise(x_t, generator(x_t, t_b, *c), t_b)
        real_s, fake_s = noised_pair(real, fake, s_b, shared_noise=recipe.shared_noise)
        discriminator.requires_grad_(False)
        with torch.no_grad():
            real_logits = discriminator(real_s, s_b, *c)
        g_loss = relativistic_generator_loss(real_logits, discriminator(fake_s, s_b, *c), saturating=recipe.saturating)
        fabric.backward(g_loss)
        g_norm = clip_gradients(fabric, generator, g_optimizer, recipe.clip_grad_norm)
        g_optimizer.step()
        g_optimizer.zero_grad()
        discriminator.requires_grad_(True)
        ema.update(generator, step)

        # D: on a batch of its own, tell real from generated, and right from wrong prompts (equation 8)
        batch = latents.batch(recipe.batch_frames, rng).to(fabric.device)
        c = (batch.text_bld, batch.seconds_b)
        real, size = batch.latents_bct, len(batch.captions)
        t_b, s_b = log_snr_uniform(size).to(real), logit_normal(size, recipe.p_disc_mean).to(real)
        x_t = interpolate(real, torch.randn_like(real), t_b)
        with torch.no_grad():
            fake = denoise(x_t, generator(x_t, t_b, *c), t_b)
        real_s, fake_s = noised_pair(real, fake, s_b, shared_noise=recipe.shared_noise)
        wrong, valid = derange(batch.captions, rng)
        real_logits = discriminator(real_s, s_b, *c)
        d_relativistic = relativistic_discriminator_loss(real_logits, discriminator(fake_s, s_b, *c))
        wrong_logits = discriminator(real_s, s_b, batch.text_bld[wrong], batch.seconds_b)
        d_contrastive = contrastive_loss(real_logits[valid], wrong_logits[valid]) if valid.any() else 0 * d_relativistic
        fabric.backward(d_relativistic + recipe.contrastive_weight * d_contrastive)
        d_norm = clip_gradients(fabric, discriminator, d_optimizer, recipe.clip_grad_norm)
        d_optimizer.step()
        d_optimizer.zero_grad()

        if step % 10 == 0:
            run.log(
                step,
                generator_loss=g_loss.item(),
                relativistic_loss=d_relativistic.item(),
                contrastive_loss=d_contrastive.item(),
                without_wrong_prompt=float((~valid).sum()),
                g_grad_norm=g_norm,
                d_grad_norm=d_norm,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latents", action="append", required=True, help="made by training.latents: FOLDER[=SHARE]")
    parser.add_argument("--init", type=Path, required=True, help="run folder of training.pretrain")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder; resumed if it exists")
    parser.add_argument("--steps", type=int, default=ArcRecipe.steps)
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    config = MODELS[args.model]
    recipe = replace(ArcRecipe(), steps=args.steps)
    latents = open_latents(args.latents, "train", config)
    train(config, latents, averaged_weights(args.init), recipe, args.run, open_fabric())


if __name__ == "__main__":
    main()
