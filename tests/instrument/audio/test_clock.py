"""Tempo of MIDI clock whose ticks come late and early."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.clock import MidiClock


def told(times_s) -> list[float]:
    clock = MidiClock()
    return [bpm for bpm in map(clock.tick, times_s) if bpm is not None]


def ticks(bpm: float, count: int, start_s: float = 0.0) -> np.ndarray:
    return start_s + np.arange(count) * 60 / (24 * bpm)


@given(bpm=st.floats(30, 300), start_s=st.floats(0, 1e5))
def test_an_even_clock_is_told_once_after_its_first_beat(bpm, start_s):
    assert told(ticks(bpm, 24, start_s)) == []
    assert told(ticks(bpm, 200, start_s)) == [pytest.approx(bpm, rel=1e-4)]


@given(bpm=st.floats(60, 200), seed=st.integers(0, 1000))
def test_two_beats_of_ticks_up_to_2_ms_off_give_the_tempo_within_half_a_percent(bpm, seed):
    jitter = np.random.default_rng(seed).uniform(-0.002, 0.002, 48)
    assert told(np.sort(ticks(bpm, 48) + jitter))[-1] == pytest.approx(bpm, rel=5e-3, abs=0.1)


@given(before=st.floats(60, 120), after=st.floats(125, 200))
def test_a_change_of_tempo_is_told_within_two_beats(before, after):
    first = ticks(before, 60)
    second = ticks(after, 60, first[-1] + 60 / (24 * after))
    assert told([*first, *second])[-1] == pytest.approx(after, abs=0.1)


def test_a_pause_begins_anew_so_that_it_counts_for_no_tempo():
    assert told([*ticks(120, 60), *ticks(120, 24, 3.0)]) == [pytest.approx(120)]
    assert told([*ticks(120, 60), *ticks(90, 60, 3.0)]) == [pytest.approx(120), pytest.approx(90)]
