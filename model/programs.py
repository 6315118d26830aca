"""What a phone runs: text, condition, step and decode as programs of fixed shapes, each with example inputs.

Shapes: b batch (always 1), c latent channels, t latent frames, l text tokens, d width, n samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from model.config import ModelConfig
from model.controls import control_signals
from model.dit import DiffusionTransformer
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.spectral import SpectralAutoencoder

CHUNK_FRAMES = 32  # latent frames of Oobleck decoded at once, without their context: 52 need 200 MB, all 256 a gigabyte
EXAMPLE_TOKENS = 6


@dataclass(frozen=True, eq=False)
class Program:
    """`inputs` are examples of the only shapes that it takes; `linear_int8`: its linear layers bear int8."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]
    linear_int8: bool = False


class Text(nn.Module):
    """Token numbers and their mask, padded to the full length → token embeddings (1, l, d), zero at the padding."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, ids_bl: Tensor, mask_bl: Tensor) -> Tensor:
        hidden_bld = self.network(input_ids=ids_bl, attention_mask=mask_bl).last_hidden_state
        return hidden_bld * mask_bl[..., None]


class Condition(nn.Module):
    """Token embeddings, the duration and, where the model takes them, control signals → what the steps need of them."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator = generator

    def forward(self, tokens_bld: Tensor, seconds_b: Tensor, controls_bst: Tensor | None = None) -> list[Tensor]:
        conditioning = self.generator.condition(tokens_bld, seconds_b, controls_bst)
        return [leaf.contiguous() for leaf in pytree.tree_leaves(self.generator.dit.prepare(conditioning))]


class Step(nn.Module):
    """A latent, its noise level and the outputs of Condition, in their order → the velocity (1, c, t)."""

    def __init__(self, dit: DiffusionTransformer, structure: pytree.TreeSpec):
        super().__init__()
        self.dit = dit
        self.structure = structure

    def forward(self, x_bct: Tensor, time_b: Tensor, *prepared: Tensor) -> Tensor:
        return self.dit.velocity(x_bct, time_b, pytree.tree_unflatten(list(prepared), self.structure))


class SpectralDecode(nn.Module):
    """Latents (1, c, t) and Gaussian noise (1, 2, MDCT frames, bins) → samples (1, 2, n)."""

    def __init__(self, autoencoder: SpectralAutoencoder):
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, latents_bct: Tensor, noise_bctk: Tensor) -> Tensor:
        decoder = self.autoencoder.decoder
        compressed, gain = decoder.spectrum(latents_bct * self.autoencoder.scale + self.autoencoder.shift)
        return decoder.synthesize(compressed, gain, noise_bctk)


class OobleckDecode(nn.Module):
    """A window of latents (1, c, t) → samples (1, 2, n)."""

    def __init__(self, autoencoder: OobleckAutoencoder):
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, latents_bct: Tensor) -> Tensor:
        return self.autoencoder.decode(latents_bct)


def decode_frames(autoencoder: SpectralAutoencoder | OobleckAutoencoder, frames: int) -> int:
    """Latent frames that decode takes at once: Oobleck's samples are too many to make all together on a phone."""
    if isinstance(autoencoder, SpectralAutoencoder):
        return frames
    return min(frames, CHUNK_FRAMES + 2 * autoencoder.context_frames)


def programs(
    config: ModelConfig,
    generator: Generator,
    autoencoder: SpectralAutoencoder | OobleckAutoencoder,
    text_network: nn.Module | None,
    frames: int,
) -> Iterator[Program]:
    """Yield what makes sounds on a canvas of `frames`, in the order in which an app calls them."""
    rng = torch.Generator().manual_seed(0)
    channels, tokens, width = config.dit.latent_channels, config.text.max_tokens, config.text.width
    if text_network is not None:
        mask_bl = (torch.arange(tokens)[None] < EXAMPLE_TOKENS).long()
        yield Program("text", Text(text_network), {"ids": mask_bl, "mask": mask_bl.clone()}, ("tokens",))
    condition = Condition(generator)
    tokens_bld = torch.zeros(1, tokens, width)
    tokens_bld[:, :EXAMPLE_TOKENS] = torch.randn((1, EXAMPLE_TOKENS, width), generator=rng)
    inputs = {"tokens": tokens_bld, "seconds": torch.tensor([1.0])}
    if config.dit.control_width:
        inputs["controls"] = torch.from_numpy(control_signals(config, frames, 1.0, "A4, 120 BPM"))[None]
    structure = pytree.tree_structure(generator.dit.prepare(generator.condition(*inputs.values())))
    prepared = {f"condition_{i}": leaf for i, leaf in enumerate(condition(*inputs.values()))}
    yield Program("condition", condition, inputs, tuple(prepared))
    latents_bct = torch.randn((1, channels, frames), generator=rng)
    step = Step(generator.dit, structure)
    yield Program("step", step, {"latents": latents_bct, "time": torch.tensor([0.7])} | prepared, ("velocity",), True)
    window_bct = latents_bct[..., : decode_frames(autoencoder, frames)].contiguous()
    if isinstance(autoencoder, SpectralAutoencoder):
        hop = autoencoder.config.hop
        mdct_frames = window_bct.shape[-1] * config.autoencoder.frame_samples // hop
        noise_bctk = torch.randn((1, 2, mdct_frames, hop), generator=rng)
        inputs = {"latents": window_bct, "noise": noise_bctk}
        yield Program("decode", SpectralDecode(autoencoder), inputs, ("samples",), True)
    else:
        yield Program("decode", OobleckDecode(autoencoder), {"latents": window_bct}, ("samples",))
