import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from arc_instrument.waveform import SILENT, fewer, nearest_zero_crossing, normalised, peaks


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 300), st.just(2)), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 40),
)
def test_no_column_hides_an_extreme_of_the_sound(samples, columns):
    shown = peaks(samples, columns)
    assert len(shown) == min(columns, len(samples))
    assert (shown[:, 0].min(), shown[:, 1].max()) == (samples.min(), samples.max())
    assert (shown[:, 0] <= shown[:, 1]).all()


@pytest.mark.parametrize("level", [1.0, 0.2, 0.02])
def test_small_pictures_show_the_shape_whatever_the_level(level):
    shape = np.array([[-0.5, 1.0], [-1.0, 0.25]], np.float32)
    np.testing.assert_allclose(normalised(level * shape), shape, rtol=1e-6)


def test_silence_is_not_magnified():
    assert np.abs(normalised(np.full((9, 2), SILENT / 10))).max() == pytest.approx(0.1)
    assert normalised(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_a_cut_moves_to_the_nearest_sign_change_within_reach():
    square = np.repeat([1.0, -1.0, 1.0, -1.0], 10)
    samples = np.stack([square, square], axis=1).astype(np.float32)
    assert [nearest_zero_crossing(samples, frame, 6) for frame in (5, 11, 14, 19, 20)] == [10, 10, 10, 20, 20]
    assert nearest_zero_crossing(samples, 5, 4) == 5
    assert nearest_zero_crossing(samples, 39, 5) == 39


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(0, 60), st.just(2)), elements=st.floats(-1, 1, width=32)),
    st.integers(0, 60),
    st.integers(0, 20),
)
def test_a_cut_never_moves_further_than_allowed_nor_to_a_frame_without_a_sign_change(samples, frame, within):
    frame = min(frame, len(samples))
    cut = nearest_zero_crossing(samples, frame, within)
    assert abs(cut - frame) <= within
    if cut != frame:
        before, after = samples[cut - 1 : cut + 1].mean(axis=1) >= 0
        assert before != after


@given(st.integers(0, 900), st.integers(1, 80))
def test_fewer_columns_keep_every_extreme(count, columns):
    whole = peaks(np.random.default_rng(count).uniform(-1, 1, (count, 2)).astype(np.float32))
    few = fewer(whole, columns)
    assert len(few) == min(len(whole), columns)
    if count:
        assert (few[:, 0].min(), few[:, 1].max()) == (whole[:, 0].min(), whole[:, 1].max())
