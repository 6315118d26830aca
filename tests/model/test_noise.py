"""Noise of a seed and of walks between seeds, against what Gaussian noise must be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.noise import Noise

SHAPE = (1, 64, 256)  # 16,384 numbers: a variance is known within 1.1 % (one standard deviation)
seeds = st.integers(0, 2**32 - 1)
distances = st.floats(0, 1)


def draws(noise: Noise) -> list[torch.Tensor]:
    return [noise.draw(shape) for shape in (SHAPE, (1, 2, 3), SHAPE)]


def same(one: Noise, other: Noise) -> bool:
    return all(torch.equal(a, b) for a, b in zip(draws(one), draws(other), strict=True))


@given(seed=seeds)
def test_without_a_walk_every_draw_is_torchs_own_of_that_seed(seed: int) -> None:
    generator, noise = torch.Generator().manual_seed(seed), Noise(seed)
    for drawn in draws(noise):
        assert torch.equal(drawn, torch.randn(drawn.shape, generator=generator))


@given(seed=seeds, other=seeds, before=distances)
def test_a_leg_of_no_distance_changes_no_bit_and_a_whole_one_arrives_at_the_other_seed(seed, other, before):
    assert same(Noise(seed, [(other, 0.0)]), Noise(seed))
    assert same(Noise(seed, [(seed ^ 1, before), (other, 1.0)]), Noise(other))


@given(seed=seeds, distance=distances)
def test_noise_on_the_way_is_as_strong_as_noise(seed: int, distance: float) -> None:
    for drawn in (Noise(seed, [(seed ^ 1, distance)]), Noise(seed, [(seed ^ 1, distance), (seed ^ 2, distance)])):
        values = drawn.draw(SHAPE)
        assert values.std().item() == pytest.approx(1, rel=0.05)
        assert abs(values.mean().item()) < 0.05


@given(seed=seeds, distance=distances)
def test_the_angle_from_the_start_is_the_distance_in_quarter_turns(seed: int, distance: float) -> None:
    start = Noise(seed)
    walked = Noise(seed, [(seed ^ 1, distance)])
    for _ in range(2):  # the later draws of re-noising turn as far as the first
        a, b = start.draw(SHAPE).flatten(), walked.draw(SHAPE).flatten()
        cosine = torch.nn.functional.cosine_similarity(a, b, 0).item()
        assert cosine == pytest.approx(np.cos(distance * np.pi / 2), abs=0.05)


@pytest.mark.parametrize("distance", [-0.1, 1.1, float("nan")])
def test_a_distance_that_is_none_is_named(distance: float) -> None:
    with pytest.raises(ValueError, match=f"distance={distance:g} to seed 4"):
        Noise(1, [(4, distance)])
