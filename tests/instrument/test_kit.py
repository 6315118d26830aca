"""A kit as a person makes and plays it: one order for all pads, each pad's own commands, nothing lost."""

import shutil
from dataclasses import replace

import pytest
from test_sfz import parsed

from arc_instrument.drum_kit import kit_prompts
from arc_instrument.marks import identity
from arc_instrument.shape import Shape
from arc_instrument.takefile import read_take


@pytest.fixture
def filled(qtbot, session, synth):
    """A session with a kit, every take saved."""
    session.set_prompt("dusty")
    session.kit.fill()
    qtbot.waitUntil(lambda: len(session.state.takes) == 16)
    return session


def armed_parts(audio) -> list[int]:
    return [call[2] for call in audio.calls if call[0] == "arm" and len(call) == 4]


def test_a_few_words_fill_every_pad_with_its_own_sound(filled, synth, audio):
    pads = filled.state.pads
    assert tuple(pad.prompt for pad in pads) == kit_prompts("dusty")
    assert [request.prompt for request in synth.requests] == list(kit_prompts("dusty"))
    assert {(request.origin, request.seconds) for request in synth.requests} == {("kit", 1.0)}
    assert armed_parts(audio) == list(range(1, 17))
    assert [pad.take.prompt for pad in pads] == [pad.prompt for pad in pads]
    assert not any(pad.pending for pad in pads)
    assert filled.state.kit_ms is None
    assert filled.state.current is None  # the keys keep their sound


def test_the_first_pad_can_be_played_while_the_others_are_made(qtbot, session, synth, audio):
    session.set_prompt("dusty")
    synth.gate.clear()
    session.kit.fill()
    assert all(pad.pending for pad in session.state.pads)
    synth.bad_ids = {3}
    synth.gate.set()
    qtbot.waitUntil(lambda: session.state.pads[0].clip is not None)
    qtbot.waitUntil(lambda: not any(pad.pending for pad in session.state.pads))
    assert [index for index, pad in enumerate(session.state.pads) if pad.clip is None] == [2]


def test_a_locked_pad_is_left_alone_and_the_kit_before_comes_back(qtbot, filled, synth):
    before = filled.state.pads
    filled.kit.toggle_lock(5)
    filled.kit.fill("shiny")
    qtbot.waitUntil(lambda: len(filled.state.takes) == 31)
    after = filled.state.pads
    assert after[5].clip is before[5].clip
    assert all(after[i].clip is not before[i].clip for i in range(16) if i != 5)
    filled.history.undo()
    assert [pad.clip for pad in filled.state.pads] == [pad.clip for pad in before]
    assert len(filled.state.takes) == 31


def said(session) -> list[tuple[str, int]]:
    return [(pad.prompt, pad.seed) for pad in session.state.pads]


def test_a_pad_whose_new_sound_is_cancelled_or_fails_says_again_what_made_the_one_it_plays(qtbot, filled, synth):
    before = said(filled)
    synth.gate.clear()
    filled.kit.fill("shiny")
    assert synth.step_begun.acquire(timeout=5)
    filled.maker.cancel()
    synth.gate.set()
    qtbot.waitUntil(lambda: not any(pad.pending for pad in filled.state.pads))
    played = [(pad.take.prompt, pad.take.seed) for pad in filled.state.pads]
    assert said(filled) == played
    assert before[-1] == played[-1]
    synth.failure = ValueError("no memory")
    filled.kit.regenerate(5, "clap")
    qtbot.waitUntil(lambda: not filled.state.pads[5].pending)
    assert said(filled)[5] == played[5]
    filled.kit.clear(6)
    filled.kit.regenerate(6, "clap")
    qtbot.waitUntil(lambda: not filled.state.pads[6].pending)
    assert filled.state.pads[6].prompt == "clap"  # it plays nothing: what was wanted can be made again


def test_one_pad_is_made_anew_beside_those_that_are_being_made(qtbot, session, synth):
    session.set_prompt("dusty")
    synth.gate.clear()
    session.kit.fill()
    assert synth.step_begun.acquire(timeout=5)
    session.kit.regenerate(15, "a shout")
    synth.gate.set()
    qtbot.waitUntil(lambda: not any(pad.pending for pad in session.state.pads))
    assert all(pad.clip for pad in session.state.pads)
    assert session.state.pads[15].prompt == "a shout"
    assert synth.requests[-1].prompt == "a shout"


def test_a_pad_takes_a_take_and_is_cleared_and_both_can_be_undone(qtbot, filled, audio):
    take, before = filled.state.takes[3], filled.state.pads
    filled.kit.put_take(0, take)
    qtbot.waitUntil(lambda: filled.state.pads[0].take is take)
    assert armed_parts(audio)[-1] == 1
    filled.kit.clear(0)
    assert filled.state.pads[0].clip is None
    filled.history.undo()
    assert filled.state.pads[0].take is take
    filled.history.undo()
    assert filled.state.pads[0].clip is before[0].clip
    assert take.path.exists()


def test_a_kit_that_is_undone_while_it_is_made_stops_and_is_made_when_it_is_redone(qtbot, session, synth):
    session.set_prompt("dusty")
    session.set_seed(5)
    synth.gate.clear()
    session.kit.fill()
    assert synth.step_begun.acquire(timeout=5)
    asked = [(pad.prompt, pad.seed) for pad in session.state.pads]
    session.history.undo()
    assert not any(pad.pending or pad.prompt for pad in session.state.pads)
    synth.gate.set()
    qtbot.waitUntil(lambda: session.state.phase.value == "ready")
    assert not any(pad.clip for pad in session.state.pads)
    session.history.redo()
    qtbot.waitUntil(lambda: all(pad.clip for pad in session.state.pads))
    assert [(pad.prompt, pad.seed) for pad in session.state.pads] == asked


def test_undoing_one_pad_leaves_those_that_are_being_made_alone_and_orders_its_sound_of_before(qtbot, session, synth):
    session.set_prompt("dusty")
    synth.gate.clear()
    session.kit.fill()
    assert synth.step_begun.acquire(timeout=5)
    before = session.state.pads[15]
    session.kit.regenerate(15)
    session.history.undo()
    synth.gate.set()
    qtbot.waitUntil(lambda: not any(pad.pending for pad in session.state.pads))
    assert all(pad.clip for pad in session.state.pads)
    assert (session.state.pads[15].prompt, session.state.pads[15].seed) == (before.prompt, before.seed)


def test_a_pad_that_is_cleared_while_its_sound_is_made_stays_empty(qtbot, session, synth):
    session.set_prompt("dusty")
    synth.gate.clear()
    session.kit.fill()
    session.kit.clear(9)
    synth.gate.set()
    qtbot.waitUntil(lambda: not any(pad.pending for pad in session.state.pads))
    assert [index for index, pad in enumerate(session.state.pads) if pad.clip is None] == [9]


def test_a_sound_that_is_saved_after_its_pad_was_undone_has_its_take_when_redone(qtbot, session):
    undone = []

    def undo_before_the_last_is_saved(state):
        if all(pad.clip for pad in state.pads) and not undone:
            undone.append(state.pads)
            session.history.undo()

    session.stateChanged.connect(undo_before_the_last_is_saved)
    session.set_prompt("dusty")
    session.kit.fill()
    qtbot.waitUntil(lambda: len(session.state.takes) == 16)
    assert undone[0][15].take is None
    session.history.redo()
    assert [pad.clip for pad in session.state.pads] == [pad.clip for pad in undone[0]]
    assert [pad.take.prompt for pad in session.state.pads] == [pad.prompt for pad in undone[0]]


def test_other_words_of_a_pad_and_its_lock_are_a_step_to_undo_each(qtbot, filled):
    before = filled.state.pads[2]
    filled.kit.regenerate(2, "clap")
    qtbot.waitUntil(lambda: filled.state.pads[2].take not in (None, before.take))
    clap = filled.state.pads[2]
    assert (clap.prompt, clap.take.prompt, clap.take.seed) == ("clap", "clap", clap.seed)
    filled.kit.toggle_lock(2)
    assert filled.state.undo_label == "lock of pad 3"
    filled.history.undo()
    assert (filled.state.pads[2].prompt, filled.state.pads[2].locked) == ("clap", False)
    filled.history.undo()
    assert (filled.state.pads[2].prompt, filled.state.pads[2].clip) == (before.prompt, before.clip)
    filled.history.redo()
    assert (filled.state.pads[2].prompt, filled.state.pads[2].clip) == ("clap", clap.clip)


def test_a_prompt_that_cannot_be_made_leaves_the_pads_as_they_were(session):
    session.kit.fill("x" * 3_000)
    assert "3,0" in session.state.message.text
    assert not any(pad.pending or pad.prompt for pad in session.state.pads)
    assert session.state.undo_label == ""


def test_pads_follow_their_takes_into_another_folder_and_so_do_those_that_are_undone(qtbot, filled, tmp_path):
    filled.kit.clear(4)
    filled.takes.set_folder(tmp_path / "elsewhere")
    filled.takes.move_along()
    qtbot.waitUntil(lambda: len(filled.state.takes) == 16)
    paths = {take.path for take in filled.state.takes}
    assert all(path.is_relative_to(tmp_path / "elsewhere") for path in paths)
    assert {pad.take.path for index, pad in enumerate(filled.state.pads) if index != 4} < paths
    assert filled.kit.path(0) == filled.state.pads[0].take.path
    filled.history.undo()  # the folder
    filled.history.undo()  # the cleared pad
    qtbot.waitUntil(lambda: len(filled.state.takes) == 16)
    assert filled.takes.folder != tmp_path / "elsewhere"
    assert {pad.take.path for pad in filled.state.pads} == {take.path for take in filled.state.takes}


def test_a_pad_follows_its_take_that_came_back_from_the_trash_under_another_name(qtbot, filled):
    take = filled.state.pads[2].take
    filled.selection.delete([take])
    qtbot.waitUntil(lambda: not take.path.exists())
    shutil.copy(filled.state.pads[3].take.path, take.path)
    filled.history.undo()
    qtbot.waitUntil(lambda: filled.state.pads[2].take.path != take.path)
    assert identity(filled.state.pads[2].take) == identity(take)
    assert read_take(filled.kit.path(2)).seed == take.seed


def test_bars_on_a_pad_keep_their_length_in_a_loop_and_one_shots_do_not_ask_for_it(qtbot, filled, audio):
    assert not audio.keeps_length
    filled.tempo.set_bars(1)
    filled.maker.generate()
    qtbot.waitUntil(lambda: len(filled.state.takes) == 17)
    filled.player.load(replace(filled.state.current, take=filled.state.pads[0].take))
    assert not audio.keeps_length
    filled.kit.put_take(5, filled.state.takes[0])
    qtbot.waitUntil(lambda: filled.state.pads[5].take is filled.state.takes[0])
    assert audio.keeps_length


def test_level_and_pan_belong_to_the_pad_are_undone_and_an_sfz_tells_them(qtbot, filled, audio):
    kit = filled.kit
    for pan in (-0.1, -0.2, -0.3):
        kit.set_pan(3, pan)
    kit.set_gain(3, -6.0)
    assert audio.calls[-1] == ("set_shape", 4, Shape(gain_db=-6.0, pan=-0.3))
    filled.history.undo()
    assert filled.state.shapes[4] == Shape(pan=-0.3)
    filled.history.undo()
    assert filled.state.shapes[4] == Shape()
    filled.history.redo()
    kit.clear(3)
    assert filled.state.shapes[4].pan == -0.3  # of the pad, not of what it played
    filled.history.undo()
    qtbot.waitUntil(lambda: all(pad.take for pad in filled.state.pads))
    kit.export()
    qtbot.waitUntil(lambda: filled.state.exported is not None)
    (file,) = filled.state.exported.glob("*.sfz")
    pans = [told.get("pan") for _, told in parsed(file.read_text())]
    assert pans == [None, None, None, "-30", *[None] * 12]
