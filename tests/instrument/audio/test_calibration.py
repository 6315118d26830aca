"""Calibration: any delay that was put in is found, and an echo that is not there is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.calibration import Probe, listening_frames, round_trip_frames, sweep

RATES_HZ = [8_000, 22_050, 44_100, 48_000, 96_000]


def heard(rate_hz: int, delay: int, gain: float = 1.0, snr_db: float = 20.0, seed: int = 0) -> np.ndarray:
    """What a microphone hears of the probe: late, in noise whose power is `snr_db` below the sweep's."""
    probe = gain * sweep(rate_hz)
    noise = np.random.default_rng(seed).normal(
        0, np.sqrt((probe**2).mean()) * 10 ** (-snr_db / 20), (listening_frames(rate_hz), 2)
    )
    noise[delay : delay + len(probe)] += probe[:, None]
    return noise.astype(np.float32)


@given(
    delay_ms=st.floats(0, 500),
    rate_hz=st.sampled_from(RATES_HZ),
    gain=st.sampled_from([1.0, 0.01, -0.3]),
    seed=st.integers(0, 99),
)
def test_any_delay_up_to_half_a_second_is_found_within_a_millisecond_at_20_db_of_noise(delay_ms, rate_hz, gain, seed):
    delay = round(delay_ms * rate_hz / 1000)
    found = round_trip_frames(heard(rate_hz, delay, gain, seed=seed), rate_hz)
    assert found is not None
    assert abs(found - delay) <= rate_hz / 1000


@given(seed=st.integers(0, 999), rate_hz=st.sampled_from([8_000, 44_100]))
def test_noise_without_an_echo_is_not_taken_for_one(seed, rate_hz):
    noise = np.random.default_rng(seed).normal(0, 0.05, (listening_frames(rate_hz), 2)).astype(np.float32)
    assert round_trip_frames(noise, rate_hz) is None


def test_silence_a_hum_and_a_recording_too_short_hold_no_echo():
    t = np.arange(listening_frames(44_100)) / 44_100
    hum = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in range(1, 40))
    assert round_trip_frames(np.zeros((len(t), 2), np.float32), 44_100) is None
    assert round_trip_frames(np.stack([hum, hum], axis=1).astype(np.float32), 44_100) is None
    assert round_trip_frames(np.zeros((10, 2), np.float32), 44_100) is None


def test_a_microphone_on_one_side_and_a_room_that_answers_do_not_mislead():
    delay = 1_234
    one_side = heard(44_100, delay, snr_db=40)
    one_side[:, 0] = 0
    for late, level in ((400, 0.6), (1_700, 0.4), (5_000, 0.3)):
        one_side[late:, 1] += level * heard(44_100, delay, snr_db=40)[:-late, 1]
    assert round_trip_frames(one_side, 44_100) == pytest.approx(delay, abs=44)


@given(start=st.integers(0, 5_000), block_frames=st.integers(1, 999))
def test_the_probe_is_put_out_once_at_its_frame(start, block_frames):
    probe, out = Probe(44_100), np.zeros((14_000, 2), np.float32)
    probe.start(start)
    for frame in range(0, len(out), block_frames):
        probe.process(out[frame : frame + block_frames], frame)
    expected = np.zeros((14_000, 2), np.float32)
    expected[start : start + len(sweep(44_100))] = sweep(44_100)[:, None]
    assert np.allclose(out, expected, atol=1e-7)
