"""What leaves the pipeline neither clicks nor hums nor exceeds −1 dBTP; measured by other code than makes it so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.finishing import CEILING, finish, true_peak, without_offset
from training.evaluation.levels import faults, true_peak_dbtp

RATE_HZ = 44_100


def tone(hz: float, seconds: float = 0.5, phase: float = 0.0, level: float = 1.0) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ + phase)
    return np.stack([wave, wave], 1).astype(np.float32)


def test_values_that_are_not_numbers_never_leave() -> None:
    with pytest.raises(ValueError, match="not numbers"):
        finish(np.full((100, 2), np.nan, np.float32), RATE_HZ)


def test_a_quarter_rate_sine_sampled_beside_its_crests_peaks_at_one() -> None:
    sine = tone(RATE_HZ / 4, phase=np.pi / 4)
    assert np.abs(sine).max() == pytest.approx(np.sqrt(0.5), abs=1e-3)
    middle = sine[1_000:-1_000] * np.hanning(len(sine) - 2_000)[:, None].astype(np.float32)
    assert true_peak(middle) == pytest.approx(1, abs=2e-3)


@settings(deadline=None, max_examples=25)
@given(st.floats(30, 18_000), st.floats(0, 6.28), st.floats(0.2, 4))
def test_the_peak_between_samples_is_that_of_exact_interpolation(hz: float, phase: float, level: float) -> None:
    sound = tone(hz, 0.2, phase, level) * np.hanning(round(0.2 * RATE_HZ))[:, None].astype(np.float32)
    assert 20 * np.log10(true_peak(sound)) == pytest.approx(true_peak_dbtp(sound), abs=0.01)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 999), st.floats(0.05, 8), st.floats(-0.3, 0.3), st.sampled_from((60.0, 440.0, 9_000.0)))
def test_a_loud_tone_in_noise_with_an_offset_comes_out_without_fault(
    seed: int, level: float, offset: float, hz: float
) -> None:
    noise = np.random.default_rng(seed).standard_normal((RATE_HZ // 2, 2)).astype(np.float32)
    assert faults(finish(level * (tone(hz, phase=1.5) + 0.1 * noise) + np.float32(offset), RATE_HZ)) == []


def test_what_needs_nothing_keeps_every_sample_between_the_fades() -> None:
    quiet = tone(440, level=0.5)
    np.testing.assert_array_equal(finish(quiet, RATE_HZ)[40:-140], quiet[40:-140])


def test_what_is_too_loud_is_turned_down_to_the_ceiling_and_not_clipped() -> None:
    loud = finish(tone(440, level=4.0), RATE_HZ)
    assert true_peak(loud) == pytest.approx(CEILING, rel=1e-3)
    np.testing.assert_allclose(loud[1_000:2_000] / CEILING, tone(440)[1_000:2_000], atol=2e-3)


def test_an_offset_goes_and_a_low_tone_stays() -> None:
    hum = tone(40, 1.0, level=0.3)
    np.testing.assert_allclose(
        without_offset(hum + np.float32(0.2), RATE_HZ)[8_000:-8_000], hum[8_000:-8_000], atol=0.01
    )


def test_nothing_at_all_is_finished_too() -> None:
    assert finish(np.zeros((0, 2), np.float32), RATE_HZ).shape == (0, 2)
    assert finish(np.ones((5, 2), np.float32), RATE_HZ).shape == (5, 2)
