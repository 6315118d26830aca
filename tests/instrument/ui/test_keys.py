import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from arc_instrument.domain import HitEvent, NoteEvent
from arc_instrument.ui.typed_keys import NOTE_LETTERS, letter_of

KEYS = [Qt.Key.Key_A, Qt.Key.Key_W, Qt.Key.Key_S, Qt.Key.Key_E, Qt.Key.Key_D, Qt.Key.Key_F, Qt.Key.Key_T, Qt.Key.Key_G,
        Qt.Key.Key_Y, Qt.Key.Key_H, Qt.Key.Key_U, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_O, Qt.Key.Key_L,
        Qt.Key.Key_P, Qt.Key.Key_Semicolon]  # fmt: skip


@pytest.fixture
def played(window, audio):
    """The window with the keys given to the instrument; the list of what the audio process is told."""
    window.keyboard.setFocus()
    audio.calls.clear()
    return audio.calls


def test_the_row_of_letters_is_a_chromatic_scale_from_middle_c(window, played):
    for key in KEYS:
        QTest.keyPress(window.keyboard, key)
        QTest.keyRelease(window.keyboard, key)
    assert [call[1] for call in played if call[0] == "note_on"] == list(range(60, 77))
    assert [call[1] for call in played if call[0] == "note_off"] == list(range(60, 77))


def test_with_the_pads_shown_the_letters_hit_them_with_the_typed_velocity(window, session, played):
    QTest.keyClick(window.keyboard, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    session.player.set_velocity(77)
    played.clear()
    for key in KEYS:
        QTest.keyClick(window.surface.pads, key)
    assert [call for call in played if call[0] == "note_on"] == [
        ("note_on", 36 + pad, 77, pad + 1) for pad in range(16)
    ]
    assert [call for call in played if call[0] == "note_off"] == [("note_off", 36 + pad, pad + 1) for pad in range(16)]
    assert window.keys_header._lamp.text() == "Letters hit pads"


def test_a_pad_that_is_held_over_a_change_to_the_keyboard_is_let_go(window, played):
    window.show_pads(True)
    QTest.keyPress(window.surface.pads, Qt.Key.Key_S)
    assert window.surface.pads._lit == {2}
    window.show_pads(False)
    QTest.keyRelease(window.keyboard, Qt.Key.Key_S)
    assert played[-2:] == [("note_on", 38, 100, 3), ("note_off", 38, 3)]
    assert window.surface.pads._lit == set()


def test_letters_go_to_the_prompt_while_it_has_the_focus(window, session, audio):
    window.prompt.line.setFocus()
    QTest.keyClicks(window.prompt.line, "was rm n")
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Space)
    assert session.state.prompt == "was rm n "
    assert audio.calls == []
    assert not session.state.recording
    assert session.state.keys_on


def test_escape_gives_the_keys_back_to_the_instrument(window, audio):
    window.prompt.line.setFocus()
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is window.keyboard
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_A)
    assert audio.calls == [("note_on", 60, 100), ("note_off", 60)]


def test_escape_twice_silences_everything(window, audio):
    window.prompt.line.setFocus()
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Escape)
    assert "panic" not in audio.names()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert audio.names().count("panic") == 1


def test_space_plays_and_stops_and_r_records_when_no_text_field_has_the_focus(qtbot, window, session, audio):
    session.set_prompt("bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current is not None)
    session.player.toggle_play()
    window.keyboard.setFocus()
    audio.calls.clear()
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Space, Qt.Key.Key_R, Qt.Key.Key_R):
        QTest.keyClick(window.keyboard, key)
    assert audio.names() == ["play", "stop", "start_recording", "stop_recording"]


def test_space_is_the_transport_even_when_a_button_has_the_focus_and_enter_presses_it(window, session, audio):
    window.keys_header.fresh.setFocus()
    QTest.keyClick(window.keys_header.fresh, Qt.Key.Key_Space)
    assert not session.state.fresh
    QTest.keyClick(window.keys_header.fresh, Qt.Key.Key_Return)
    assert session.state.fresh


def test_m_turns_the_letters_off_and_the_lamp_says_so(window, session, played):
    assert "play notes" in window.keys_header._lamp.text()
    QTest.keyClick(window.keyboard, Qt.Key.Key_M)
    assert not session.state.keys_on
    assert "off" in window.keys_header._lamp.text()
    QTest.keyClick(window.keyboard, Qt.Key.Key_A)
    assert played == []
    QTest.keyClick(window.keyboard, Qt.Key.Key_M)
    QTest.keyClick(window.keyboard, Qt.Key.Key_A)
    assert len(played) == 2


def test_z_x_shift_the_octave_and_c_v_the_velocity(window, played):
    for key in (Qt.Key.Key_X, Qt.Key.Key_C, Qt.Key.Key_A, Qt.Key.Key_Z, Qt.Key.Key_Z, Qt.Key.Key_V, Qt.Key.Key_A):
        QTest.keyClick(window.keyboard, key)
    assert [call for call in played if call[0] == "note_on"] == [("note_on", 72, 80), ("note_on", 48, 100)]


def test_a_note_held_over_an_octave_shift_ends_as_it_began(window, played):
    QTest.keyPress(window.keyboard, Qt.Key.Key_A)
    QTest.keyClick(window.keyboard, Qt.Key.Key_X)
    QTest.keyRelease(window.keyboard, Qt.Key.Key_A)
    assert [call[:2] for call in played] == [("note_on", 60), ("note_off", 60)]


def test_auto_repeat_does_not_retrigger(window, played):
    for kind, repeat in (
        (QEvent.Type.KeyPress, False),
        (QEvent.Type.KeyRelease, True),
        (QEvent.Type.KeyPress, True),
        (QEvent.Type.KeyRelease, False),
    ):
        event = QKeyEvent(kind, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, "a", repeat)
        QApplication.sendEvent(window.keyboard, event)
    assert [call[0] for call in played] == ["note_on", "note_off"]


def test_held_notes_end_when_the_prompt_or_another_program_takes_the_keys(qtbot, window, played):
    QTest.keyPress(window.keyboard, Qt.Key.Key_A)
    window.prompt.line.setFocus()
    assert [call[0] for call in played] == ["note_on", "note_off"]
    window.keyboard.setFocus()
    QTest.keyPress(window.keyboard, Qt.Key.Key_S)
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert [call[0] for call in played] == ["note_on", "note_off"] * 2


def test_letters_with_control_are_commands_and_not_notes(window, session, played):
    before = session.state.seed_locked
    QTest.keyClick(window.keyboard, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert session.state.seed_locked != before
    assert played == []


def test_played_keys_light_up_whoever_plays_them(window, session, played, audio):
    QTest.keyPress(window.keyboard, Qt.Key.Key_A)
    audio.noteReceived.emit(NoteEvent(67, 90, "nanoKEY"))
    assert window.keyboard.lit_notes() == {60, 67}
    QTest.keyRelease(window.keyboard, Qt.Key.Key_A)
    audio.noteReceived.emit(NoteEvent(67, 0, "nanoKEY"))
    assert window.keyboard.lit_notes() == frozenset()


def test_a_mouse_drag_over_the_keys_plays_one_note_after_the_other(window, played):
    white, _ = window.keyboard.key_areas()
    places = [QPoint(int(white[note].center().x()), 60) for note in (60, 62)]
    QTest.mousePress(window.keyboard, Qt.MouseButton.LeftButton, pos=places[0])
    QTest.mouseMove(window.keyboard, places[1])
    QTest.mouseRelease(window.keyboard, Qt.MouseButton.LeftButton, pos=places[1])
    notes = [call[:2] for call in played]
    assert notes[0] == ("note_on", 60)
    assert sorted(notes) == sorted(
        [("note_on", 60), ("note_off", 60)] + [("note_on", 62), ("note_off", 62)] * (len(notes) == 4)
    )


def test_black_keys_lie_before_white_ones(window):
    white, black = window.keyboard.key_areas()
    for note, area in black.items():
        assert window.keyboard.note_at(area.center()) == note
    for note, area in white.items():
        foot = area.center()
        foot.setY(area.bottom() - 4)
        assert window.keyboard.note_at(foot) == note
    assert len(white) + len(black) == 49


@pytest.mark.parametrize(("platform", "offset"), [("xcb", 8), ("wayland", 8), ("windows", 0)])
def test_notes_follow_the_place_of_the_key_and_not_its_letter(platform, offset):
    a_place, semicolon_place = 30 + offset, 39 + offset
    assert letter_of(ord("Q"), a_place, platform) == "A"  # AZERTY writes Q there
    assert letter_of(ord("M"), semicolon_place, platform) == ";"
    assert letter_of(ord("A"), 16 + offset, platform) is None  # and A where a US board has Q


def test_a_mac_tells_the_place_by_its_own_numbers():
    assert letter_of(ord("Q"), 1, "cocoa", virtual_key=0) == "A"
    assert letter_of(ord("A"), 1, "cocoa", virtual_key=12) is None


def test_where_no_place_is_told_the_letter_counts():
    assert [letter_of(ord(letter), 0, "offscreen") for letter in NOTE_LETTERS] == list(NOTE_LETTERS)
    assert letter_of(Qt.Key.Key_Return, 0, "offscreen") is None


def test_arrows_hear_the_neighbouring_takes(qtbot, window, session, audio):
    session.set_seconds(0.2)
    for number in range(3):
        session.set_prompt(f"sound {number}")
        session.maker.generate()
        qtbot.waitUntil(lambda count=number + 1: len(session.state.takes) == count)
    window.keyboard.setFocus()
    QTest.keyClick(window.keyboard, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: session.state.current.prompt == "sound 1")
    window.takes.list.setFocus()
    QTest.keyClick(window.takes.list, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: session.state.current.prompt == "sound 0")
    QTest.keyClick(window.takes.list, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: session.state.current.prompt == "sound 1")
    assert audio.names().count("play") == 6


def test_f1_shows_every_action_and_escape_hides_it(window):
    from PySide6.QtWidgets import QLabel

    from arc_instrument.actions import ACTIONS

    QTest.keyClick(window, Qt.Key.Key_F1)
    assert window.sheet.isVisible()
    words = {label.text() for label in window.sheet.findChildren(QLabel)}
    assert {action.title for action in ACTIONS if action.keys} <= words
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Escape)
    assert not window.sheet.isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_lamp_tells_where_letters_go_also_while_another_window_is_in_front(qtbot, window):
    window.prompt.line.setFocus()
    lamp = window.keys_header._lamp
    before = lamp.text()
    assert before.startswith("Letters write text")
    other = QPushButton()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    assert lamp.text() == before


def test_a_held_key_is_one_note_where_the_x_server_sends_its_repeats_as_releases_and_presses(
    qtbot, window, played, monkeypatch
):
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")

    def send(kind: QEvent.Type, time_ms: int) -> None:
        event = QKeyEvent(kind, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier, 38, 0, 0)
        event.setTimestamp(time_ms)
        QApplication.sendEvent(window.keyboard, event)

    send(QEvent.Type.KeyPress, 1000)
    for repeat_ms in (1660, 1700, 1740):
        send(QEvent.Type.KeyRelease, repeat_ms)
        send(QEvent.Type.KeyPress, repeat_ms)
    assert played == [("note_on", 60, 100)]
    send(QEvent.Type.KeyRelease, 1770)
    send(QEvent.Type.KeyPress, 1775)  # struck again, sooner than the release is believed
    assert played == [("note_on", 60, 100), ("note_off", 60), ("note_on", 60, 100)]
    send(QEvent.Type.KeyRelease, 1900)
    qtbot.waitUntil(lambda: len(played) == 4)
    assert played[-1] == ("note_off", 60)


def test_fresh_notes_leave_the_window_as_it_is_until_one_is_kept(qtbot, window, session, synth, audio):
    session.set_prompt("kick")
    session.set_seconds(0.3)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    session.pool._settled.setInterval(0)
    QTest.mouseClick(window.keys_header.fresh, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.state.stocked > 0)
    shown = session.state.current_path
    keep = window.keys_header.keep
    assert not keep.isEnabled()
    audio.clipHit.emit(HitEvent(0, synth.requests[1].id, 5))
    qtbot.waitUntil(lambda: len(session.state.takes) == 2)
    assert window.waveform.waveform._sound.take.path == shown
    assert [take.path for take in window.takes.list.selected()] == [shown]
    assert keep.isEnabled()
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert session.state.current.request.id == synth.requests[1].id
    assert window.waveform.waveform._sound.clip is session.state.current.clip
    assert [take.path for take in window.takes.list.selected()] == [session.state.takes[0].path]
    assert not keep.isEnabled()
