"""Kernels against torch and against their formulas in double precision, in float32 and in bfloat16."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import oobleck
from model.attention import rotary_table, rotate
from model.kernels import DepthwiseNorm, HeadNorm, Norm, Snake, coefficients, gated, gelu
from model.spectral import expand


def exact(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    x = x.double()
    return x + torch.sin(x * alpha.double().exp()) ** 2 / (beta.double().exp() + 1e-9)


@pytest.fixture
def logs() -> tuple[Tensor, Tensor]:
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


DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])


def assert_agrees(got: Tensor, expected: Tensor) -> None:
    """To what rounding the result to its dtype costs: the computing itself is float32 for both."""
    assert got.shape == expected.shape
    error = ((got.double() - expected.double()).norm() / expected.double().norm()).item()
    assert error < 8 * torch.finfo(got.dtype).eps


def shaken(layer: nn.Module) -> nn.Module:
    """Parameters as training leaves them, not as torch starts them."""
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 1.0)
    return layer.requires_grad_(False)


@DTYPES
@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_norm_is_torchs(dtype, bias):
    layer = shaken(nn.LayerNorm(40, eps=1e-5, bias=bias))
    x = (3 + torch.randn(9, 40)).to(dtype)
    assert_agrees(Norm(layer)(x), layer(x.float()))


@DTYPES
@torch.inference_mode()
def test_head_norm_normalises_each_head_and_rotates_it_by_its_position(dtype):
    heads, width, rows = 3, 16, 9
    layer = shaken(nn.LayerNorm(width, eps=1e-6))
    x = torch.randn(rows, 5 + heads * width).to(dtype)
    table = rotary_table(rows, width // 2, torch.device("cpu"))
    of_heads = x[:, 5:].float().unflatten(1, (heads, width)).transpose(0, 1)[None]
    norm = HeadNorm(layer, heads)
    assert_agrees(norm(x, 5, None), layer(of_heads))
    assert_agrees(norm(x, 5, table), rotate(layer(of_heads), table))


@DTYPES
def test_gated_is_swiglu_even_where_the_exponential_ends(dtype):
    x = torch.cat((torch.randn(8, 2 * 20), 100 * torch.randn(8, 2 * 20))).to(dtype)
    value, gate = x.double().chunk(2, 1)
    assert_agrees(gated(x), value * F.silu(gate))


@DTYPES
def test_gelu_is_its_tanh_form_from_minus_to_plus_fifty(dtype):
    x = torch.linspace(-50, 50, 4000).reshape(40, 100).to(dtype)
    expected = F.gelu(x.double(), approximate="tanh")
    gelu(x)
    assert_agrees(x, expected)


@DTYPES
@pytest.mark.parametrize("rows", [1, 3, 30])
@torch.inference_mode()
def test_depthwise_norm_is_a_padded_convolution_then_a_norm(dtype, rows):
    convolution, layer = shaken(nn.Conv1d(24, 24, 7, padding=3, groups=24)), shaken(nn.LayerNorm(24))
    x = torch.randn(rows, 24).to(dtype)
    expected = layer(convolution(x.float().t()[None])[0].t())
    assert_agrees(DepthwiseNorm(convolution, layer)(x), expected)


def test_coefficients_are_expanded_values_and_noise_under_an_expanded_gain():
    rows, bins, lowest = 6, 16, 4
    spectrum, noise = 8 * torch.randn(rows, 4 * bins), torch.randn(2, rows, bins)
    low = torch.randn(rows, 2 * lowest)
    value, level = spectrum.double().unflatten(1, (2, 2, bins)).permute(1, 2, 0, 3)
    value = value + F.pad(low.double().unflatten(1, (2, lowest)).transpose(0, 1), (0, bins - lowest))
    expected = expand(value) + expand(F.softplus(level - 1)) * noise
    assert_agrees(coefficients(spectrum, low, noise), expected)
