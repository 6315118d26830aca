"""Undo of an edit: of the sound that was edited, whatever is current by then."""

from dataclasses import replace

import numpy as np
import pytest
from doubles import tone
from inline_session import make_session

from arc_instrument.domain import Clip
from arc_instrument.editing import UNEDITED, Edit
from arc_instrument.looping import PlayedLoop


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


def test_silence_is_trimmed_in_one_step_that_is_undone_and_the_keys_play_the_rest(session, qtbot):
    samples = np.zeros((20_000, 2), np.float32)
    samples[4_000:9_000] = 0.5
    session.player.load(replace(session.state.current, clip=Clip(samples), take=None))
    session.edits.apply(Edit(gain_db=-6))
    assert session.controls.run("trim_silence")
    edit = session.state.current.edit
    assert (edit.start, edit.end, edit.gain_db) == (4_000 - 132, 9_000 + 132, -6)
    qtbot.waitUntil(lambda: len(session.player._audio.armed.samples) == 5_264)
    session.history.undo()
    assert session.state.current.edit == Edit(gain_db=-6)
    session.history.redo()
    assert session.state.current.edit == edit
    session.edits.trim_silence()
    assert "no silence to trim" in session.state.message.text
    assert session.state.current.edit == edit


def test_what_loops_of_a_sound_that_died_away_ends_there_and_of_bars_with_the_last_frame(session):
    samples = np.zeros((20_000, 2), np.float32)
    samples[:6_000] = 0.5
    session.player.load(replace(session.state.current, clip=Clip(samples), take=None))
    assert session.state.loop is None
    session.sampler.toggle_loop()
    assert session.state.loop == PlayedLoop(0, 6_000)
    session.edits.apply(Edit(start=1_000))
    assert session.state.loop == PlayedLoop(0, 5_000)
    session.edits.apply(Edit(reverse=True))
    assert (session.state.loop.end, session.state.loop.crossfade > 0) == (20_000, True)  # it sounds to its end now
    session.edits.apply(UNEDITED)
    bars = replace(session.state.current.request, settings={"bpm": 120, "bars": 1})
    session.player.load(replace(session.state.current, request=bars))
    assert session.state.loop == PlayedLoop(0, 20_000)
