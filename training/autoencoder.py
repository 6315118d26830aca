"""Train an autoencoder: `python -m training.autoencoder --corpus FOLDER --run FOLDER`.

Of ARC_MINI the spectral one, here; of the published models Oobleck, in oobleck.py.
"""

import argparse
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from model.config import MODELS, ModelConfig, OobleckConfig
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.spectral import SpectralAutoencoder, compress, expand, mid_side
from model.weights import fill, open_folder
from training import oobleck
from training.config import AutoencoderRecipe, OobleckRecipe
from training.corpus import Clips, open_corpora, random_crops
from training.losses import clip_level, coherence_loss, kl_divergence, spectral_energy_distance
from training.optim import Ema, adamw, ramp, set_learning_rate, warmup_stable_decay
from training.run import Run, averaged_weights, clip_gradients, open_fabric
from training.stft_discriminator import Adversary, balanced, norm_of


def train(
    config: ModelConfig,
    corpus: Clips,
    recipe: AutoencoderRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
) -> None:
    """Reconstruct random crops, from `initial` weights if given; resumes where `folder` left off.

    A step makes one reconstruction: the discriminator learns from it first, then judges it for the autoencoder, whose
    gradient is balanced at the reconstruction.
    """
    torch.manual_seed(recipe.seed)
    network = SpectralAutoencoder.of(config)
    if initial is not None:
        network.load_state_dict(initial)
    network.encoder.requires_grad_(not recipe.freeze_encoder)
    ema = Ema(network, recipe.ema_decay)
    network, optimizer = fabric.setup(network, adamw(network, recipe.learning_rate, recipe.betas, recipe.weight_decay))
    network.mark_forward_method("reconstruct")
    ema.to(fabric.device)
    adversary = Adversary(recipe.adversary, fabric, recipe.clip_grad_norm)
    run = Run(folder, recipe, {"network": network, "optimizer": optimizer, "ema": ema, **adversary.parts}, fabric)
    frames = recipe.crop_latents * config.autoencoder.frame_samples
    weights = corpus.weights()

    for step in run.steps(recipe.steps):
        factor = warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(optimizer, recipe.learning_rate * factor)
        rng = run.rng(step)
        audio_bcn = random_crops(corpus, recipe.batch, frames, rng, weights).to(fabric.device)
        result = network.reconstruct(audio_bcn)
        whole = slice(None, -network.config.hop)  # the last MDCT block is aliased
        real, decoded = audio_bcn[..., whole], [x[..., whole] for x in (result.draw_a_bcn, result.draw_b_bcn)]
        draws = [x.detach().requires_grad_() for x in decoded]  # what pulls here is balanced, then reaches the network
        signals = [real, *draws]
        if rng.random() < 0.5:  # left/right and sum/difference in turn, at the cost of one
            signals = [mid_side(x) for x in signals]
        distance = spectral_energy_distance(*signals)
        pulls = torch.autograd.grad(distance, draws)
        figures = {}
        if step >= recipe.adversarial_from:
            judged = judged_windows([real, *draws], recipe.adversarial_samples, rng)
            if (step - recipe.adversarial_from) % recipe.discriminator_every == 0:
                figures["d_loss"], figures["d_grad_norm"] = adversary.learn(judged[0], judged[1], factor)
            adversarial, features = adversary.judge(judged[0], judged[1:])
            terms = recipe.adversarial_weight * adversarial + features
            adversary_pulls = torch.autograd.grad(terms, draws)
            if step % 20 == 0:
                figures |= {"adversarial": adversarial.item(), "features": features.item()}
                figures["pull_of_distance"] = norm_of(pulls).item()
                figures["pull_of_adversary"] = norm_of(adversary_pulls).item()
            eased = ramp(step, recipe.adversarial_from, recipe.adversarial_from + recipe.adversarial_ramp)
            pulls = balanced(pulls, adversary_pulls, recipe.adversarial_share * eased)
        target = network.encoder.mdct(mid_side(audio_bcn))
        coherence = coherence_loss(compress(target), result.compressed_bctk)
        linear_coherence = coherence_loss(target, expand(result.compressed_bctk))
        kl = kl_divergence(result.mean_bcl, result.log_std_bcl)
        loss = coherence + recipe.linear_coherence_weight * linear_coherence
        loss = loss + recipe.kl_weight * ramp(step, *recipe.kl_warmup) * kl
        for x, pull in zip(decoded, pulls, strict=True):
            loss = loss + (x * pull).sum()  # its gradient is the pull
        fabric.backward(loss)
        norm = clip_gradients(fabric, network, optimizer, recipe.clip_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        ema.update(network, step)
        if step % 20 == 0:
            run.log(
                step,
                distance=distance.item(),
                coherence=coherence.item(),
                linear_coherence=linear_coherence.item(),
                kl=kl.item(),
                grad_norm=norm,
                learning_rate=recipe.learning_rate * factor,
                **figures,
            )


def judged_windows(signals_bcn: list[Tensor], samples: int, rng: np.random.Generator) -> list[Tensor]:
    """The same window of every signal, at the level of the first: half of them start where the crop does (attacks)."""
    spare = signals_bcn[0].shape[-1] - samples
    start = int(rng.integers(0, spare + 1)) if spare > 0 and rng.random() < 0.5 else 0
    level = clip_level(signals_bcn[0])
    return [x[..., start : start + samples] / level for x in signals_bcn]


def starting_weights(path: Path, config: ModelConfig) -> dict[str, Tensor]:
    """The autoencoder of a model folder, or the averaged weights of a run folder."""
    if (path / "checkpoint.pt").is_file():
        return averaged_weights(path)
    sizes = config.autoencoder
    network = OobleckAutoencoder(sizes) if isinstance(sizes, OobleckConfig) else SpectralAutoencoder(sizes)
    with torch.device("meta"):  # a model's file is checked as a whole, though its generator is not read
        generator = Generator(config)
    parts = {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": network}
    if generator.start is not None:
        parts["start"] = generator.start
    fill(parts, open_folder(path), lambda name: name.startswith("autoencoder."))
    return network.state_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", action="append", required=True, metavar="FOLDER[=SHARE]", help="may be repeated")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder; resumed if it exists")
    parser.add_argument("--init", type=Path, help="model folder, or run folder whose averaged weights to start from")
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    group = parser.add_argument_group("recipe", "instead of what training/config.py says")
    group.add_argument("--steps", type=int)
    group.add_argument("--batch", type=int, help="crops a step")
    group.add_argument("--learning-rate", type=float)
    group.add_argument("--freeze-encoder", action="store_true", help="train the decoder only: latents stay valid")
    group.add_argument("--adversarial-from", type=int, metavar="STEP", help="the first step with a discriminator")
    args = parser.parse_args()
    config = MODELS[args.model]
    published = isinstance(config.autoencoder, OobleckConfig)
    recipe = OobleckRecipe() if published else AutoencoderRecipe()
    said = {field.name: getattr(args, field.name, None) for field in fields(recipe)}
    recipe = replace(recipe, **{name: value for name, value in said.items() if value is not None})
    try:
        corpus = open_corpora(args.corpus, "train")
        initial = starting_weights(args.init, config) if args.init else None
        if isinstance(recipe, AutoencoderRecipe):
            train(config, corpus, recipe, args.run, open_fabric(), initial)
        else:
            oobleck.train(config, corpus, recipe, args.run, open_fabric(), initial)
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
