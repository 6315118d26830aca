"""The bench against a generator whose times are known."""

import io
import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from arc_instrument import bench
from arc_instrument.domain import Clip, Generated, Progress, Timing, UserError
from arc_instrument.library_bench import LibraryTimes
from arc_instrument.window_bench import Spread, WindowTimes


class ScriptedGenerator:
    """Run k (the warm-up is k = 0) reports k ms of text, 8 k of steps, 2 k of decoding, 10 k to the first sound."""

    name = "scripted"
    max_seconds = 5.0

    def __init__(self):
        self.requests, self.batches = [], []

    def warm_up(self):
        pass

    def stream(self, request):
        k = len(self.requests)
        self.requests.append(request)
        yield Progress(request.id, 1, request.steps, 1.0)
        timing = Timing(text_ms=k, steps_ms=8 * k, decode_ms=2 * k, first_sound_ms=10 * k, total_ms=11 * k)
        yield Generated(request, Clip(np.zeros((10, 2), np.float32)), timing, self.name)

    def stream_batch(self, requests):
        self.batches.append(requests)
        for request in requests:
            yield Generated(request, Clip(np.zeros((10, 2), np.float32)), Timing(0, 0, 0, 0, 0), self.name)


def report_of(ms):
    about = {"engine": "Scripted", "precision": "float32", "device": "cpu"}
    return bench.Report("scripted", {"cores": "2"}, about, 3.0, 4, 5, 1234.0, ms, None, {"gemm_fp32_gflops": 330.0})


def test_the_quantiles_are_those_of_the_runs_after_the_warm_up():
    ms = bench.measure(ScriptedGenerator(), runs=5, seconds=3.0, steps=4)
    # Runs 1..5 took k ms each: median 3, 5th and 95th percentile 1.2 and 4.8; a step is 8 k / 4. Runs 6..10 are drafts.
    for stage, times in (("text", 1), ("step", 2), ("decode", 2), ("first sound", 10), ("total", 11)):
        assert ms[stage] == bench.Quantiles(3.0 * times, pytest.approx(1.2 * times), pytest.approx(4.8 * times))
    assert ms["draft of 1 step"].median == 8 * 11


def test_no_run_can_find_its_prompt_in_the_text_cache():
    generator = ScriptedGenerator()
    bench.measure(generator, runs=7, seconds=3.0, steps=4)
    assert len({request.prompt for request in generator.requests}) == len(generator.requests) == 15
    assert {(request.seconds, request.steps) for request in generator.requests} == {(3.0, 4), (3.0, 1)}


def test_batches_are_eight_variations_of_one_sound_and_a_kit_of_sixteen_one_shots():
    generator = ScriptedGenerator()
    ms = bench.measure(generator, runs=1, seconds=3.0, steps=4)
    eight, kit = generator.batches[0], generator.batches[-1]
    assert len({request.walk for request in eight}) == 8
    assert len({(request.prompt, request.seed, request.seconds) for request in eight}) == 1
    assert len({request.prompt for request in kit}) == 16
    assert {request.seconds for request in kit} == {1.0}
    assert [len(batch) for batch in generator.batches] == [8] * 4 + [16] * 4
    for name in ("8 variations", "kit of 16"):
        assert ms[name].median > 0
        first = ms[f"{name}, the first"]
        assert first.p5 == first.median == first.p95 > 0


def test_json_holds_every_number_of_the_report():
    report = report_of({"total": bench.Quantiles(300.25, 250.5, 412.5)})
    told = json.loads(bench.to_json(report))
    assert told["ms"] == {"total": {"median": 300.25, "p5": 250.5, "p95": 412.5}}
    assert told["peaks"] == {"gemm_fp32_gflops": 330.0}
    assert bench.from_json(bench.to_json(report)) == report
    assert (told["seconds"], told["steps"], told["runs"], told["load_ms"]) == (3.0, 4, 5, 1234.0)


def test_the_table_shows_each_stage_beside_the_peaks_of_the_machine():
    console = Console(file=io.StringIO(), width=120)
    report = report_of({"text": bench.Quantiles(1.04, 1.0, 2.0), "total": bench.Quantiles(300.25, 250.5, 412.5)})
    bench.print_table(replace(report, peak_memory_mib=900.4), console)
    text = console.file.getvalue()
    for shown in ("text", "1.0", "300.2", "412.5", "900 MiB", "gemm_fp32_gflops 330", "load and warm-up 1234 ms"):
        assert shown in text


def test_the_mixer_is_measured_with_32_voices_that_all_sound_and_its_load_is_printed_and_kept():
    load = bench.measure_mixer(blocks=50)
    assert (load.voices, load.block_frames, load.rate_hz) == (32, 128, 44_100)
    assert 0 < load.median_percent <= load.p99_percent
    assert load.first_frame == 0  # so that a note sounds within one block of its arrival
    assert load.note_on_ms == pytest.approx(1e3 * 128 / 44_100)
    console = Console(file=io.StringIO(), width=200)
    report = replace(report_of({}), mixer=replace(load, median_percent=6.46, p99_percent=9.87))
    bench.print_table(report, console)
    assert "32 voices, looped and filtered, take 6.5 %" in console.file.getvalue()
    assert "p99 9.9 %" in console.file.getvalue()
    assert "note-on to first sample: frame 0 of the next block, at most 2.9 ms" in console.file.getvalue()
    assert bench.from_json(bench.to_json(report)) == report


def test_window_and_library_are_printed_and_kept_beside_the_rest():
    window = WindowTimes(5, 150, "offscreen", Spread(1_043.2, 1_200.0, 1_251.0), {"typing": Spread(4.94, 11.9, 45.8)})
    library = LibraryTimes(20_000, 612.3, 41.5, 0.66, 31.4, "recorded in a large hall")
    report = replace(report_of({}), window=window, library=library)
    assert bench.from_json(bench.to_json(report)) == report
    console = Console(file=io.StringIO(), width=200)
    bench.print_table(report, console)
    shown = console.file.getvalue()
    for part in ("typing", "4.9", "11.9", "45.8", "first frame 1043 ms, at most 1251 of 5", "150 keys, moves and notes",
                 "library of 20,000 takes: opens in 612 ms, searches in 0.7 to 31.4 ms",
                 "the first time in 41.5 ms"):  # fmt: skip
        assert part in shown


def test_a_machine_without_a_window_is_told_so_and_the_rest_is_measured():
    report = replace(report_of({}), not_measured="The window could not be opened (no libEGL).")
    console = Console(file=io.StringIO(), width=200)
    bench.print_table(report, console)
    assert "window: The window could not be opened (no libEGL)." in console.file.getvalue()


def test_peak_memory_grows_by_what_the_process_takes():
    before = bench.peak_memory_mib()
    if before is None:
        pytest.skip("this system does not tell its peak memory")
    held = np.ones(int(before * 2**20 / 8) + 32 * 2**17)  # more than the peak so far, by at least 32 MiB
    assert bench.peak_memory_mib() >= before + 32
    del held


def test_the_signal_to_noise_ratio_is_twenty_decibels_a_tenth():
    reference = {"a": np.ones(1000), "b": np.ones(10)}
    found = {"a": np.ones(1000) * 1.1, "b": np.ones(10) * 0.999}
    assert bench.signal_to_noise(reference, found) == {"a": pytest.approx(20), "b": pytest.approx(60)}


def test_every_variant_is_measured_in_a_process_of_its_own_and_compared_with_plain_float32(monkeypatch):
    """The embedded model itself, one short run of each: engines differ in rounding, precisions in more."""
    monkeypatch.setattr(bench, "VARIANTS", tuple(v for v in bench.VARIANTS if v[1] == "float32"))
    plain, engine = bench.compare(bench.Plan(runs=1, seconds=0.3, steps=1), Console(file=io.StringIO()))
    assert plain.report.about["engine"] == "Engine"
    assert engine.report.about["engine"] == "PackedEngine"
    assert min(plain.snr_db.values()) > 200
    assert 90 < min(engine.snr_db.values()) < 200
    console = Console(file=io.StringIO(), width=80)
    widest = [_as_slow_as(engine, ms) for ms in (9.97, 999.7, 134_567.0)]  # once "10.0 ms", "1000 ms"
    bench.print_comparison([plain, engine, *widest], console)
    shown = console.file.getvalue()
    for part in ("eager float32", "engine bfloat16", "exact", " 10 ms", " 1.0 s", "134.6 s", "velocity", "sound"):
        assert part in shown
    assert "…" not in shown  # whole at the width of an ordinary terminal


def child_that(ends_with, complaint=""):
    """In place of `subprocess.run`: measures nothing, or fails with this exit code and complaint."""
    ms = {stage: bench.Quantiles(2.0, 1.0, 3.0) for stage in ("text", "step", "decode", "total")}

    def run(command, **_):
        np.savez(command[command.index("--probe") + 1], velocity=np.ones(3), decoded=np.ones(3))
        return subprocess.CompletedProcess(command, ends_with, bench.to_json(report_of(ms)), complaint)

    return run


@pytest.mark.parametrize(("spec", "measured"), [(None, 4), (object(), 5)])
def test_without_torchao_int8_is_left_out_with_a_note_and_the_others_are_compared(monkeypatch, spec, measured):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    monkeypatch.setattr("subprocess.run", child_that(0))
    console = Console(file=io.StringIO(), width=120)
    assert len(bench.compare(bench.Plan(1, 0.3, 1), console)) == measured
    assert ("pip install 'arc-instrument[int8]'" in console.file.getvalue()) == (spec is None)


@pytest.mark.parametrize(
    ("complaint", "told"), [("Traceback\nThe disk is full.\n", "The disk is full."), ("", "exit code 9")]
)
def test_a_variant_that_cannot_be_measured_is_one_sentence(monkeypatch, complaint, told):
    monkeypatch.setattr("subprocess.run", child_that(9, complaint))
    with pytest.raises(UserError, match=rf"^Measuring eager float32 failed: {told}$"):
        bench.compare(bench.Plan(1, 0.3, 1), Console(file=io.StringIO()))


def _as_slow_as(item, ms):
    quantiles = {stage: bench.Quantiles(ms, 1.0, 2.0) for stage in item.report.ms}
    return replace(item, title="engine bfloat16", report=replace(item.report, ms=quantiles, peak_memory_mib=12_345.0))
