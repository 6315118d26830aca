"""Train the published waveform autoencoder as it was trained.

`python -m training.autoencoder --model stable-audio-open-small` gets here. Convolutions are weight-normed while they
learn; the average is one of plain weights, which a model is made of.
"""

import math
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from model.config import ModelConfig, OobleckConfig
from model.oobleck import OobleckAutoencoder, ResidualUnit
from model.spectral import mid_side
from training import previews
from training.a_weighting import a_weighted
from training.config import OobleckRecipe
from training.corpus import Clips
from training.crops import rows_of, step_crops
from training.launch import Ahead, Launch
from training.losses import kl_divergence, multi_resolution_stft_loss
from training.optim import Ema, adamw, inverse_decay, set_learning_rate
from training.run import (
    Run,
    averaged_over_processes,
    clip_gradients,
    load_initial,
    set_up_optimizer,
)
from training.sampling import Draws
from training.stft_discriminator import Adversary, gradient_norm

FIRST_STD = -3.0  # softplus of it: latents start nearly deterministic, or the decoder learns to ignore them
FIRST_LEVEL = 0.1  # of the first sounds, near that of recordings


@torch.no_grad()
def initialize(network: OobleckAutoencoder) -> None:
    """Random weights that keep a signal's power from layer to layer; residual units add little at first.

    The library's default loses a factor 1.7 with every convolution: the first latents would be hardly but biases.
    """
    residual = {unit.layers[-1] for unit in network.modules() if isinstance(unit, ResidualUnit)}
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            taps = module.weight.numel() / module.out_channels
            if isinstance(module, nn.ConvTranspose1d):
                taps = taps / module.stride[0]  # so many of them meet in one sample
            nn.init.normal_(module.weight, std=taps**-0.5 * (0.1 if module in residual else 1))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    head, last = network.encoder.layers[-1], network.decoder.layers[-1]
    assert isinstance(head, nn.Conv1d)
    assert isinstance(last, nn.Conv1d)
    assert head.bias is not None
    scales = slice(network.config.latent_channels, None)
    head.weight[scales] *= 0.1
    head.bias[scales] = FIRST_STD
    last.weight *= FIRST_LEVEL


def normed(network: OobleckAutoencoder) -> OobleckAutoencoder:
    """Give every convolution a direction and a length of its own (weight norm); what it computes stays the same."""
    for module in list(network.modules()):
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            weight_norm(module)
    return network


@torch.no_grad()
def fold(network: nn.Module, plain: OobleckAutoencoder) -> OobleckAutoencoder:
    """Copy what a weight-normed network computes with into a plain one."""
    for name, parameter in plain.named_parameters():
        path, _, leaf = name.rpartition(".")
        parameter.copy_(getattr(network.get_submodule(path), leaf))
    return plain


def reconstruction_loss(target_bcn: Tensor, estimate_bcn: Tensor, recipe: OobleckRecipe, rate_hz: int) -> Tensor:
    """Multi-resolution STFT loss of A-weighted sum and difference, and of left and right."""
    target, estimate = a_weighted(target_bcn, rate_hz), a_weighted(estimate_bcn, rate_hz)
    sum_difference = multi_resolution_stft_loss(mid_side(target), mid_side(estimate))
    left_right = multi_resolution_stft_loss(target, estimate)
    return recipe.sum_difference_weight * sum_difference + recipe.left_right_weight * left_right


def train(
    config: ModelConfig,
    corpus: Clips | list[str],
    recipe: OobleckRecipe,
    folder: Path,
    fabric: Fabric,
    initial: dict[str, Tensor] | None = None,
    launch: Launch | None = None,
    listened_bcn: Tensor | None = None,
) -> None:
    """Reconstruct random crops of a corpus or of shards, from plain `initial` weights if given; resumes from `folder`.

    Previews are of the clips `listened_bcn`.
    """
    assert isinstance(config.autoencoder, OobleckConfig)
    launch = launch or Launch()
    rows = rows_of(recipe.batch, fabric)
    torch.manual_seed(recipe.seed)
    plain = OobleckAutoencoder(config.autoencoder)
    if initial is None:
        initialize(plain)
    else:
        load_initial(plain, initial)
    network = OobleckAutoencoder(config.autoencoder)
    network.load_state_dict(plain.state_dict())
    normed(network).encoder.requires_grad_(not recipe.freeze_encoder)
    ema, plain = Ema(plain, recipe.ema_decay).to(fabric.device), plain.to(fabric.device)
    network = fabric.setup_module(launch.prepare_method(network, "reconstruct"))
    network.mark_forward_method("reconstruct")
    optimizer = set_up_optimizer(fabric, adamw(network, recipe.learning_rate, recipe.betas, recipe.weight_decay))
    clip = recipe.clip_grad_norm or math.inf
    adversary = Adversary(recipe.adversary, fabric, clip, config.autoencoder.audio_channels)
    parts = {"network": network, "optimizer": optimizer, "ema": ema, **adversary.parts}
    run = Run(folder, recipe, parts, fabric, config, launch.save_every_s)
    crops = step_crops(corpus, recipe.crop_latents * config.autoencoder.frame_samples, rows, run)
    shape = len(rows), config.autoencoder.latent_channels, recipe.crop_latents
    inputs = Ahead(lambda step: (crops(step), Draws(recipe.seed, step, rows).noise(torch.empty(shape))))

    def listen(step: int) -> None:
        if listened_bcn is not None and fabric.is_global_zero and launch.previews_after(step):
            average = cast("OobleckAutoencoder", ema.module)
            previews.reconstructions(average, listened_bcn.to(fabric.device), run, step + 1, config.sample_rate)

    for step in run.steps(recipe.steps):
        factor = inverse_decay(step, recipe.inverse_half_life, recipe.inverse_power, recipe.inverse_warmup)
        set_learning_rate(optimizer, recipe.learning_rate * factor)
        audio_bcn, noise_bct = (x.to(fabric.device) for x in inputs(step))
        adversarial_step = step >= recipe.adversarial_from
        logs = (step - step % 2 if adversarial_step else step) % launch.log_every == 0  # with each turn of the one
        if adversarial_step and step % 2:  # the discriminator's turn
            with torch.no_grad():
                estimate_bcn, _, _ = network.reconstruct(audio_bcn, noise_bct)
            d_loss, norm = adversary.learn(audio_bcn, estimate_bcn, factor)
            run.watch(step, norm)
            if logs:
                run.log(step, d_loss=d_loss, d_grad_norm=norm)
            listen(step)
            continue
        estimate_bcn, mean, std = network.reconstruct(audio_bcn, noise_bct)
        spectral = reconstruction_loss(audio_bcn, estimate_bcn, recipe, config.sample_rate)
        kl = kl_divergence(mean, std.log())
        loss = spectral + recipe.kl_weight * kl
        figures = {}
        if adversarial_step:
            adversarial, features = adversary.judge(audio_bcn, [estimate_bcn])
            terms = recipe.adversarial_weight * adversarial + recipe.feature_weight * features
            loss = loss + terms
            if logs:
                figures = averaged_over_processes(fabric, adversarial=adversarial, features=features)
                figures["pull_of_spectral"] = gradient_norm(spectral, estimate_bcn, fabric)
                figures["pull_of_adversary"] = gradient_norm(terms, estimate_bcn, fabric)
        fabric.backward(loss)
        norm = clip_gradients(fabric, network, optimizer, clip)
        losses = averaged_over_processes(fabric, spectral=spectral, kl=kl)
        run.watch(step, norm, spectral=losses["spectral"])
        optimizer.step()
        optimizer.zero_grad()
        ema.update(fold(network.module, plain), step)
        if logs:
            run.log(step, **losses, grad_norm=norm, learning_rate=recipe.learning_rate * factor, **figures)
        listen(step)
