"""Rectified-flow algebra against its own equations."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from model.flow import denoise, interpolate, log_snr, velocity_target


def pair(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 4, 5, generator=generator), torch.randn(3, 4, 5, generator=generator)


@given(seed=st.integers(0, 1000), time=st.floats(0, 1))
def test_denoising_with_the_true_velocity_returns_the_data_at_every_time(seed, time):
    x0, noise = pair(seed)
    torch.testing.assert_close(denoise(interpolate(x0, noise, time), velocity_target(x0, noise), time), x0)


def test_the_path_runs_from_data_at_time_0_to_noise_at_time_1():
    x0, noise = pair(0)
    assert torch.equal(interpolate(x0, noise, 0.0), x0)
    assert torch.equal(interpolate(x0, noise, 1.0), noise)


def test_the_velocity_is_the_derivative_of_the_path():
    x0, noise = (tensor.double() for tensor in pair(1))
    difference = (interpolate(x0, noise, 0.5 + 1e-6) - interpolate(x0, noise, 0.5 - 1e-6)) / 2e-6
    torch.testing.assert_close(difference, velocity_target(x0, noise), rtol=1e-6, atol=1e-6)


def test_a_time_for_each_item_equals_each_item_at_its_own_time():
    x0, noise = pair(2)
    times = torch.tensor([0.0, 0.25, 1.0])
    each = [interpolate(x0[i : i + 1], noise[i : i + 1], float(t)) for i, t in enumerate(times)]
    torch.testing.assert_close(interpolate(x0, noise, times), torch.cat(each))


@given(st.floats(0.01, 0.99))
def test_sigmoid_of_minus_log_snr_is_the_time(time):
    t = torch.tensor([time], dtype=torch.float64)
    torch.testing.assert_close(torch.sigmoid(-log_snr(t)), t)
