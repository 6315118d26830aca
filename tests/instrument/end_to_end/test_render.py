"""`arc-instrument render`, as typed in a shell, with the embedded model."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from instrument import COMMAND, read_take

from arc_instrument.domain import RATE_HZ
from model.weights import embedded_folder

pytestmark = pytest.mark.slow

SECONDS = 1.23


def render(*arguments: object) -> subprocess.CompletedProcess:
    command = [COMMAND, "render", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def made(out: Path, *arguments: object) -> np.ndarray:
    done = render(*arguments, "--seconds", SECONDS, "--out", out)
    assert done.returncode == 0, done.stderr
    return read_take(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("render")


@pytest.fixture(scope="module")
def first(folder) -> np.ndarray:
    return made(folder / "first.wav", "glass", "--seed", 7)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def test_a_render_is_finite_not_silent_not_clipped_and_of_exactly_the_asked_length(first):
    assert first.shape == (round(SECONDS * RATE_HZ), 2)
    assert np.isfinite(first).all()
    assert rms(first) > 1e-3
    assert np.abs(first).max() < 1


def test_the_same_seed_gives_the_same_samples(first, folder):
    assert np.array_equal(made(folder / "again.wav", "glass", "--seed", 7), first)


def test_another_seed_gives_another_sound(first, folder):
    assert rms(made(folder / "other.wav", "glass", "--seed", 8) - first) > 0.1 * rms(first)


def test_less_init_noise_keeps_more_of_the_recording(folder):
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    recording = 0.4 * np.sin(2 * np.pi * 220 * time_s) * np.exp(-3 * time_s)
    soundfile.write(folder / "in.wav", recording, RATE_HZ)
    kept = recording[: round(SECONDS * RATE_HZ)]
    likeness = {}
    for noise in (0.05, 0.95):
        out = folder / f"noise{noise}.wav"
        samples = made(out, "glass", "--seed", 7, "--init", folder / "in.wav", "--init-noise", noise)
        assert len(samples) == len(kept)
        likeness[noise] = np.corrcoef(samples.mean(axis=1), kept)[0, 1]
    assert likeness[0.05] > likeness[0.95] + 0.1


@pytest.mark.parametrize("damage", ["cut", "flipped", "no weights"])
def test_damaged_weights_end_with_code_2_one_sentence_and_no_file(tmp_path, damage):
    weights = tmp_path / "weights"
    shutil.copytree(embedded_folder(), weights)
    model = weights / "model.safetensors"
    if damage == "cut":
        model.write_bytes(model.read_bytes()[:-1000])
    elif damage == "flipped":
        data = bytearray(model.read_bytes())
        data[len(data) // 2] ^= 0x40
        model.write_bytes(data)
    else:
        model.unlink()
    done = render("glass", "--weights", weights, "--out", tmp_path / "out.wav")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert str(weights) in done.stderr
    assert list(tmp_path.iterdir()) == [weights]
