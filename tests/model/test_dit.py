"""The transformer's own laws; the published numbers are in test_parity.py."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from model.attention import CrossAttention, attend, rotary_table, rotate
from model.conditioning import Conditioning, SecondsEmbedder
from model.config import ARC_MINI, SAO_SMALL, TINY, DiTConfig
from model.controls import INSIDE, SIGNALS
from model.dit import DiffusionTransformer, Prepared
from model.dit_packed import PackedTransformer
from model.generator import Generator


@pytest.fixture
def dit() -> DiffusionTransformer:
    """A transformer with every parameter filled: branches that start at zero would hide what they compute."""
    dit = DiffusionTransformer(TINY.dit).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in dit.parameters():
        std = parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.5
        nn.init.normal_(parameter, std=std, generator=generator)
    return dit


def inputs(batch: int, frames: int = 12) -> tuple[torch.Tensor, torch.Tensor, Conditioning]:
    generator = torch.Generator().manual_seed(batch)
    tokens = torch.randn(batch, 5, 384, generator=generator)
    x = torch.randn(batch, 64, frames, generator=generator)
    time, controls = torch.rand(batch, generator=generator), torch.randn(batch, SIGNALS, frames, generator=generator)
    return x, time, Conditioning(tokens, tokens[:, -1], controls)


def item(conditioning: Conditioning, index: int) -> Conditioning:
    """What is told of one item."""
    one = slice(index, index + 1)
    assert conditioning.controls_bst is not None
    return Conditioning(conditioning.tokens_bld[one], conditioning.global_bd[one], conditioning.controls_bst[one])


def test_a_prepared_condition_gives_the_velocity_of_an_unprepared_one_at_every_step(dit):
    x, _, conditioning = inputs(2)
    prepared = dit.prepare(conditioning)
    for time in (1.0, 0.5, 0.1):
        t = torch.full((2,), time)
        torch.testing.assert_close(dit.velocity(x, t, prepared), dit(x, t, conditioning), rtol=0, atol=0)


def test_items_of_a_batch_do_not_touch_each_other(dit):
    x, t, conditioning = inputs(3)
    alone = [dit(x[i : i + 1], t[i : i + 1], item(conditioning, i)) for i in range(3)]
    torch.testing.assert_close(dit(x, t, conditioning), torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_cross_attention_does_not_know_the_order_of_tokens(dit):
    x, t, conditioning = inputs(1)
    flipped = replace(conditioning, tokens_bld=conditioning.tokens_bld.flip(1))
    torch.testing.assert_close(dit(x, t, conditioning), dit(x, t, flipped), rtol=1e-4, atol=1e-5)


def test_the_velocity_depends_on_time_tokens_seconds_controls_and_the_order_of_frames(dit):
    x, t, conditioning = inputs(1)
    tokens, glob, controls = conditioning.tokens_bld, conditioning.global_bd, conditioning.controls_bst
    velocity = dit(x, t, conditioning)
    others = (
        dit(x, t / 2, conditioning),
        dit(x, t, Conditioning(tokens + 1, glob, controls)),
        dit(x, t, Conditioning(tokens, glob + 1, controls)),
        dit(x, t, Conditioning(tokens, glob, controls + 1)),
        dit(x, t, Conditioning(tokens, glob, controls.flip(2))),
        dit(x.flip(2), t, Conditioning(tokens, glob, controls.flip(2))).flip(2),
    )
    for other in others:
        assert (velocity - other).abs().max() > 1e-3


def test_a_null_token_attends_to_a_zero_value_whatever_the_weights(dit):
    """checkpoint.md §3: in the unconditional branch cross-attention adds exactly nothing."""
    x, t, conditioning = inputs(2)
    null = dit(x, t, conditioning.null())
    for block in dit.blocks:
        nn.init.zeros_(block.cross_attention.output.weight)
    silent = replace(conditioning, controls_bst=conditioning.null().controls_bst)
    torch.testing.assert_close(null, dit(x, t, silent), rtol=0, atol=0)


def test_narrow_tokens_serve_neighbouring_heads_as_wide_ones_with_repeated_weights_would():
    """SAO 1.0's cross-attention: 768 of 1536 channels, so every key head answers two query heads."""
    generator = torch.Generator().manual_seed(0)
    narrow, wide = CrossAttention(32, 4, 16, qk_norm=False), CrossAttention(32, 4, 32, qk_norm=False)
    for parameter in narrow.parameters():
        nn.init.normal_(parameter, generator=generator)
    key_value = narrow.key_value.weight.view(2, 2, 8, 16).repeat_interleave(2, 1).reshape(64, 16)
    wide.query.weight, wide.output.weight = narrow.query.weight, narrow.output.weight
    wide.key_value.weight = nn.Parameter(torch.cat((key_value, torch.zeros(64, 16)), 1))
    x, tokens = torch.randn(2, 5, 32, generator=generator), torch.randn(2, 7, 16, generator=generator)
    padded = torch.cat((tokens, torch.randn(2, 7, 16, generator=generator)), 2)
    torch.testing.assert_close(narrow(x, narrow.keys_values(tokens)), wide(x, wide.keys_values(padded)))


def test_a_model_told_start_and_total_joins_both_and_starts_at_zero():
    dit = replace(TINY.dit, width=768, heads=24, durations=2, qk_norm=False, widen_tokens=False, control_width=0)
    config = replace(TINY, dit=dit)
    generator = Generator(config)
    assert generator.start
    text, seconds = torch.randn(2, 32, 384), torch.tensor([1.0, 5.0])
    conditioning = generator.condition(text, seconds)
    start, total = generator.start(torch.zeros(2)), generator.seconds(seconds)
    assert torch.equal(conditioning.tokens_bld, torch.cat((text, start[:, None], total[:, None]), 1))
    assert torch.equal(conditioning.global_bd, torch.cat((start, total), 1))
    x = torch.randn(2, 64, 12)
    assert generator(x, torch.rand(2), text, seconds).shape == x.shape


def test_features_of_all_blocks_lead_to_the_velocity(dit):
    x, t, conditioning = inputs(2)
    features = dit.features(x, t, conditioning, TINY.dit.depth)
    assert features.shape == (2, 1 + x.shape[2], TINY.dit.width)
    out = dit.output_projection(features)[:, 1:]
    torch.testing.assert_close((out + dit.output_mix(out)).transpose(1, 2), dit(x, t, conditioning))


def test_features_leave_the_blocks_behind_them_without_gradient(dit):
    x, t, conditioning = inputs(2)
    dit.features(x, t, conditioning, 1).square().sum().backward()
    assert all(p.grad is not None for p in dit.blocks[0].parameters())
    assert all(p.grad is None for p in dit.blocks[1].parameters())


def test_features_deeper_than_the_transformer_are_refused(dit):
    x, t, conditioning = inputs(1)
    with pytest.raises(ValueError, match="depth=3: this transformer has 2 blocks"):
        dit.features(x, t, conditioning, 3)


def test_every_parameter_gets_a_gradient(dit):
    x, t, conditioning = inputs(2)
    dit(x, t, conditioning).square().mean().backward()
    without = [name for name, p in dit.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_a_new_transformer_is_linear_in_the_latent_because_its_branches_start_at_zero():
    dit = DiffusionTransformer(TINY.dit)
    x, t, conditioning = inputs(1)
    torch.testing.assert_close(dit(3 * x, t, conditioning), 3 * dit(x, t, conditioning), rtol=1e-4, atol=1e-5)


def test_bfloat16_weights_and_autocast_stay_close_to_float32_and_keep_the_latents_dtype(dit):
    x, t, conditioning = inputs(2)
    expected = dit(x, t, conditioning)
    with torch.autocast("cpu", torch.bfloat16):
        autocast = dit(x, t, conditioning)
    half = dit.bfloat16()(x, t, conditioning)
    for velocity in (autocast, half):
        assert velocity.dtype == torch.float32
        assert (velocity - expected).norm() / expected.norm() < 0.05


def test_rotation_keeps_lengths_and_makes_products_depend_on_distance_only():
    table = rotary_table(32, 16, torch.device("cpu"))
    q, k = torch.randn(2, 1, 1, 1, 32, generator=torch.Generator().manual_seed(0)).expand(2, 1, 1, 32, 32)
    rotated_q, rotated_k = rotate(q, table), rotate(k, table)
    torch.testing.assert_close(rotated_q.norm(dim=-1), q.norm(dim=-1))
    assert torch.equal(rotated_q[..., 16:], q[..., 16:])
    products = (rotated_q @ rotated_k.mT)[0, 0]
    for distance in (-7, 0, 3):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-4)


def test_seconds_outside_the_range_are_clamped_and_inside_it_told_apart():
    embedder = SecondsEmbedder(TINY.seconds)
    low, high, *inside = embedder(torch.tensor([-1.0, 99.0, 0.0, 8.0, 2.0, 2.5]))
    assert torch.equal(low, inside[0])
    assert torch.equal(high, inside[1])
    assert (inside[2] - inside[3]).abs().max() > 1e-3


def test_the_seconds_embedding_is_the_last_token_and_the_global_vector():
    embedder = SecondsEmbedder(TINY.seconds)
    text, seconds = torch.randn(2, 32, 384), torch.tensor([1.0, 5.0])
    conditioning = Conditioning.join(text, [embedder(seconds)])
    assert torch.equal(conditioning.tokens_bld[:, :-1], text)
    assert torch.equal(conditioning.tokens_bld[:, -1], embedder(seconds))
    assert torch.equal(conditioning.global_bd, embedder(seconds))


def test_dropping_nulls_exactly_the_chosen_items():
    _, _, conditioning = inputs(3)
    kept = conditioning.keep(torch.tensor([True, False, True]))
    for name in ("tokens_bld", "controls_bst"):
        of_kept, of_all, of_null = (getattr(c, name) for c in (kept, conditioning, conditioning.null()))
        assert torch.equal(of_kept[::2], of_all[::2])
        assert torch.equal(of_kept[1], of_null[1])
    assert torch.equal(kept.global_bd, conditioning.global_bd)


def test_nothing_told_is_the_length_alone_in_the_global_vector_and_in_the_signal_of_the_end():
    _, _, conditioning = inputs(3)
    null = conditioning.null()
    assert null.controls_bst is not None
    assert not null.tokens_bld.any()
    assert torch.equal(null.global_bd, conditioning.global_bd)
    assert torch.equal(null.controls_bst[:, INSIDE], conditioning.controls_bst[:, INSIDE])
    others = [signal for signal in range(SIGNALS) if signal != INSIDE]
    assert not null.controls_bst[:, others].any()
    plain = Conditioning(conditioning.tokens_bld, conditioning.global_bd)
    assert plain.null().controls_bst is None
    assert plain.keep(torch.tensor([True, False, True])).controls_bst is None


def test_control_signals_are_told_to_a_model_that_takes_them_and_to_no_other(dit):
    _, _, conditioning = inputs(2)
    without = replace(conditioning, controls_bst=None)
    deaf = DiffusionTransformer(replace(TINY.dit, control_width=0))
    for network, told in ((dit, without), (deaf, conditioning)):
        with pytest.raises(ValueError, match="told to a model that takes them, and to no other"):
            network.prepare(told)
    assert len(dit.prepare(conditioning).controls) == 1
    assert deaf.prepare(without).controls == ()


def test_a_model_whose_control_embedding_ends_in_zeros_is_to_the_bit_the_one_without(dit):
    x, t, conditioning = inputs(2)
    deaf = DiffusionTransformer(replace(TINY.dit, control_width=0)).eval()
    deaf.load_state_dict({name: w for name, w in dit.state_dict().items() if not name.startswith("control_embedding.")})
    expected = deaf(x, t, replace(conditioning, controls_bst=None))
    assert (dit(x, t, conditioning) - expected).abs().max() > 1e-3
    nn.init.zeros_(dit.control_embedding.output.weight)
    assert torch.equal(dit(x, t, conditioning), expected)


def test_a_new_control_embedding_changes_nothing_and_can_learn():
    dit = DiffusionTransformer(TINY.dit)
    x, t, conditioning = inputs(2)
    (embedded,) = dit.prepare(conditioning).controls
    assert embedded.shape == (2, x.shape[2], TINY.dit.width)
    assert not embedded.any()
    nn.init.ones_(dit.blocks[0].feed_forward.output.weight)
    dit(x, t, conditioning).square().mean().backward()
    assert dit.control_embedding.output.weight.grad.any()


def test_control_signals_of_a_frame_are_embedded_alone(dit):
    _, _, conditioning = inputs(1)
    assert conditioning.controls_bst is not None
    (whole,) = dit.prepare(conditioning).controls
    for frame in (0, 7, 11):
        one = replace(conditioning, controls_bst=conditioning.controls_bst[..., frame : frame + 1])
        torch.testing.assert_close(dit.prepare(one).controls[0], whole[:, frame : frame + 1])


def assert_equal(got: Prepared, expected: Prepared) -> None:
    torch.testing.assert_close(got.global_bd, expected.global_bd)
    torch.testing.assert_close(got.controls, expected.controls)
    for pair, wanted in zip(got.keys_values, expected.keys_values, strict=True):
        torch.testing.assert_close(tuple(pair), tuple(wanted))


@torch.inference_mode()
def test_what_is_prepared_of_items_is_joined_taken_apart_and_averaged_with_its_controls(dit):
    _, _, conditioning = inputs(3)
    whole, parts = dit.prepare(conditioning), [dit.prepare(item(conditioning, i)) for i in range(3)]
    assert whole.controls[0].abs().max() > 0.1
    assert_equal(Prepared.join(parts), whole)
    for i, part in enumerate(parts):
        assert_equal(whole.item(i), part)
        assert_equal(part.item(2), part)  # one condition for all items
    weights = (0.5, 0.2, 0.3)
    mean = Prepared.mean(parts, weights)
    weighted = torch.tensor(weights)[:, None, None] * whole.controls[0]
    torch.testing.assert_close(mean.controls, (weighted.sum(0, keepdim=True),))
    assert_equal(Prepared.mean([parts[1]] * 3, weights), parts[1])


@torch.inference_mode()
@pytest.mark.parametrize("told", ["one for all", "each its own"])
def test_the_packed_transformer_follows_control_signals_as_the_plain_one_does(dit, told):
    x, _, conditioning = inputs(3)
    prepared = dit.prepare(conditioning if told == "each its own" else item(conditioning, 1))
    other = prepared._replace(controls=(prepared.controls[0] + 1,))
    packed, time = PackedTransformer(dit, x.shape[2], 3), torch.tensor([0.6])
    embedded = dit.time_embedding(time)
    velocities = [packed.velocity(x, embedded, p) for p in (prepared, other)]
    for got, p in zip(velocities, (prepared, other), strict=True):
        torch.testing.assert_close(got, dit.velocity(x, time.expand(3), p), rtol=1e-3, atol=1e-4)
    assert (velocities[0] - velocities[1]).abs().max() > 1e-3


def test_derived_sizes_are_the_published_ones():
    assert (SAO_SMALL.dit.head_width, SAO_SMALL.dit.rotary_width) == (128, 64)
    assert (SAO_SMALL.autoencoder.frame_samples, SAO_SMALL.max_samples) == (2048, 524_288)
    assert SAO_SMALL.max_seconds == pytest.approx(11.8886, abs=5e-5)
    assert (ARC_MINI.dit.head_width, ARC_MINI.dit.rotary_width) == (64, 32)
    assert (ARC_MINI.autoencoder.frame_samples, ARC_MINI.max_samples) == (2048, 262_144)
    assert ARC_MINI.max_seconds == pytest.approx(5.9443, abs=5e-5)


def test_a_configuration_whose_parts_do_not_fit_is_refused():
    with pytest.raises(ValueError, match="width=100, heads=3"):
        DiTConfig(width=100, heads=3)
    with pytest.raises(ValueError, match="a whole number of key heads that divides its 3 query heads"):
        DiTConfig(width=96, heads=3, conditioning_width=64, widen_tokens=False)
    with pytest.raises(ValueError, match="durations=3"):
        DiTConfig(durations=3)
    with pytest.raises(ValueError, match=r"\[384, 768\]"):
        replace(ARC_MINI, text=SAO_SMALL.text)
    with pytest.raises(ValueError, match="latent channels"):
        replace(SAO_SMALL, dit=DiTConfig(latent_channels=32))


def test_attention_with_gradients_equals_the_fused_one_and_has_its_gradients():
    torch.manual_seed(0)
    tensors = [torch.randn(2, 3, n, 8, dtype=torch.float64, requires_grad=True) for n in (9, 7, 7)]
    plain, fused = attend(*tensors), F.scaled_dot_product_attention(*tensors)
    torch.testing.assert_close(plain, fused, atol=1e-6, rtol=1e-6)  # softmax in float32
    wanted = torch.autograd.grad(fused.square().sum(), tensors)
    for got, exact in zip(torch.autograd.grad(plain.square().sum(), tensors), wanted, strict=True):
        torch.testing.assert_close(got, exact, atol=1e-5, rtol=1e-5)
