"""Undo of an edit: of the sound that was edited, whatever is current by then."""

from dataclasses import replace

import pytest
from doubles import tone
from inline_session import make_session

from arc_instrument.editing import UNEDITED, Edit


@pytest.fixture
def session(qapp, tmp_path):
    made = make_session(tmp_path / "takes")
    made.set_prompt("kick")
    made.maker.generate()
    yield made
    made.shutdown()


def test_an_edit_is_undone_and_redone(session):
    session.edits.apply(Edit(gain_db=-6))
    session.history.undo()
    assert session.state.current.edit == UNEDITED
    session.history.redo()
    assert session.state.current.edit == Edit(gain_db=-6)


def test_an_edit_is_never_put_on_a_sound_that_came_by_itself(session):
    edited = session.state.current
    session.edits.apply(Edit(start=200))
    drafted = replace(edited, clip=tone(0.002, 2), take=None)
    session.player.load(drafted)
    session.history.undo()
    session.history.redo()
    assert session.state.current is drafted


def test_edits_of_two_sounds_in_quick_succession_are_two_steps(session):
    session.edits.apply(Edit(start=200))
    arrived = replace(session.state.current, clip=tone(0.02, 2), take=None, edit=UNEDITED)
    session.player.load(arrived)
    session.edits.apply(Edit(gain_db=-3))
    session.history.undo()
    assert session.state.current.edit == UNEDITED
