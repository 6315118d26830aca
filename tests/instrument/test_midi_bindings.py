"""Soft takeover, switches and encoders against what they promise."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.domain import ControlEvent, NoteEvent, ProgramEvent
from arc_instrument.midi_bindings import (
    CATCH_STEPS,
    Binding,
    Switch,
    Takeover,
    Trigger,
    bound,
    steps,
    trigger_of,
    with_relative,
)

UNITS = st.integers(0, 127).map(lambda value: value / 127)
KNOB = Trigger("nano", "controller", 21, 1)


@given(value=st.floats(0, 1), knob=st.lists(UNITS, max_size=30))
def test_a_value_never_jumps_further_than_its_knob_was_just_turned(value, knob):
    takeover, before = Takeover(), None
    for position in knob:
        if takeover.follows(position, value, value):
            turned = 0 if before is None else abs(position - before)
            assert abs(position - value) <= max(turned, CATCH_STEPS / 127) + 1e-9
            value = position
            takeover.wrote(value)
        before = position


@given(value=st.floats(0, 1), start=UNITS)
def test_a_knob_turned_over_its_whole_range_always_catches_the_value(value, start):
    takeover = Takeover()
    takeover.follows(start, value, value)
    sweep = [step / 127 for step in (*range(round(start * 127), 128), *range(127, -1, -1))]
    assert any(takeover.follows(position, value, value) for position in sweep)


def test_a_knob_moves_nothing_before_it_passes_the_value_and_again_after_a_mouse_moved_that():
    takeover = Takeover()
    assert not takeover.follows(0.1, 0.5, 50)
    assert not takeover.follows(0.4, 0.5, 50)
    assert takeover.follows(0.6, 0.5, 50)
    takeover.wrote(60)
    assert takeover.follows(0.9, 0.6, 60)
    takeover.wrote(90)
    assert not takeover.follows(0.8, 0.2, 20)
    assert takeover.follows(0.1, 0.2, 20)


@given(st.lists(st.integers(0, 127)))
def test_a_switch_fires_once_for_each_time_it_rises_to_the_middle(values):
    switch = Switch()
    fired = sum(switch.fires(value) for value in values)
    levels = [False, *(value >= 64 for value in values)]
    assert fired == sum(now and not before for before, now in itertools.pairwise(levels))


def test_an_encoder_counts_in_twos_complement():
    assert [steps(value) for value in (1, 2, 63, 127, 126, 64, 0)] == [1, 2, 63, -1, -2, -64, 0]


def test_a_control_drives_one_target_and_a_target_may_have_several_controls():
    pedal = Trigger("nano", "controller", 22, 1)
    bindings = bound(bound(bound((), Binding(KNOB, "generate")), Binding(pedal, "play")), Binding(KNOB, "play"))
    assert bindings == (Binding(pedal, "play"), Binding(KNOB, "play"))
    assert with_relative(bindings, KNOB, True) == (Binding(pedal, "play"), Binding(KNOB, "play", True))


@pytest.mark.parametrize(
    ("event", "title"),
    [
        (ControlEvent(1, 21, 64, "nano"), "CC 21 channel 1 of nano"),
        (ProgramEvent(16, 3, "nano"), "program 3 channel 16 of nano"),
        (NoteEvent(36, 100, "pads"), "note 36 of pads"),
    ],
)
def test_a_control_is_named_as_people_count(event, title):
    assert trigger_of(event).title == title
