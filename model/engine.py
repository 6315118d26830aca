"""How a model runs fast here: its networks on this machine, in the fastest dtype, packed; and the machine's own peaks.

Shapes: b batch, c latent channels, t latent frames, n samples.
"""

import ctypes
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from math import inf
from statistics import median
from typing import Literal

import torch
from torch import Tensor

from model.conditioning import Conditioning
from model.config import DiTConfig, ModelConfig
from model.dit import Prepared
from model.dit_packed import PackedTransformer
from model.generator import Generator
from model.oobleck import Encoder, OobleckAutoencoder, posterior, sample_posterior
from model.oobleck_blocks import BlockDecoder, BlockEncoder
from model.packed import PackedLinear, has_onednn
from model.spectral import SpectralAutoencoder
from model.spectral_packed import PackedSpectralDecoder
from model.workers import Workers

Precision = Literal["float32", "bfloat16", "int8"]
Autoencoder = OobleckAutoencoder | SpectralAutoencoder

FIRST_CHUNK_FRAMES, CHUNK_FRAMES = 8, 64  # 0.37 s to hear at once; then few chunks, as each costs its context
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
PACKED_CANVASES = 4  # ARC_MINI's transformer takes 27 MB for each canvas it is packed for, in bfloat16


def cores(limit: int = 8) -> int:
    """Cores of this process, at most `limit`: these matrices are too small to feed more."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(limit, available))


def use_cores() -> None:
    """One torch thread a core."""
    torch.set_num_threads(cores())


@contextmanager
def lean_allocation() -> Iterator[None]:
    """While weights are read: give back at once what is freed.

    glibc otherwise keeps freed blocks of up to 32 MiB in a heap that weights which stay have broken into pieces:
    1.93 GB instead of 1.65 for the published model in bfloat16. Afterwards it shall keep them, for the blocks of a
    decoder would cost page faults. Nothing happens where there is no glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        yield
        return
    mallopt(M_MMAP_THRESHOLD, 1 << 20)
    try:
        yield
    finally:
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, 64 << 20)


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
    """bfloat16 where its matrix products are clearly faster than float32's, else float32: measured, in 0.1 s.

    Flags do not tell: with AVX-512's bfloat16 but without AMX it runs at half of float32 on a Xeon and at twice it on
    an EPYC.
    """
    layers, times = {}, {torch.float32: inf, torch.bfloat16: inf}
    for dtype in times:
        layer = torch.nn.Linear(768, 768, dtype=dtype)
        layers[dtype] = PackedLinear.of(layer, 256) if has_onednn() else layer
    for _ in range(20):  # in turn: what else the machine does meanwhile meets both
        for dtype, layer in layers.items():
            x = torch.zeros(256, 768, dtype=dtype)
            times[dtype] = min(times[dtype], *seconds_taken(lambda layer=layer, x=x: layer(x), 1))
    return torch.bfloat16 if times[torch.bfloat16] < 0.75 * times[torch.float32] else torch.float32


def default_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def dtype_of(precision: Precision | None, device: str) -> torch.dtype:
    """The dtype of a precision; None is the fastest of the device. int8 products are between layers of that dtype.

    Raises ValueError for a precision that the device cannot compute in.
    """
    if precision in (None, "int8"):
        return torch.bfloat16 if device == "cuda" else fast_dtype()
    if precision == "bfloat16" and device == "cuda" and not torch.cuda.is_bf16_supported():
        raise ValueError("this graphics card does not compute in bfloat16: choose float32")
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
        return self.generator.condition(text_bld.to(self.device), seconds_b.to(self.device))

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
        self._transformers: OrderedDict[int, PackedTransformer] = OrderedDict()  # by latent frames
        if config.canvas_multiple >= config.max_frames:  # always the same canvas: the plain weights can go
            self._transformers[config.max_frames] = PackedTransformer(self.dit, config.max_frames, release=True)
        self._encoder: BlockEncoder | None = None
        self.read_encoder: Callable[[], Encoder] | None = None  # where the autoencoder came without its encoder
        if isinstance(autoencoder, OobleckAutoencoder):
            decoder = autoencoder.decoder
            self._decoder = self._workers.run(lambda: BlockDecoder(decoder, dtype, self._workers, release=True))
        else:
            self._decoder = self._workers.run(lambda: PackedSpectralDecoder(autoencoder.decoder, dtype))

    def velocity(self, x_bct: Tensor, time: float, prepared: Prepared) -> Tensor:
        return self._transformer(x_bct.shape[-1]).velocity(x_bct, self._embedded(time), prepared)

    def decode(self, latents_bct: Tensor, ends: Sequence[int], rng: torch.Generator) -> Iterator[Tensor]:
        if isinstance(self._decoder, BlockDecoder):
            return self._decoder.decode(latents_bct, [end * self.config.autoencoder.frame_samples for end in ends])
        return self._decode_spectral(self._decoder, latents_bct, ends, rng)

    def _decode_spectral(
        self, decoder: PackedSpectralDecoder, latents_bct: Tensor, ends: Sequence[int], rng: torch.Generator
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
