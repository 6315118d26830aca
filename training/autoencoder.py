"""Train an autoencoder: `python -m training.autoencoder --corpus FOLDER --run FOLDER`.

Of ARC_MINI the spectral one, here; of the published models Oobleck, in oobleck.py. Several processes share each batch
of crops (training/crops.py), and all noise belongs to an item's place in it.
"""

import argparse
from pathlib import Path
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from model.config import MODELS, ModelConfig, OobleckConfig
from model.spectral import SpectralAutoencoder, compress, expand, mid_side
from training import oobleck, previews
from training.config import AutoencoderRecipe, OobleckRecipe
from training.corpus import Clips, open_corpora
from training.crops import held_out_clips, rows_of, step_crops
from training.launch import (
    Ahead,
    Launch,
    add_launch_arguments,
    add_recipe_arguments,
    launch_of,
    one_sentence,
    recipe_of,
)
from training.losses import clip_level, coherence_loss, kl_divergence, log_mel_loss, spectral_energy_distance
from training.optim import Ema, adamw, ramp, set_learning_rate, warmup_stable_decay
from training.run import (
    Run,
    all_or_none,
    averaged_over_processes,
    clip_gradients,
    initial_weights,
    load_initial,
    open_fabric,
    set_up_optimizer,
)
from training.sampling import Draws
from training.stft_discriminator import Adversary, balanced, norm_of


def train(
    config: ModelConfig,
    corpus: Clips | list[str],
    recipe: AutoencoderRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
    launch: Launch | None = None,
    listened_bcn: Tensor | None = None,
) -> None:
    """Reconstruct random crops of a corpus or of shards, from `initial` weights if given; resumes from `folder`.

    Previews are of the clips `listened_bcn`. A step makes one reconstruction: the discriminator learns from it first,
    then judges it for the autoencoder, whose gradient is balanced at the reconstruction.
    """
    launch = launch or Launch()
    rows = rows_of(recipe.batch, fabric)
    torch.manual_seed(recipe.seed)
    network = SpectralAutoencoder.of(config)
    if initial is not None:
        load_initial(network, initial)
    network.encoder.requires_grad_(not recipe.freeze_encoder)
    if recipe.only_postfilter:
        network.requires_grad_(False)
        network.decoder.postfilter.requires_grad_(True)
    ema = Ema(network, recipe.ema_decay).to(fabric.device)
    network = fabric.setup_module(launch.prepare_method(network, "reconstruct"))
    network.mark_forward_method("reconstruct")
    optimizer = set_up_optimizer(fabric, adamw(network, recipe.learning_rate, recipe.betas, recipe.weight_decay))
    adversary = Adversary(recipe.adversary, fabric, recipe.clip_grad_norm)
    parts = {"network": network, "optimizer": optimizer, "ema": ema, **adversary.parts}
    run = Run(folder, recipe, parts, fabric, config, launch.save_every_s)
    frames, hop = recipe.crop_latents * config.autoencoder.frame_samples, network.config.hop
    crops = step_crops(corpus, frames, rows, run)
    shapes = (network.config.latent_channels, recipe.crop_latents), *2 * ((2, frames // hop, hop),)

    def crops_and_noise(step: int) -> list[Tensor]:
        draws = Draws(recipe.seed, step, rows)
        return [crops(step), *(draws.noise(torch.empty(len(rows), *shape)) for shape in shapes)]

    inputs = Ahead(crops_and_noise)

    for step in run.steps(recipe.steps):
        factor = warmup_stable_decay(step, recipe.steps, recipe.warmup, recipe.decay_fraction)
        set_learning_rate(optimizer, recipe.learning_rate * factor)
        rng = run.rng(step)
        audio_bcn, *noise = (x.to(fabric.device) for x in inputs(step))
        result = network.reconstruct(audio_bcn, *noise)
        whole = slice(None, -hop)  # the last MDCT block is aliased
        real, decoded = audio_bcn[..., whole], [x[..., whole] for x in (result.draw_a_bcn, result.draw_b_bcn)]
        draws = [x.detach().requires_grad_() for x in decoded]  # what pulls here is balanced, then reaches the network
        signals = [real, *draws]
        if rng.random() < 0.5:  # left/right and sum/difference in turn, at the cost of one
            signals = [mid_side(x) for x in signals]
        spectral = {"distance": spectral_energy_distance(*signals)}
        spectral_loss = spectral["distance"]
        if recipe.log_mel_weight:
            spectral["log_mel"] = log_mel_loss(*signals)
            spectral_loss = spectral_loss + recipe.log_mel_weight * spectral["log_mel"]
        pulls = torch.autograd.grad(spectral_loss, draws)
        figures = {}
        if step >= recipe.adversarial_from:
            judged = judged_windows([real, *draws], recipe.adversarial_samples, rng)
            if (step - recipe.adversarial_from) % recipe.discriminator_every == 0:
                figures["d_loss"], figures["d_grad_norm"] = adversary.learn(judged[0], judged[1], factor)
            adversarial, features = adversary.judge(judged[0], judged[1:])
            terms = recipe.adversarial_weight * adversarial + features
            adversary_pulls = torch.autograd.grad(terms, draws)
            if step % launch.log_every == 0:
                figures |= averaged_over_processes(fabric, adversarial=adversarial, features=features)
                figures["pull_of_distance"] = norm_of(pulls, fabric).item()
                figures["pull_of_adversary"] = norm_of(adversary_pulls, fabric).item()
            eased = ramp(step, recipe.adversarial_from, recipe.adversarial_from + recipe.adversarial_ramp)
            pulls = balanced(pulls, adversary_pulls, recipe.adversarial_share * eased, fabric)
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
        losses = averaged_over_processes(
            fabric, **spectral, coherence=coherence, linear_coherence=linear_coherence, kl=kl
        )
        run.watch(step, norm, distance=losses["distance"], coherence=losses["coherence"])
        optimizer.step()
        optimizer.zero_grad()
        ema.update(network, step)
        if step % launch.log_every == 0:
            run.log(step, **losses, grad_norm=norm, learning_rate=recipe.learning_rate * factor, **figures)
        if listened_bcn is not None and fabric.is_global_zero and launch.previews_after(step):
            average = cast("SpectralAutoencoder", ema.module)
            previews.reconstructions(average, listened_bcn.to(fabric.device), run, step + 1, config.sample_rate)


def judged_windows(signals_bcn: list[Tensor], samples: int, rng: np.random.Generator) -> list[Tensor]:
    """The same window of every signal, at the level of the first: half of them start where the crop does (attacks)."""
    spare = signals_bcn[0].shape[-1] - samples
    start = int(rng.integers(0, spare + 1)) if spare > 0 and rng.random() < 0.5 else 0
    level = clip_level(signals_bcn[0])
    return [x[..., start : start + samples] / level for x in signals_bcn]


def main() -> None:
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--model", choices=MODELS, default="arc-mini")
    config = MODELS[which.parse_known_args()[0].model]
    published = isinstance(config.autoencoder, OobleckConfig)
    recipe = OobleckRecipe() if published else AutoencoderRecipe()
    parser = argparse.ArgumentParser(description=__doc__, parents=[which])
    sounds = parser.add_mutually_exclusive_group(required=True)
    sounds.add_argument("--corpus", action="append", default=[], metavar="FOLDER[=SHARE]", help="may be repeated")
    sounds.add_argument("--shards", nargs="+", default=[], metavar="URL", help="WebDataset shards, read as they are")
    parser.add_argument("--init", type=Path, help="run or model folder, or .safetensors, whose weights to start from")
    add_launch_arguments(parser)
    add_recipe_arguments(parser, type(recipe))
    args = parser.parse_args()
    with one_sentence():
        launch, recipe = launch_of(args), recipe_of(args, recipe)
        if launch.accumulate > 1 or launch.checkpoint_activations or launch.shards:
            raise ValueError("--accumulate, --checkpoint-activations and --strategy fsdp: not for an autoencoder")
        fabric = open_fabric(launch)
        with all_or_none(fabric):
            source = args.shards or open_corpora(args.corpus, "train")
            heard = held_out_clips(args.corpus, args.shards) if launch.preview_every and fabric.is_global_zero else None
            initial = initial_weights(args.init, ("autoencoder",)) if args.init else None
        if isinstance(recipe, AutoencoderRecipe):
            train(config, source, recipe, args.run, fabric, initial, launch, heard)
        else:
            oobleck.train(config, source, recipe, args.run, fabric, initial, launch, heard)


if __name__ == "__main__":
    main()
