"""How a model runs fast on this machine: dtype, threads, warm-up; and what the machine itself can do."""

import os
import time
from pathlib import Path
from statistics import median

import torch


def cpu_flags() -> set[str]:
    """Instruction-set flags of this CPU, as Linux names them; empty elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return set()
    line = next((line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), "")
    return set(line.split())


def fast_dtype() -> torch.dtype:
    """bfloat16 where the CPU has matrix units for it (AMX), else float32.

    AVX-512's own bfloat16 products are no reason: on a Xeon with them but without AMX they run at half of float32.
    """
    return torch.bfloat16 if "amx_bf16" in cpu_flags() else torch.float32


def use_cores(limit: int = 8) -> None:
    """One thread a core, at most `limit`: these matrices are too small to feed more."""
    torch.set_num_threads(
        max(1, min(limit, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
    )


def machine_peaks(repeats: int = 7) -> dict[str, float]:
    """GEMM peaks (2048³, GFLOP/s, float32 and bfloat16) and copy peak (64 MiB, GB/s) of this machine, medians."""

    def timed(work) -> float:
        work()
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return median(times)

    size = 2048
    peaks = {}
    for dtype, name in ((torch.float32, "gemm_float32_gflops"), (torch.bfloat16, "gemm_bfloat16_gflops")):
        a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
        peaks[name] = 2 * size**3 / timed(lambda a=a, b=b: a @ b) / 1e9
    source = torch.randn(1 << 24)
    target = torch.empty_like(source)
    peaks["copy_gbs"] = 2 * source.nbytes / timed(lambda: target.copy_(source)) / 1e9
    return peaks
