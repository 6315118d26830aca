"""`arc-instrument render`, as typed in a shell, with the embedded model."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from instrument import COMMAND, read_take

from arc_instrument.domain import RATE_HZ, Clip
from arc_instrument.loudness import CEILING_DBTP, TARGET_LUFS, loudness_lufs, true_peak_dbtp
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


def test_renders_have_the_loudness_of_every_sound_or_their_peak_at_the_ceiling(recording, folder):
    plain = made(folder / "snare.wav", "snare drum", "--seed", 7)
    for sound in (plain, made(folder / "from.wav", "flute", "--seed", 7, "--init", recording)):
        clip = Clip(sound.astype(np.float32))
        at_the_target = abs(loudness_lufs(clip) - TARGET_LUFS) < 0.2
        assert at_the_target or abs(true_peak_dbtp(clip) - CEILING_DBTP) < 0.2
        assert true_peak_dbtp(clip) <= CEILING_DBTP + 0.01


def test_the_same_seed_gives_the_same_samples(first, folder):
    assert np.array_equal(made(folder / "again.wav", "glass", "--seed", 7), first)


def test_another_seed_gives_another_sound(first, folder):
    assert rms(made(folder / "other.wav", "glass", "--seed", 8) - first) > 0.1 * rms(first)


@pytest.fixture(scope="module")
def recording(folder) -> Path:
    """A dying tone of 220 Hz, longer than the sounds that are made of it."""
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    soundfile.write(folder / "in.wav", 0.4 * np.sin(2 * np.pi * 220 * time_s) * np.exp(-3 * time_s), RATE_HZ)
    return folder / "in.wav"


def test_full_init_noise_ignores_the_recording_and_less_does_not(first, recording, folder):
    asked = ("glass", "--seed", 7, "--init", recording)
    assert np.array_equal(made(folder / "noise1.wav", *asked, "--init-noise", 1), first)
    assert not np.allclose(made(folder / "noise0.6.wav", *asked, "--init-noise", 0.6), first, atol=1e-3)


def test_little_init_noise_keeps_more_of_the_recordings_wave_than_much(recording, folder):
    """Its pitch is followed at any level, so that is not what tells them apart."""
    asked = ("hi-hat", "--seed", 7, "--init", recording)
    kept, replaced = (
        made(folder / f"{noise}.wav", *asked, "--init-noise", noise).mean(axis=1) for noise in (0.05, 0.95)
    )
    own = soundfile.read(recording, always_2d=True)[0].mean(axis=1)
    assert new(replaced, own) > 5 * new(kept, own)


def new(sound: np.ndarray, recording: np.ndarray) -> float:
    """The share of a sound's energy that no shift and gain of the recording explains."""
    size, recording = 2 * len(sound), recording[: len(sound)]
    correlation = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(recording, size).conj())
    return 1 - float(np.abs(correlation).max() / np.linalg.norm(sound) / np.linalg.norm(recording)) ** 2


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


def test_a_length_over_the_embedded_models_own_limit_is_refused_with_that_limit(tmp_path):
    done = render("glass", "--seconds", 6, "--out", tmp_path / "out.wav")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "arc-instrument: A length of 6 s cannot be made: choose between 0.05 and 5.94 s.\n"
    assert list(tmp_path.iterdir()) == []
