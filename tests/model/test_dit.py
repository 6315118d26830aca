"""The transformer's own laws; the published numbers are in test_parity.py."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from model.attention import CrossAttention, attend, rotary_table, rotate
from model.conditioning import Conditioning, SecondsEmbedder
from model.config import ARC_MINI, SAO_SMALL, TINY, DiTConfig
from model.dit import DiffusionTransformer
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
    return x, torch.rand(batch, generator=generator), Conditioning(tokens, tokens[:, -1])


def test_a_prepared_condition_gives_the_velocity_of_an_unprepared_one_at_every_step(dit):
    x, _, conditioning = inputs(2)
    prepared = dit.prepare(conditioning)
    for time in (1.0, 0.5, 0.1):
        t = torch.full((2,), time)
        torch.testing.assert_close(dit.velocity(x, t, prepared), dit(x, t, conditioning), rtol=0, atol=0)


def test_items_of_a_batch_do_not_touch_each_other(dit):
    x, t, conditioning = inputs(3)
    alone = [
        dit(
            x[i : i + 1],
            t[i : i + 1],
            Conditioning(conditioning.tokens_bld[i : i + 1], conditioning.global_bd[i : i + 1]),
        )
        for i in range(3)
    ]
    torch.testing.assert_close(dit(x, t, conditioning), torch.cat(alone), rtol=1e-4, atol=1e-5)


def test_cross_attention_does_not_know_the_order_of_tokens(dit):
    x, t, conditioning = inputs(1)
    flipped = Conditioning(conditioning.tokens_bld.flip(1), conditioning.global_bd)
    torch.testing.assert_close(dit(x, t, conditioning), dit(x, t, flipped), rtol=1e-4, atol=1e-5)


def test_the_velocity_depends_on_time_tokens_seconds_and_the_order_of_frames(dit):
    x, t, conditioning = inputs(1)
    tokens, glob = conditioning.tokens_bld, conditioning.global_bd
    velocity = dit(x, t, conditioning)
    others = (
        dit(x, t / 2, conditioning),
        dit(x, t, Conditioning(tokens + 1, glob)),
        dit(x, t, Conditioning(tokens, glob + 1)),
        dit(x.flip(2), t, conditioning).flip(2),
    )
    for other in others:
        assert (velocity - other).abs().max() > 1e-3


def test_a_null_token_attends_to_a_zero_value_whatever_the_weights(dit):
    """checkpoint.md §3: in the unconditional branch cross-attention adds exactly nothing."""
    x, t, conditioning = inputs(2)
    null = dit(x, t, conditioning.null())
    for block in dit.blocks:
        nn.init.zeros_(block.cross_attention.output.weight)
    torch.testing.assert_close(null, dit(x, t, conditioning), rtol=0, atol=0)


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
    dit = replace(TINY.dit, width=768, heads=24, durations=2, qk_norm=False, widen_tokens=False)
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
    assert torch.equal(kept.tokens_bld[::2], conditioning.tokens_bld[::2])
    assert torch.equal(kept.tokens_bld[1], conditioning.null().tokens_bld[1])
    assert torch.equal(kept.global_bd, conditioning.global_bd)


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
