"""What the state derives from its fields, and that each of them is there for somebody."""

import ast
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from arc_instrument import ui
from arc_instrument.actions import ACTIONS
from arc_instrument.parameters import PARAMETERS
from arc_instrument.session.state import SessionState, init_noise, strength_percent


def test_more_strength_means_less_noise_from_all_to_nearly_none():
    noises = [init_noise(percent) for percent in range(101)]
    assert noises[0] == 1.0
    assert noises[100] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(noises))
    assert [strength_percent(noise) for noise in noises] == list(range(101))


def test_every_field_of_the_state_is_shown_by_a_widget_or_named_by_a_registry():
    read = {
        node.attr
        for file in Path(ui.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    named = {name for action in ACTIONS for name in (action.checked_by, action.needs)}
    named |= {parameter.field.partition(".")[0] for parameter in PARAMETERS}
    unseen = {field.name for field in fields(SessionState)} - read - named
    assert unseen == {
        "found",  # `visible_takes` is what it lets through
        "wished_seconds",  # `seconds` is what becomes of it
        "phase_sentence",  # said as a message when it is a failure
    }
