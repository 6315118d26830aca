"""Train the spectral autoencoder: `python -m training.autoencoder --corpus FOLDER --run FOLDER`."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor

from model.config import MODELS, ModelConfig
from model.spectral import SpectralAutoencoder, compress, expand, mid_side
from training.config import AutoencoderRecipe
from training.corpus import Corpus, random_crops
from training.losses import clip_level, coherence_loss, kl_divergence, spectral_energy_distance
from training.optim import Ema, adamw, ramp, set_learning_rate, warmup_stable_decay
from training.run import Run, averaged_weights, clip_gradients, open_fabric
from training.stft_discriminator import Adversary, gradient_norm


def train(
    config: ModelConfig,
    corpus: Corpus,
    recipe: AutoencoderRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
) -> None:
    """Reconstruct random crops, from `initial` weights if given; resumes where `folder` left off.

    A step makes one reconstruction: the discriminator learns from it first, then judges it for the autoencoder.
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
        signals = [x[..., whole] for x in (audio_bcn, result.draw_a_bcn, result.draw_b_bcn)]
        mid_side_turn = rng.random() < 0.5  # left/right and sum/difference in turn, at the cost of one
        distance = spectral_energy_distance(*(mid_side(x) if mid_side_turn else x for x in signals))
        target = network.encoder.mdct(mid_side(audio_bcn))
        coherence = coherence_loss(compress(target), result.compressed_bctk)
        linear_coherence = coherence_loss(target, expand(result.compressed_bctk))
        kl = kl_divergence(result.mean_bcl, result.log_std_bcl)
        loss = distance + coherence + recipe.linear_coherence_weight * linear_coherence
        loss = loss + recipe.kl_weight * ramp(step, *recipe.kl_warmup) * kl
        figures = {}
        if step >= recipe.adversarial_from:
            real, *draws = judged_windows(signals, recipe.adversarial_samples, rng)
            if (step - recipe.adversarial_from) % recipe.discriminator_every == 0:
                figures["d_loss"], figures["d_grad_norm"] = adversary.learn(real, draws[0], factor)
            adversarial, features = adversary.judge(real, draws)
            terms = recipe.adversarial_weight * adversarial + recipe.feature_weight * features
            terms = terms * ramp(step, recipe.adversarial_from, recipe.adversarial_from + recipe.adversarial_ramp)
            if step % 20 == 0:
                figures |= {"adversarial": adversarial.item(), "features": features.item()}
                figures["pull_of_distance"] = gradient_norm(distance, result.draw_a_bcn)
                figures["pull_of_adversary"] = gradient_norm(terms, result.draw_a_bcn)
            loss = loss + terms
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


def starting_weights(path: Path) -> dict[str, Tensor]:
    """The autoencoder of a model folder, or the averaged weights of a run folder."""
    file = path / "model.safetensors"
    if not file.exists():
        return averaged_weights(path)
    tensors = load_file(file)
    return {n.removeprefix("autoencoder."): t for n, t in tensors.items() if n.startswith("autoencoder.")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder made by training.corpus")
    parser.add_argument("--run", type=Path, required=True, help="the run's folder; resumed if it exists")
    parser.add_argument("--init", type=Path, help="model folder, or run folder whose averaged weights to start from")
    parser.add_argument("--steps", type=int, default=AutoencoderRecipe.steps)
    parser.add_argument("--freeze-encoder", action="store_true", help="train the decoder only: latents stay valid")
    parser.add_argument("--adversarial-from", type=int, default=AutoencoderRecipe.adversarial_from, metavar="STEP")
    parser.add_argument("--learning-rate", type=float, default=AutoencoderRecipe.learning_rate)
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    recipe = replace(
        AutoencoderRecipe(),
        steps=args.steps,
        freeze_encoder=args.freeze_encoder,
        adversarial_from=args.adversarial_from,
        learning_rate=args.learning_rate,
    )
    initial = starting_weights(args.init) if args.init else None
    train(MODELS[args.model], Corpus(args.corpus, "train"), recipe, args.run, open_fabric(), initial)


if __name__ == "__main__":
    main()
