"""Noise levels against the moments of their distributions, wrong prompts that are wrong, and parts of contours."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.contour import LEVELS, ONSETS, PARTS, PITCH, ROWS
from model.schedule import shift_time
from training.sampling import (
    BLURS,
    CONTOUR_SHARES,
    Draws,
    derange,
    log_snr_uniform,
    logit_normal,
    told_of_contour,
    truncated_logit_normal,
)

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


def made_contour(frames: int = 16, seed: int = 0) -> np.ndarray:
    rows_st = np.random.default_rng(seed).uniform(0.1, 1, (ROWS, frames)).astype(np.float32)
    rows_st[PITCH] *= 100
    return rows_st


def levels_of(rows_st: np.ndarray) -> np.ndarray:
    """(p,), in their order."""
    return rows_st[LEVELS].T.ravel()


def test_of_two_thirds_of_the_items_nothing_is_told_and_of_the_others_all_or_a_part() -> None:
    draws, rows_st, counts = 20_000, made_contour(), np.zeros(4)
    for seed in range(draws):
        told = told_of_contour(rows_st, np.random.default_rng(seed))
        if told is None:
            counts[0] += 1
        else:
            counts[{(True, True): 1, (True, False): 2, (False, True): 3}[told[:PITCH].any(), told[PITCH].any()]] += 1
    shares = np.array(CONTOUR_SHARES)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(2 / 3, abs=0.02)
    four_sigma = 4 * np.sqrt(shares * (1 - shares) / draws)
    assert (np.abs(counts / draws - shares) < four_sigma).all(), counts


@settings(deadline=None)
@given(seed=st.integers(0, 9_999), frames=st.integers(1, 24))
def test_what_is_told_of_a_contour_is_a_part_of_it_with_levels_between_their_neighbours(seed: int, frames: int) -> None:
    rows_st = made_contour(frames, seed)
    before = rows_st.copy()
    told = told_of_contour(rows_st, np.random.default_rng(seed))
    np.testing.assert_array_equal(rows_st, before)  # the next epoch needs it whole
    if told is None:
        return
    assert told.shape == rows_st.shape
    assert told.dtype == np.float32
    for part in (ONSETS, PITCH):
        assert not told[part].any() or np.array_equal(told[part], rows_st[part])
    if told[LEVELS].any():
        around = np.pad(levels_of(rows_st), max(BLURS) // 2, "edge")
        near = np.lib.stride_tricks.sliding_window_view(around, max(BLURS))
        assert (levels_of(told) >= near.min(1) - 1e-6).all()
        assert (levels_of(told) <= near.max(1) + 1e-6).all()
        assert told[ONSETS].any()
    else:
        assert not told[ONSETS].any()
        assert told[PITCH].any()


def blurred(rows_st: np.ndarray, seeds: int = 300) -> list[np.ndarray]:
    """The levels that are told, wherever any are."""
    all_told = (told_of_contour(rows_st, np.random.default_rng(seed)) for seed in range(seeds))
    return [levels_of(told) for told in all_told if told is not None and told[:PITCH].any()]


def test_blurring_keeps_what_is_constant_and_the_mean_of_what_is_constant_near_the_ends() -> None:
    constant, step = made_contour(), made_contour()
    constant[LEVELS] = 0.37
    margin = max(BLURS) // PARTS + 1
    step[LEVELS, :margin] = 0.8
    step[LEVELS, -margin:] = 0.1
    for levels in blurred(constant):
        np.testing.assert_allclose(levels, 0.37, rtol=1e-6)
    for levels in blurred(step):
        assert levels[0] == pytest.approx(0.8, abs=1e-6)
        assert levels[-1] == pytest.approx(0.1, abs=1e-6)
        assert levels.mean() == pytest.approx(levels_of(step).mean(), abs=1e-6)


def test_a_single_loud_part_is_spread_evenly_over_each_of_the_widths() -> None:
    impulse = made_contour()
    impulse[LEVELS] = 0
    impulse[0, 8] = 1
    widths = set()
    for levels in blurred(impulse):
        width = np.count_nonzero(levels)
        widths.add(width)
        assert levels[8 * PARTS - width // 2 : 8 * PARTS + width // 2 + 1] == pytest.approx(1 / width)
        assert levels.sum() == pytest.approx(1, abs=1e-6)
    assert widths == set(BLURS)


def test_the_same_generator_tells_the_same_of_a_contour() -> None:
    for seed in range(50):
        one, other = (told_of_contour(made_contour(), np.random.default_rng((seed, 3, 1))) for _ in range(2))
        np.testing.assert_equal(one, other)
