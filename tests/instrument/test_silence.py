import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.silence import sounding_span


@given(before=st.integers(0, 500), length=st.integers(1, 500), after=st.integers(0, 500), level=st.floats(1e-4, 4))
def test_what_sounds_lies_between_the_silences(before, length, after, level):
    samples = np.zeros((before + length + after, 2), np.float32)
    samples[before : before + length, 1] = level
    assert sounding_span(samples) == (before, before + length)


def test_a_decay_ends_where_it_is_60_db_below_its_own_peak_however_loud_it_is():
    db_a_second = 120.0
    wave = 10 ** (-db_a_second * np.arange(44_100) / 44_100 / 20)
    for level in (1.0, 0.01):
        samples = (level * np.stack([wave, wave], axis=1)).astype(np.float32)
        assert abs(sounding_span(samples)[1] - 22_050) <= 1


def test_a_pause_within_a_sound_is_part_of_it():
    samples = np.zeros((1_000, 2), np.float32)
    samples[[100, 900]] = 0.5
    assert sounding_span(samples) == (100, 901)


def test_what_is_silent_throughout_is_left_whole():
    assert sounding_span(np.zeros((300, 2), np.float32)) == (0, 300)
    assert sounding_span(np.zeros((0, 2), np.float32)) == (0, 0)


def test_samples_that_are_reversed_in_memory_are_read_in_their_order():
    samples = np.zeros((400, 2), np.float32)
    samples[10:20] = 1
    assert sounding_span(samples[::-1]) == (380, 390)
