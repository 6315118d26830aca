"""The monitor: off until asked, without a click on the way, and muted when it howls."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.monitor import FADE_MS, HOWL_SECONDS, Monitor

RATE_HZ = 44_100


def through(monitor: Monitor, block: np.ndarray, block_frames: int = 128) -> np.ndarray:
    out = np.zeros((len(block), 2), np.float32)
    for start in range(0, len(block), block_frames):
        monitor.process(block[start : start + block_frames], out[start : start + block_frames])
    return out


def test_the_input_is_not_heard_until_it_is_switched_on():
    assert not through(Monitor(RATE_HZ), np.full((1_000, 2), 0.5, np.float32)).any()


@given(gains=st.lists(st.floats(0, 1), min_size=1, max_size=5), block_frames=st.integers(16, 999))
def test_switching_and_turning_are_smooth_and_end_at_the_gain(gains, block_frames):
    monitor, steady = Monitor(RATE_HZ), np.full((1_000, 2), 0.5, np.float32)
    heard = []
    for gain in gains:
        monitor.set_gain(gain)
        heard.append(through(monitor, steady, block_frames))
        assert heard[-1][-1, 0] == pytest.approx(0.5 * gain, abs=1e-6)
    steps = np.abs(np.diff(np.concatenate([np.zeros((1, 2), np.float32), *heard]), axis=0))
    assert steps.max() <= 0.5 * 1000 / (FADE_MS * RATE_HZ) + 1e-6


def test_one_channel_is_heard_on_both_sides_and_added_to_what_plays():
    monitor = Monitor(RATE_HZ)
    monitor.set_gain(1.0)
    through(monitor, np.zeros((1_000, 1), np.float32))
    out = np.full((100, 2), 0.25, np.float32)
    monitor.process(np.full((100, 1), 0.125, np.float32), out)
    assert (out == 0.375).all()


def test_a_howl_at_full_level_is_muted_after_half_a_second_and_told_once():
    monitor = Monitor(RATE_HZ)
    monitor.set_gain(1.0)
    howl = np.sin(2 * np.pi * 40 * np.arange(RATE_HZ) / RATE_HZ)[:, None].astype(np.float32)
    before = round((HOWL_SECONDS - 0.02) * RATE_HZ)
    through(monitor, howl[:before])
    assert not monitor.take_howl()
    out = through(monitor, howl[before:])
    assert monitor.take_howl()
    assert not monitor.take_howl()
    assert not out[-RATE_HZ // 4 :].any()


def test_a_loud_beat_is_no_howl():
    monitor = Monitor(RATE_HZ)
    monitor.set_gain(1.0)
    t = np.arange(2 * RATE_HZ)
    hits = np.where(t % 11_025 < 6_000, 1.0, 0.05)[:, None].astype(np.float32)  # 136 ms of full level every 250 ms
    through(monitor, hits)
    assert not monitor.take_howl()
