"""Rectified-flow algebra against its own equations."""

from math import pi

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.flow import denoise, flow_of_v, interpolate, log_snr, velocity_target
from model.sampler import dpmpp, euler


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


@given(seed=st.integers(0, 1000), times=st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_the_velocity_of_a_v_network_that_knows_the_data_is_the_flows_own(seed, times):
    x0, noise = pair(seed)
    t = torch.tensor(times)

    def network(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        phi = time.view(-1, 1, 1) * pi / 2
        torch.testing.assert_close(x, phi.cos() * x0 + phi.sin() * noise)
        return phi.cos() * noise - phi.sin() * x0

    velocity = flow_of_v(network)(interpolate(x0, noise, t), t)
    torch.testing.assert_close(velocity, velocity_target(x0, noise), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("sampler", [euler, dpmpp])
def test_samplers_of_the_flow_run_a_v_network_along_its_own_path(sampler):
    """Of data N(0, s²), E[v | x'] = sin φ·cos φ·(1 − s²)/(cos² φ·s² + sin² φ)·x', and noise is scaled by s."""
    s, x = 0.5, pair(3)[1].double()

    def network(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        sin, cos = (time.view(-1, 1, 1) * pi / 2).sin(), (time.view(-1, 1, 1) * pi / 2).cos()
        return sin * cos * (1 - s**2) / (cos**2 * s**2 + sin**2) * x

    *_, last = sampler(flow_of_v(network), x, [1 - i / 100 for i in range(101)])
    assert ((last.latent_bct - s * x).norm() / (s * x).norm()).item() < 0.03
