"""Recordings on disk: nothing that has sound in it is lost."""

import os
import time

import numpy as np
import pytest
import soundfile

from arc_instrument.audio import tape
from arc_instrument.audio.recorder import Recorder
from arc_instrument.audio.tape import Tape
from arc_instrument.audio.wavfile import read_comment
from arc_instrument.domain import Clip, UserError
from arc_instrument.recordings import AT_REST_SECONDS, HEADER_BYTES, keep, part_path, rescue, unfinished


def noise(frames: int = 44_100) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (frames, 2)).astype(np.float32)


def make_part(folder, samples=None, age_s: float = 60.0):
    """A part as the tape leaves it when its process is killed."""
    recorder, part = Recorder(44_100), part_path(folder)
    recorder.start()
    running = Tape(recorder, part)
    recorder.capture(noise() if samples is None else samples)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size > 100):
        time.sleep(0.01)
    running.stop()
    os.utime(part, (time.time() - age_s,) * 2)
    return part


def test_what_a_crash_cut_off_is_found_and_becomes_a_wav(tmp_path):
    part = make_part(tmp_path)
    assert unfinished(tmp_path) == ([part], False)
    recovered = rescue(part)
    assert recovered is not None
    assert np.array_equal(recovered.clip.samples, noise())
    assert soundfile.info(recovered.path).frames == 44_100
    assert [path.suffix for path in tmp_path.iterdir()] == [".wav"]
    assert unfinished(tmp_path) == ([], False)


def test_a_part_that_somebody_still_writes_is_left_alone(tmp_path):
    old, new = make_part(tmp_path), make_part(tmp_path, age_s=AT_REST_SECONDS / 2)
    assert unfinished(tmp_path) == ([old], True)
    assert new.exists()


@pytest.mark.parametrize("content", [b"", b"RIFF", bytes(100)])
def test_a_part_without_a_sound_is_removed_and_not_offered(tmp_path, content):
    part = part_path(tmp_path)
    part.write_bytes(content)
    assert rescue(part) is None
    assert not part.exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_costs_nothing_but_itself(tmp_path, bad):
    part = make_part(tmp_path)
    with open(part, "r+b") as file:
        file.seek(HEADER_BYTES + 8 * 100)
        file.write(np.float32(bad).tobytes())
    recovered = rescue(part)
    assert recovered is not None
    expected = noise()
    expected[100, 0] = 0
    assert np.array_equal(recovered.clip.samples, expected)
    assert soundfile.info(recovered.path).frames == 44_100
    assert not part.exists()


def test_a_part_that_cannot_be_read_stays_and_is_told(tmp_path, monkeypatch):
    unreadable, garbled = make_part(tmp_path), make_part(tmp_path)
    with open(garbled, "r+b") as file:
        file.write(b"rubbish")
    with pytest.raises(UserError, match="stays where it is"):
        rescue(garbled)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(unreadable), "read_bytes", refuse)
    monkeypatch.setattr("arc_instrument.audio.wavfile.soundfile.SoundFile", refuse)
    with pytest.raises(UserError, match="stays where it is"):
        rescue(unreadable)
    assert unreadable.exists()
    assert garbled.exists()


def test_a_part_killed_between_samples_and_header_still_gives_what_the_header_knows(tmp_path):
    part = make_part(tmp_path)
    with open(part, "ab") as file:
        file.write(noise(1_001).tobytes()[:-3])
    recovered = rescue(part)
    assert recovered is not None
    assert np.array_equal(recovered.clip.samples[:44_100], noise())


def test_a_part_killed_in_its_first_write_gives_what_was_written(tmp_path):
    part = make_part(tmp_path)
    whole = part.read_bytes()
    made_header = tape._header(0, 44_100)
    assert len(made_header) == HEADER_BYTES
    part.write_bytes(made_header + whole[HEADER_BYTES:])
    recovered = rescue(part)
    assert recovered is not None
    assert np.array_equal(recovered.clip.samples, noise())


@pytest.mark.parametrize("frames", [0, 44_100])
def test_a_part_that_a_power_failure_left_without_its_samples_is_removed(tmp_path, frames):
    part = part_path(tmp_path)
    part.write_bytes(tape._header(frames, 44_100) + bytes(8 * frames))
    assert rescue(part) is None
    assert not part.exists()


def test_a_kept_recording_is_no_product_of_the_model_and_two_in_a_second_are_two_files(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    part = make_part(folder)
    first, second = keep(Clip(noise()), folder, part), keep(Clip(noise(100)), folder)
    assert first != second
    assert soundfile.info(first).frames == 44_100
    assert read_comment(first)["digital_source_type"].endswith("/digitalCapture")
    assert not part.exists()


def test_a_folder_that_cannot_be_made_is_a_sentence_and_leaves_the_part(tmp_path):
    part = make_part(tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="is not kept on disk"):
        keep(Clip(noise()), tmp_path / "file" / "recordings", part)
    assert part.exists()


def test_a_folder_that_is_not_there_has_no_unfinished_recordings(tmp_path):
    assert unfinished(tmp_path / "gone") == ([], False)
