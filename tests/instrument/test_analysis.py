"""What is heard in sounds of known level, brightness and pitch."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthesis import RATE_HZ, clicks, noise, saw, sine, stereo, times

from arc_instrument.analysis import analysed, facts_from_json, facts_to_json, root_note_of
from arc_instrument.domain import Clip, SoundFacts


def test_a_note_has_a_root_cents_and_no_tempo():
    facts = analysed(Clip(stereo(saw(57.3, 1))))
    assert (facts.root_key, facts.tempo_bpm, facts.beats) == (57, None, None)
    assert facts.root_note == pytest.approx(57.3, abs=0.02)
    assert facts.cents == pytest.approx(30, abs=2)
    assert facts.pitch_confidence > 0.9


@pytest.mark.parametrize("samples", [saw(57.3, 1), noise(1), np.zeros(4_410), np.full(4_410, np.nan)])
def test_the_root_alone_is_that_of_the_whole_analysis(samples):
    clip = Clip(stereo(samples))
    assert root_note_of(clip) == analysed(clip).root_note


def test_a_beat_has_a_tempo_beats_and_no_root():
    wave, starts = clicks(120, 4)
    facts = analysed(Clip(stereo(wave)), asked_bpm=120)
    assert (facts.root_note, facts.root_key, facts.cents) == (None, None, 0.0)
    assert facts.tempo_bpm == pytest.approx(120, abs=0.5)
    assert facts.beats == pytest.approx(8, abs=0.05)
    assert len(facts.onsets) == len(starts)


def test_a_997_hz_sine_at_full_scale_in_one_channel_is_minus_3_01_lufs():
    """The calibration of ITU-R BS.1770-4."""
    wave = np.sin(2 * np.pi * 997 * times(3)).astype(np.float32)
    facts = analysed(Clip(np.stack([wave, 0 * wave], axis=1)))
    assert facts.loudness_lufs == pytest.approx(-3.01, abs=0.1)  # the tolerance of EBU Tech 3341


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("decay", [0.15, 1.0, 100.0])
def test_pyloudnorm_measures_the_same_loudness(rate_hz, decay):
    import pyloudnorm

    t = np.arange(3 * rate_hz) / rate_hz
    rng = np.random.default_rng(0)
    wave = 0.3 * np.exp(-t / decay) * (rng.standard_normal(len(t)) / 3 + np.sin(2 * np.pi * 60 * t))
    clip = Clip(stereo(wave), rate_hz)
    expected = pyloudnorm.Meter(rate_hz).integrated_loudness(clip.samples.astype(np.float64))
    assert analysed(clip).loudness_lufs == pytest.approx(expected, abs=0.1)


def test_analysis_loads_nothing_heavy():
    code = "import numpy as np, sys; from arc_instrument.analysis import analysed, Clip; "
    code += "analysed(Clip(np.ones((44100, 2), np.float32))); print(*sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"scipy", "librosa", "numba", "pyloudnorm", "torch"} & set(child.stdout.split())


def test_the_true_peak_lies_between_the_samples():
    """A quarter of the rate, sampled at 45°: the samples reach −3.01 dB, the wave 0 dB."""
    wave = np.sin(np.pi / 2 * np.arange(RATE_HZ) + np.pi / 4) * np.hanning(RATE_HZ)
    assert np.abs(wave).max() == pytest.approx(0.7071, abs=1e-3)
    assert analysed(Clip(stereo(wave))).true_peak_dbtp == pytest.approx(0, abs=0.05)


def test_brightness_is_the_frequency_of_a_sine_and_half_the_band_of_noise():
    hertz = 440 * 2 ** ((81 - 69) / 12)
    assert analysed(Clip(stereo(sine(81, 1) * np.hanning(RATE_HZ)))).centroid_hz == pytest.approx(hertz, rel=0.02)
    assert analysed(Clip(stereo(noise(1)))).centroid_hz == pytest.approx(RATE_HZ / 4, rel=0.03)


def test_channels_that_cancel_each_other_are_heard_one_by_one():
    wave = saw(57, 1)
    assert analysed(Clip(np.stack([wave, -wave], axis=1).astype(np.float32))).root_key == 57


@pytest.mark.parametrize("level", [0, 5e-4])
def test_silence_is_only_silent(level):
    assert analysed(Clip(stereo(np.full(1_000, level)))) == SoundFacts(is_silent=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_told(bad):
    samples = stereo(saw(57))
    samples[100, 1] = bad
    assert analysed(Clip(samples)) == SoundFacts(has_bad_samples=True)


@pytest.mark.parametrize(("gain", "clipped"), [(1.99, False), (2.2, True), (20, True)])
def test_a_wave_that_was_cut_off_at_full_scale_is_clipped_and_one_that_touches_it_is_not(gain, clipped):
    assert analysed(Clip(stereo(np.clip(gain * sine(81), -1, 1)))).is_clipped == clipped


@given(frames=st.integers(0, 3_000), seed=st.integers(0, 9))
def test_sounds_of_any_length_have_facts_that_survive_json(frames, seed):
    facts = analysed(Clip(stereo(noise(frames / RATE_HZ, seed))))
    assert facts_from_json(json.loads(json.dumps(facts_to_json(facts)))) == facts


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(SoundFacts.__annotations__)), inner)
        ),
        max_leaves=6,
    )
)
def test_facts_of_another_program_are_either_whole_or_none(said):
    facts = facts_from_json(said)
    assert facts is None or (isinstance(facts.onsets, tuple) and isinstance(facts.is_silent, bool))
    if facts is not None:
        assert facts.root_note is None or abs(facts.root_note) < 1e9
