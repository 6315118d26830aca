"""Losses against closed forms and the statements of the paper."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.spectral import mid_side
from training.a_weighting import a_weighted, a_weighting
from training.evaluation.metrics import log_mel_distance_db
from training.losses import (
    coherence_loss,
    contrastive_loss,
    feature_matching_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    kl_divergence,
    log_mel_loss,
    mel_distance_db,
    multi_resolution_stft_loss,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
    spectral_energy_distance,
    velocity_loss,
)


def test_relativistic_losses_of_equal_logits_are_log_two() -> None:
    logits = torch.randn(3, 5)
    for loss in (relativistic_discriminator_loss, relativistic_generator_loss, contrastive_loss):
        assert loss(logits, logits).item() == pytest.approx(math.log(2), abs=1e-6)


def test_a_high_logit_means_fake_for_the_discriminator_and_costs_the_generator() -> None:
    real, fake = torch.zeros(4), torch.full((4,), 3.0)
    assert relativistic_discriminator_loss(real, fake) < relativistic_discriminator_loss(fake, real)
    assert relativistic_generator_loss(real, fake) > relativistic_generator_loss(fake, real)
    assert contrastive_loss(real, fake) < contrastive_loss(fake, real)  # wrong prompts shall be high


def test_the_saturating_generator_loss_is_the_literal_formula_five() -> None:
    real, fake = torch.randn(50), torch.randn(50)
    literal = (-torch.log1p(torch.exp(-(fake - real)))).mean()  # f(Δ_gen − Δ_real), minimised by G
    assert relativistic_generator_loss(real, fake, saturating=True).item() == pytest.approx(literal.item(), abs=1e-6)


def test_kl_of_a_standard_normal_is_zero_and_of_a_shifted_one_half_its_square() -> None:
    zeros = torch.zeros(2, 4, 3)
    assert kl_divergence(zeros, zeros).item() == pytest.approx(0, abs=1e-6)
    assert kl_divergence(zeros + 2, zeros).item() == pytest.approx(4 * 0.5 * 2**2, rel=1e-6)


def test_velocity_loss_is_the_mean_square() -> None:
    assert velocity_loss(torch.full((2, 3), 3.0), torch.ones(2, 3)).item() == pytest.approx(4)


def test_energy_distance_of_an_exact_copy_is_zero_and_does_not_depend_on_the_level() -> None:
    torch.manual_seed(0)
    sound, other = 0.1 * torch.randn(2, 2, 8192), 0.1 * torch.randn(2, 2, 8192)
    assert spectral_energy_distance(sound, sound, sound).item() == pytest.approx(0, abs=1e-6)
    loud = spectral_energy_distance(sound, other, other).item()
    assert spectral_energy_distance(0.1 * sound, 0.1 * other, 0.1 * other).item() == pytest.approx(loud, rel=1e-2)


def test_energy_distance_prefers_noise_at_its_own_level_where_an_absolute_difference_prefers_quieter() -> None:
    torch.manual_seed(0)
    target, a, b = (torch.randn(8, 2, 16384) for _ in range(3))
    gains = (0.5, 0.7, 1.0, 1.4)
    scores = [spectral_energy_distance(target, g * a, g * b).item() for g in gains]
    assert gains[int(np.argmin(scores))] == 1.0


@settings(deadline=None, max_examples=20)
@given(st.floats(0.1, 10.0))
def test_log_mel_loss_of_a_louder_copy_is_twice_the_gain_in_decibels_and_of_two_draws_their_mean(gain: float) -> None:
    sound = 0.1 * torch.randn(2, 2, 8_192, generator=torch.Generator().manual_seed(4))
    expected = 2 * abs(20 * math.log10(gain))
    assert log_mel_loss(sound, gain * sound).item() == pytest.approx(expected, abs=0.05)
    assert log_mel_loss(sound, gain * sound, sound).item() == pytest.approx(expected / 2, abs=0.05)


def test_mel_distance_in_frames_with_sound_is_what_evaluation_measures() -> None:
    rng = torch.Generator().manual_seed(5)
    sound, other = torch.randn(2, 30_000, generator=rng) * torch.linspace(1, 0, 30_000) ** 8
    measured = log_mel_distance_db(sound, other)
    assert mel_distance_db(sound[None, None], other[None, None], 2048, -50).item() == pytest.approx(measured, rel=0.02)


def test_what_comes_before_an_attack_costs_something_and_a_silent_channel_nothing() -> None:
    sound = torch.zeros(1, 2, 16_384)
    sound[:, 0, 8_192:] = 0.1 * torch.randn(8_192, generator=torch.Generator().manual_seed(6))
    early, trace = sound.clone(), sound.clone()
    early[:, 0, 6_144:8_192] = 1e-3
    trace[:, 1] = 1e-7
    assert log_mel_loss(sound, trace).item() < 0.01
    assert log_mel_loss(sound, early).item() > 0.1


def test_coherence_is_nothing_for_the_target_itself_and_one_for_silence_or_the_wrong_sign() -> None:
    target = torch.zeros(2, 2, 32, 128)
    target[..., 1] = torch.randn(2, 2, 32)  # bin 1: 172 to 345 Hz, a band of weight 1
    floored = 1 / 1.03  # the floor is 3 % of the clip
    assert coherence_loss(target, target).item() < 1e-3
    assert coherence_loss(target, torch.zeros_like(target)).item() == pytest.approx(floored, rel=1e-3)
    assert coherence_loss(target, -target).item() == pytest.approx(2 * floored, rel=1e-3)
    assert coherence_loss(100 * target, -100 * target).item() == pytest.approx(2 * floored, rel=1e-3)


def test_coherence_does_not_ask_for_the_phase_of_highs() -> None:
    target = torch.zeros(1, 2, 32, 128)
    target[..., 60] = 1.0  # 10 kHz
    assert coherence_loss(target, -target).item() < 1e-3


A_WEIGHTS_DB = {63: -26.2, 100: -19.1, 200: -10.9, 500: -3.2, 1_000: 0.0, 2_500: 1.3, 10_000: -2.5}  # IEC 61672-1


@pytest.mark.parametrize(("hz", "decibels"), A_WEIGHTS_DB.items())
def test_a_weighting_is_the_standards_table_as_a_curve_and_as_a_filter(hz: int, decibels: float) -> None:
    curve = a_weighting(torch.tensor(float(hz), dtype=torch.float64))
    assert 20 * math.log10(curve) == pytest.approx(decibels, abs=0.1)
    sine = torch.sin(2 * math.pi * hz / 44_100 * torch.arange(44_100, dtype=torch.float64)).float()[None, None]
    inside = slice(4_410, -4_410)  # whole periods, away from the ends
    gain = (a_weighted(sine, 44_100)[..., inside].square().mean() / sine[..., inside].square().mean()).sqrt()
    tolerance_db = 0.2 if hz >= 100 else 1.2
    assert 20 * math.log10(gain) == pytest.approx(decibels, abs=tolerance_db)


def test_the_weighted_signal_is_as_long_as_the_given_one_and_not_delayed() -> None:
    impulse = torch.zeros(1, 2, 5_000)
    impulse[..., 2_000] = 1
    weighted = a_weighted(impulse, 44_100)
    assert weighted.shape == impulse.shape
    assert weighted.argmax(-1).tolist() == [[2_000, 2_000]]
    torch.testing.assert_close(weighted[..., 1_500:2_000], weighted[..., 2_001:2_501].flip(-1), atol=1e-6, rtol=0)


def test_the_multi_resolution_loss_of_equal_signals_is_nothing_whatever_their_polarity() -> None:
    torch.manual_seed(0)
    sound = 0.1 * torch.randn(2, 2, 8192)
    assert multi_resolution_stft_loss(sound, sound).item() == pytest.approx(0, abs=1e-4)
    assert multi_resolution_stft_loss(sound, -sound).item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("gain", [0.25, 1.5])
def test_the_multi_resolution_loss_of_a_louder_copy_is_its_closed_form_at_every_level(gain: float) -> None:
    torch.manual_seed(0)
    sound = torch.randn(2, 2, 8192)
    expected = abs(1 - gain) + abs(math.log(gain))  # spectral convergence + log magnitude
    for level in (0.1, 1.0):
        got = multi_resolution_stft_loss(level * sound, gain * level * sound).item()
        assert got == pytest.approx(expected, rel=0.01)


def test_sum_and_difference_see_what_left_and_right_see_of_the_signals_they_are_made_of() -> None:
    torch.manual_seed(0)
    target, estimate = torch.randn(2, 2, 8192), torch.randn(2, 2, 8192)
    of_sides = multi_resolution_stft_loss(mid_side(mid_side(target)), mid_side(mid_side(estimate)))
    assert of_sides.item() == pytest.approx(multi_resolution_stft_loss(target, estimate).item(), rel=1e-4)
    width = torch.tensor([1.0, -1.0])[None, :, None] * torch.randn(2, 1, 8192)  # all in the difference
    halved = 0.5 * (0 + abs(1 - 0.5) + math.log(2))  # the sum is right, the difference half as large
    assert multi_resolution_stft_loss(mid_side(width), mid_side(0.5 * width)).item() == pytest.approx(halved, rel=0.01)


def test_a_trace_of_width_in_a_mono_sound_costs_no_more_than_losing_the_sound() -> None:
    torch.manual_seed(0)
    mono = torch.randn(1, 1, 8192).expand(1, 2, -1)
    slightly_wide = mono + 1e-3 * torch.randn(1, 2, 8192)
    trace = multi_resolution_stft_loss(mid_side(mono), mid_side(slightly_wide))
    assert trace < multi_resolution_stft_loss(mid_side(mono), 0.01 * mid_side(mono))


def test_hinge_losses_are_their_formulas() -> None:
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert hinge_discriminator_loss(real, fake).item() == pytest.approx((0 + 0.5) / 2 + (0 + 1) / 2)
    assert hinge_generator_loss(fake).item() == pytest.approx(1.5)
    assert hinge_discriminator_loss(real, fake) < hinge_discriminator_loss(fake, real)  # a high logit means real


def test_feature_matching_is_the_mean_difference_of_layers_and_relative_if_asked() -> None:
    real = [torch.full((2, 3), 4.0), torch.full((5,), -0.5)]
    fake = [torch.full((2, 3), 3.0), torch.full((5,), 0.5)]
    assert feature_matching_loss(real, [fake]).item() == pytest.approx((1 + 1) / 2)
    assert feature_matching_loss(real, [fake], relative=True).item() == pytest.approx((1 / 4 + 1 / 0.5) / 2, rel=0.01)
    assert feature_matching_loss(real, [real, real]).item() == 0


def test_feature_matching_of_two_draws_prefers_noise_at_its_own_level_where_one_draw_prefers_quieter() -> None:
    torch.manual_seed(0)
    real, a, b = (torch.randn(20_000) for _ in range(3))
    gains = (0.0, 0.5, 1.0, 1.5)
    two = [feature_matching_loss([real], [[g * a], [g * b]]).item() for g in gains]
    one = [feature_matching_loss([real], [[g * a]]).item() for g in gains]
    assert gains[int(np.argmin(two))] == 1.0
    assert gains[int(np.argmin(one))] == 0.0
