"""Distances, levels, pitch, tempo and distributions against closed forms and signals made for the purpose."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.distributions import (
    class_distribution,
    conditional_diversity,
    coverage,
    frechet_distance,
    kl_divergence,
    recall,
    top_agreement,
)
from training.evaluation.intervals import independent_trials, proportion, ratio, spread, wilson_interval
from training.evaluation.levels import centroid_hz, decay_seconds, energy_after_db, faults, true_peak_dbtp
from training.evaluation.metrics import (
    RATE_HZ,
    energy_before_onset_db,
    log_mel_distance_db,
    low_band_snr_db,
    peak_change_db,
    si_sdr_db,
    stft_distance,
)
from training.evaluation.onsets import onset_f1, onsets, same_tempo, tempo_bpm
from training.evaluation.pitch import cents_off, pitch, within

T = np.arange(RATE_HZ) / RATE_HZ  # one second


def noise(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ)).astype(np.float32) / 4


def tone(hz: float, decay: float = 3.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * T) * np.exp(-decay * T)).astype(np.float32)


def clicks(bpm: float, seconds: float = 5.0) -> np.ndarray:
    signal = np.zeros(int(seconds * RATE_HZ), np.float32)
    for beat in np.arange(0, seconds - 0.05, 60 / bpm):
        start = int(beat * RATE_HZ)
        signal[start : start + 2000] += noise(2000 / RATE_HZ) * np.exp(-np.arange(2000) / 300)
    return signal


def test_distances_of_a_sound_to_itself_are_zero() -> None:
    x = torch.from_numpy(noise())
    assert log_mel_distance_db(x, x) == 0
    assert stft_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert peak_change_db(x, x) == pytest.approx(0, abs=1e-6)
    assert si_sdr_db(x, x) == pytest.approx(100)


def test_log_mel_distance_of_a_sound_turned_down_is_the_gain() -> None:
    x = torch.from_numpy(noise())
    assert log_mel_distance_db(x, x * 10 ** (-6 / 20)) == pytest.approx(6, abs=0.01)
    assert peak_change_db(x, x / 2) == pytest.approx(-6.02, abs=0.01)


def test_silence_after_a_sound_changes_no_distance() -> None:
    x, y = torch.from_numpy(noise(0.5)), torch.from_numpy(noise(0.5, seed=1))
    for distance in (log_mel_distance_db, stft_distance, si_sdr_db):
        short, long = (distance(*(torch.cat([z, torch.zeros(n)]) for z in (x, y))) for n in (RATE_HZ // 4, 3 * RATE_HZ))
        assert short == pytest.approx(long, rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.floats(-20, 40), st.floats(0.1, 10))
def test_si_sdr_is_the_ratio_of_orthogonal_parts_whatever_the_scale(wanted_db: float, scale: float) -> None:
    x, e = torch.from_numpy(noise()).double(), torch.from_numpy(noise(seed=1)).double()
    e = e - x * (x @ e) / (x @ x)  # orthogonal to the sound
    e = e * (x.norm() / e.norm()) * 10 ** (-wanted_db / 20)
    assert si_sdr_db(x, scale * (x + e)) == pytest.approx(wanted_db, abs=1e-6)


def test_spectral_convergence_and_log_distance_of_a_scaled_sound_are_closed_forms() -> None:
    x = torch.from_numpy(noise())
    assert stft_distance(x, 0.5 * x) == pytest.approx(0.5 + math.log(2), abs=1e-4)


def test_low_band_snr_ignores_what_lies_above() -> None:
    low, high = (torch.from_numpy(tone(hz, decay=0)) for hz in (100, 5_000))
    assert low_band_snr_db(low + high, low) > 60
    assert low_band_snr_db(low, 0.9 * low) == pytest.approx(20, abs=0.1)


def test_energy_before_the_onset_is_relative_to_the_loudest_ten_milliseconds() -> None:
    reference = torch.zeros(RATE_HZ)
    reference[8820:] = 0.5
    estimate = reference.clone()
    estimate[:8820] = 0.05
    assert energy_before_onset_db(reference, estimate, 8820) == pytest.approx(-20, abs=0.01)


@pytest.mark.parametrize("hz", [41.2, 82.41, 110, 261.63, 440, 987.77, 2093])
def test_the_pitch_of_tones_is_found_within_five_cents(hz: float) -> None:
    harmonics = sum(tone(k * hz) / k for k in range(1, 6) if k * hz < 15_000)
    for signal in (tone(hz), harmonics + 0.01 * noise()):
        found = pitch(signal)
        assert found is not None
        assert abs(cents_off(found, 69) - 1200 * math.log2(hz / 440)) < 5


def test_noise_and_silence_have_no_pitch() -> None:
    assert pitch(noise()) is None
    assert pitch(np.zeros(RATE_HZ)) is None


def test_an_octave_error_is_wrong_but_right_in_any_octave() -> None:
    assert within(-49)
    assert not within(51)
    assert not within(1210)
    assert within(1210, any_octave=True)
    assert within(-1190, any_octave=True)
    assert not within(700, any_octave=True)


@pytest.mark.parametrize("bpm", [70, 90, 104, 120, 140, 174])
def test_the_tempo_of_click_tracks_is_found(bpm: float) -> None:
    found = tempo_bpm(clicks(bpm))
    assert found is not None
    assert same_tempo(found, bpm)


def test_half_and_double_tempo_count_within_two_beats_of_the_asked_one() -> None:
    assert same_tempo(60, 120)
    assert same_tempo(240, 120)
    assert not same_tempo(58.5, 120)
    assert not same_tempo(60, 120, any_octave=False)


def test_onsets_are_found_where_the_clicks_are() -> None:
    truth = np.arange(0, 4.95, 0.5)
    found = onsets(clicks(120))
    assert len(found) == len(truth)
    assert np.abs(found - truth).max() < 0.015
    assert onset_f1(truth, found) == 1
    assert onset_f1(truth, truth + 0.06) == 0
    assert onset_f1(truth, truth[::2]) == pytest.approx(2 / 3)


def test_the_true_peak_lies_between_samples() -> None:
    # A sine of a quarter of the rate, sampled at 45°, 135°, …: every sample is at 0.7071 of a peak of 1.
    n = np.arange(RATE_HZ)
    fade = np.clip(np.minimum(n, n[::-1]) / 2_000, 0, 1)
    sine = np.sin(np.pi / 2 * n + np.pi / 4) * fade
    assert 20 * math.log10(np.abs(sine).max()) == pytest.approx(-3.01, abs=0.01)
    assert true_peak_dbtp(sine[:, None]) == pytest.approx(0, abs=0.02)


def test_every_fault_of_a_take_is_named() -> None:
    fade = np.minimum(1, np.minimum(T, T[::-1]) * 200)[:, None]
    good = 0.8 * np.stack([tone(200, 1)] * 2, 1) * fade
    crest = 3 * RATE_HZ // 800  # of a sine of 200 Hz: a quarter period and a half
    assert faults(good) == []
    assert faults(good * np.nan) == ["not finite"]
    assert faults(good * 1e-4) == ["silent"]
    assert faults(good[3 * crest :]) == ["click at start"]
    assert faults(good[: 60 * RATE_HZ // 200 + crest]) == ["click at end"]
    assert faults(good + 0.02 * fade) == ["dc"]
    assert faults(good * 2.5) == ["true peak"]
    assert faults(0.1 * np.stack([noise()] * 2, 1)) == []  # a noise that begins at once is not a click


def test_energy_after_the_end_is_a_ratio_of_energies() -> None:
    x = np.ones((2_000, 2))
    x[1_000:] *= 1e-3
    assert energy_after_db(x, 1_000) == pytest.approx(-60, abs=1e-6)


def test_brightness_and_decay_move_with_the_sound() -> None:
    assert centroid_hz(tone(3_000)) == pytest.approx(3_000, rel=0.1)
    assert centroid_hz(tone(200)) < centroid_hz(noise())
    # exp(−d·t) falls by 30 dB in ln(10)·1.5/d seconds
    assert decay_seconds(tone(500, 10)) == pytest.approx(math.log(10) * 1.5 / 10, abs=0.02)
    assert decay_seconds(tone(500, 5)) > decay_seconds(tone(500, 20))


def test_the_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((40_000, 3))
    b = rng.standard_normal((40_000, 3)) * [2, 1, 0.5] + [1, 0, 3]
    expected = 10 + (2 - 1) ** 2 + (0.5 - 1) ** 2  # commuting covariances: Σ(σa − σb)²
    assert frechet_distance(a, b) == pytest.approx(expected, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-6)


def test_kl_is_zero_for_equal_scores_and_a_closed_form_for_others() -> None:
    scores = np.random.default_rng(0).random((4, 521))
    assert kl_divergence(scores, scores) == pytest.approx(np.zeros(4), abs=1e-12)
    assert kl_divergence(scores, 3 * scores) == pytest.approx(np.zeros(4), abs=1e-6)  # normalised
    p, q = np.array([[0.75, 0.25]]), np.array([[0.5, 0.5]])
    assert kl_divergence(p, q)[0] == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), abs=1e-5)
    assert class_distribution(np.zeros((1, 4))).sum() == pytest.approx(1)


def test_top_agreement_counts_the_shared_classes() -> None:
    real, other = np.arange(40.0)[None], np.roll(np.arange(40.0), 4)[None]
    assert top_agreement(real, real)[0] == 1
    assert top_agreement(real, -real)[0] == 0
    assert top_agreement(real, other)[0] == pytest.approx(0.6)


def test_recall_and_coverage_fall_with_the_modes_that_are_missing() -> None:
    rng = np.random.default_rng(0)
    modes = np.array([[[-50, 0]], [[50, 0]]])
    left, right = rng.standard_normal((2, 200, 2)) + modes
    both, again = (np.concatenate(list(pair)) for pair in ((left, right), rng.standard_normal((2, 200, 2)) + modes))
    assert recall(both, left) == pytest.approx(0.5)
    assert coverage(both, left) == pytest.approx(0.5)
    assert recall(both, both) == 1
    assert coverage(both, both) == 1
    assert coverage(both, again) > 0.9  # 1 − 2⁻⁵ for equal sizes and five neighbours


def test_conditional_diversity_is_the_mean_cosine_distance() -> None:
    same, orthogonal = np.ones((4, 3)), np.eye(3) * 5
    assert conditional_diversity([same, orthogonal]) == pytest.approx([0, 1])


def test_seeds_of_one_prompt_count_as_far_as_they_differ() -> None:
    alike = np.repeat([1.0, 0, 1, 1, 0, 1, 0, 1, 1, 1], 4)
    prompts = np.repeat(np.arange(10), 4)
    assert independent_trials(alike, prompts) == pytest.approx(10, abs=1.01)  # four times the same says nothing more
    assert independent_trials(np.tile([1.0, 0, 1, 1], 10), prompts) == 40  # seeds differ, prompts do not
    assert independent_trials(np.ones(40), prompts) == 10
    rng = np.random.default_rng(0)
    assert independent_trials((rng.random(4_000) < 0.7) * 1.0, np.arange(4_000)) == pytest.approx(4_000, rel=0.001)
    ours, of_ten = proportion(list(alike > 0), prompts), proportion([True] * 7 + [False] * 3)
    assert ours["share"] == of_ten["share"] == 0.7
    assert ours["interval_95"] == of_ten["interval_95"]
    assert proportion([], [])["of"] == 0


def test_the_interval_of_prompts_holds_their_share_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(300):
        chance = rng.beta(1.4, 0.6, 60)  # of each prompt; 0.7 on average
        outcomes = (rng.random((60, 4)) < chance[:, None]).ravel()
        low, high = proportion(list(outcomes), list(np.repeat(np.arange(60), 4)))["interval_95"]
        held += low <= 0.7 <= high
    assert 0.92 <= held / 300 <= 0.98  # as independent trials 0.81


def test_intervals_hold_what_they_are_of() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    low, high = wilson_interval(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)  # Wilson's own formula, worked by hand
    assert proportion([True, False])["share"] == 0.5
    values = np.random.default_rng(0).normal(3, 1, 400)
    found = spread(values)
    assert found["interval_95"][0] < 3 < found["interval_95"][1]
    pairs = np.stack([values, 2 * values], 1)
    assert ratio(pairs)["ratio"] == pytest.approx(0.5)
    assert ratio(pairs)["interval_95"] == pytest.approx([0.5, 0.5])
