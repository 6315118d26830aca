"""A shape refuses what nobody can hear or what has no meaning."""

from dataclasses import asdict, replace

import pytest

from arc_instrument.shape import MODES, RANGES, Shape


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_every_range_are_taken_and_what_lies_beyond_is_refused_by_name(name):
    least, most = RANGES[name]
    for value in (least, most):
        assert getattr(Shape(**{name: value}), name) == value
    for value in (least - 0.5, most + 0.5, float("nan")):
        with pytest.raises(ValueError, match=name):
            Shape(**{name: value})


def test_an_unknown_mode_is_refused_with_those_there_are():
    assert [replace(Shape(), mode=mode).mode for mode in MODES] == ["one-shot", "gate", "loop"]
    with pytest.raises(ValueError, match="one-shot, gate, loop"):
        Shape(mode="chop")


def test_every_number_of_a_shape_has_a_range():
    numbers = {name for name, value in asdict(Shape()).items() if not isinstance(value, str)}
    assert numbers == set(RANGES)
