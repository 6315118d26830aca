"""The sheet on the Record button: every wish for a recording by keys and mouse, and what cannot be is said."""

from dataclasses import replace

import pytest
from doubles import RUNNING, tone
from menus import entry, open_menu, texts
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from arc_instrument.audio.protocol import AudioLevels, RecordingPlan

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # grabbing, which popups ask for
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def options(window):
    QTest.mouseClick(window.deck.tabs["voice"], LEFT)
    QTest.mouseClick(window.voice.record.options_button, LEFT)
    sheet = window.voice.record.options
    assert QApplication.activePopupWidget() is sheet
    yield sheet
    sheet.close()


def write(options, name, text):
    field = options.fields[name]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Tab)


def settled(qtbot, session):
    qtbot.waitUntil(lambda: not session.controls._pending)


def plan(audio) -> RecordingPlan:
    return next(call[1] for call in reversed(audio.calls) if call[0] == "start_recording")


def test_what_is_typed_is_how_the_next_recording_goes(qtbot, options, window, session, audio):
    for name, text in (("bpm", "90"), ("beats_per_bar", "3"), ("count_in_beats", "6"), ("record_bars", "2")):
        write(options, name, text)
    settled(qtbot, session)
    assert options._length.text() == "It ends by itself after 4.0 s."
    QTest.keyClick(options, Qt.Key.Key_Escape)
    assert not options.isVisible()
    session.voice.toggle_count_in()
    QTest.mouseClick(window.voice.record.button, LEFT)
    assert plan(audio) == RecordingPlan(bpm=90, beats_per_bar=3, count_in_beats=6, bars=2)


def test_more_bars_than_twelve_seconds_hold_are_said_there_in_the_window_and_when_it_starts(
    qtbot, options, window, session, audio
):
    write(options, "record_bars", "8")
    settled(qtbot, session)
    note = "A recording holds 12 s: at 120 BPM it ends after 6 bars of 4 beats, not 8."
    assert options._length.text() == note
    assert options._length.property("role") == "error"
    assert window.message.text() == note
    options.close()
    session.dismiss_message()
    QTest.mouseClick(window.voice.record.button, LEFT)
    assert plan(audio).bars == 6
    assert window.message.text() == note


def test_a_recording_that_nobody_stopped_says_that_it_is_full(window, session, audio):
    for seconds, is_full in ((11.98, True), (7.5, False)):
        session.voice.toggle_record()
        audio.levelsChanged.emit(AudioLevels(recorded_seconds=seconds))
        audio.recorded.emit(tone(0.5, 1))
        assert (session.state.message is not None and "12 s and is full" in session.state.message.text) == is_full


def test_the_tempo_is_tapped_and_the_round_trip_measured_from_there(options, session, audio):
    assert options._round_trip.text() == "Round trip: not measured"
    QTest.mouseClick(options.calibrate, LEFT)
    assert audio.calls[-1] == ("calibrate",)
    assert (options._round_trip.text(), options.calibrate.isEnabled()) == ("Round trip: measuring…", False)
    audio.calibrated.emit(12.34)
    assert options._round_trip.text() == "Round trip: 12.3 ms"
    for _ in range(3):
        QTest.mouseClick(options.tap, LEFT)
    assert session.state.metronome_bpm != 120
    assert options.fields["bpm"].value() == pytest.approx(session.state.metronome_bpm, abs=0.05)


def test_the_input_is_chosen_there_and_one_that_is_absent_stays(options, session, audio):
    audio.stateChanged.emit(replace(RUNNING, inputs=("Interface", "Webcam")))
    assert options.input.text() == "Best available"
    QTest.mouseClick(options.input, LEFT)
    menu = open_menu()
    assert texts(menu) == ["Best available", "Interface", "Webcam"]
    entry(menu, "Interface").trigger()
    menu.close()
    assert session.state.devices.input_device == options.input.text() == "Interface"
    audio.stateChanged.emit(replace(RUNNING, inputs=("Webcam",)))
    assert options.input.text() == "Interface (absent)"


def test_ctrl_z_takes_a_wish_back_and_the_field_shows_it(qtbot, options, window, session):
    write(options, "count_in_beats", "8")
    settled(qtbot, session)
    assert session.state.count_in_beats == 8
    options.close()
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (session.state.count_in_beats, options.fields["count_in_beats"].value()) == (4, 4)


def test_everything_in_it_has_a_name_a_tip_and_a_place_in_the_order_of_tab(options):
    walked = []
    for _ in range(7):
        focused = QApplication.focusWidget()
        walked.append(focused.accessibleName())
        assert focused.toolTip() or focused.parentWidget().toolTip()
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert sorted(walked) == sorted(
        [
            "Tempo",
            "Tap tempo",
            "Beats a bar",
            "Count-in beats",
            "Stop after bars",
            "Record from",
            "Measure the round trip",
        ]
    )
