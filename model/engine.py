"""How a model runs fast on this machine: its networks as plain torch, and packed for a CPU.

Shapes: b batch, c latent channels, t latent frames, n samples.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from model.conditioning import Conditioning
from model.config import DiTConfig, ModelConfig
from model.dit import Prepared
from model.dit_packed import PackedTransformer
from model.generator import Generator
from model.machine import cores, fast_dtype
from model.noise import NoiseSource
from model.oobleck import Encoder, OobleckAutoencoder, posterior, sample_posterior
from model.oobleck_blocks import BlockDecoder, BlockEncoder
from model.packed import has_onednn
from model.spectral import SpectralAutoencoder
from model.spectral_packed import PackedSpectralDecoder
from model.workers import Workers

Precision = Literal["float32", "bfloat16", "int8"]
Autoencoder = OobleckAutoencoder | SpectralAutoencoder

FIRST_CHUNK_FRAMES, CHUNK_FRAMES = 8, 64  # 0.37 s to hear at once; then few chunks, as each costs its context
PACKED_SHAPES = 6  # ARC_MINI's transformer takes 27 MB for each shape it is packed for, in bfloat16
BATCH_ITEMS = 16  # a kit; on a card they are one launch
PACKED_FRAMES = 128  # latent frames of all items in one product: below, reading the weights takes most of the time


def default_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def dtype_of(precision: Precision | None, device: str) -> torch.dtype:
    """The dtype of a precision; None is the fastest of the device. int8 products are between layers of that dtype.

    Raises ValueError for a precision that the device cannot compute in.
    """
    if device == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        if precision == "bfloat16" and not has_bfloat16:
            raise ValueError("this graphics card does not compute in bfloat16: choose float32")
        if precision == "int8":
            raise ValueError("int8 runs on the processor: choose bfloat16 or float32 for the graphics card")
        return torch.bfloat16 if has_bfloat16 and precision != "float32" else torch.float32
    if precision in (None, "int8"):
        return fast_dtype()
    return torch.float32 if precision == "float32" else torch.bfloat16


def chunk_ends(frames: int) -> list[int]:
    """Latent frames at which the chunks of a sound end: a short one first, so that it is heard early."""
    return [*range(FIRST_CHUNK_FRAMES, frames, CHUNK_FRAMES), frames]


class Engine:
    """A model's networks as plain torch runs them, on any device, the transformer in `dtype`. One thread owns it.

    `velocity` is what samplers call; `prepare` is done once a prompt, times are embedded once.
    """

    def __init__(self, config: ModelConfig, generator: Generator, autoencoder: Autoencoder, dtype: torch.dtype):
        self.config, self.generator, self.autoencoder = config, generator, autoencoder
        self.dit, self.dtype = generator.dit, dtype
        self._times: dict[float, Tensor] = {}

    @property
    def device(self) -> torch.device:
        return self.generator.seconds.frequencies.device

    def batch_items(self, frames: int) -> int:
        """How many canvases of `frames` are best made at once: a power of two."""
        return BATCH_ITEMS

    def prepare(self, text_bld: Tensor, seconds_b: Tensor, controls_bst: Tensor | None = None) -> Prepared:
        """All that one prompt, length and set of control signals need, for any step and seed."""
        return self.dit.prepare(self._condition(text_bld, seconds_b, controls_bst))

    def prepare_null(self, text_bld: Tensor, seconds_b: Tensor, controls_bst: Tensor | None = None) -> Prepared:
        """What guidance sets against it: the same length, nothing said."""
        return self.dit.prepare(self._condition(text_bld, seconds_b, controls_bst).null())

    def with_controls(self, prepared: Prepared, controls_bst: Tensor) -> Prepared:
        """What was prepared, under other control signals."""
        embedding = self.dit.control_embedding
        return prepared if embedding is None else prepared._replace(controls=(embedding(controls_bst.to(self.device)),))

    def velocity(self, x_bct: Tensor, time: float, prepared: Prepared) -> Tensor:
        """v_φ(x_t, t, c) in float32, of all items at one time; `prepared` is of as many prompts, or of one for all."""
        return self.dit.velocity_at(x_bct, self._embedded(time), prepared)

    def decode(self, latents_bct: Tensor, ends: Sequence[int], rng: NoiseSource) -> Iterator[Tensor]:
        """Yield audio (1, 2, n) of one item in chunks that end at the latent frames `ends`."""
        return self.autoencoder.decode_chunks(latents_bct, ends, rng)

    def encode(self, audio_bcn: Tensor, rng: NoiseSource) -> Tensor:
        """Audio (1, 2, n) → latents (1, c, t): a sample of the published model's posterior, as published code takes
        it, but the mean of our own."""
        if isinstance(self.autoencoder, OobleckAutoencoder):
            return sample_posterior(*self._posterior(self.autoencoder, audio_bcn), rng)
        return self.autoencoder.encode(audio_bcn.to(self.device))

    def _posterior(self, autoencoder: OobleckAutoencoder, audio_bcn: Tensor) -> tuple[Tensor, Tensor]:
        return autoencoder.posterior(audio_bcn.to(self.device))

    def _condition(self, text_bld: Tensor, seconds_b: Tensor, controls_bst: Tensor | None) -> Conditioning:
        controls_bst = None if controls_bst is None else controls_bst.to(self.device)
        return self.generator.condition(text_bld.to(self.device), seconds_b.to(self.device), controls_bst)

    def _embedded(self, time: float) -> Tensor:
        """(1, d). It depends on the time alone, and schedules share their times."""
        if time not in self._times:
            if len(self._times) > 256:
                self._times.clear()
            self._times[time] = self.dit.time_embedding(torch.tensor([time], device=self.device))
        return self._times[time]


def can_pack(config: DiTConfig) -> bool:
    """Whether `PackedEngine` runs such a transformer: with oneDNN here, and of the small models' kind."""
    return has_onednn() and config.qk_norm and config.widen_tokens


class PackedEngine(Engine):
    """The same on a CPU at the processor's own speed: packed products, and blocks that stay in cache."""

    def __init__(self, config: ModelConfig, generator: Generator, autoencoder: Autoencoder, dtype: torch.dtype):
        super().__init__(config, generator, autoencoder, dtype)
        self._workers = Workers(cores())
        self._transformers: OrderedDict[tuple[int, int], PackedTransformer] = OrderedDict()  # by items and frames
        self._is_released = config.canvas_multiple >= config.max_frames
        if self._is_released:  # always the same canvas: the plain weights can go
            self._transformers[1, config.max_frames] = PackedTransformer(self.dit, config.max_frames, release=True)
        self._encoder: BlockEncoder | None = None
        self.read_encoder: Callable[[], Encoder] | None = None  # where the autoencoder came without its encoder
        if isinstance(autoencoder, OobleckAutoencoder):
            decoder = autoencoder.decoder
            self._decoder = self._workers.run(lambda: BlockDecoder(decoder, dtype, self._workers, release=True))
        else:
            self._decoder = self._workers.run(lambda: PackedSpectralDecoder(autoencoder.decoder, dtype))

    def batch_items(self, frames: int) -> int:
        """A step of ARC_MINI on one core: 12 ms for 8 frames as for 32, 35 ms for 128. So a power of two that fits."""
        if self._is_released:
            return 1
        return 1 << max(0, (PACKED_FRAMES // frames).bit_length() - 1)

    def velocity(self, x_bct: Tensor, time: float, prepared: Prepared) -> Tensor:
        items, _, frames = x_bct.shape
        if items == self.batch_items(frames):
            return self._transformer(items, frames).velocity(x_bct, self._embedded(time), prepared)
        one, time_1d = self._transformer(1, frames), self._embedded(time)
        return torch.cat([one.velocity(x_bct[i : i + 1], time_1d, prepared.item(i)) for i in range(items)])

    def decode(self, latents_bct: Tensor, ends: Sequence[int], rng: NoiseSource) -> Iterator[Tensor]:
        if isinstance(self._decoder, BlockDecoder):
            return self._decoder.decode(latents_bct, [end * self.config.autoencoder.frame_samples for end in ends])
        return self._decode_spectral(self._decoder, latents_bct, ends, rng)

    def _decode_spectral(
        self, decoder: PackedSpectralDecoder, latents_bct: Tensor, ends: Sequence[int], rng: NoiseSource
    ) -> Iterator[Tensor]:
        """Every chunk in as many parts as there are cores: their contexts cost less than cores that wait for others."""
        autoencoder = self.autoencoder
        assert isinstance(autoencoder, SpectralAutoencoder)
        noise_bctk, start = autoencoder.draw_noise(latents_bct, ends[-1], rng), 0

        @torch.inference_mode()  # of the worker's thread
        def decode(part: tuple[int, int]) -> Tensor:
            return autoencoder.decode_range(latents_bct, *part, noise_bctk, decoder)

        for end in ends:
            yield torch.cat(self._workers.map(decode, self._parts(start, end)), -1)
            start = end

    def _parts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Equal parts of latent frames for the workers; a first chunk is too short to share."""
        parts = self._workers.threads if end - start > FIRST_CHUNK_FRAMES else 1
        edges = [start + (end - start) * i // parts for i in range(parts + 1)]
        return list(pairwise(edges))

    def _posterior(self, autoencoder: OobleckAutoencoder, audio_bcn: Tensor) -> tuple[Tensor, Tensor]:
        if self._encoder is None:
            encoder = self.read_encoder() if self.read_encoder else autoencoder.encoder
            self._encoder = self._workers.run(lambda: BlockEncoder(encoder, self.dtype, self._workers))
        return posterior(self._encoder.encode(audio_bcn))

    def _transformer(self, items: int, frames: int) -> PackedTransformer:
        shape = items, frames
        if shape not in self._transformers:
            self._transformers[shape] = PackedTransformer(self.dit, frames, items)
            if len(self._transformers) > PACKED_SHAPES:
                self._transformers.popitem(last=False)
        self._transformers.move_to_end(shape)
        return self._transformers[shape]
