"""Noise levels against the moments of their distributions, and wrong prompts that are wrong."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.schedule import shift_time
from training.sampling import Draws, derange, log_snr_uniform, logit_normal, truncated_logit_normal

EVENLY = (torch.arange(20_000) + 0.5) / 20_000  # quantiles of a uniform number: sampling without chance
NORMALLY = torch.special.ndtri(EVENLY.double())


def test_generator_levels_are_uniform_in_log_snr_from_minus_six_to_two() -> None:
    levels = log_snr_uniform(EVENLY.double())
    log_snr = -torch.logit(levels)
    assert log_snr.min().item() == pytest.approx(-6, abs=1e-3)
    assert log_snr.max().item() == pytest.approx(2, abs=1e-3)
    assert log_snr.std().item() == pytest.approx(8 / math.sqrt(12), rel=1e-3)
    assert levels.mean().item() == pytest.approx(0.734, abs=1e-3)  # the published code's
    quantiles = levels.quantile(torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64))
    assert quantiles.tolist() == pytest.approx([0.168, 0.879, 0.996], abs=2e-3)


def test_discriminator_levels_have_a_normal_logit_shifted_towards_data() -> None:
    logit = torch.logit(logit_normal(NORMALLY, mean=-0.5))
    assert logit.mean().item() == pytest.approx(-0.5, abs=1e-6)
    assert logit.std().item() == pytest.approx(1, abs=1e-3)
    assert logit_normal(NORMALLY, mean=-0.5).mean() < 0.5


def test_the_published_base_draws_its_levels_from_a_truncated_logit_normal() -> None:
    levels = truncated_logit_normal(EVENLY)
    assert levels.min() >= 0
    assert levels.max() <= 1
    assert levels.mean().item() == pytest.approx(0.538, abs=1e-3)
    quantiles = levels.quantile(torch.tensor([0.05, 0.5, 0.95]))
    assert quantiles.tolist() == pytest.approx([0.175, 0.539, 0.898], abs=1e-3)


def test_the_published_base_shifts_its_levels_towards_noise_by_the_length_of_the_canvas() -> None:
    assert shift_time(truncated_logit_normal(EVENLY), 256).mean().item() == pytest.approx(0.636, abs=2e-3)
    assert [shift_time(t, 256) for t in (0.1, 0.5, 0.9)] == pytest.approx([0.155, 0.622, 0.937], abs=1e-3)


def test_an_item_draws_the_same_numbers_alone_and_in_any_part_of_its_batch() -> None:
    def drawn(rows: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        draws = Draws(seed=1, step=7, rows=rows)
        return draws.normal(), draws.noise(torch.zeros(len(rows), 3, 4)), draws.uniform()

    whole, part = drawn([0, 1, 2, 3, 4, 5]), drawn([1, 4])
    assert all(torch.equal(a[[1, 4]], b) for a, b in zip(whole, part, strict=True))
    assert not torch.equal(whole[1][0], whole[1][1])
    other_step, other_stream = Draws(1, 8, [0]).normal(), Draws(1, 7, [0], stream=1).normal()
    assert len({x.item() for x in (whole[0][0], other_step[0], other_stream[0])}) == 3


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(("kick", "snare", "flute", "bass", "glass")), min_size=1, max_size=24), st.integers(0, 99)
)
def test_no_item_meets_a_prompt_equal_to_its_own(prompts: list[str], seed: int) -> None:
    permutation, valid = derange(tuple(prompts), np.random.default_rng(seed))
    assert sorted(permutation) == list(range(len(prompts)))
    own = np.array(prompts)
    assert (own[permutation][valid] != own[valid]).all()
    assert (own[permutation][~valid] == own[~valid]).all()
    commonest = max(prompts.count(p) for p in prompts)
    if 2 * commonest <= len(prompts):  # then a full derangement exists
        assert valid.all()
