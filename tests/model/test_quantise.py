"""Dynamic int8 against closed forms, against torchao's own layer, and against float32 in whole networks."""

import sys

import pytest
import torch
from torch import nn
from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

from model.conditioning import Conditioning
from model.config import DiTConfig
from model.controls import SIGNALS
from model.dit import DiffusionTransformer
from model.kernels import row_codes
from model.quantise import Int8Linear, quantise


def linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    rng = torch.Generator().manual_seed(inputs)
    layer = nn.Linear(inputs, outputs, bias=bias).requires_grad_(False)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=inputs**-0.5, generator=rng)
    return layer


def quantised(layer: nn.Module) -> nn.Module:
    holder = nn.Sequential(layer)
    assert quantise(holder) == ["0"]
    return holder[0]


def snr_db(got: torch.Tensor, expected: torch.Tensor) -> float:
    return -20 * ((got - expected).norm() / expected.norm()).log10().item()


def test_whole_numbers_up_to_127_are_multiplied_exactly() -> None:
    layer = Int8Linear(torch.tensor([[1, -2, 127], [3, 4, -5]], dtype=torch.int8), torch.ones(2), None, levels=127)
    x = torch.tensor([[127.0, 1.0, -3.0], [2.0, -127.0, 64.0]])
    assert torch.equal(layer(x), x @ torch.tensor([[1.0, 3.0], [-2.0, 4.0], [127.0, -5.0]]))


@pytest.mark.parametrize("inputs", [1, 63, 64, 200])
def test_the_largest_of_a_row_becomes_127_wherever_it_is(inputs: int) -> None:
    rows = torch.rand((inputs, inputs), generator=torch.Generator().manual_seed(6)) - 0.5
    rows.fill_diagonal_(-2.0)
    codes, scale = row_codes(rows, 127)
    assert (codes.diagonal() == -127).all()
    torch.testing.assert_close(scale, torch.full((inputs,), 2 / 127))
    torch.testing.assert_close(codes * scale[:, None], rows, rtol=0, atol=1.001 / 127)


def test_each_row_has_its_own_scale_and_zeros_stay_zero() -> None:
    layer = quantised(linear(256, 128, bias=False))
    x = torch.randn(4, 256, generator=torch.Generator().manual_seed(0))
    x[3] = 0
    factors = torch.tensor([1.0, 1e-6, 1e6, 1.0])[:, None]
    torch.testing.assert_close(layer(x * factors), layer(x) * factors, rtol=1e-5, atol=0)
    assert not layer(x)[3].any()


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_does_what_torchaos_own_does(bias: bool) -> None:
    ours, theirs = linear(384, 256, bias), linear(384, 256, bias)
    quantize_(theirs, Int8DynamicActivationInt8WeightConfig(set_inductor_config=False))
    x = torch.randn((2, 9, 384), generator=torch.Generator().manual_seed(1))
    expected = linear(384, 256, bias)(x)
    ours = quantised(ours)
    assert torch.equal(ours.weight, theirs.weight.qdata)
    # Theirs divides by 127.5 where ours divides by 127: both are one rounding away from float32.
    assert abs(snr_db(ours(x), expected) - snr_db(theirs(x), expected)) < 1
    assert snr_db(ours(x), expected) > 35


def test_bfloat16_comes_out_as_bfloat16() -> None:
    layer = linear(256, 256)
    x = torch.randn((3, 256), generator=torch.Generator().manual_seed(2))
    expected = layer(x)
    y = quantised(layer.bfloat16())(x.bfloat16())
    assert y.dtype == torch.bfloat16
    assert snr_db(y.float(), expected) > 30


@torch.inference_mode()
def test_a_transformer_keeps_its_velocity_and_its_narrow_and_conditioning_layers() -> None:
    config = DiTConfig(width=128, depth=2, heads=4, ff_inner=256, conditioning_width=384, control_width=128)
    dit = DiffusionTransformer(config).eval()
    rng = torch.Generator().manual_seed(3)
    for parameter in dit.parameters():
        nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.3, generator=rng)
    x, tokens = torch.randn((1, 64, 16), generator=rng), torch.randn((1, 5, 384), generator=rng)
    conditioning = Conditioning(tokens, tokens[:, -1], torch.randn((1, SIGNALS, 16), generator=rng))
    expected = dit(x, torch.tensor([0.7]), conditioning)
    layers = quantise(dit)
    assert snr_db(dit(x, torch.tensor([0.7]), conditioning), expected) > 25
    assert len(layers) == 7 * config.depth
    assert all(name.startswith("blocks.") for name in layers)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_adding_to_a_sum_is_the_layers_output_added(dtype: torch.dtype) -> None:
    layer = quantised(linear(256, 192).to(dtype))
    rng = torch.Generator().manual_seed(4)
    x, before = torch.randn((5, 256), generator=rng).to(dtype), torch.randn((5, 192), generator=rng).to(dtype)
    total = before.clone()
    layer.add_to(total, x)
    torch.testing.assert_close(total, (before.float() + layer(x).float()).to(dtype), rtol=2**-6, atol=2**-7)


def test_weights_take_a_quarter_of_their_memory() -> None:
    layer = linear(512, 512)
    before = sum(t.nbytes for t in layer.state_dict().values())
    after = sum(t.nbytes for t in quantised(layer).state_dict().values())
    assert after < 0.26 * before


def test_without_torchao_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(ValueError, match=r"int8 needs the package torchao: pip install 'arc-instrument\[int8\]'"):
        quantise(linear(256, 256))
