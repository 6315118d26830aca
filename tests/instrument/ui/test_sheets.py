"""What lies over the window: the sheet of keys, the command palette and the preferences, used by the keyboard."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget

from arc_instrument.actions import ACTIONS, Action
from arc_instrument.audio.protocol import AudioState
from arc_instrument.domain import ControlEvent
from arc_instrument.midi_bindings import Binding, Trigger
from arc_instrument.parameters import PARAMETERS
from arc_instrument.session.state import Preferences
from arc_instrument.ui.command_palette import rank
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.shortcut_sheet import ShortcutSheet

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # offscreen, of menus that open


@pytest.fixture
def search(window):
    """Opens a sheet by its keys and types into it."""

    def opened(key, modifiers, text):
        QTest.keyClick(window.keyboard, key, modifiers)
        QTest.keyClicks(QApplication.focusWidget(), text)

    window.keyboard.setFocus()
    return opened


# --- the sheet of keys ----------------------------------------------------------------------------------------------


def test_the_sheet_lists_every_key_of_the_registry_once_and_esc_gives_the_focus_back(window, search):
    search(Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier, "")
    assert window.sheet.isVisible()
    assert window.sheet.found() == [action.id for action in ACTIONS if action.keys]
    texts = [label.text() for label in window.sheet.findChildren(ElidedLabel) if label.isVisible()]
    assert all(action.keys in texts and action.title in texts for action in ACTIONS if action.keys)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not window.sheet.isVisible()
    assert window.keyboard.hasFocus()


def test_typing_narrows_the_sheet_and_plays_no_note(window, search, audio):
    search(Qt.Key.Key_F1, Qt.KeyboardModifier.NoModifier, "take pa")
    assert window.sheet.found() == ["copy_path"]
    assert "note_on" not in audio.names()
    window.sheet.line.setText("no such key")
    assert window.sheet.found() == []


def test_twice_as_many_actions_as_there_are_still_fit_the_smallest_window(window, qtbot):
    many = [Action(f"a{n}", f"A title of {n} words", "tip", f"Group {n // 10}", ("Ctrl+Shift+F12",)) for n in range(66)]
    sheet = ShortcutSheet(window.centralWidget(), many)
    sheet.open()
    QTest.qWait(1)
    assert sheet.rect().contains(sheet.sheet.geometry())
    labels = [label for label in sheet.findChildren(QLabel) if label.isVisible()]
    assert len(labels) >= 2 * 66 + 7
    for label in labels:
        area = label.rect().translated(label.mapTo(sheet.sheet, QPoint(0, 0)))
        assert sheet.sheet.rect().contains(area), label.text()
        assert label.height() >= label.fontMetrics().height()
    sheet.close_sheet()
    sheet.deleteLater()


def test_no_title_and_no_key_is_cut_on_the_sheet(window):
    window.sheet.open()
    QTest.qWait(1)
    labels = [label for label in window.sheet.findChildren(ElidedLabel) if label.isVisible()]
    assert [label.text() for label in labels if label.shown_text() != label.text()] == []
    assert len(labels) >= 2 * len(window.sheet.found())


# --- the command palette --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "fits"), [("", 0), ("lock", 0), ("LOCK se", 0), ("se lo", 1), ("eed", 2), ("next", 3), ("piano", None)]
)
def test_what_begins_with_the_typed_words_comes_before_what_only_holds_them(words, fits):
    assert rank("Lock seed", "Keep the seed for the next sound", words) == fits


def test_a_command_is_found_and_run_without_the_mouse(window, session, search):
    search(Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier, "lock")
    assert window.command_palette.shown()[0] == "lock_seed"
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert session.state.seed_locked
    assert not window.command_palette.isVisible()
    assert window.keyboard.hasFocus()


def test_arrows_choose_among_the_commands_and_do_not_step_the_takes(window, session, search):
    window.actions_by_id["commands"].trigger()
    listed = window.command_palette.shown()
    assert listed == [action.id for action in ACTIONS if action.runnable]
    for key, row in ((Qt.Key.Key_Down, 1), (Qt.Key.Key_Down, 2), (Qt.Key.Key_Up, 1), (Qt.Key.Key_PageUp, 0)):
        QTest.keyClick(QApplication.focusWidget(), key)
        assert window.command_palette.list.currentRow() == row


def test_what_cannot_be_done_now_is_shown_and_does_nothing(window, session):
    window.actions_by_id["commands"].trigger()
    window.command_palette.line.setText("remove the recording")
    assert window.command_palette.shown() == ["clear_init"]
    QTest.keyClick(window.command_palette.line, Qt.Key.Key_Return)
    assert window.command_palette.isVisible()


def test_every_action_of_the_registry_can_be_run_from_the_palette(window):
    for action in ACTIONS:
        if action.runnable:
            assert action.id in window._commands(), action.id


def test_shift_enter_lets_a_midi_control_learn_what_is_chosen_and_esc_cancels(window, session, audio):
    window.actions_by_id["commands"].trigger()
    window.command_palette.line.setText("steps")
    QTest.keyClick(window.command_palette.line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert session.state.learning == "param/steps"
    assert "move the MIDI control" in window.message.text()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert session.state.learning == ""
    audio.controlReceived.emit(ControlEvent(1, 7, 64, "nano"))
    assert session.state.bindings == ()


# --- preferences ----------------------------------------------------------------------------------------------------

FULL = AudioState(
    True, "44.1 kHz · JACK · 5.8 ms", 5.8, ("Keystation",), "1 MIDI input", "", ("Speakers", "Scarlett"), ("Mic",),
    midi_present=("Keystation", "nano"), host_apis=("JACK", "ALSA"),
)  # fmt: skip


@pytest.fixture
def panel(window, session, audio):
    audio.stateChanged.emit(FULL)
    window.actions_by_id["preferences"].trigger()
    assert window.preferences.isVisible()
    return window.preferences


def choose(button, title):
    """Open a choice by Enter and take the entry of that title."""
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Return)
    menu = next(menu for menu in button.findChildren(QMenu) if menu.isVisible())
    entries = {entry.text(): entry for entry in menu.actions()}
    entries[title].trigger()
    menu.close()
    return list(entries)


@pytest.mark.parametrize(
    ("name", "title", "field", "value"),
    [("host_api", "ALSA", "host_api", "ALSA"), ("output", "Scarlett", "device", "Scarlett"),
     ("input", "Mic", "input_device", "Mic"), ("rate", "48 kHz", "rate_hz", 48_000),
     ("block", "128 frames, 2.9 ms", "block_frames", 128)],
)  # fmt: skip
def test_what_is_chosen_for_the_sound_card_is_used_and_shown(panel, session, audio, name, title, field, value):
    choose(getattr(panel, name), title)
    assert getattr(session.state.devices, field) == value
    assert "restart" in audio.names()
    assert getattr(panel, name).text() == title


def test_a_chosen_device_that_is_absent_stays_and_says_so(panel, session):
    session.player.choose_output("Gone")
    assert panel.output.text() == "Gone (absent)"
    assert choose(panel.output, "Best available") == ["Best available", "Speakers", "Scarlett", "Gone (absent)"]
    assert session.state.devices.device == ""


def test_the_running_sound_is_told_and_can_be_heard(panel, audio):
    assert panel.latency.text() == "44.1 kHz · JACK · 5.8 ms"
    panel.test.click()
    assert audio.names() == ["arm", "play"]


def rows(panel):
    """The buttons of the MIDI page by their accessible names."""
    buttons = panel.pages.widget(1).findChildren(QPushButton)
    return {button.accessibleName(): button for button in buttons}


def test_midi_inputs_are_switched_off_and_on(panel, session, audio):
    assert rows(panel)["Listen to nano"].isChecked()
    panel.sections.button(1).click()
    rows(panel)["Listen to nano"].setFocus()
    QTest.keyClick(rows(panel)["Listen to nano"], Qt.Key.Key_Return)
    assert session.state.devices.ignored_midi == ("nano",)
    QTest.qWait(1)
    assert QApplication.focusWidget() is rows(panel)["Listen to nano"]
    assert not rows(panel)["Listen to nano"].isChecked()
    audio.stateChanged.emit(replace(FULL, midi_present=("Keystation",)))
    assert not rows(panel)["Listen to nano"].isChecked()  # unplugged, and still remembered as off
    rows(panel)["Listen to nano"].click()
    assert "Listen to nano" not in rows(panel)


def test_a_control_is_learned_listed_made_an_encoder_and_removed(panel, session, audio):
    choose(panel.learn, "Strength")
    audio.controlReceived.emit(ControlEvent(1, 21, 10, "nano"))
    knob = Trigger("nano", "controller", 21, 1)
    assert session.state.bindings == (Binding(knob, "param/strength"),)
    rows(panel)["Strength: endless encoder"].click()
    assert session.state.bindings == (Binding(knob, "param/strength", True),)
    assert rows(panel)["Strength: endless encoder"].isChecked()
    rows(panel)["Strength: remove the learned control"].click()
    assert session.state.bindings == ()


def test_everything_that_can_be_learned_is_offered(panel):
    wanted = [f"param/{each.id}" for each in PARAMETERS] + [action.id for action in ACTIONS if action.runnable]
    assert [value for value, _ in panel.learn.entries] == wanted


def test_osc_is_switched_on_and_its_port_typed(panel, session):
    panel.osc_port.setFocus()
    panel.osc_port.selectAll()
    QTest.keyClicks(panel.osc_port, "19009")
    QTest.keyClick(panel.osc_port, Qt.Key.Key_Return)
    panel.osc_on.click()
    assert session.state.preferences == Preferences(osc_enabled=True, osc_port=19_009)
    assert "19009" in panel.osc_sentence.text()
    panel.osc_network.click()
    assert panel.osc_network.text() == "Any machine"
    panel.osc_on.click()
    assert panel.osc_sentence.text() == "OSC is off."


def test_another_precision_is_ordered(qtbot, panel, session):
    with qtbot.waitSignal(session.preferences.precisionChanged) as told:
        choose(panel.precision, "16 bit (bfloat16)")
    assert told.args == ["bfloat16"]


def test_the_folders_are_told_and_shown_on_request(panel, session, monkeypatch):
    opened = []
    monkeypatch.setattr("arc_instrument.ui.take_files.QDesktopServices.openUrl", lambda url: opened.append(url) or True)
    assert panel.takes_folder.text() == str(session.takes.folder)
    panel.reveal_takes.click()
    assert [Path(url.toLocalFile()) for url in opened] == [session.takes.folder]


def test_the_keys_still_play_while_the_preferences_are_open(panel, audio):
    panel.sections.button(0).setFocus()
    QTest.keyClick(panel.sections.button(0), Qt.Key.Key_A)
    assert "note_on" in audio.names()


def test_only_one_sheet_is_open_at_a_time(window, panel):
    for name, sheet in (("shortcuts", window.sheet), ("commands", window.command_palette), ("preferences", panel)):
        window.actions_by_id[name].trigger()
        assert [each for each in window._overlays if each.isVisible()] == [sheet]


@pytest.mark.parametrize("section", range(5))
def test_tab_goes_round_on_each_page_of_the_preferences_and_meets_each_control_once(window, panel, section):
    panel.sections.button(section).click()
    panel.sections.checkedButton().setFocus()
    walked = []
    while QApplication.focusWidget() not in walked:
        walked.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert all(panel.isAncestorOf(widget) for widget in walked)
    controls = {
        widget
        for widget in panel.findChildren(QWidget)
        if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    assert controls <= set(walked)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is walked[-1]
