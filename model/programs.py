"""What a phone runs: text, condition, step and decode as programs of fixed shapes, each with example inputs.

Shapes: b batch (always 1), c latent channels, t latent frames, l text tokens, d width, n samples.
"""

import math
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
from model.postfilter import BINS, WINDOW
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


class FourierProducts(nn.Module):
    """The post-filter's `Transform` as products of matrices: what runs programs has no FFT.

    Sample n = 32·p + q and bin k = r + 64·s: over p, then a turn, then over q. The inverse runs the same way back, for
    the transform of real samples is orthogonal but for the share of each bin. Source: Cooley & Tukey 1965.

    Shapes: m frames of all items and channels; p, q, r, s as above.
    """

    over_p: Tensor  # (64, 2·64) from p to the real and imaginary parts of r
    turn: Tensor  # (2, 32, 64) real and imaginary parts for q, r
    over_q: Tensor  # (2·32, 2·16) from the parts of q to those of s
    share: Tensor  # (2·BINS,)
    from_r: Tensor
    from_s: Tensor

    def __init__(self) -> None:
        super().__init__()
        p = r = torch.arange(64, dtype=torch.float64)
        q, s = torch.arange(32, dtype=torch.float64), torch.arange(16, dtype=torch.float64)
        over_p, turn, over_q = (
            torch.polar(torch.ones(len(a), len(b), dtype=torch.float64), -2 * math.pi / turns * a[:, None] * b)
            for a, b, turns in ((p, r, 64), (q, r, WINDOW), (q, s, 32))
        )
        real, imaginary = over_q.real, over_q.imag
        share = torch.full((2, BINS), 2 / WINDOW)  # a bin and its mirror image
        share[:, 0] /= 2
        tensors = {
            "over_p": torch.cat([over_p.real, over_p.imag], 1),
            "turn": torch.stack([turn.real, turn.imag]),
            "over_q": torch.cat([torch.cat([real, imaginary], 1), torch.cat([-imaginary, real], 1)]),
            "share": share.flatten(),
        }
        tensors |= {"from_r": tensors["over_p"].T, "from_s": tensors["over_q"].T}
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.float().contiguous(), persistent=False)

    def analyse(self, frames_bctn: Tensor) -> Tensor:
        samples_mqp = frames_bctn.reshape(-1, 64, 32).transpose(1, 2)
        real, imaginary = (samples_mqp @ self.over_p).split(64, -1)
        cos, sin = self.turn
        turned = torch.cat([real * cos - imaginary * sin, real * sin + imaginary * cos], 1)
        parts_mrs = turned.transpose(1, 2) @ self.over_q
        return parts_mrs.transpose(1, 2).reshape(*frames_bctn.shape[:-1], 2 * BINS)

    def synthesise(self, parts_bctk: Tensor) -> Tensor:
        parts_mrs = (self.share * parts_bctk).reshape(-1, 32, 64).transpose(1, 2)
        real, imaginary = (parts_mrs @ self.from_s).transpose(1, 2).split(32, 1)
        cos, sin = self.turn
        turned = torch.cat([real * cos + imaginary * sin, imaginary * cos - real * sin], -1)
        return (turned @ self.from_r).transpose(1, 2).reshape(*parts_bctk.shape[:-1], WINDOW)


class SpectralDecode(nn.Module):
    """Latents (1, c, t) and Gaussian noise (1, 2, MDCT frames, bins) → samples (1, 2, n)."""

    def __init__(self, autoencoder: SpectralAutoencoder):
        super().__init__()
        self.autoencoder = autoencoder
        self.transform = FourierProducts()

    def forward(self, latents_bct: Tensor, noise_bctk: Tensor) -> Tensor:
        decoder = self.autoencoder.decoder
        compressed, gain = decoder.spectrum(latents_bct * self.autoencoder.scale + self.autoencoder.shift)
        return decoder.postfilter(decoder.unfiltered(compressed, gain, noise_bctk), self.transform)


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
