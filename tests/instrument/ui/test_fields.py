"""Keys and drops that a field and the window both have a use for, sent through the real window."""

import pytest
import soundfile
from doubles import tone
from inline_session import session_of_three
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFocusEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from arc_instrument.editing import UNEDITED
from arc_instrument.ui.edit_handles import Handle

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def session(qtbot, application, home):
    """A session with three takes, bell being the newest and the current one."""
    made = session_of_three(home / "takes")
    yield made
    made.shutdown()


def heard(session):
    return session.state.current.prompt


def write(line, text):
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)


# --- undo -----------------------------------------------------------------------------------------------------------


def test_ctrl_z_takes_back_what_was_done_last_while_the_prompt_has_the_focus(window, session):
    line = window.prompt.line
    session.history.settle()  # what the fixture wrote is another step
    write(line, "glass")
    session.selection.delete(session.state.takes[:1])
    assert len(session.state.takes) == 2
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL)
    assert (len(session.state.takes), line.text()) == (3, "glass")
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL)
    assert line.text() == session.state.prompt == "bell"
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL | SHIFT)
    QTest.keyClick(line, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert (len(session.state.takes), line.text()) == (2, "glass")


def test_ctrl_z_takes_back_a_step_of_the_session_in_the_words_of_a_corner_too(window, session):
    QTest.mouseClick(window.deck.tabs["morph"], Qt.MouseButton.LeftButton)
    write(window.morph.lines[0], "kick")
    session.history.settle()
    session.toggle_seed_lock()
    QTest.keyClick(window.morph.lines[0], Qt.Key.Key_Z, CONTROL)
    assert (session.state.seed_locked, session.state.morph_prompts[0]) == (False, "kick")
    QTest.keyClick(window.morph.lines[0], Qt.Key.Key_Z, CONTROL)
    assert session.state.morph_prompts[0] == window.morph.lines[0].text() == ""


# --- keys of a field that are the window's elsewhere ----------------------------------------------------------------


def test_del_and_the_arrows_are_the_handles_while_the_waveform_has_the_focus(window, session):
    editor = window.waveform.waveform
    editor.setFocus(Qt.FocusReason.TabFocusReason)
    editor._choose(Handle.GAIN)
    QTest.keyClick(editor, Qt.Key.Key_Down)
    QTest.keyClick(editor, Qt.Key.Key_Down)
    assert (heard(session), session.state.current.edit.gain_db) == ("bell", -1.0)
    QTest.keyClick(editor, Qt.Key.Key_Up)
    assert (heard(session), session.state.current.edit.gain_db) == ("bell", -0.5)
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert (len(session.state.takes), session.state.current.edit) == (3, UNEDITED)
    window.keyboard.setFocus()
    QTest.keyClick(window.keyboard, Qt.Key.Key_Delete)
    assert len(session.state.takes) == 2


def test_after_a_click_into_the_waveform_del_and_the_arrows_are_the_takes(window, session):
    editor = window.waveform.waveform
    editor.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.mouseClick(editor, Qt.MouseButton.LeftButton, pos=editor.place(Handle.GAIN).toPoint())
    QTest.keyClick(editor, Qt.Key.Key_Control)
    QTest.keyClick(editor, Qt.Key.Key_Down)
    assert (heard(session), session.state.current.edit) == ("snare", UNEDITED)
    QTest.keyClick(editor, Qt.Key.Key_Delete)
    assert len(session.state.takes) == 2


def tag(window, text):
    """Half-write tags into the current card."""
    window.takes.list.setFocus()
    QTest.keyClick(window.takes.list, Qt.Key.Key_F2)
    field = window.takes.list.findChild(QLineEdit, "tags")
    QTest.keyClicks(field, text)
    return field


def test_esc_gives_up_half_written_tags_and_leaves_the_focus_in_the_list(window, session):
    QTest.keyClick(tag(window, "dry"), Qt.Key.Key_Escape)
    assert [take.tags for take in session.state.takes] == [(), (), ()]
    assert window.takes.list.hasFocus()
    QTest.keyClick(window.takes.list, Qt.Key.Key_Escape)
    assert window.keyboard.hasFocus()


def test_arrows_in_half_written_tags_hear_no_other_take(window, session):
    field = tag(window, "dry")
    QTest.keyClick(field, Qt.Key.Key_Down)
    assert field.isVisible()
    assert (heard(session), [take.tags for take in session.state.takes]) == ("bell", [(), (), ()])
    QTest.keyClick(field, Qt.Key.Key_Escape)


def test_a_new_sound_leaves_half_written_tags_to_the_one_who_writes_them(qtbot, window, session):
    field = tag(window, "dr")
    session.set_prompt("gong")
    session.maker.generate()
    assert heard(session) == "gong"
    assert field.isVisible()
    QTest.keyClicks(field, "y")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any(take.tags for take in session.state.takes))  # Qt takes the Enter a moment later
    assert [(take.prompt, take.tags) for take in session.state.takes[:2]] == [("gong", ()), ("bell", ("dry",))]


def test_ctrl_backspace_deletes_a_word_in_a_field_and_elsewhere_the_recording(window, session):
    session.player._audio.recorded.emit(tone(1.0, 1))
    assert session.state.init is not None
    for line in (window.prompt.line, window.takes.search):
        write(line, "warm bell")
        QTest.keyClick(line, Qt.Key.Key_Backspace, CONTROL)
        assert line.text() == "warm "
    assert session.state.init is not None
    window.keyboard.setFocus()
    QTest.keyClick(window.keyboard, Qt.Key.Key_Backspace, CONTROL)
    assert session.state.init is None


def test_arrows_turn_tempo_bars_and_key_and_hear_no_other_take(window, session):
    tempo = window.controls.tempo
    for field in (tempo.bpm, tempo.bars):
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_Up)
    tempo.key.setFocus()
    QTest.keyClick(tempo.key, Qt.Key.Key_Down)
    assert (session.state.metronome_bpm, session.state.bars) == (121, 1)
    assert session.state.key == tempo.key.itemData(1)
    assert heard(session) == "bell"


def test_enter_that_is_held_presses_a_button_once(window, session):
    button = window.keys_header.fresh
    button.setFocus()
    for repeat in (False, True, True, True):
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", repeat)
        QApplication.sendEvent(button, event)
    assert session.state.fresh


# --- what is half typed ---------------------------------------------------------------------------------------------


def test_a_half_typed_tempo_stays_while_a_sound_is_made(window, session):
    bpm = window.controls.tempo.bpm
    write(bpm, "9")
    session.maker.generate()
    QTest.keyClicks(bpm, "0")
    QTest.keyClick(bpm, Qt.Key.Key_Return)
    assert session.state.metronome_bpm == 90


def test_a_seed_that_is_emptied_and_left_shows_the_sessions_again_and_the_next(window, session):
    line = window.controls.seed.line
    before = session.state.seed
    line.setFocus()
    line.selectAll()
    QTest.keyClick(line, Qt.Key.Key_Delete)
    QApplication.sendEvent(line, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.PopupFocusReason))
    assert line.text() == ""  # its own menu may paste into it
    window.keyboard.setFocus()
    assert (line.text(), session.state.seed) == (str(before), before)
    assert not session.state.seed_locked
    session.new_seed()
    assert line.text() == str(session.state.seed) != str(before)


def test_an_osc_port_that_is_emptied_and_left_shows_the_present_one_again(window, session):
    window.actions_by_id["preferences"].trigger()
    QTest.mouseClick(window.preferences.sections.button(2), Qt.MouseButton.LeftButton)
    port, before = window.preferences.osc_port, session.state.preferences.osc_port
    port.setFocus()
    port.selectAll()
    QTest.keyClick(port, Qt.Key.Key_Delete)
    window.preferences.osc_on.setFocus()
    assert (port.text(), session.state.preferences.osc_port) == (str(before), before)
    window.preferences.close_sheet()


# --- drops ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line_of", [lambda w: w.prompt.line, lambda w: w.takes.search, lambda w: w.controls.seed.line],
    ids=["prompt", "search", "seed"],
)  # fmt: skip
def test_a_file_dropped_on_a_field_is_started_from_and_writes_nothing(window, session, tmp_path, line_of):
    soundfile.write(tmp_path / "2024.wav", tone(0.5, 1).samples, 44_100)
    line = line_of(window)
    before, mime = line.text(), QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "2024.wav"))])
    mime.setText("2024")
    place = line.mapTo(window, line.rect().center())
    arguments = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    screen = window.windowHandle()  # finds the widget that takes the drop, as for a file manager's
    QApplication.sendEvent(screen, QDragEnterEvent(QPoint(place), *arguments))
    QApplication.sendEvent(screen, QDropEvent(QPointF(place), *arguments))
    assert line.text() == before
    assert session.state.init.name == "2024.wav"


# --- the hint -------------------------------------------------------------------------------------------------------


def test_the_hint_does_not_promise_keys_while_letters_are_off(window, session):
    session.dismiss_message()
    window.keyboard.setFocus()
    assert window.message.text().startswith("A W S E … play it on the keys, Space repeats it;")
    QTest.keyClick(window.keyboard, Qt.Key.Key_M)
    assert window.message.text().startswith("M lets letters play it on the keys, Space repeats it;")
    window.prompt.line.setFocus()
    assert window.message.text().startswith("Esc, then M lets letters play it on the keys;")
    session.kit.put_take(0, session.state.takes[0])
    window.show_pads(True)
    assert window.message.text().startswith("Esc, then M lets letters hit the pads")
