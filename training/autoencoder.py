"""Train the spectral autoencoder: `python -m training.autoencoder --corpus FOLDER --run FOLDER`."""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor

from model.config import MODELS, ModelConfig
from model.spectral import SpectralAutoencoder, compress, expand, mid_side
from training.config import AutoencoderRecipe
from training.corpus import Corpus, random_crops
from training.losses import coherence_loss, kl_divergence, spectral_energy_distance
from training.optim import Ema, adamw, ramp, set_learning_rate, warmup_stable_decay
from training.run import Run, averaged_weights, clip_gradients, open_fabric


def train(
    config: ModelConfig,
    corpus: Corpus,
    recipe: AutoencoderRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
) -> None:
    """Reconstruct random crops, from `initial` weights if given; resumes where `folder` left off."""
    torch.manual_seed(recipe.seed)
    network = SpectralAutoencoder.of(config)
    if initial is not None:
        network.load_state_dict(initial)
    ema = Ema(network, recipe.ema_decay)
    network, optimizer = fabric.setup(network, adamw(network, recipe.learning_rate, recipe.betas, recipe.weight_decay))
    network.mark_forward_method("reconstruct")
    ema.to(fabric.device)
    run = Run(folder, recipe, {"network": network, "optimizer": optimizer, "ema": ema}, fabric)
    frames = recipe.crop_latents * config.autoencoder.frame_samples
    weights = corpus.weights()

    for step in run.steps(recipe.steps):
        rate = recipe.learning_rate * warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(optimizer, rate)
        rng = run.rng(step)
        audio_bcn = random_crops(corpus, recipe.batch, frames, rng, weights).to(fabric.device)
        result = network.reconstruct(audio_bcn)
        whole = slice(None, -network.config.hop)  # the last MDCT block is aliased
        signals = [x[..., whole] for x in (audio_bcn, result.draw_a_bcn, result.draw_b_bcn)]
        if rng.random() < 0.5:  # left/right and sum/difference in turn, at the cost of one
            signals = [mid_side(x) for x in signals]
        distance = spectral_energy_distance(*signals)
        target = network.encoder.mdct(mid_side(audio_bcn))
        coherence = coherence_loss(compress(target), result.compressed_bctk)
        linear_coherence = coherence_loss(target, expand(result.compressed_bctk))
        kl = kl_divergence(result.mean_bcl, result.log_std_bcl)
        loss = distance + coherence + recipe.linear_coherence_weight * linear_coherence
        loss = loss + recipe.kl_weight * ramp(step, *recipe.kl_warmup) * kl
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
                learning_rate=rate,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder made by training.corpus")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder; resumed if it exists")
    parser.add_argument("--init", type=Path, help="run folder whose averaged weights to start from")
    parser.add_argument("--steps", type=int, default=AutoencoderRecipe.steps)
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    recipe = replace(AutoencoderRecipe(), steps=args.steps)
    initial = averaged_weights(args.init) if args.init else None
    train(MODELS[args.model], Corpus(args.corpus, "train"), recipe, args.run, open_fabric(), initial)


if __name__ == "__main__":
    main()
