"""The recorder: what goes in comes out, from its onset."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.recorder import POST_ROLL_MS, PRE_ROLL_MS, Recorder, onset, sounding
from arc_instrument.domain import MAX_RECORDING_SECONDS

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


def test_a_sample_that_is_no_number_is_silent_in_a_recording():
    recorder, samples = Recorder(RATE_HZ), noise(300)
    samples[[100, 200], [0, 1]] = np.nan, np.inf
    recorder.start()
    feed(recorder, samples)
    assert np.array_equal(recorder.stop(), np.where(np.isfinite(samples), samples, 0))
    assert np.isfinite(recorder.keep_last()).all()


class EndedMeanwhile(Recorder):
    """Another thread ends the recording whenever one looks how far it has come."""

    @property
    def written(self) -> int:
        self._start = None
        return super().written


@pytest.mark.parametrize("look", ["seconds", "full"])
def test_a_recording_may_be_looked_at_while_another_thread_ends_it(look):
    recorder = EndedMeanwhile(RATE_HZ)
    recorder.start_at(0, 100)
    recorder.capture(noise(100))
    assert getattr(recorder, look) in (100 / RATE_HZ, True)


def test_a_recording_ends_after_12_seconds_and_keeps_its_beginning():
    recorder, samples = Recorder(RATE_HZ), noise(round(12.5 * RATE_HZ))
    recorder.start()
    assert not recorder.full
    feed(recorder, samples)
    assert recorder.full
    assert recorder.seconds == MAX_RECORDING_SECONDS
    assert np.array_equal(recorder.stop(), samples[: round(MAX_RECORDING_SECONDS * RATE_HZ)])


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


# --- voices and beats in a room -----------------------------------------------------------------------------------


def beat(rate_hz: int, bpm: float = 120.0, hits: int = 4) -> np.ndarray:
    """Decaying bursts on the beat; every second one is 12 dB softer."""
    every = round(60 / bpm * rate_hz)
    t = np.arange(hits * every)
    level = np.where(t // every % 2, 0.2, 0.8) * np.exp(-(t % every) / (0.04 * rate_hz))
    return (level[:, None] * np.random.default_rng(7).uniform(-1, 1, (len(t), 2))).astype(np.float32)


def voice(rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    """A sung tone that swells for 60 ms and dies away within 0.3 s."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    envelope = np.minimum(1, t / 0.06) * np.minimum(1, (seconds - t) / 0.3)
    wave = sum(np.sin(2 * np.pi * 180 * k * t) / k for k in range(1, 6))
    return (0.3 * envelope * wave)[:, None].repeat(2, 1).astype(np.float32)


@pytest.mark.parametrize("make", [beat, voice])
@pytest.mark.parametrize("room_db", [-80, -50, -40, -35])
def test_a_beat_and_a_voice_are_found_within_40_ms_above_the_noise_of_any_room(make, room_db):
    rate_hz = 44_100
    sound, before = make(rate_hz), rate_hz
    samples = noise(before + len(sound) + rate_hz, 10 ** (room_db / 20) * 3**0.5, seed=3)
    samples[before : before + len(sound)] += sound
    first, last = sounding(samples, rate_hz)
    assert first == onset(samples, rate_hz)
    assert before - 0.025 * rate_hz <= first <= before + 0.02 * rate_hz
    assert last <= before + len(sound) + (POST_ROLL_MS / 1000 + 0.01) * rate_hz
    assert last >= before + 0.75 * len(sound)


def test_a_soft_upbeat_24_db_below_the_loudest_hit_is_kept():
    samples = np.concatenate([noise(8_000, 0.0005), noise(400, 0.05), noise(4_000, 0.0005, 2), noise(400, 0.8)])
    assert onset(samples, RATE_HZ) <= 8_000


def test_a_sound_that_fills_the_recording_is_kept_from_its_start():
    assert onset(noise(20_000), RATE_HZ) == 0
    assert sounding(noise(20_000), RATE_HZ) == (0, 20_000)


# --- retroactive capture, and recordings that start at an exact frame ----------------------------------------------


@given(before=st.integers(0, 150_000), length=st.integers(400, 50_000), after=st.integers(0, 30_000))
def test_what_was_just_played_is_kept_whole_though_nobody_pressed_record(before, length, after):
    recorder, sound = Recorder(RATE_HZ), noise(length)
    silence = np.zeros((max(before, after), 2), np.float32)
    for part in (silence[:before], sound, silence[:after]):
        feed(recorder, part, 997)
    kept = recorder.keep_last()
    whole = min(length, round(MAX_RECORDING_SECONDS * RATE_HZ) - after)
    first = int(np.flatnonzero((kept == sound[len(sound) - whole]).all(axis=1))[0])
    assert first <= PRE_ROLL + 16
    assert np.array_equal(kept[first:][:whole], sound[len(sound) - whole :])
    assert len(kept) - first - whole <= (POST_ROLL_MS + 4) * RATE_HZ / 1000


def test_keeping_the_last_seconds_leaves_a_running_recording_alone():
    recorder, samples = Recorder(RATE_HZ), noise(4_000)
    recorder.start()
    feed(recorder, samples[:2_000])
    assert np.array_equal(recorder.keep_last(), samples[:2_000])
    feed(recorder, samples[2_000:])
    assert np.array_equal(recorder.stop(), samples)


def test_nothing_is_kept_of_silence_or_before_anything_was_heard():
    recorder = Recorder(RATE_HZ)
    assert recorder.keep_last().shape == (0, 2)
    feed(recorder, noise(5_000, 10 ** (-70 / 20)))
    assert recorder.keep_last().shape == (0, 2)


@given(wait=st.integers(0, 5_000), frames=st.integers(1, 9_000), block_frames=st.integers(1, 999))
def test_a_planned_recording_begins_at_its_frame_and_ends_by_itself(wait, frames, block_frames):
    recorder, samples = Recorder(RATE_HZ), np.concatenate([np.zeros((1_000, 2), np.float32), noise(15_000)])
    recorder.start_at(1_000 + wait, frames)
    assert recorder.recording
    assert not recorder.full
    assert recorder.seconds == 0
    feed(recorder, samples, block_frames)
    assert recorder.full
    assert np.array_equal(recorder.stop(), samples[1_000 + wait :][:frames])


def test_a_recording_that_is_stopped_in_its_count_in_is_empty():
    recorder = Recorder(RATE_HZ)
    recorder.start_at(10_000)
    feed(recorder, noise(5_000))
    assert recorder.stop().shape == (0, 2)
    assert not recorder.recording
