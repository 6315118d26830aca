"""The tape: what is recorded is on disk while it is recorded."""

import time

import numpy as np
import soundfile

from arc_instrument.audio.recorder import Recorder
from arc_instrument.audio.tape import WRITE_SECONDS, Tape

RATE_HZ = 8_000


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (frames, 2)).astype(np.float32)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def frames_on_disk(path) -> int:
    return soundfile.info(path).frames if path.exists() and path.stat().st_size else 0


def test_a_running_recording_is_a_whole_wav_after_every_write(tmp_path):
    recorder, samples = Recorder(RATE_HZ), noise(6_000)
    recorder.capture(noise(500))
    recorder.start()
    tape = Tape(recorder, tmp_path / "new" / "take.part")
    try:
        for end in (1_000, 3_500, 6_000):
            recorder.capture(samples[end - 2_500 if end > 1_000 else 0 : end])
            wait_for(lambda end=end: frames_on_disk(tape.path) == end)
            read, rate_hz = soundfile.read(tape.path, dtype="float32")
            assert rate_hz == RATE_HZ
            assert np.array_equal(read, samples[:end])
    finally:
        tape.stop()
    assert tape.problem == ""


def test_nothing_is_written_before_the_downbeat(tmp_path):
    recorder, samples = Recorder(RATE_HZ), noise(3_000)
    recorder.start_at(2_000)
    tape = Tape(recorder, tmp_path / "take.part")
    recorder.capture(samples[:1_900])
    time.sleep(2 * WRITE_SECONDS)
    assert frames_on_disk(tape.path) == 0
    recorder.capture(samples[1_900:])
    wait_for(lambda: frames_on_disk(tape.path) == 1_000)
    tape.stop()
    assert np.array_equal(soundfile.read(tape.path, dtype="float32")[0], samples[2_000:])


def test_a_folder_that_cannot_be_written_is_a_sentence_and_costs_only_the_safety(tmp_path):
    (tmp_path / "file").write_text("in the way")
    recorder, samples = Recorder(RATE_HZ), noise(1_000)
    recorder.start()
    tape = Tape(recorder, tmp_path / "file" / "take.part")
    recorder.capture(samples)
    wait_for(lambda: tape.problem != "")
    tape.stop()
    assert "in memory only" in tape.problem
    assert np.array_equal(recorder.stop(), samples)
