"""How fast this machine makes sound, beside what its processor can do at all in the same minute.

A time alone says little on a shared or throttled machine; its ratio to the GEMM and copy peaks of the same run does.
"""

import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from arc_instrument.domain import RATE_HZ, Generated, GenerationRequest, Progress, UserError
from arc_instrument.drum_kit import ONE_SHOT_SECONDS, kit_prompts
from arc_instrument.library_bench import LibraryTimes, measure_library
from arc_instrument.requests import check_request
from arc_instrument.window_bench import WindowTimes, from_dict, measure_window

PROMPT = "punchy analog kick drum"
BATCH_RUNS = 3


class Generator(Protocol):
    """What is measured: `arc_instrument.synth.Synth`."""

    name: str
    max_seconds: float

    def warm_up(self) -> None: ...

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]: ...

    def stream_batch(self, requests: Sequence[GenerationRequest]) -> Iterator[Progress | Generated]: ...


@dataclass(frozen=True)
class Plan:
    """What to measure: `runs` sounds of `seconds` in `steps`, of the model in `weights` (None: the embedded one).

    `precision` None is the machine's fastest; `plain` is torch's own layers, one by one; `sound_only` leaves out the
    window and the library.
    """

    runs: int
    seconds: float
    steps: int
    weights: Path | None = None
    precision: str | None = None
    plain: bool = False
    sound_only: bool = False

    def arguments(self) -> list[str]:
        """This plan as arguments of `arc-instrument bench`."""
        given = ["--runs", str(self.runs), "--seconds", str(self.seconds), "--steps", str(self.steps)]
        given += ["--weights", str(self.weights)] if self.weights else []
        given += ["--precision", self.precision] if self.precision else []
        given += ["--plain"] if self.plain else []
        return [*given, *(["--sound-only"] if self.sound_only else [])]


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds over all measured runs; `p5` and `p95` are interpolated between runs."""

    median: float
    p5: float
    p95: float


@dataclass(frozen=True)
class Report:
    """`ms` by stage, `peaks` of the processor as `synth.machine_peaks` measures them, `peak_memory_mib` of the process.

    `load_ms` covers importing torch, reading the weights and the warm-up: what passes before the first sound.
    """

    model_name: str
    machine: dict[str, str]
    about: dict[str, str]
    seconds: float
    steps: int
    runs: int
    load_ms: float
    ms: dict[str, Quantiles]
    peak_memory_mib: float | None
    peaks: dict[str, float]
    mixer: "MixerLoad | None" = None
    window: WindowTimes | None = None
    library: LibraryTimes | None = None
    not_measured: str = ""  # why there is no window


@dataclass(frozen=True)
class MixerLoad:
    """Time of one core that a block of the mixer takes, in percent of how long the block sounds.

    `first_frame` is where in the block after a note-on its first sample lies, the worst of 0 to 31 voices that sound.
    """

    voices: int
    block_frames: int
    rate_hz: int
    median_percent: float
    p99_percent: float
    first_frame: int

    @property
    def note_on_ms(self) -> float:
        """From a note-on to its first sample at most: it may arrive when a block has just begun."""
        return 1e3 * (self.block_frames + self.first_frame) / self.rate_hz


def measure_mixer(blocks: int = 2_000) -> MixerLoad:
    """The worst a player can ask for: 32 voices, each looped, shaken and through both filters.

    Processor time where the system counts it finely, so that other programs do not count; else the time that passes.
    """
    from arc_instrument.audio.mixer import MAX_VOICES, Mixer
    from arc_instrument.shape import Shape

    clock = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-6 else time.perf_counter
    noise = np.random.default_rng(0).standard_normal((RATE_HZ, 2)).astype(np.float32)
    mixer, block = Mixer(RATE_HZ), np.zeros((128, 2), np.float32)
    mixer.set_shape(0, Shape(mode="loop", low_pass_hz=2_000, resonance=0.5, high_pass_hz=100))
    mixer.control(0, "wheel", 1.0)
    mixer.arm(0.01 * noise)
    for note in range(MAX_VOICES):
        mixer.note_on(44 + note, 100)
    seconds = []
    for _ in range(blocks):
        started = clock()
        mixer.process(block)
        seconds.append(clock() - started)
    median, p99 = np.percentile(seconds[blocks // 10 :], (50, 99)) / (len(block) / RATE_HZ) * 100
    first_frame = max(_first_frame(sounding, len(block)) for sounding in range(MAX_VOICES))
    return MixerLoad(mixer.voices, len(block), RATE_HZ, float(median), float(p99), first_frame)


def _first_frame(sounding: int, block_frames: int) -> int:
    """The first sample of a note that joins so many: the first that a mixer without that note does not have."""
    from arc_instrument.audio.mixer import Mixer
    from arc_instrument.audio.performance import play_note

    noise = np.random.default_rng(0).standard_normal((RATE_HZ, 2)).astype(np.float32)
    heard = []
    for notes in (sounding, sounding + 1):
        mixer, block = Mixer(RATE_HZ), np.zeros((block_frames, 2), np.float32)
        mixer.arm(0.01 * noise)
        for note in range(sounding):
            play_note(mixer, 1, 44 + note, 100)
        mixer.process(block)
        if notes > sounding:
            play_note(mixer, 1, 44 + sounding, 100)
        mixer.process(block)
        heard.append(block)
    differs = (heard[0] != heard[1]).any(axis=1)
    return int(differs.argmax()) if differs.any() else block_frames


def run(plan: Plan, probe_file: Path | None = None) -> Report:
    """Load the model and measure it. Raises `UserError` for a length or step count that the model cannot make.

    `probe_file` receives what the networks made of fixed inputs, for `compare`.
    """
    window, library, problem = None, None, ""
    if not plan.sound_only:  # before torch's threads and memory are here
        library = measure_library()
        try:
            window = measure_window(weights=plan.weights, precision=plan.precision)
        except UserError as error:
            problem = str(error)
    started = time.perf_counter()
    from arc_instrument.synth import Synth, machine_peaks

    synth = Synth(plan.weights, plan.precision, plain=plan.plain)
    request = check_request(GenerationRequest(0, PROMPT, plan.seconds, plan.steps, seed=0), synth.max_seconds)
    synth.warm_up()
    load_ms = 1e3 * (time.perf_counter() - started)
    ms, memory = measure(synth, plan.runs, request.seconds, request.steps), peak_memory_mib()
    if probe_file:
        np.savez(probe_file, allow_pickle=False, **synth.probe())
    return Report(
        synth.name, _machine(), synth.about, request.seconds, request.steps, plan.runs, load_ms, ms, memory,
        machine_peaks(), measure_mixer(), window, library, problem,
    )  # fmt: skip


def measure(synth: Generator, runs: int, seconds: float, steps: int) -> dict[str, Quantiles]:
    """Time `runs` generations after one unmeasured one, as many drafts of one step, and `BATCH_RUNS` of each batch.

    Every run has a prompt of its own, so that none finds its text in the cache; variations are of one prompt.
    """
    timings = [_generate(synth, index, seconds, steps).timing for index in range(runs + 1)][1:]
    drafts = [_generate(synth, index, seconds, 1).timing for index in range(runs + 1, 2 * runs + 1)]
    stages = {
        "text": [timing.text_ms for timing in timings],
        "step": [timing.steps_ms / steps for timing in timings],
        "decode": [timing.decode_ms for timing in timings],
        "first sound": [timing.first_sound_ms for timing in timings],
        "total": [timing.total_ms for timing in timings],
        "draft of 1 step": [timing.total_ms for timing in drafts],
    }
    one_shot_seconds = min(ONE_SHOT_SECONDS, synth.max_seconds)
    stages |= _batches(synth, "8 variations", lambda run: _variations(run, seconds, steps))
    stages |= _batches(synth, "kit of 16", lambda run: _kit(run, one_shot_seconds, steps))
    return {stage: Quantiles(*(float(q) for q in np.percentile(ms, (50, 5, 95)))) for stage, ms in stages.items()}


@dataclass(frozen=True)
class Comparison:
    """One engine and precision, and how far from plain float32 it is: signal to noise in decibels by part."""

    title: str
    report: Report
    snr_db: dict[str, float]


VARIANTS = (
    ("eager float32", "float32", True),
    ("eager bfloat16", "bfloat16", True),
    ("engine float32", "float32", False),
    ("engine bfloat16", "bfloat16", False),
    ("engine int8", "int8", False),
)


def compare(plan: Plan, console: Console | None = None) -> list[Comparison]:
    """Measure every variant in a process of its own, so that memory is each one's, and compare their numbers."""
    console = console or Console(stderr=True)
    done: list[Comparison] = []
    with TemporaryDirectory() as folder:
        reference: dict[str, np.ndarray] = {}
        for title, precision, plain in VARIANTS:
            if precision == "int8" and importlib.util.find_spec("torchao") is None:
                remedy = "pip install 'arc-instrument[int8]' brings what it needs"
                console.print(f"{title} is left out: {remedy}", markup=False)
                continue
            console.print(f"measuring {title} …")
            file = Path(folder) / "probe.npz"
            variant = Plan(plan.runs, plan.seconds, plan.steps, plan.weights, precision, plain, sound_only=True)
            command = [
                sys.executable,
                "-m",
                "arc_instrument",
                "bench",
                *variant.arguments(),
                "--json",
                "--probe",
                str(file),
            ]
            child = subprocess.run(command, capture_output=True, text=True)
            if child.returncode:
                complaint = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
                raise UserError(f"Measuring {title} failed: {complaint[-1]}")
            with np.load(file) as arrays:
                found = dict(arrays)
            reference = reference or found
            done.append(Comparison(title, from_json(child.stdout), signal_to_noise(reference, found)))
    return done


def signal_to_noise(reference: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> dict[str, float]:
    """Decibels by array: 20·log10 of ‖reference‖ / ‖found − reference‖."""
    return {
        name: float(20 * np.log10(np.linalg.norm(expected) / max(np.linalg.norm(found[name] - expected), 1e-30)))
        for name, expected in reference.items()
    }


def peak_memory_mib() -> float | None:
    """The most memory this process ever held, or None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def to_json(report: Report | list[Comparison]) -> str:
    return json.dumps([asdict(item) for item in report] if isinstance(report, list) else asdict(report), indent=2)


def from_json(text: str) -> Report:
    """What `to_json` wrote of one report."""
    values = json.loads(text)
    mixer = MixerLoad(**values["mixer"]) if values["mixer"] else None
    window = from_dict(values["window"]) if values["window"] else None
    library = LibraryTimes(**values["library"]) if values["library"] else None
    ms = {stage: Quantiles(**ms) for stage, ms in values["ms"].items()}
    return Report(**{**values, "ms": ms, "mixer": mixer, "window": window, "library": library})


def print_table(report: Report, console: Console | None = None) -> None:
    console = console or Console()
    table = Table(title=f"{report.model_name}: {report.seconds:g} s, {report.steps} steps, {report.runs} runs")
    table.add_column("stage")
    for column in ("median ms", "p5 ms", "p95 ms"):
        table.add_column(column, justify="right")
    for stage, ms in report.ms.items():
        table.add_row(stage, f"{ms.median:.1f}", f"{ms.p5:.1f}", f"{ms.p95:.1f}")
    console.print(table)
    console.print(f"load and warm-up {report.load_ms:.0f} ms, peak memory {_memory(report)}")
    if report.mixer:
        mixer = report.mixer
        console.print(
            f"mixer: {mixer.voices} voices, looped and filtered, take {mixer.median_percent:.1f} % of a block of "
            f"{mixer.block_frames} frames at {mixer.rate_hz / 1000:g} kHz on one core (p99 {mixer.p99_percent:.1f} %)"
        )
        console.print(
            f"note-on to first sample: frame {mixer.first_frame} of the next block, at most {mixer.note_on_ms:.1f} ms"
        )
    if report.window:
        _print_window(report.window, console)
    if report.library:
        library = report.library
        console.print(
            f"library of {library.takes:,} takes: opens in {library.open_ms:.0f} ms, searches in "
            f"{library.least_search_ms:.1f} to {library.most_search_ms:.1f} ms (“{library.slowest}”), "
            f"the first time in {library.first_search_ms:.1f} ms"
        )
    if report.not_measured:
        console.print(f"window: {report.not_measured}")
    _print_machine(report, console)


def _print_window(window: WindowTimes, console: Console) -> None:
    """The goal for a frame is 16 ms in 95 of 100, for the first one 1.5 s."""
    table = Table()
    table.add_column("input to frame")
    for column in ("median ms", "p95 ms", "max ms"):
        table.add_column(column, justify="right")
    for name, ms in window.while_generating.items():
        table.add_row(name, f"{ms.median:.1f}", f"{ms.p95:.1f}", f"{ms.max:.1f}")
    console.print(f"window ({window.platform}) while sounds are made, {window.inputs} keys, moves and notes:")
    console.print(table)
    first = window.first_frame
    console.print(f"process start to first frame {first.median:.0f} ms, at most {first.max:.0f} of {window.starts}")


def print_comparison(comparisons: list[Comparison], console: Console | None = None) -> None:
    console = console or Console()
    first = comparisons[0].report
    title = f"{first.model_name}: {first.seconds:g} s, {first.steps} steps, medians of {first.runs} runs"
    table = Table(title=title, box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("engine", no_wrap=True)
    for column in ("text", "step", "decode", "total", "gain", "MiB", "velocity", "sound"):
        table.add_column(column, justify="right", no_wrap=True)
    for item in comparisons:
        ms = item.report.ms
        velocity = min(db for name, db in item.snr_db.items() if name.startswith("velocity"))
        table.add_row(
            item.title,
            *(_duration(ms[stage].median) for stage in ("text", "step", "decode", "total")),
            f"{first.ms['total'].median / ms['total'].median:.1f}",
            f"{item.report.peak_memory_mib or 0:.0f}",
            *("exact" if db > 200 else f"{db:.0f} dB" for db in (velocity, item.snr_db["decoded"])),
        )
    console.print(table)
    _print_machine(comparisons[-1].report, console)


def _print_machine(report: Report, console: Console) -> None:
    console.print("engine: " + ", ".join(f"{name} {value}" for name, value in report.about.items()))
    console.print("machine: " + ", ".join(f"{name} {value}" for name, value in report.machine.items()))
    console.print("peaks: " + ", ".join(f"{name} {value:.4g}" for name, value in report.peaks.items()))


def _duration(ms: float) -> str:
    """At most six characters below 100 s: the rounded value chooses the unit (9.96 ms is "10 ms", 999.6 ms "1.0 s")."""
    return f"{ms / 1000:.1f} s" if ms >= 999.5 else f"{ms:.1f} ms" if ms < 9.95 else f"{ms:.0f} ms"


def _memory(report: Report) -> str:
    return "not told by this system" if report.peak_memory_mib is None else f"{report.peak_memory_mib:.0f} MiB"


def _generate(synth: Generator, index: int, seconds: float, steps: int) -> Generated:
    request = GenerationRequest(index, f"{PROMPT} number {index}", seconds, steps, seed=index)
    *_, generated = synth.stream(request)
    assert isinstance(generated, Generated)
    return generated


def _variations(run: int, seconds: float, steps: int) -> list[GenerationRequest]:
    request = GenerationRequest(0, f"{PROMPT} variation {run}", seconds, steps, seed=run)
    return [replace(request, id=i, walk=((100 + i, 0.3),)) for i in range(8)]


def _kit(run: int, seconds: float, steps: int) -> list[GenerationRequest]:
    prompts = kit_prompts(f"kit {run} of dusty")
    return [GenerationRequest(i, prompt, seconds, steps, seed=i) for i, prompt in enumerate(prompts)]


def _batches(synth: Generator, name: str, requests: Callable[[int], list[GenerationRequest]]) -> dict[str, list[float]]:
    """Milliseconds of whole batches, by the clock on the wall: sounds of one batch share their steps."""
    times = []
    for run in range(BATCH_RUNS + 1):
        batch, started = requests(run), time.perf_counter()
        made = sum(isinstance(item, Generated) for item in synth.stream_batch(batch))
        assert made == len(batch)
        times.append(1e3 * (time.perf_counter() - started))
    return {f"{name}, the first": times[:1], name: times[1:]}  # the first packs the products of its shape


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
