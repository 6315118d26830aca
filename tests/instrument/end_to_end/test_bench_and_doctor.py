"""`arc-instrument bench` and `doctor`, as typed in a shell, on this machine."""

import json
import subprocess

import pytest
from instrument import COMMAND

pytestmark = pytest.mark.slow


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=300, check=False)


def test_the_bench_tells_every_stage_of_the_embedded_model_beside_the_peaks_of_the_machine():
    done = run("bench", "--json", "--runs", "3", "--seconds", "1", "--steps", "4")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    median = {stage: quantiles["median"] for stage, quantiles in report["ms"].items()}
    single = {"text", "step", "decode", "first sound", "total", "draft of 1 step"}
    assert median.keys() == single | {"8 variations", "8 variations, the first", "kit of 16", "kit of 16, the first"}
    assert min(median.values()) > 0
    assert median["total"] >= max(median["text"], 4 * median["step"], median["decode"], median["first sound"])
    assert (report["model_name"], report["seconds"], report["steps"], report["runs"]) == ("arc-mini", 1.0, 4, 3)
    assert report["peak_memory_mib"] > 100
    assert report["peaks"]
    assert min(report["peaks"].values()) > 0


def test_the_doctor_finds_the_embedded_model_and_ends_with_what_it_found():
    done = run("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SHA-256 right" in done.stdout
    assert done.stderr == ""
