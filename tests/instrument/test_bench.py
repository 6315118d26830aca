"""The bench against a generator whose times are known."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from arc_instrument import bench
from arc_instrument.domain import Clip, Generated, Progress, Timing


class ScriptedGenerator:
    """Run k (the warm-up is k = 0) reports k ms of text, 8 k of steps, 2 k of decoding, 10 k to the first sound."""

    name = "scripted"
    max_seconds = 5.0

    def __init__(self):
        self.requests = []

    def warm_up(self):
        pass

    def stream(self, request):
        k = len(self.requests)
        self.requests.append(request)
        yield Progress(request.id, 1, request.steps, 1.0)
        timing = Timing(text_ms=k, steps_ms=8 * k, decode_ms=2 * k, first_sound_ms=10 * k, total_ms=11 * k)
        yield Generated(request, Clip(np.zeros((10, 2), np.float32)), timing, self.name)


def report_of(ms):
    return bench.Report("scripted", {"cores": "2"}, 3.0, 4, 5, 1234.0, ms, None, {"gemm_fp32_gflops": 330.0})


def test_the_quantiles_are_those_of_the_runs_after_the_warm_up():
    ms = bench.measure(ScriptedGenerator(), runs=5, seconds=3.0, steps=4)
    # Runs 1..5 took k ms each: median 3, 95th percentile 4.8; a step is 8 k / 4.
    assert ms["text"] == bench.Quantiles(3.0, pytest.approx(4.8))
    assert ms["step"] == bench.Quantiles(6.0, pytest.approx(9.6))
    assert ms["decode"] == bench.Quantiles(6.0, pytest.approx(9.6))
    assert ms["first sound"] == bench.Quantiles(30.0, pytest.approx(48.0))
    assert ms["total"] == bench.Quantiles(33.0, pytest.approx(52.8))


def test_no_run_can_find_its_prompt_in_the_text_cache():
    generator = ScriptedGenerator()
    bench.measure(generator, runs=7, seconds=3.0, steps=4)
    assert len({request.prompt for request in generator.requests}) == len(generator.requests) == 8
    assert {(request.seconds, request.steps) for request in generator.requests} == {(3.0, 4)}


def test_json_holds_every_number_of_the_report():
    report = report_of({"total": bench.Quantiles(300.25, 412.5)})
    told = json.loads(bench.to_json(report))
    assert told["ms"] == {"total": {"median": 300.25, "p95": 412.5}}
    assert told["peaks"] == {"gemm_fp32_gflops": 330.0}
    assert (told["seconds"], told["steps"], told["runs"], told["load_ms"]) == (3.0, 4, 5, 1234.0)


def test_the_table_shows_each_stage_beside_the_peaks_of_the_machine():
    console = Console(file=io.StringIO(), width=120)
    report = report_of({"text": bench.Quantiles(1.04, 2.0), "total": bench.Quantiles(300.25, 412.5)})
    bench.print_table(replace(report, peak_memory_mib=900.4), console)
    text = console.file.getvalue()
    for shown in ("text", "1.0", "300.2", "412.5", "900 MiB", "gemm_fp32_gflops 330", "load and warm-up 1234 ms"):
        assert shown in text


def test_peak_memory_grows_by_what_the_process_takes():
    before = bench.peak_memory_mib()
    if before is None:
        pytest.skip("this system does not tell its peak memory")
    held = np.ones(int(before * 2**20 / 8) + 32 * 2**17)  # more than the peak so far, by at least 32 MiB
    assert bench.peak_memory_mib() >= before + 32
    del held
