"""How a model runs fast here: its networks on this machine, in the fastest dtype, packed; and the machine's own peaks.

Shapes: b batch, c latent channels, t latent frames, n samples.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from statistics import median
from typing import Literal

import torch
from torch import Tensor

from model.conditioning import Conditioning
from model.config import ModelConfig
from model.dit import Prepared
from model.dit_packed import PackedTransformer
from model.generator import Generator
from model.oobleck import OobleckAutoencoder, posterior, sample_posterior
from model.oobleck_blocks import BlockDecoder, BlockEncoder
from model.packed import PackedLinear, can_pack
from model.spectral import SpectralAutoencoder
from model.spectral_packed import PackedSpectralDecoder
from model.workers import Workers

Precision = Literal["float32", "bfloat16", "int8"]
Autoencoder = OobleckAutoencoder | SpectralAutoencoder

PACKED_CANVASES = 4  # ARC_MINI's transformer takes 27 MB for each canvas it is packed for, in bfloat16


def cores(limit: int = 8) -> int:
    """Cores of this process, at most `limit`: these matrices are too small to feed more."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(limit, available))


def use_cores() -> None:
    """One torch thread a core."""
    torch.set_num_threads(cores())


def seconds_taken(work: Callable[[], object], repeats: int) -> list[float]:
    """Times of `repeats` runs after one that warms up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return times


@cache
@torch.inference_mode()
def fast_dtype() -> torch.dtype:
    """bfloat16 where its matrix products are clearly faster than float32's, else float32: measured, in 30 ms.

    Flags do not tell: with AVX-512's bfloat16 but without AMX it runs at half of float32 on a Xeon and at twice it on
    an EPYC.
    """
    if torch.cuda.is_available():
        return torch.bfloat16
    times = {}
    for dtype in (torch.float32, torch.bfloat16):
        layer, x = torch.nn.Linear(768, 768, dtype=dtype), torch.zeros(256, 768, dtype=dtype)
        if can_pack():
            layer = PackedLinear.of(layer, 256)
        times[dtype] = min(seconds_taken(lambda layer=layer, x=x: layer(x), 5))
    return torch.bfloat16 if times[torch.bfloat16] < 0.75 * times[torch.float32] else torch.float32


class Engine:
    """A model's networks as plain torch runs them, on any device. One thread owns it.

    `velocity` is what samplers call; `prepare` is done once a prompt and `embed_time` once a time.
    """

    def __init__(self, config: ModelConfig, generator: Generator, autoencoder: Autoencoder, dtype: torch.dtype):
        self.config, self.autoencoder = config, autoencoder
        self.seconds = generator.seconds
        self.dit = generator.dit.to(dtype)
        self._times: dict[float, Tensor] = {}

    @property
    def device(self) -> torch.device:
        return self.seconds.frequencies.device

    def prepare(self, text_bld: Tensor, seconds_b: Tensor) -> Prepared:
        """All that one prompt and length need, for any step and seed."""
        return self.dit.prepare(self._condition(text_bld, seconds_b))

    def prepare_null(self, text_bld: Tensor, seconds_b: Tensor) -> Prepared:
        """What guidance sets against it: the same length, nothing said."""
        return self.dit.prepare(self._condition(text_bld, seconds_b).null())

    def velocity(self, x_bct: Tensor, time: float, prepared: Prepared) -> Tensor:
        """v_φ(x_t, t, c) in float32, of all items at one time."""
        return self.dit.velocity_at(x_bct, self._embedded(time), prepared)

    def decode(self, latents_bct: Tensor, ends: Sequence[int], rng: torch.Generator) -> Iterator[Tensor]:
        """Yield audio (1, 2, n) of one item in chunks that end at the latent frames `ends`."""
        return self.autoencoder.decode_chunks(latents_bct, ends, rng)

    def encode(self, audio_bcn: Tensor, rng: torch.Generator) -> Tensor:
        """Audio (1, 2, n) → latents (1, c, t): a sample of the published model's posterior, as published code takes
        it, but the mean of our own."""
        if isinstance(self.autoencoder, OobleckAutoencoder):
            return sample_posterior(*self._posterior(self.autoencoder, audio_bcn), rng)
        return self.autoencoder.encode(audio_bcn.to(self.device))

    def _posterior(self, autoencoder: OobleckAutoencoder, audio_bcn: Tensor) -> tuple[Tensor, Tensor]:
        return autoencoder.posterior(audio_bcn.to(self.device))

    def _condition(self, text_bld: Tensor, seconds_b: Tensor) -> Conditioning:
        return self.seconds.condition(text_bld.to(self.device), seconds_b.to(self.device))

    def _embedded(self, time: float) -> Tensor:
        """(1, d). It depends on the time alone, and schedules share their times."""
        if time not in self._times:
            if len(self._times) > 256:
                self._times.clear()
            self._times[time] = self.dit.time_embedding(torch.tensor([time], device=self.device))
        return self._times[time]


class PackedEngine(Engine):
    """The same on a CPU at the processor's own speed: packed products, and blocks that stay in cache."""

    def __init__(self, config: ModelConfig, generator: Generator, autoencoder: Autoencoder, dtype: torch.dtype):
        super().__init__(config, generator, autoencoder, dtype)
        self._dtype, self._workers = dtype, Workers(cores())
        self._transformers: OrderedDict[int, PackedTransformer] = OrderedDict()  # by latent frames
        if config.canvas_multiple >= config.max_frames:  # always the same canvas: the plain weights can go
            self._transformers[config.max_frames] = PackedTransformer(self.dit, config.max_frames, release=True)
        self._encoder: BlockEncoder | None = None
        if isinstance(autoencoder, OobleckAutoencoder):
            self._decoder = BlockDecoder(autoencoder.decoder, dtype, self._workers)
            autoencoder.decoder = torch.nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
        else:
            self._decoder = PackedSpectralDecoder(autoencoder, dtype)

    def velocity(self, x_bct: Tensor, time: float, prepared: Prepared) -> Tensor:
        return self._transformer(x_bct.shape[-1]).velocity(x_bct, self._embedded(time), prepared)

    def decode(self, latents_bct: Tensor, ends: Sequence[int], rng: torch.Generator) -> Iterator[Tensor]:
        if isinstance(self._decoder, BlockDecoder):
            return self._decoder.decode(latents_bct, [end * self.config.autoencoder.frame_samples for end in ends])
        assert isinstance(self.autoencoder, SpectralAutoencoder)
        return self.autoencoder.decode_chunks(latents_bct, ends, rng, self._decoder)

    def _posterior(self, autoencoder: OobleckAutoencoder, audio_bcn: Tensor) -> tuple[Tensor, Tensor]:
        if self._encoder is None:  # 78 M weights that only audio-to-audio needs
            self._encoder = BlockEncoder(autoencoder.encoder, self._dtype, self._workers)
        return posterior(self._encoder.encode(audio_bcn))

    def _transformer(self, frames: int) -> PackedTransformer:
        if frames not in self._transformers:
            self._transformers[frames] = PackedTransformer(self.dit, frames)
            if len(self._transformers) > PACKED_CANVASES:
                self._transformers.popitem(last=False)
        self._transformers.move_to_end(frames)
        return self._transformers[frames]


def machine_peaks(repeats: int = 7) -> dict[str, float]:
    """GEMM peaks (2048³, GFLOP/s, float32 and bfloat16) and copy peak (64 MiB, GB/s) of this machine, medians."""
    size = 2048
    peaks = {}
    for dtype, name in ((torch.float32, "gemm_float32_gflops"), (torch.bfloat16, "gemm_bfloat16_gflops")):
        a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
        peaks[name] = 2 * size**3 / median(seconds_taken(lambda a=a, b=b: a @ b, repeats)) / 1e9
    source = torch.randn(1 << 24)
    target = torch.empty_like(source)
    peaks["copy_gbs"] = 2 * source.nbytes / median(seconds_taken(lambda: target.copy_(source), repeats)) / 1e9
    return peaks
