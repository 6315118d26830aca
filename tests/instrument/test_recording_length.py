"""The bars of a recording: never more than 12 s of them, always whole ones, and a sentence where that is fewer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.domain import MAX_RECORDING_SECONDS
from arc_instrument.musical_time import MAX_BPM, MIN_BPM
from arc_instrument.recording_length import RecordingLength, recording_length


@given(bars=st.integers(0, 64), beats=st.integers(1, 16), bpm=st.floats(MIN_BPM, MAX_BPM))
def test_it_is_as_many_whole_bars_as_fit_and_says_when_these_are_fewer(bars, beats, bpm):
    bar_seconds = beats * 60 / bpm
    length = recording_length(bars, beats, bpm)
    assert 0 <= length.bars <= bars
    assert length.seconds <= MAX_RECORDING_SECONDS * (1 + 1e-9)
    assert bool(length.note) == (bars * bar_seconds > MAX_RECORDING_SECONDS * (1 + 1e-9))
    if length.bars:
        assert length.seconds == pytest.approx(length.bars * bar_seconds)
    if length.note:
        assert (length.bars + 1) * bar_seconds > MAX_RECORDING_SECONDS


def test_twelve_seconds_are_exactly_six_bars_at_120():
    assert recording_length(6, 4, 120) == RecordingLength(6, 12.0)
    note = "A recording holds 12 s: at 120 BPM it ends after 6 bars of 4 beats, not 8."
    assert recording_length(8, 4, 120) == RecordingLength(6, 12.0, note)
    assert recording_length(0, 4, 120) == RecordingLength(0, 12.0)


def test_a_bar_that_is_longer_than_any_recording_is_said_to_be_cut():
    length = recording_length(1, 16, 30)
    assert (length.bars, length.seconds) == (0, 12.0)
    assert "one bar of 16 beats lasts 32.0 s and is cut" in length.note
