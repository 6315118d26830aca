"""Undo of an edit: of the sound that was edited, whatever is current by then."""

from dataclasses import replace

import numpy as np
import pytest
from doubles import tone
from inline_session import make_session

from arc_instrument.audio.sampler_chunks import read_marks
from arc_instrument.audio.wavfile import chunks_of
from arc_instrument.domain import Clip, Take
from arc_instrument.editing import UNEDITED, Edit
from arc_instrument.looping import PlayedLoop
from arc_instrument.takefile import read_take


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


def kept_edit(session, edit: Edit) -> Take:
    """The take that keeping the current sound with this edit writes, as its file tells it."""
    session.edits.apply(edit)
    session.edits.keep()
    take = read_take(session.state.takes[0].path)
    assert take is not None
    return take


def test_a_kept_edit_tells_no_bars_once_it_is_cut_and_its_file_no_tempo_of_them(session):
    session.tempo.set_bars(1)
    session.maker.generate()
    assert "bars" in session.state.takes[0].settings
    turned = kept_edit(session, Edit(reverse=True))
    assert (turned.settings["bars"], turned.settings["edit"]["reverse"]) == (1, True)
    cut = kept_edit(session, Edit(start=200))
    assert "bars" not in cut.settings
    assert cut.settings["bpm"] == session.state.metronome_bpm
    assert read_marks(chunks_of(turned.path)).tempo is not None
    assert read_marks(chunks_of(cut.path)).tempo is None


@pytest.mark.parametrize(
    ("edit", "loop"), [(Edit(gain_db=-6), [100, 400]), (Edit(reverse=True), None), (Edit(start=50), None)]
)
def test_a_kept_edit_of_a_recordings_sound_tells_where_it_came_from_and_its_loop_while_that_is_there(
    session, edit, loop
):
    current = session.state.current
    told = {"init_name": "knock.wav", "loop": [100, 400]}
    session.player.load(replace(current, take=replace(current.take, init_noise=0.4, settings=told)))
    take = kept_edit(session, edit)
    assert (take.init_noise, take.settings["init_name"], take.settings.get("loop")) == (0.4, "knock.wav", loop)


def of_a_second(session) -> None:
    """A sound of 1 s without silence is current."""
    session.player.load(replace(session.state.current, clip=Clip(np.full((44_100, 2), 0.5, np.float32)), take=None))


def points(session) -> tuple[int, int]:
    return session.state.shape.loop_start, session.state.shape.loop_end


def test_a_loop_stays_on_what_it_was_set_on_while_the_sound_is_cut_and_one_undo_brings_both_back(session):
    of_a_second(session)
    session.sampler.loop_between(6_000, 12_000)
    session.edits.apply(Edit(start=2_000))
    assert points(session) == (4_000, 10_000)
    session.history.settle()
    session.edits.apply(Edit(start=2_000, reverse=True))
    assert points(session) == (42_100 - 10_000, 42_100 - 4_000)
    session.history.undo()
    assert (session.state.current.edit, points(session)) == (Edit(start=2_000), (4_000, 10_000))
    session.history.undo()
    assert (session.state.current.edit, points(session)) == (UNEDITED, (6_000, 12_000))
    session.history.redo()
    assert points(session) == (4_000, 10_000)


def test_a_drag_over_a_loop_and_back_is_one_step_and_leaves_the_loop_as_it_was(session):
    of_a_second(session)
    session.sampler.loop_between(6_000, 12_000)
    session.history.settle()
    seen = []
    for start in (3_000, 8_000, 20_000, 8_000, 1_000):
        session.edits.apply(Edit(start=start))
        seen.append(points(session))
    assert seen == [(3_000, 9_000), (0, 4_000), (0, 0), (0, 4_000), (5_000, 11_000)]
    session.history.undo()
    assert (session.state.current.edit, points(session)) == (UNEDITED, (6_000, 12_000))


def test_a_point_that_nobody_chose_goes_on_to_follow_the_sound_when_it_is_cut_or_turned(session):
    of_a_second(session)
    session.sampler.toggle_loop()
    for edit in (Edit(reverse=True), Edit(start=500, reverse=True), UNEDITED):
        session.edits.apply(edit)
        assert points(session) == (0, 0)
    session.sampler.loop_between(6_000, 0)
    session.edits.apply(Edit(start=1_000))
    assert points(session) == (5_000, 0)
    session.edits.apply(Edit(reverse=True))
    assert points(session) == (0, 38_100)
    session.edits.apply(UNEDITED)
    assert points(session) == (6_000, 0)


def test_points_that_were_chosen_for_a_longer_sound_wait_for_it(session):
    of_a_second(session)
    session.sampler.loop_between(60_000, 90_000)
    session.edits.apply(Edit(start=1_000))
    assert points(session) == (60_000, 90_000)
