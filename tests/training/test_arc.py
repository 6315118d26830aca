"""ARC's step against the paper's formulas and the published code's numbers, with networks simple enough to solve."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import SAO_SMALL, TINY
from model.generator import Generator
from training.arc import discriminator_losses, generator_loss, make_pair, noised_pair
from training.config import ARC_RECIPES, PRETRAIN_RECIPES, ArcRecipe
from training.discriminator import Discriminator, Head
from training.latents import Batch
from training.optim import Ema, inverse_decay
from training.sampling import Draws
from training.trajectories import Trajectory

ROWS = tuple(range(6))


def batch() -> Batch:
    torch.manual_seed(0)
    captions = ("kick", "snare", "kick", "bell", "hat", "hat")
    return Batch(torch.randn(6, 4, 5), torch.randn(6, 2, 3), torch.rand(6), captions, ROWS, captions)


class Oracle(nn.Module):
    """The exact velocity of known data: (x_t − x_0)/t."""

    def __init__(self, x0_bct: Tensor):
        super().__init__()
        self.x0_bct = x0_bct

    def forward(self, x_bct: Tensor, time_b: Tensor, *_: Tensor) -> Tensor:
        return (x_bct - self.x0_bct) / time_b.view(-1, 1, 1)


class Sum(nn.Module):
    """One logit an item: the sum of its latent, plus that of its prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.0))

    def forward(self, x_bct: Tensor, level_b: Tensor, text_bld: Tensor, seconds_b: Tensor) -> Tensor:
        return self.gain * (x_bct.sum((1, 2)) + text_bld.sum((1, 2)))[:, None]


def test_a_generator_that_is_right_makes_its_own_real_sound_and_shares_its_level() -> None:
    items, recipe = batch(), ArcRecipe(shared_noise=True)
    pair = make_pair(Oracle(items.latents_bct), items, Draws(0, 0, ROWS), recipe)
    torch.testing.assert_close(pair.fake_bct, pair.real_bct, rtol=1e-4, atol=1e-4)
    assert ((pair.level_b > 0) & (pair.level_b < 1)).all()


def test_the_noise_of_a_pair_is_independent_as_in_the_paper_or_shared_as_in_the_published_code() -> None:
    real, fake, level_b = torch.zeros(6, 4, 5), torch.ones(6, 4, 5), torch.full((6,), 0.25)
    shared = noised_pair(real, fake, level_b, Draws(0, 0, ROWS), shared_noise=True)
    torch.testing.assert_close(shared.fake_bct - shared.real_bct, 0.75 * torch.ones(6, 4, 5))
    independent = noised_pair(real, fake, level_b, Draws(0, 0, ROWS), shared_noise=False)
    difference = (independent.fake_bct - independent.real_bct - 0.75) / (0.25 * math.sqrt(2))
    assert difference.std().item() == pytest.approx(1, abs=0.2)


def test_the_generator_learns_through_its_own_sound_alone() -> None:
    items, judge = batch(), Sum()
    pair = make_pair(Oracle(items.latents_bct), items, Draws(0, 0, ROWS), ArcRecipe())
    pair = pair._replace(fake_bct=pair.fake_bct.requires_grad_(), real_bct=pair.real_bct.requires_grad_())
    loss = generator_loss(pair, judge, items, ArcRecipe())
    margin = pair.fake_bct.sum((1, 2)) - pair.real_bct.sum((1, 2))  # the prompt's part is the same in both
    assert loss.item() == pytest.approx(F.softplus(margin).mean().item(), rel=1e-4)
    loss.backward()
    assert pair.real_bct.grad is None
    expected = torch.sigmoid(margin)[:, None, None].expand(6, 4, 5) / 6
    torch.testing.assert_close(pair.fake_bct.grad, expected, rtol=1e-4, atol=1e-6)


def test_the_discriminator_meets_its_formulas_and_leaves_out_items_without_a_wrong_prompt() -> None:
    items, judge, std = batch(), Sum(), 0.05
    pair = make_pair(Oracle(items.latents_bct), items, Draws(0, 0, ROWS), ArcRecipe())
    wrong_bld, valid_b = items.text_bld.roll(1, 0), torch.tensor([True, True, False, True, False, True])
    losses = discriminator_losses(pair, judge, items, wrong_bld, valid_b, Draws(0, 0, ROWS, stream=1), std)
    relativistic, contrastive, penalty = (loss.item() for loss in losses)
    margin = pair.fake_bct.sum((1, 2)) - pair.real_bct.sum((1, 2))
    assert relativistic == pytest.approx(F.softplus(-margin).mean().item(), rel=1e-4)
    mismatch = (wrong_bld - items.text_bld).sum((1, 2))[valid_b]
    assert contrastive == pytest.approx(F.softplus(-mismatch).mean().item(), rel=1e-4)
    draws = Draws(0, 0, ROWS, stream=1)
    steps = [(std * draws.noise(pair.real_bct)).sum((1, 2)).square().mean() for _ in range(2)]
    assert penalty == pytest.approx((steps[0] + steps[1]).item() / 2, rel=1e-2)
    nobody = torch.zeros(6, dtype=torch.bool)
    assert discriminator_losses(pair, judge, items, wrong_bld, nobody, draws, 0.0)[1:] == (0, 0)


def test_the_published_head_has_its_parameters_and_its_thirteen_logits() -> None:
    recipe = ARC_RECIPES["stable-audio-open-small"]
    with torch.device("meta"):
        head = Head(SAO_SMALL.dit.width, kernel=recipe.head_kernel, stride=recipe.head_stride)
        assert head(torch.zeros(2, 257, 1024)).shape == (2, 13)
        discriminator = Discriminator(SAO_SMALL, recipe.trunk_fraction, recipe.head_kernel, recipe.head_stride)
    assert sum(p.numel() for p in head.parameters()) == 16_793_601
    assert len(discriminator.trunk.dit.blocks) == 12
    with pytest.raises(ValueError, match="head kernel 4, stride 1"):
        Head(32, kernel=4, stride=1)


def test_the_published_size_has_the_papers_recipe() -> None:
    flow, arc = PRETRAIN_RECIPES["stable-audio-open-small"], ARC_RECIPES["stable-audio-open-small"]
    for recipe in (flow, arc):
        assert recipe.batch_frames // SAO_SMALL.max_frames == recipe.max_items == 256
    assert (flow.steps, arc.steps) == (670_000, 100_000)
    assert (flow.prompt_dropout, flow.ema_decay, flow.ema_power) == (0.1, 0.9999, 0.75)
    assert (arc.learning_rate, arc.contrastive_weight, arc.shared_noise, arc.saturating) == (5e-7, 1.0, False, False)


def test_early_averages_forget_as_published_and_the_published_rate_halves_its_square_at_a_million() -> None:
    ema = Ema(nn.Linear(2, 2), decay=0.9999, power=0.75)
    assert ema.decay_at(0) == 0
    assert ema.decay_at(15) == pytest.approx(1 - 16**-0.75)
    assert ema.decay_at(10**9) == 0.9999
    assert inverse_decay(1_000_000, 1e6, 0.5, 0.995) == pytest.approx(1 / math.sqrt(2))
    assert inverse_decay(0, 1e6, 0.5, 0.995) == pytest.approx(0.005)


def test_a_dropped_prompt_is_the_null_condition_of_guidance() -> None:
    torch.manual_seed(0)
    generator = Generator(TINY)
    for parameter in generator.parameters():
        nn.init.normal_(parameter, std=0.05)
    x, time_b, text, seconds = torch.randn(2, 64, 8), torch.rand(2), torch.randn(2, 32, 384), torch.rand(2)
    dropped = generator(x, time_b, text, seconds, torch.tensor([True, False]))
    torch.testing.assert_close(dropped[:1], generator(x, time_b, text, seconds)[:1])
    null = generator.dit(x, time_b, generator.condition(text, seconds).null())
    torch.testing.assert_close(dropped[1:], null[1:])


def test_the_warm_up_regresses_where_the_flow_ends() -> None:
    items = batch()
    flow, recipe = Oracle(items.latents_bct), replace(ArcRecipe(), ode_sampling_steps=5)
    trajectory = Trajectory(flow, items, torch.randn(6, 4, 5), recipe)  # type: ignore[arg-type]
    torch.testing.assert_close(trajectory.end_bct, items.latents_bct, rtol=1e-3, atol=1e-3)
    assert trajectory.loss(flow, Draws(0, 0, ROWS)).item() == pytest.approx(0, abs=1e-5)
    wrong = Oracle(items.latents_bct + 1)
    assert trajectory.loss(wrong, Draws(0, 0, ROWS)).item() == pytest.approx(1, rel=1e-2)
