"""What the state derives from its fields."""

from itertools import pairwise

import pytest

from arc_instrument.session.state import init_noise, strength_percent


def test_more_strength_means_less_noise_from_all_to_nearly_none():
    noises = [init_noise(percent) for percent in range(101)]
    assert noises[0] == 1.0
    assert noises[100] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(noises))
    assert [strength_percent(noise) for noise in noises] == list(range(101))
