"""Waves over the mixer's output: exact where there is room, never above the ceiling."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.overlay import CEILING, KNEE, add_wave, sum_below_ceiling

sample = st.floats(-1, 1, width=32)


@given(sample=st.floats(-CEILING, CEILING), added=sample)
def test_a_sum_is_exact_below_the_knee_and_never_passes_the_ceiling(sample, added):
    total = sum_below_ceiling(sample, added)
    assert abs(total) <= CEILING
    if abs(sample + added) <= KNEE or added == 0:
        assert total == sample + added
    else:
        assert np.sign(total) == np.sign(sample + added)


def test_a_wave_is_added_where_it_falls_into_the_block():
    wave = np.array([0.1, 0.2, 0.3], np.float32)
    for at in range(-4, 6):
        out = np.full((4, 2), 0.25, np.float32)
        add_wave(out, wave, at)
        expected = np.full(4, 0.25, np.float32)
        for i, value in enumerate(wave):
            if 0 <= at + i < 4:
                expected[at + i] += value
        assert np.allclose(out, expected[:, None])
