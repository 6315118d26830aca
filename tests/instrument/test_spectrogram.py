import numpy as np
import pytest

from arc_instrument.domain import RATE_HZ
from arc_instrument.spectrogram import FLOOR_DB, HOP_FRAMES, ROWS, frequency_of, height_of, spectrogram


def stereo(mono):
    return np.stack([mono, mono], axis=1).astype(np.float32)


def sine(frequency_hz, seconds=0.5, level=1.0):
    return stereo(level * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ))


@pytest.mark.parametrize("frequency_hz", [100, 440, 1_000, 10_000])
def test_a_sine_stands_in_its_own_row_at_its_own_level(frequency_hz):
    for level_db in (0, -40):
        column = spectrogram(sine(frequency_hz, level=10 ** (level_db / 20)), RATE_HZ)[:, 20]
        row = int(column.argmax())
        assert abs(row + 0.5 - height_of(frequency_hz) * ROWS) <= 2
        assert level_db - 1.5 <= column[row] <= level_db + 0.1
        assert column[int(height_of(3 * frequency_hz if frequency_hz < 5_000 else 1_000) * ROWS)] < level_db - 30


def test_columns_are_centred_on_multiples_of_the_hop():
    click = np.zeros(20 * HOP_FRAMES)
    click[7 * HOP_FRAMES] = 1.0
    loudness = spectrogram(stereo(click), RATE_HZ).mean(axis=0)
    assert loudness.argmax() == 7
    assert len(loudness) == 21


def test_silence_is_the_floor_and_nothing_is_above_full_scale():
    assert (spectrogram(stereo(np.zeros(3_000)), RATE_HZ) == FLOOR_DB).all()
    assert spectrogram(2 * sine(1_000), RATE_HZ).max() == 0.0


def test_a_sound_shorter_than_the_window_or_empty_still_has_a_picture():
    for frames in (0, 1, 100):
        levels = spectrogram(stereo(np.ones(frames)), RATE_HZ)
        assert levels.shape == (ROWS, 1)
        assert np.isfinite(levels).all()


def test_height_is_the_inverse_of_frequency_and_an_octave_is_the_same_everywhere():
    for height in (0.0, 0.3, 1.0):
        assert height_of(float(frequency_of(height))) == pytest.approx(height)
    assert height_of(880) - height_of(440) == pytest.approx(height_of(200) - height_of(100))
