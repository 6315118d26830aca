"""The pages of controls in the real window: each drives the session as a hand does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu

from arc_instrument.domain import RATE_HZ, Clip, ControlEvent, NoteEvent
from arc_instrument.editing import UNEDITED, Edit
from arc_instrument.ui.deck import Deck
from arc_instrument.ui.edit_handles import Handle
from arc_instrument.ui.knob import Knob
from arc_instrument.ui.pad_menu import open_pad_menu
from arc_instrument.waveform import peaks

OFFSCREEN = pytest.mark.qt_log_ignore("This plugin does not support")  # raising and grabbing, which menus ask for


@pytest.fixture
def made(qtbot, window, session):
    """The window with one sound made."""
    session.set_prompt("dusty kick")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current is not None and session.state.current.take is not None)
    return window


def page(window, name) -> Deck:
    QTest.mouseClick(window.deck.tabs[name], Qt.MouseButton.LeftButton)
    assert window.deck.page == name
    return window.deck


def test_the_modes_shape_what_the_keys_do_and_ctrl_z_takes_it_back(made, session, audio):
    page(made, "shape")
    QTest.mouseClick(made.shape.modes.buttons["loop"], Qt.MouseButton.LeftButton)
    assert session.state.shape.mode == "loop"
    assert audio.calls[-1][0] == "set_shape"
    QTest.keyClick(made, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.state.shape.mode == "one-shot"
    assert made.shape.modes.buttons["one-shot"].isChecked()


def test_a_knob_that_is_turned_is_heard_and_a_drag_is_one_step_to_undo(made, session, audio):
    page(made, "shape")
    knob = made.shape.knobs.knobs["release"]
    for _ in range(3):
        QTest.keyClick(knob, Qt.Key.Key_PageUp)
    session.controls.write()
    assert session.state.shape.release_ms > 5
    assert audio.calls[-1][0] == "set_shape"
    session.history.undo()
    assert session.state.shape.release_ms == 5
    assert knob.exact_value == 5


def test_eight_variations_come_as_tiles_and_a_digit_chooses_one(qtbot, made, session):
    page(made, "vary")
    QTest.mouseClick(made.vary.buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: sum(each.clip is not None for each in session.state.variations) == 8)
    QTest.keyClick(made.vary.tiles, Qt.Key.Key_3)
    assert session.state.chosen_variation == 2
    assert session.state.current.clip is session.state.variations[2].clip


def test_a_corner_and_the_point_write_the_blend_into_the_prompt(made, session):
    page(made, "morph")
    QTest.keyClicks(made.morph.lines[0], "kick")
    QTest.keyClicks(made.morph.lines[1], "bell")
    pad = made.morph.pad
    QTest.mouseClick(pad, Qt.MouseButton.LeftButton, pos=pad.field().center().toPoint())
    assert session.state.morph_x == pytest.approx(0.5, abs=0.02)
    assert "kick::" in made.prompt.line.text()
    assert "bell::" in made.prompt.line.text()


def test_a_kit_fills_the_pads_which_light_up_with_their_notes(qtbot, made, session, audio):
    QTest.mouseClick(made.keys_header.surface.buttons["pads"], Qt.MouseButton.LeftButton)
    assert made.surface.shows_pads
    QTest.mouseClick(made.keys_header.kit, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: all(pad.clip is not None for pad in session.state.pads))
    pads = made.surface.pads
    QTest.mousePress(pads, Qt.MouseButton.LeftButton, pos=pads.area(4).center().toPoint())
    assert ("note_on", 40, audio.calls[-1][2], 5) == audio.calls[-1]
    assert pads._lit == {4}
    QTest.mouseRelease(pads, Qt.MouseButton.LeftButton)
    assert pads._lit == set()


def test_a_pads_note_lights_no_key_and_a_keys_note_no_pad(made, session, audio):
    audio.noteReceived.emit(NoteEvent(60, 100, "keyboard", 3))
    assert made.surface.pads._lit == {2}
    assert made.keyboard.lit_notes() == frozenset()
    audio.noteReceived.emit(NoteEvent(62, 100, "keyboard"))
    assert made.keyboard.lit_notes() == {62}
    assert made.surface.pads._lit == {2}


def test_a_trim_on_the_waveform_is_what_the_keys_play(qtbot, made, session, audio):
    frames = len(session.state.current.clip.samples)
    editor = made.waveform.waveform
    editor.setFocus()
    editor.editRequested.emit(session.state.current.edit.__class__(start=0, end=frames // 2))
    qtbot.waitUntil(lambda: audio.armed is not None and len(audio.armed.samples) == frames // 2)
    assert len(session.state.current.clip.samples) == frames
    session.history.undo()
    qtbot.waitUntil(lambda: len(audio.armed.samples) == frames)


def test_an_edit_that_is_kept_is_a_take_of_its_own(qtbot, made, session):
    edit = session.state.current.edit.__class__(reverse=True)
    session.edits.apply(edit)
    QTest.keyClick(made, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(session.state.takes) == 2)
    kept = session.state.takes[0]
    assert kept.settings["edit"]["reverse"] is True
    from arc_instrument.audio.wavfile import read_clip

    heard = read_clip(kept.path).samples
    assert np.abs(heard - session.state.current.clip.samples[::-1]).max() < 1e-6


def test_bars_at_a_tempo_are_the_exact_length_of_the_sound(qtbot, made, session, synth):
    session.tempo.set_bpm(120)
    made.controls.tempo.bars.setValue(1)
    session.tempo.set_key("A minor")
    session.maker.generate()
    qtbot.waitUntil(lambda: synth.requests[-1].seconds == 2.0)
    assert synth.requests[-1].prompt == "dusty kick, 120 BPM, in A minor"
    assert synth.requests[-1].settings["bars"] == 1


def test_bars_are_the_length_that_is_shown_and_moving_the_length_leaves_them(qtbot, made, session, synth):
    before = session.state.estimate_ms
    session.tempo.set_bpm(90)
    made.controls.tempo.bars.setValue(1)
    assert made.controls.length.value_text() == "1 bar  ·  2.67 s"
    assert session.state.estimate_ms != before
    QTest.keyClick(made.controls.length.slider, Qt.Key.Key_Right)
    assert made.controls.length.value_text() == "2.8 s"
    assert session.state.bars == 0
    assert made.controls.tempo.bars.text() == "free"
    session.history.undo()
    assert made.controls.length.value_text() == "1 bar  ·  2.67 s"
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 2)
    assert len(session.state.current.clip.samples) == round(60 / 90 * 4 * 44_100)


def test_a_tempo_at_which_the_bars_get_too_long_makes_as_many_as_fit_and_says_so(qtbot, made, session, synth):
    made.controls.tempo.bars.setValue(2)  # 4 s at 120 BPM, all that this model makes
    made.controls.tempo.bpm.setValue(60)
    assert session.state.message.text == "At 60 BPM 4.0 s hold 1 bar."
    assert made.controls.length.value_text() == "1 bar  ·  4.00 s"
    session.maker.generate()
    qtbot.waitUntil(lambda: len(synth.requests) == 2)
    assert (synth.requests[-1].seconds, synth.requests[-1].settings["bars"]) == (4.0, 1)
    made.controls.tempo.bpm.setValue(50)
    assert session.state.message.text == "At 50 BPM 4.0 s hold no whole bar."
    made.controls.tempo.bpm.setValue(120)
    assert made.controls.length.value_text() == "2 bars  ·  4.00 s"


def test_the_asked_tempo_beside_a_sound_is_its_own_and_not_that_of_the_row(qtbot, made, session):
    made.controls.tempo.bars.setValue(1)
    assert "asked" not in made.waveform._figures.text()
    session.maker.generate()
    qtbot.waitUntil(lambda: "asked 120 BPM" in made.waveform._figures.text())
    made.controls.tempo.bpm.setValue(90)
    assert "asked 120 BPM" in made.waveform._figures.text()


def test_more_bars_than_the_model_can_make_are_a_sentence(made, session):
    made.controls.tempo.bars.setValue(16)
    assert session.state.bars == 2  # 4 s at 120 BPM
    assert "hold 2 bars" in session.state.message.text


@OFFSCREEN
def test_a_right_click_on_a_knob_lets_a_midi_control_drive_it(qtbot, made, session, audio):
    page(made, "shape")
    knob = made.shape.knobs.knobs["cutoff"]
    centre = knob.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, centre, knob.mapToGlobal(centre))
    QApplication.sendEvent(knob, event)
    menu = next(menu for menu in knob.findChildren(QMenu) if menu.isVisible())
    menu.actions()[0].trigger()
    menu.close()
    assert session.state.learning == "param/cutoff"
    audio.controlReceived.emit(ControlEvent(1, 21, 64, "nano"))
    for value in (127, 120, 64):
        audio.controlReceived.emit(ControlEvent(1, 21, value, "nano"))
    qtbot.waitUntil(lambda: session.state.shape.low_pass_hz == pytest.approx(20 * 1_000 ** (64 / 127), rel=0.02))


@OFFSCREEN
def test_a_right_click_on_a_pad_offers_what_can_be_done_with_it(made, session):
    made.show_pads(True)
    pads = made.surface.pads
    place = pads.area(0).center().toPoint()
    QApplication.sendEvent(pads, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, pads.mapToGlobal(place)))
    menu = next(menu for menu in made.findChildren(QMenu) if menu.isVisible())
    assert [action.text() for action in menu.actions()] == [
        "Words", "Make anew", "Put the current take here", "Locked", "Level and pan", "Clear",
    ]  # fmt: skip
    menu.close()
    QTest.mouseMove(made, QPoint(1, 1))


@OFFSCREEN
def test_words_typed_into_the_menu_of_a_pad_make_it_and_leaving_the_menu_changes_nothing(qtbot, made, session):
    for key, prompt in ((Qt.Key.Key_Escape, ""), (Qt.Key.Key_Return, "rim shot")):
        menu = open_pad_menu(made, session, 3, made.mapToGlobal(QPoint(100, 400)))
        (field,) = menu.findChildren(QLineEdit)
        field.setFocus()
        QTest.keyClicks(field, "rim shot")
        QTest.keyClick(field, key)
        assert session.state.pads[3].prompt == prompt
        menu.close()
    qtbot.waitUntil(lambda: session.state.pads[3].take is not None)
    assert session.state.pads[3].take.prompt == "rim shot"
    menu = open_pad_menu(made, session, 3, made.mapToGlobal(QPoint(100, 400)))
    assert menu.findChildren(QLineEdit)[0].text() == "rim shot"
    menu.close()


def test_the_handle_of_the_kit_drags_the_file_of_every_pad_in_order_and_writes_them_with_a_click(qtbot, made, session):
    handle = made.keys_header.kit_handle
    made.show_pads(True)
    assert not handle.isEnabled()
    session.kit.fill("dusty")
    qtbot.waitUntil(lambda: all(pad.take is not None for pad in session.state.pads))
    dragged = [Path(url.toLocalFile()) for url in handle.make_drag().mimeData().urls()]
    assert dragged == [pad.take.path for pad in session.state.pads]
    QTest.mouseClick(handle, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.state.exported is not None and session.state.exporting is None)
    assert len(list(session.state.exported.glob("*.sfz"))) == 1
    dragged[2].unlink()
    assert len(handle.make_drag().mimeData().urls()) == 15


@OFFSCREEN
def test_a_right_click_on_fresh_notes_chooses_what_velocity_changes(window, session):
    def choose(title: str) -> None:
        button = window.keys_header.fresh
        centre = button.rect().center()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, centre, button.mapToGlobal(centre))
        QApplication.sendEvent(button, event)
        menu = QApplication.activePopupWidget()
        (entry,) = (entry for entry in menu.actions() if entry.text() == title)
        assert not entry.isChecked()
        entry.trigger()
        menu.close()

    choose("How far it goes from the sound")
    assert session.state.velocity_drives == "distance"
    assert "how far it goes from the sound" in window.keys_header.fresh.toolTip()
    choose("Much darker")
    assert session.state.shape.velocity_to_brightness == 1.0
    session.history.undo()
    session.history.undo()
    assert (session.state.velocity_drives, session.state.shape.velocity_to_brightness) == ("", 0.0)
    choose("Learn a MIDI control")
    assert session.state.learning == "toggle_fresh"


@pytest.mark.parametrize("reverse", [False, True])
def test_a_loop_point_that_is_dragged_stays_there_and_is_where_the_keys_loop(made, session, reverse):
    session.edits.apply(Edit(reverse=reverse))
    session.sampler.set_mode("loop")
    editor = made.waveform.waveform
    frames = len(session.state.current.clip.samples)
    grip = editor.place(Handle.LOOP_START).toPoint()
    at = grip + QPoint(100, 0)
    QTest.mousePress(editor, Qt.MouseButton.LeftButton, pos=grip)
    for place in (grip + QPoint(50, 0), at):
        move = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(editor.mapToGlobal(place)), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(editor, move)
    QTest.mouseRelease(editor, Qt.MouseButton.LeftButton, pos=at)
    heard = frames * 100 / editor.width()
    assert session.state.shape.loop_start == pytest.approx(heard, rel=0.1)
    assert session.state.shape.loop_end in (0, frames)
    assert editor.place(Handle.LOOP_START).x() == pytest.approx(at.x(), abs=8)


@pytest.fixture
def kick(made, session):
    """The window with a sound of 1 s, silent but for 0.1 to 0.4 s, in loop mode."""
    samples = np.zeros((RATE_HZ, 2), np.float32)
    samples[4_410:17_640] = 0.5
    sound = replace(session.state.current, clip=Clip(samples), peaks=peaks(samples))
    session.player.load(sound)
    session.sampler.set_mode("loop")
    return made


def drag(editor, handle, by: QPoint) -> None:
    grip = editor.place(handle).toPoint()
    QTest.mousePress(editor, Qt.MouseButton.LeftButton, pos=grip)
    for place in (grip + by / 2, grip + by):
        move = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(place), QPointF(editor.mapToGlobal(place)), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(editor, move)
    QTest.mouseRelease(editor, Qt.MouseButton.LeftButton, pos=grip + by)


def test_the_loop_handles_show_that_a_sound_is_repeated_without_its_silence(kick, session):
    editor = kick.waveform.waveform
    assert editor.place(Handle.LOOP_START).x() == pytest.approx(editor.x_of(0), abs=1)
    assert editor.place(Handle.LOOP_END).x() == pytest.approx(editor.x_of(17_640), abs=1)
    session.edits.apply(Edit(reverse=True, end=40_000))
    loop = session.state.loop
    assert editor.place(Handle.LOOP_END).x() == pytest.approx(editor.x_of(4_100 + loop.end), abs=1)


def test_a_loop_end_that_is_dragged_holds_and_a_double_click_lets_it_follow_each_sound_again(kick, session):
    editor = kick.waveform.waveform
    drag(editor, Handle.LOOP_END, QPoint(120, 0))
    at = session.state.shape.loop_end
    assert at == pytest.approx(17_640 + 120 * RATE_HZ / editor.time_area().width(), abs=900)
    assert editor.place(Handle.LOOP_END).x() == pytest.approx(editor.x_of(at), abs=1)
    QTest.mouseDClick(editor, Qt.MouseButton.LeftButton, pos=editor.place(Handle.LOOP_END).toPoint())
    assert session.state.shape.loop_end == 0
    assert session.state.loop.end == 17_640
    session.history.undo()
    session.history.undo()
    assert session.state.shape.loop_end == 0


def test_a_loop_start_that_is_dragged_leaves_the_end_to_each_sound(kick, session):
    drag(kick.waveform.waveform, Handle.LOOP_START, QPoint(40, 0))
    assert session.state.shape.loop_start > 0
    assert session.state.shape.loop_end == 0


def test_the_trim_button_cuts_the_silence_off_as_the_handles_do_and_ctrl_z_brings_it_back(kick, session):
    editor = kick.waveform.waveform
    QTest.mouseClick(kick.waveform.trim, Qt.MouseButton.LeftButton)
    assert editor.place(Handle.START).x() == pytest.approx(editor.x_of(4_410 - 132), abs=1)
    assert editor.place(Handle.END).x() == pytest.approx(editor.x_of(17_640 + 132), abs=1)
    assert kick.waveform._figures.text().startswith("0.31 s")
    QTest.keyClick(kick, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.state.current.edit == UNEDITED
    QTest.keyClick(kick, Qt.Key.Key_X, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert session.state.current.edit.start == 4_410 - 132


def test_pan_is_turned_typed_learned_and_undone_on_the_page_of_the_shape(made, session, audio):
    page(made, "shape")
    knob = made.shape.knobs.knobs["pan"]
    assert knob.value_text() == "C"
    QTest.keyClick(knob, Qt.Key.Key_PageDown)
    session.controls.write()
    assert (session.state.shape.pan, knob.value_text()) == (-0.2, "L 20")
    assert audio.calls[-1][0] == "set_shape"
    for typed, pan in (("R 35", 0.35), ("left 100", -1.0), ("-7", -0.07), ("centre", 0.0), ("r 250", 1.0)):
        QTest.keyClick(knob, Qt.Key.Key_Return)
        field = knob.findChild(QLineEdit)
        field.setText(typed)
        QTest.keyClick(field, Qt.Key.Key_Return)
        session.controls.write()
        assert session.state.shape.pan == pan
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    session.history.undo()
    assert session.state.shape.pan == 0.0
    session.midi_map.learn("param/pan")
    for value in (70, 70, 64, 60, 0):  # learned, picked up where the knob stands, turned
        audio.controlReceived.emit(ControlEvent(1, 21, value, "knobs"))
    session.controls.write()
    assert session.state.shape.pan == -1.0
    assert knob.value_text() == "L 100"


@OFFSCREEN
def test_the_menu_of_a_pad_has_its_level_and_pan(qtbot, made, session):
    menu = open_pad_menu(made, session, 3, made.mapToGlobal(QPoint(100, 400)))
    gain, pan = menu.findChildren(Knob)
    QTest.keyClick(pan, Qt.Key.Key_PageDown)
    QTest.keyClick(gain, Qt.Key.Key_Left)
    shape = session.state.shapes[4]
    assert (shape.pan, shape.gain_db < 0) == (-0.2, True)
    menu.close()
    menu = open_pad_menu(made, session, 3, made.mapToGlobal(QPoint(100, 400)))
    assert [knob.exact_value for knob in menu.findChildren(Knob)] == [shape.gain_db, shape.pan]
    menu.close()


@pytest.mark.parametrize("by", [30, 300])
def test_a_trim_in_loop_mode_is_one_step_to_undo_and_leaves_the_loop_on_its_place_in_the_picture(kick, session, by):
    editor = kick.waveform.waveform
    session.sampler.set_loop(6_000, 12_000, 20.0)
    session.history.settle()
    place = editor.place(Handle.LOOP_END).x()
    drag(editor, Handle.START, QPoint(by, 0))
    session.edits.apply(replace(session.state.current.edit, gain_db=-1.0))  # the picture is that of the session again
    if by == 30:
        assert editor.place(Handle.LOOP_END).x() == pytest.approx(place, abs=1)
    session.history.undo()
    session.history.undo()
    assert session.state.current.edit == UNEDITED
    assert (session.state.shape.loop_start, session.state.shape.loop_end) == (6_000, 12_000)


def test_a_looped_sound_that_is_turned_around_is_one_step_and_chooses_no_loop_point(kick, session):
    QTest.mouseClick(kick.waveform.reverse, Qt.MouseButton.LeftButton)
    assert session.state.current.edit.reverse
    assert (session.state.shape.loop_start, session.state.shape.loop_end) == (0, 0)
    session.history.undo()
    assert not session.state.current.edit.reverse
