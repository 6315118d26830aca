"""How fast this machine makes sound, beside what its processor can do at all in the same minute.

A time alone says little on a shared or throttled machine; its ratio to the GEMM and copy peaks of the same run does.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.console import Console
from rich.table import Table

from arc_instrument.domain import Generated, GenerationRequest, Progress
from arc_instrument.requests import check_request

PROMPT = "punchy analog kick drum"


class Generator(Protocol):
    """What is measured: `arc_instrument.synth.Synth`."""

    name: str
    max_seconds: float

    def warm_up(self) -> None: ...

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]: ...


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds over all measured runs; `p95` is interpolated between runs."""

    median: float
    p95: float


@dataclass(frozen=True)
class Report:
    """`ms` by stage, `peaks` of the processor as `synth.machine_peaks` measures them, `peak_memory_mib` of the process.

    `load_ms` covers importing torch, reading the weights and the warm-up: what passes before the first sound.
    """

    model_name: str
    machine: dict[str, str]
    seconds: float
    steps: int
    runs: int
    load_ms: float
    ms: dict[str, Quantiles]
    peak_memory_mib: float | None
    peaks: dict[str, float]


def run(runs: int, seconds: float, steps: int, weights: Path | None = None) -> Report:
    """Load the model and measure it. Raises `UserError` for a length or step count that the model cannot make."""
    started = time.perf_counter()
    from arc_instrument.synth import Synth, machine_peaks

    synth = Synth(weights)
    request = check_request(GenerationRequest(0, PROMPT, seconds, steps, seed=0), synth.max_seconds)
    synth.warm_up()
    load_ms = 1e3 * (time.perf_counter() - started)
    return Report(
        model_name=synth.name,
        machine=_machine(),
        seconds=request.seconds,
        steps=request.steps,
        runs=runs,
        load_ms=load_ms,
        ms=measure(synth, runs, request.seconds, request.steps),
        peak_memory_mib=peak_memory_mib(),
        peaks=machine_peaks(),
    )


def measure(synth: Generator, runs: int, seconds: float, steps: int) -> dict[str, Quantiles]:
    """Time `runs` generations after one unmeasured one.

    Every run has a prompt of its own, so that none finds its text in the cache.
    """
    timings = [_generate(synth, index, seconds, steps).timing for index in range(runs + 1)][1:]
    stages = {
        "text": [timing.text_ms for timing in timings],
        "step": [timing.steps_ms / steps for timing in timings],
        "decode": [timing.decode_ms for timing in timings],
        "first sound": [timing.first_sound_ms for timing in timings],
        "total": [timing.total_ms for timing in timings],
    }
    return {stage: Quantiles(float(np.median(ms)), float(np.percentile(ms, 95))) for stage, ms in stages.items()}


def peak_memory_mib() -> float | None:
    """The most memory this process ever held, or None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def to_json(report: Report) -> str:
    return json.dumps(asdict(report), indent=2)


def print_table(report: Report, console: Console | None = None) -> None:
    console = console or Console()
    table = Table(title=f"{report.model_name}: {report.seconds:g} s, {report.steps} steps, {report.runs} runs")
    table.add_column("stage")
    table.add_column("median ms", justify="right")
    table.add_column("p95 ms", justify="right")
    for stage, ms in report.ms.items():
        table.add_row(stage, f"{ms.median:.1f}", f"{ms.p95:.1f}")
    console.print(table)
    memory = "not told by this system" if report.peak_memory_mib is None else f"{report.peak_memory_mib:.0f} MiB"
    console.print(f"load and warm-up {report.load_ms:.0f} ms, peak memory {memory}")
    console.print("machine: " + ", ".join(f"{name} {value}" for name, value in report.machine.items()))
    console.print("peaks: " + ", ".join(f"{name} {value:.4g}" for name, value in report.peaks.items()))


def _generate(synth: Generator, index: int, seconds: float, steps: int) -> Generated:
    request = GenerationRequest(index, f"{PROMPT} number {index}", seconds, steps, seed=index)
    *_, generated = synth.stream(request)
    assert isinstance(generated, Generated)
    return generated


def _machine() -> dict[str, str]:
    return {
        "processor": processor_name(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "torch": version("torch"),
    }


def processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
