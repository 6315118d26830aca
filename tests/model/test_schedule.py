"""Schedules against the published code's values."""

from itertools import pairwise
from math import exp, log

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from model.schedule import log_snr_times, shift_time

PUBLISHED_END = 1 / (1 + exp(2))


def logit(time: float) -> float:
    return log(time / (1 - time))


@pytest.mark.parametrize(
    ("steps", "times"),
    [
        (1, [1, 0]),
        (2, [1, 0.880797, 0]),
        (4, [1, 0.982014, 0.880797, 0.5, 0]),
        (8, [1, 0.993307, 0.982014, 0.952574, 0.880797, 0.731059, 0.5, 0.268941, 0]),
    ],
)
def test_a_generation_from_noise_uses_the_published_times(steps, times):
    assert log_snr_times(steps) == pytest.approx(times, abs=1e-6)


def test_a_recording_at_level_07_uses_the_published_times():
    assert log_snr_times(8, 0.7) == pytest.approx([0.7, 0.620, 0.534, 0.445, 0.360, 0.282, 0.216, 0.162, 0], abs=5e-4)


@given(steps=st.integers(1, 16), start=st.floats(1e-3, 1))
def test_times_always_fall_from_the_start_level_to_zero(steps, start):
    assume(abs(start - PUBLISHED_END) > 1e-9)  # there all inner times are one
    times = log_snr_times(steps, start)
    assert len(times) == steps + 1
    assert (times[0], times[-1]) == (start, 0)
    assert all(later < earlier for earlier, later in pairwise(times))


def test_the_published_rise_is_there_when_asked_for():
    rising = log_snr_times(8, 0.05, published_rise=True)
    assert max(rising) == pytest.approx(0.107, abs=5e-4)
    assert max(log_snr_times(8, 0.05)) == 0.05


@given(steps=st.integers(2, 16), start=st.floats(1e-3, 0.11919))
def test_below_012_times_fall_as_far_in_log_snr_as_the_published_ones_would_rise(steps, start):
    falling, rising = log_snr_times(steps, start), log_snr_times(steps, start, published_rise=True)
    for down, up in zip(falling[1:-1], rising[1:-1], strict=True):
        assert logit(down) + logit(up) == pytest.approx(2 * logit(start), abs=1e-3)  # the published guard shifts it


@given(steps=st.integers(1, 16), start=st.floats(0.1193, 1))
def test_above_012_the_falling_and_the_published_schedule_are_one(steps, start):
    assert log_snr_times(steps, start) == log_snr_times(steps, start, published_rise=True)


@pytest.mark.parametrize(("steps", "start"), [(0, 1.0), (8, 0.0), (8, 1.01), (8, -0.2)])
def test_an_impossible_schedule_is_refused_with_the_value_it_got(steps, start):
    with pytest.raises(ValueError, match="steps=0" if steps < 1 else f"start={start}"):
        log_snr_times(steps, start)


def test_the_shift_at_256_frames_moves_times_as_published():
    shifted = shift_time(torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0]), 256)
    assert shifted.tolist() == pytest.approx([0, 0.155, 0.622, 0.937, 1], abs=5e-4)


@given(time=st.floats(0.01, 0.99), frames=st.integers(1, 8192))
def test_the_shift_adds_a_constant_in_logit(time, frames):
    t = torch.tensor(time, dtype=torch.float64)
    part = (min(max(frames, 256), 4096) - 256) / 3840
    expected = torch.logit(t) + 0.5 + 0.65 * part
    torch.testing.assert_close(torch.logit(shift_time(t, frames)), expected)
