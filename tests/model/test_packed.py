"""Packed products against torch's own layers; rows, dtypes and dilations as hypothesis finds them."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from model.packed import PackedConvolution, PackedLinear, pack_linears

TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


def relative_error(got: torch.Tensor, expected: torch.Tensor) -> float:
    return ((got.float() - expected.float()).norm() / expected.float().norm()).item()


@torch.inference_mode()
@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 40),
    sizes=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    taps=st.sampled_from([1, 2, 7]),
    dilation=st.sampled_from([1, 3, 9]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_a_packed_convolution_is_the_valid_part_of_torchs(rows, sizes, taps, dilation, dtype):
    generator = torch.Generator().manual_seed(rows)
    inputs, outputs = sizes
    rows += (taps - 1) * dilation
    weight = torch.randn(outputs, inputs, taps, generator=generator).to(dtype)
    bias = torch.randn(outputs, generator=generator).to(dtype)
    x = torch.randn(rows, inputs, generator=generator).to(dtype)
    packed = PackedConvolution(weight, bias, rows, dilation)
    expected = F.conv1d(x.t()[None].float(), weight.float(), bias.float(), dilation=dilation)[0].t()
    got = packed(x)
    assert got.shape == expected.shape == (packed.rows_out, outputs)
    assert got.is_contiguous()
    assert relative_error(got, expected) < TOLERANCES[dtype]
    total = torch.randn(expected.shape, generator=generator).to(dtype)
    expected = total.float() + expected
    packed.add_to(total, x)
    assert relative_error(total, expected) < TOLERANCES[dtype]


@torch.inference_mode()
@pytest.mark.parametrize("shape", [(1, 16), (16, 16), (3, 33, 16), (2, 2, 5, 16)])
def test_a_packed_linear_layer_takes_any_number_of_rows(shape):
    layer = nn.Linear(16, 24)
    packed = PackedLinear.of(layer, 16)
    x = torch.randn(shape)
    torch.testing.assert_close(packed(x), layer(x))
    total = torch.randn(x.reshape(-1, 16).shape[0], 24)
    expected = total + layer(x.reshape(-1, 16))
    packed.add_to(total, x.reshape(-1, 16))
    torch.testing.assert_close(total, expected)


@torch.inference_mode()
def test_packing_a_module_changes_its_layers_and_not_its_results():
    module = nn.Sequential(nn.LayerNorm(8), nn.Sequential(nn.Linear(8, 8), nn.SiLU()), nn.Linear(8, 3, bias=False))
    x = torch.randn(5, 8)
    expected = module(x)
    pack_linears(module, 4)
    torch.testing.assert_close(module(x), expected)
    assert not any(type(layer) is nn.Linear for layer in module.modules())
