from dataclasses import replace

import numpy as np
import pytest
from editing import FRAMES, Edit
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.domain import RATE_HZ
from arc_instrument.ui.edit_handles import (
    MAX_GAIN_DB,
    MIN_GAIN_DB,
    Handle,
    LoopPoints,
    Shaping,
    decibels,
    edit_of,
    heard,
    shaping_of,
)

UNEDITED = Shaping(Edit(end=FRAMES), None, FRAMES, RATE_HZ)
LOOPED = replace(UNEDITED, loop=LoopPoints(1_000, 50_000))
frames = st.integers(-FRAMES, 2 * FRAMES)
moves = st.lists(st.tuples(st.sampled_from(list(Handle)), frames), max_size=12)


@given(moves)
def test_whatever_is_dragged_where_the_edit_stays_one_that_can_be_played(moved):
    shaping = LOOPED
    for handle, frame in moved:
        shaping = shaping.moved(handle, frame)
        edit = shaping.edit
        assert 0 <= edit.start < edit.end <= FRAMES
        assert edit.end - edit.start >= 441
        assert edit.fade_in_ms >= 0
        assert edit.fade_out_ms >= 0
        faded = shaping.frames_in(edit.fade_in_ms) + shaping.frames_in(edit.fade_out_ms)
        assert faded <= edit.end - edit.start
        assert edit.start <= shaping.loop.start < shaping.loop.end <= edit.end


@given(st.sampled_from([Handle.START, Handle.END, Handle.FADE_IN, Handle.FADE_OUT]), st.integers(500, FRAMES - 500))
def test_a_handle_lies_where_it_was_moved_to(handle, frame):
    assert UNEDITED.moved(handle, frame).frame_of(handle) == frame


@given(st.sampled_from(list(Handle)), moves)
def test_reset_brings_a_handle_back_to_where_an_unedited_sound_has_it(handle, moved):
    shaping = LOOPED
    for other, frame in moved:
        shaping = shaping.moved(other, frame)
    back = shaping.reset(handle)
    assert back.reset(handle) == back
    if handle in (Handle.START, Handle.END):
        assert back.frame_of(handle) == LOOPED.frame_of(handle)
    assert not shaping.cleared().is_edited


@given(st.booleans(), st.integers(0, 1_000), st.integers(2_000, FRAMES), st.integers(1_100, 1_900))
def test_heard_order_of_heard_order_is_the_sound_itself(is_reversed, start, end, loop_start):
    shaping = Shaping(Edit(start, end, 5, 6, reverse=is_reversed), LoopPoints(loop_start, 2_000), FRAMES, RATE_HZ)
    assert heard(heard(shaping)) == shaping
    if is_reversed:
        assert heard(shaping).edit.start == FRAMES - end
        assert heard(shaping).edit.fade_in_ms == 5  # of what is heard, whichever way it plays


def test_gains_are_nought_outside_one_within_half_way_up_a_fade_and_scaled_by_the_decibels():
    shaping = replace(UNEDITED, edit=Edit(4_410, 44_100, fade_in_ms=100, fade_out_ms=200, gain_db=-6.0))
    at = np.array([0, 4_409, 4_410, 4_410 + 2_205, 20_000, 44_100 - 4_410, 44_100])
    expected = 10 ** (-6 / 20) * np.array([0, 0, 0, 0.5, 1, 0.5, 0])
    np.testing.assert_allclose(shaping.gains(at), expected, atol=1e-9)


def test_an_equal_power_fade_is_three_decibels_down_half_way():
    shaping = replace(UNEDITED, edit=Edit(0, FRAMES, fade_in_ms=100, fade="equal power"))
    assert shaping.gains(np.array([2_205]))[0] == pytest.approx(0.5**0.5)


@given(st.booleans(), st.sampled_from([0, 500]), st.sampled_from([None, 2_000]))
def test_the_session_gets_its_edit_back_as_it_keeps_it(is_reversed, start, end):
    edit = Edit(start, end, reverse=is_reversed)
    shaping = shaping_of(edit, None, FRAMES, RATE_HZ)
    assert edit_of(shaping) == edit
    assert (shaping.edit.start, shaping.edit.end) != (start, None)


@pytest.mark.parametrize(("asked", "got"), [(3.14, 3.1), (-99, MIN_GAIN_DB), (99, MAX_GAIN_DB)])
def test_gain_moves_in_tenths_of_a_decibel_within_its_range(asked, got):
    assert UNEDITED.louder(asked).edit.gain_db == got


def test_values_are_told_in_milliseconds_and_decibels():
    shaping = replace(UNEDITED, edit=Edit(4_410, FRAMES, fade_in_ms=35, gain_db=-3.5))
    assert shaping.value_text(Handle.START) == "Start 100 ms"
    assert shaping.value_text(Handle.END) == "End 2\N{NARROW NO-BREAK SPACE}000 ms"
    assert shaping.value_text(Handle.FADE_IN) == "Fade in 35 ms"
    assert shaping.value_text(Handle.GAIN) == "−3.5 dB"
    assert [decibels(value) for value in (0.0, -0.04, 6.0)] == ["0.0 dB", "0.0 dB", "+6.0 dB"]


def test_there_is_nothing_to_grab_without_an_edit_and_no_loop_point_without_a_loop():
    assert Shaping().handles == ()
    assert Handle.LOOP_START not in UNEDITED.handles
    assert set(LOOPED.handles) == set(Handle)
