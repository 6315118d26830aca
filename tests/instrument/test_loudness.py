"""Loudness against the closed forms of ITU-R BS.1770 and against pyloudnorm's own measurement."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyloudnorm import Meter

from arc_instrument.domain import Clip
from arc_instrument.loudness import (
    CEILING_DBTP,
    MAX_BOOST_DB,
    TARGET_LUFS,
    loudness_lufs,
    matched_gains_db,
    take_gain_db,
    true_peak_dbtp,
    with_gain,
)

settings.register_profile("loudness", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("loudness")


def sine(hz: float, level_dbfs: float, seconds: float, rate_hz: int = 44_100, phase: float = 0.0) -> Clip:
    wave = np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz + phase)
    return Clip((10 ** (level_dbfs / 20) * wave)[:, None].repeat(2, 1).astype(np.float32), rate_hz)


def burst(seconds: float, level: float, seed: int = 0) -> Clip:
    """Noise that decays, as a struck thing does."""
    t = np.arange(round(seconds * 44_100)) / 44_100
    noise = np.random.default_rng(seed).uniform(-1, 1, (len(t), 2))
    return Clip((level * np.exp(-4 * t / seconds)[:, None] * noise).astype(np.float32))


def test_a_stereo_sine_of_997_hz_at_minus_18_dbfs_has_minus_18_lufs_short_or_long():
    for seconds in (0.2, 0.39, 0.4, 3.0):
        assert loudness_lufs(sine(997, -18, seconds)) == pytest.approx(-18, abs=0.15)


@given(tenths=st.integers(4, 40), level=st.floats(0.01, 1), seed=st.integers(0, 9))
def test_a_clip_of_whole_gating_steps_is_measured_as_pyloudnorm_does(tenths, level, seed):
    clip = burst(tenths / 10, level, seed)  # of other lengths pyloudnorm also counts a block that is not whole
    expected = Meter(44_100).integrated_loudness(clip.samples.astype(np.float64))
    assert loudness_lufs(clip) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("hz", [35, 60, 250, 9_000])
@pytest.mark.parametrize("seconds", [0.4, 1.3])
def test_low_and_high_sines_that_decay_are_measured_as_pyloudnorm_does(hz, seconds):
    t = np.arange(round(seconds * 44_100)) / 44_100
    wave = (0.5 * np.exp(-3 * t) * np.sin(2 * np.pi * hz * t + 0.3))[:, None].repeat(2, 1)
    expected = Meter(44_100).integrated_loudness(wave)
    assert loudness_lufs(Clip(wave.astype(np.float32))) == pytest.approx(expected, abs=0.2)


def test_what_is_at_the_target_but_above_the_ceiling_is_turned_down():
    clicks = np.zeros((44_100, 2), np.float32)
    clicks[::4_410] = 1.0
    clip = Clip(clicks)
    gain = take_gain_db(clip, target_lufs=loudness_lufs(clip))
    assert gain == CEILING_DBTP - true_peak_dbtp(clip) < 0


def test_silence_and_an_empty_clip_are_infinitely_soft_and_keep_their_level():
    for frames in (0, 100, 44_100):
        clip = Clip(np.zeros((frames, 2), np.float32))
        assert loudness_lufs(clip) == true_peak_dbtp(clip) == -math.inf
        assert take_gain_db(clip) == 0


def test_the_true_peak_of_a_sine_sampled_beside_its_crests_is_that_of_the_sine():
    clip = sine(11_025, -3.0, 1.0, phase=np.pi / 4)  # every sample lies 3 dB below the crest
    assert 20 * math.log10(float(np.abs(clip.samples).max())) == pytest.approx(-6.01, abs=0.01)
    middle = Clip(clip.samples * np.hanning(len(clip.samples))[:, None].astype(np.float32))
    assert true_peak_dbtp(middle) == pytest.approx(-3.0, abs=0.1)


@given(seconds=st.floats(0.05, 3), level=st.floats(0.02, 1), seed=st.integers(0, 9))
def test_a_take_with_its_gain_has_the_target_or_the_ceiling_and_never_passes_it(seconds, level, seed):
    clip = burst(seconds, level, seed)
    gained = with_gain(clip, take_gain_db(clip))
    assert true_peak_dbtp(gained) <= CEILING_DBTP + 0.01
    reached = loudness_lufs(gained) == pytest.approx(TARGET_LUFS, abs=0.05)
    assert (
        reached or true_peak_dbtp(gained) == pytest.approx(CEILING_DBTP, abs=0.01) or take_gain_db(clip) == MAX_BOOST_DB
    )


@given(
    lengths=st.tuples(st.floats(0.05, 3), st.floats(0.05, 3)),
    levels=st.tuples(st.floats(0.02, 1), st.floats(0.02, 1)),
)
def test_two_matched_clips_are_equally_loud_below_the_ceiling(lengths, levels):
    clips = [burst(seconds, level, seed) for seed, (seconds, level) in enumerate(zip(lengths, levels, strict=True))]
    gains = matched_gains_db(*clips)
    first, second = (with_gain(clip, gain) for clip, gain in zip(clips, gains, strict=True))
    assert loudness_lufs(first) == pytest.approx(loudness_lufs(second), abs=0.05)
    assert max(true_peak_dbtp(first), true_peak_dbtp(second)) <= CEILING_DBTP + 0.01
    assert matched_gains_db(*clips[::-1]) == pytest.approx(gains[::-1])


def test_a_silent_recording_leaves_the_result_at_the_level_of_a_take():
    silence, take = Clip(np.zeros((44_100, 2), np.float32)), burst(1.0, 0.5)
    assert matched_gains_db(silence, take) == (0.0, take_gain_db(take))
