"""ARC's step against the paper's formulas and the published code's numbers, with networks simple enough to solve."""

import gc
import math
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
import torch.nn.functional as F
from tiny_run import ARC, CAPTIONS, MadeLatents, pretrained
from torch import Tensor, nn

from model.config import SAO_SMALL, TINY
from model.controls import CONTOUR, INSIDE, SIGNALS, control_signals, named_note
from model.generator import Generator
from training import arc
from training.arc import Pair, discriminator_losses, generator_loss, make_pair, noised_pair
from training.config import ARC_RECIPES, PRETRAIN_RECIPES, ArcRecipe
from training.discriminator import Discriminator, Head
from training.latents import Batch, Latents, Told
from training.launch import Launch
from training.optim import Ema, inverse_decay, warmup_stable_decay
from training.run import open_fabric
from training.sampling import Draws
from training.trajectories import Trajectory

ROWS = tuple(range(6))


def batch() -> Batch:
    torch.manual_seed(0)
    captions = ("kick", "snare", "kick", "bell", "hat", "hat")
    told = Told(torch.randn(6, 2, 3), torch.rand(6), torch.randn(6, 7, 5))
    return Batch(torch.randn(6, 4, 5), told, captions, (None,) * 6, ROWS, captions)


class Oracle(nn.Module):
    """The exact velocity of known data: (x_t − x_0)/t."""

    def __init__(self, x0_bct: Tensor):
        super().__init__()
        self.x0_bct = x0_bct

    def forward(self, x_bct: Tensor, time_b: Tensor, *_: Tensor) -> Tensor:
        return (x_bct - self.x0_bct) / time_b.view(-1, 1, 1)


class Sum(nn.Module):
    """One logit an item: the sum of its latent, plus those of its prompt and its control signals."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.0))

    def forward(
        self, x_bct: Tensor, level_b: Tensor, text_bld: Tensor, seconds_b: Tensor, controls_bst: Tensor
    ) -> Tensor:
        return self.gain * sum(tensor.sum((1, 2)) for tensor in (x_bct, text_bld, controls_bst))[:, None]


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
    told, valid_b = items.told, torch.tensor([True, True, False, True, False, True])
    assert told.controls_bst is not None
    wrong = told._replace(text_bld=told.text_bld.roll(1, 0), controls_bst=told.controls_bst.roll(1, 0))
    losses = discriminator_losses(pair, judge, items, wrong, valid_b, Draws(0, 0, ROWS, stream=1), std)
    relativistic, contrastive, penalty = (loss.item() for loss in losses)
    margin = pair.fake_bct.sum((1, 2)) - pair.real_bct.sum((1, 2))
    assert relativistic == pytest.approx(F.softplus(-margin).mean().item(), rel=1e-4)
    mismatch = sum((wrong[i] - told[i]).sum((1, 2)) for i in (0, 2))[valid_b]  # in words, and in what they name
    assert contrastive == pytest.approx(F.softplus(-mismatch).mean().item(), rel=1e-4)
    draws = Draws(0, 0, ROWS, stream=1)
    steps = [(std * draws.noise(pair.real_bct)).sum((1, 2)).square().mean() for _ in range(2)]
    assert penalty == pytest.approx((steps[0] + steps[1]).item() / 2, rel=1e-2)
    nobody = torch.zeros(6, dtype=torch.bool)
    assert discriminator_losses(pair, judge, items, wrong, nobody, draws, 0.0)[1:] == (0, 0)


def test_a_wrong_prompt_is_told_with_what_its_words_name_and_with_the_items_own_length_and_contour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Batch, Told, Tensor]] = []

    def watched(pair: Pair, judge: nn.Module, items: Batch, wrong: Told, valid_b: Tensor, *more) -> tuple:
        seen.append((items, wrong, valid_b))
        return discriminator_losses(pair, judge, items, wrong, valid_b, *more)

    monkeypatch.setattr(arc, "discriminator_losses", watched)
    launch, latents = Launch(precision="32-true", log_every=1, preview_every=0, accumulate=2), MadeLatents()
    recipe = replace(ARC, steps=8)
    arc.train(TINY, cast("Latents", latents), pretrained(), recipe, tmp_path, open_fabric(launch), launch)
    items_seen = names_seen = 0
    for items, wrong, valid_b in seen:
        assert torch.equal(wrong.seconds_b, items.told.seconds_b)
        assert wrong.controls_bst is not None
        assert items.told.controls_bst is not None
        for unchanged in (slice(INSIDE, INSIDE + 1), CONTOUR):
            assert torch.equal(wrong.controls_bst[:, unchanged], items.told.controls_bst[:, unchanged])
        lengths = items.told.seconds_b.tolist()
        for i, (caption, seconds, traits) in enumerate(zip(items.captions, lengths, items.traits, strict=True)):
            (other,) = (c for c in CAPTIONS if torch.equal(latents.text([c])[0], wrong.text_bld[i]))
            assert (other != caption) == valid_b[i]
            expected = torch.from_numpy(control_signals(TINY, 8, seconds, other, *traits))
            assert torch.equal(wrong.controls_bst[i], expected)
            items_seen += 1
            names_seen += named_note(other) != named_note(caption)
    assert items_seen == 8 * recipe.steps
    assert names_seen > 8


def test_no_teacher_stays_in_memory_after_the_warm_up_or_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generators(recipe: ArcRecipe, name: str) -> list[int]:
        """How many there are at the start of each step."""
        counts: list[int] = []

        def counted(*arguments: float) -> float:
            gc.collect()
            counts.append(sum(type(thing) is Generator for thing in gc.get_objects()))
            return warmup_stable_decay(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(arc, "warmup_stable_decay", counted)
        launch = Launch(precision="32-true", preview_every=0)
        arc.train(
            TINY, cast("Latents", MadeLatents()), pretrained(), recipe, tmp_path / name, open_fabric(launch), launch
        )
        return [count - counts[-1] for count in counts]

    recipe = replace(ARC, steps=5, ode_sampling_steps=1)
    assert generators(recipe, "without") == [0, 0, 0, 0, 0]
    assert generators(replace(recipe, ode_warmup_steps=2), "with") == [1, 1, 1, 0, 0]


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
    told = Told(text, seconds, torch.randn(2, SIGNALS, 8))
    dropped = generator(x, time_b, *told, torch.tensor([True, False]))
    whole = generator(x, time_b, *told)
    torch.testing.assert_close(dropped[:1], whole[:1])
    null = generator.dit(x, time_b, generator.condition(*told).null())
    assert (null - whole).abs().max() > 1e-4
    torch.testing.assert_close(dropped[1:], null[1:])


def test_the_warm_up_regresses_where_the_flow_ends() -> None:
    items = batch()
    flow, recipe = Oracle(items.latents_bct), replace(ArcRecipe(), ode_sampling_steps=5)
    trajectory = Trajectory(flow, items, torch.randn(6, 4, 5), recipe)  # type: ignore[arg-type]
    torch.testing.assert_close(trajectory.end_bct, items.latents_bct, rtol=1e-3, atol=1e-3)
    assert trajectory.loss(flow, Draws(0, 0, ROWS)).item() == pytest.approx(0, abs=1e-5)
    wrong = Oracle(items.latents_bct + 1)
    assert trajectory.loss(wrong, Draws(0, 0, ROWS)).item() == pytest.approx(1, rel=1e-2)
