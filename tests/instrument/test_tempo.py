"""Onsets and tempo of click tracks, whose beats are known to the sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthesis import RATE_HZ, clicks, glide, noise, saw, times

from arc_instrument.tempo import rhythm_of


@pytest.mark.parametrize("seconds", [3.0, 5.9])
@pytest.mark.parametrize("bpm", [60, 73, 90, 107.5, 120, 133, 150, 171.3, 180])
def test_a_click_track_has_its_asked_tempo_within_half_a_bpm_and_every_onset_within_3_ms(bpm, seconds):
    wave, starts = clicks(bpm, seconds)
    rhythm = rhythm_of(wave, RATE_HZ, asked_bpm=bpm)
    assert rhythm.bpm == pytest.approx(bpm, abs=0.5)
    assert len(rhythm.onsets) == len(starts)
    assert np.abs(np.array(rhythm.onsets) - starts).max() < 0.003 * RATE_HZ


@pytest.mark.parametrize("bpm", range(60, 161, 25))
def test_without_an_asked_tempo_a_click_track_has_its_own(bpm):
    assert rhythm_of(clicks(bpm, 5.9)[0], RATE_HZ).bpm == pytest.approx(bpm, abs=1)


@pytest.mark.parametrize("bpm", [65, 90, 120, 150])
@pytest.mark.parametrize("factor", [0.5, 1, 2])
def test_half_or_double_is_told_where_that_was_asked_and_fits(bpm, factor):
    wave, _ = clicks(bpm, 5.9)
    if factor == 2:  # nothing happens twice as often, so nothing else can be told
        assert rhythm_of(wave, RATE_HZ, asked_bpm=1.3 * bpm).bpm == pytest.approx(bpm, abs=1)
    elif bpm * factor >= 40:
        assert rhythm_of(wave, RATE_HZ, asked_bpm=factor * bpm).bpm == pytest.approx(factor * bpm, abs=1)


@pytest.mark.parametrize("bpm", [84, 100, 124, 140])
def test_a_drum_loop_of_kick_snare_and_hats_over_noise_has_its_tempo(bpm):
    wave, rng = 0.02 * noise(4), np.random.default_rng(5)
    drums = {
        0: glide(180, 50, 0.03, 0.12, 0.3),
        4: 0.5 * noise(0.3) * np.exp(-times(0.3) / 0.06),
        None: 0.15 * np.diff(noise(0.1), append=0) * np.exp(-times(0.1) / 0.02),
    }
    for eighth, start in enumerate(np.arange(0, 4, 30 / bpm)):
        for place, drum in drums.items():
            if place in (None, eighth % 8, (eighth + 4) % 16 if place == 0 else None):
                at = int(start * RATE_HZ)
                wave[at : at + len(drum)] += rng.uniform(0.6, 1) * drum[: len(wave) - at]
    assert rhythm_of(wave, RATE_HZ, asked_bpm=bpm).bpm == pytest.approx(bpm, abs=1)


@pytest.mark.parametrize("asked", [105, 95, 130])
def test_a_tempo_that_misses_the_asked_one_is_told_as_it_is(asked):
    assert rhythm_of(clicks(114, 5.9)[0], RATE_HZ, asked_bpm=asked).bpm == pytest.approx(114, abs=1)


@pytest.mark.parametrize(
    "wave",
    [noise(3), saw(57, 3), np.zeros(RATE_HZ), np.zeros(0), np.zeros(5), clicks(30, 1)[0]],
    ids=["noise", "note", "silence", "nothing", "five samples", "one hit"],
)
def test_what_does_not_repeat_has_no_tempo(wave):
    assert rhythm_of(wave, RATE_HZ).bpm is None


def test_hits_at_random_times_have_no_tempo():
    wave, rng = np.zeros(4 * RATE_HZ), np.random.default_rng(3)
    for start in np.cumsum(rng.uniform(0.1, 0.9, 7)) * RATE_HZ:
        wave[int(start) : int(start) + 500] += noise(500 / RATE_HZ)
    assert rhythm_of(wave, RATE_HZ).bpm is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 5))
def test_onsets_lie_in_the_sound_and_rise(frames, seed):
    onsets = rhythm_of(noise(frames / RATE_HZ, seed), RATE_HZ).onsets
    assert list(onsets) == sorted(set(onsets))
    assert all(0 <= onset < frames for onset in onsets)
