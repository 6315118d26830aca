import numpy as np
import pytest

from arc_instrument.spectrogram import FLOOR_DB
from arc_instrument.ui.palette import COLOURS
from arc_instrument.ui.spectrogram_painter import LEVELS, STOPS, lightness_of, shading, spectrogram_image

DARK = tuple(COLOURS[name] for name in STOPS)
LIGHT = ("#ffffff", "#cdeee3", "#0b7a5b", "#14181c")


def channels(pixels):
    return np.stack([pixels >> 16 & 255, pixels >> 8 & 255, pixels & 255], axis=-1) / 255


@pytest.mark.parametrize("stops", [DARK, LIGHT])
def test_equal_steps_of_level_are_equal_steps_of_lightness(stops):
    ramp = shading(stops)
    lightness = np.array([lightness_of(rgb) for rgb in channels(ramp)])
    ends = [lightness_of(channels(np.array(int(stop[1:], 16)))) for stop in (stops[0], stops[-1])]
    np.testing.assert_allclose(lightness, np.linspace(*ends, LEVELS), atol=0.6)
    assert f"#{ramp[0] & 0xFFFFFF:06x}" == stops[0]
    assert f"#{ramp[-1] & 0xFFFFFF:06x}" == stops[-1]


def test_lightness_is_that_of_the_cie():
    assert lightness_of(np.array([1.0, 1.0, 1.0])) == pytest.approx(100)
    assert lightness_of(np.full(3, 119 / 255)) == pytest.approx(50.0, abs=0.1)
    assert lightness_of(np.zeros(3)) == 0


def test_the_highest_frequency_is_at_the_top_silence_dark_and_full_scale_light():
    levels = np.full((4, 3), FLOOR_DB, np.float32)
    levels[3, 1] = 0.0
    image = spectrogram_image(levels)
    assert (image.width(), image.height()) == (3, 4)
    assert image.pixelColor(1, 0).name() == COLOURS["text"]
    assert image.pixelColor(0, 0).name() == image.pixelColor(1, 3).name() == COLOURS["surface"]
