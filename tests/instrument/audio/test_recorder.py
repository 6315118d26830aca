"""The recorder: what goes in comes out, from its onset."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.recorder import MAX_SECONDS, PRE_ROLL_MS, Recorder, onset

RATE_HZ = 8_000
PRE_ROLL = round(PRE_ROLL_MS * RATE_HZ / 1000)


def noise(frames: int, level: float = 0.5, seed: int = 0) -> np.ndarray:
    return (level * np.random.default_rng(seed).uniform(-1, 1, (frames, 2))).astype(np.float32)


def feed(recorder: Recorder, samples: np.ndarray, block_frames: int = 100) -> None:
    for start in range(0, len(samples), block_frames):
        recorder.capture(samples[start : start + block_frames])


@given(before=st.integers(0, 20_000), length=st.integers(1, 9_000), block_frames=st.integers(1, 999))
def test_a_recording_is_exactly_what_was_captured_between_start_and_stop(before, length, block_frames):
    recorder, samples = Recorder(RATE_HZ), noise(length)
    feed(recorder, noise(before, seed=1), 1_000)
    recorder.start()
    feed(recorder, samples, block_frames)
    assert np.array_equal(recorder.stop(), samples)
    assert not recorder.recording


@given(silence=st.integers(0, 40_000))
def test_silence_at_the_beginning_is_cut_but_for_a_short_pre_roll(silence):
    sound = noise(4_000)
    samples = np.concatenate([np.zeros((silence, 2), np.float32), sound])
    kept = len(samples) - onset(samples, RATE_HZ)
    assert kept >= len(sound)
    assert kept <= len(sound) + PRE_ROLL + 0.002 * RATE_HZ + 1


def test_room_noise_40_db_down_is_cut_as_silence_is():
    samples = np.concatenate([noise(20_000, 0.005), noise(4_000, 0.5)])
    assert len(samples) - onset(samples, RATE_HZ) <= 4_000 + PRE_ROLL + 16


def test_a_silent_recording_is_kept_whole():
    assert onset(np.zeros((5_000, 2), np.float32), RATE_HZ) == 0
    assert onset(np.zeros((0, 2), np.float32), RATE_HZ) == 0


def test_a_recording_ends_after_12_seconds_and_keeps_its_beginning():
    recorder, samples = Recorder(RATE_HZ), noise(round(12.5 * RATE_HZ))
    recorder.start()
    assert not recorder.full
    feed(recorder, samples)
    assert recorder.full
    assert recorder.seconds == MAX_SECONDS
    assert np.array_equal(recorder.stop(), samples[: round(MAX_SECONDS * RATE_HZ)])


def test_one_input_channel_is_heard_on_both_sides():
    recorder, samples = Recorder(RATE_HZ), noise(1_000)[:, :1]
    recorder.start()
    feed(recorder, np.ascontiguousarray(samples))
    assert np.array_equal(recorder.stop(), np.repeat(samples, 2, axis=1))


def test_the_meter_shows_the_largest_sample_since_it_was_read():
    recorder = Recorder(RATE_HZ)
    block = np.zeros((10, 2), np.float32)
    block[3, 1] = -0.75
    recorder.capture(block)
    assert recorder.take_peak() == pytest.approx(0.75)
    assert recorder.take_peak() == 0


def test_stopping_without_a_start_gives_nothing():
    assert Recorder(RATE_HZ).stop().shape == (0, 2)
