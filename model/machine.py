"""What this machine can do: its cores, its fast dtype, its memory given back in time, and its GEMM and copy peaks."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import inf
from statistics import median

import torch
from torch import Tensor

from model.packed import PackedLinear, has_onednn

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


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


def seconds_taken(
    work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Times of `repeats` runs after one that warms up."""
    work()
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return times


@cache
@torch.inference_mode()
def fast_dtype() -> torch.dtype:
    """bfloat16 where its matrix products are clearly faster than float32's, else float32: measured, in 0.1 s.

    Flags do not tell: with AVX-512's bfloat16 but without AMX it runs at half of float32 on a Xeon and at twice it on
    an EPYC. It decides how a seed sounds, by a thousandth, so what else the machine does must not: one thread's own
    time is counted.
    """
    layers, times = {}, {torch.float32: inf, torch.bfloat16: inf}
    for dtype in times:
        layer = torch.nn.Linear(768, 768, dtype=dtype)
        layers[dtype] = PackedLinear.of(layer, 256) if has_onednn() else layer
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(20):  # in turn: what shares the core's units meanwhile meets both
            for dtype, layer in layers.items():
                x = torch.zeros(256, 768, dtype=dtype)
                taken = seconds_taken(lambda layer=layer, x=x: layer(x), 1, time.thread_time)
                times[dtype] = min(times[dtype], *taken)
    finally:
        torch.set_num_threads(threads)
    return torch.bfloat16 if times[torch.bfloat16] < 0.75 * times[torch.float32] else torch.float32


@torch.inference_mode()
def machine_peaks(repeats: int = 7) -> dict[str, float]:
    """GEMM peaks (2048³, GFLOP/s, float32 and bfloat16) and copy peak (64 MiB, GB/s) of this machine, medians."""
    size, peaks = 2048, {}
    for dtype, name in ((torch.float32, "gemm_float32_gflops"), (torch.bfloat16, "gemm_bfloat16_gflops")):
        a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
        products: list[Callable[[], Tensor]] = [lambda a=a, b=b: a @ b]
        if has_onednn():  # which of two libraries is faster differs between processors
            layer = PackedLinear(b, None, size)
            products.append(lambda a=a, layer=layer: layer(a))
        peaks[name] = 2 * size**3 / min(median(seconds_taken(product, repeats)) for product in products) / 1e9
    source = torch.randn(1 << 24)
    target = torch.empty_like(source)
    peaks["copy_gbs"] = 2 * source.nbytes / median(seconds_taken(lambda: target.copy_(source), repeats)) / 1e9
    return peaks
