"""The Snake kernel against its definition in double precision, and against Oobleck's module."""

import pytest
import torch

from model import oobleck
from model.snake import Snake


def exact(x: torch.Tensor, alpha: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
    x = x.double()
    return x + torch.sin(x * alpha.double().exp()) ** 2 / (beta.double().exp() + 1e-9)


@pytest.fixture
def logs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 24, generator=generator).unbind()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_the_formula_to_the_rounding_of_angle_and_result(logs, dtype):
    alpha, beta = logs
    x = torch.linspace(-30, 30, 24 * 500).reshape(500, 24).to(dtype)
    out = torch.empty_like(x)
    Snake(alpha, beta)(x, out)
    expected = exact(x, alpha, beta)
    slope = (x.double() * alpha.exp()).abs() / beta.exp()  # what a relative error of the angle becomes
    polynomial = 1e-7 / beta.exp()
    bound = 2**-22 * slope + polynomial + torch.finfo(dtype).eps * expected.abs() + 1e-7
    assert ((out.double() - expected).abs() <= bound).all()


def test_it_is_ooblecks_module_and_may_work_in_place(logs):
    module = oobleck.Snake(24)
    module.load_state_dict({"alpha": logs[0], "beta": logs[1]})
    x = torch.randn(10, 24)
    with torch.no_grad():
        expected = module(x.t()[None])[0].t()
    Snake(*logs)(x, x)
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_outside_the_signal_are_zero_and_inside_are_moved(logs, dtype):
    x = torch.randn(5, 24).to(dtype)
    inside, out = torch.empty_like(x), torch.full((9, 24), torch.nan, dtype=dtype)
    snake = Snake(*logs)
    snake(x, inside)
    snake(x, out, -3)
    assert torch.equal(out[3:8], inside)
    assert not out[:3].any()
    assert not out[8:].any()
    snake(x, out[:2], 4)
    assert torch.equal(out[0], inside[4])
    assert not out[1].any()


def test_bfloat16_is_rounded_as_torch_rounds(logs):
    x = torch.randn(100, 24).bfloat16()
    low, high = torch.empty_like(x), torch.empty(100, 24)
    snake = Snake(*logs)
    snake(x, low)
    snake(x.float(), high)
    assert torch.equal(low, high.bfloat16())
