"""Losses against closed forms and the statements of the paper."""

import math

import numpy as np
import pytest
import torch

from training.losses import (
    coherence_loss,
    contrastive_loss,
    kl_divergence,
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
