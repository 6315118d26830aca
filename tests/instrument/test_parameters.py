"""The registry of continuous controls: its scales are inverses, and what it names exists."""

from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.actions import ACTIONS
from arc_instrument.parameters import BY_ID, PARAMETERS, Parameter

CUTOFF = Parameter("cutoff", "Cutoff", "", "Hz", 20, 20_000, 20_000, "f", "f", scale="log")
ATTACK = Parameter("attack", "Attack", "", "s", 0.001, 4, 0.002, "f", "f", scale="log", decimals=3)
EVERY = (*PARAMETERS, CUTOFF, ATTACK)


@pytest.mark.parametrize("parameter", EVERY, ids=lambda p: p.id)
@given(unit=st.floats(0, 1))
def test_a_value_goes_to_the_unit_and_back_unchanged(parameter, unit):
    value = parameter.from_unit(unit)
    assert parameter.minimum <= value <= parameter.maximum
    assert parameter.from_unit(parameter.to_unit(value)) == value
    assert parameter.to_unit(value) == pytest.approx(unit, abs=resolution(parameter, value))


def resolution(parameter, value):
    """How far a unit may move when its value is rounded."""
    step = 0.5 * 10**-parameter.decimals
    low, high = (parameter.to_unit(value + sign * 1.001 * step) for sign in (-1, 1))
    return high - low + 1e-9


@pytest.mark.parametrize("parameter", EVERY, ids=lambda p: p.id)
@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_turning_up_never_turns_down(parameter, first, second):
    low, high = sorted((first, second))
    assert parameter.from_unit(low) <= parameter.from_unit(high)


@pytest.mark.parametrize("parameter", EVERY, ids=lambda p: p.id)
@given(value=st.floats())
def test_whatever_is_asked_for_becomes_a_value_the_control_can_have(parameter, value):
    kept = parameter.clamped(value)
    assert parameter.minimum <= kept <= parameter.maximum
    assert parameter.clamped(kept) == kept
    assert 0 <= parameter.to_unit(kept) <= 1


def test_the_ends_of_a_scale_are_its_minimum_and_maximum():
    for parameter in EVERY:
        assert (parameter.from_unit(0), parameter.from_unit(1)) == (parameter.minimum, parameter.maximum)


def test_equal_turns_of_a_log_scale_are_equal_ratios():
    assert [CUTOFF.from_unit(third / 3) for third in range(4)] == [20, 200, 2_000, 20_000]


@pytest.mark.parametrize(
    "wrong", [{"scale": "cubic"}, {"scale": "log"}, {"maximum": 0}, {"default": 2}], ids=lambda wrong: next(iter(wrong))
)
def test_a_parameter_that_makes_no_sense_is_refused_where_it_is_written(wrong):
    with pytest.raises(ValueError, match="gain: "):
        Parameter(**{"id": "gain", "title": "", "tip": "", "unit": "", "minimum": 0, "maximum": 1, "default": 0,
                     "command": "", "field": ""} | wrong)  # fmt: skip


def test_what_a_parameter_names_is_there_and_its_default_is_the_sessions(session):
    for parameter in PARAMETERS:
        assert callable(attrgetter(parameter.command)(session)), parameter.id
        assert isinstance(attrgetter(parameter.field)(session.state), int | float), parameter.id
        assert not parameter.limit or attrgetter(parameter.limit)(session.state) <= parameter.maximum
    for name in ("steps", "length", "strength", "velocity", "octave"):
        assert attrgetter(BY_ID[name].field)(session.state) == BY_ID[name].default


def test_ids_are_one_word_and_no_two_are_the_same():
    for registry in (PARAMETERS, ACTIONS):
        ids = [entry.id for entry in registry]
        assert len(ids) == len(set(ids))
        assert all(name.isidentifier() for name in ids)


def test_values_are_written_with_their_unit():
    assert [BY_ID[name].text(value) for name, value in (("length", 3), ("steps", 8), ("strength", 40))] == [
        "3.0 s", "8", "40 %",
    ]  # fmt: skip
