from pathlib import Path

import pytest
import soundfile
from doubles import tone
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from arc_instrument.audio.protocol import AudioLevels
from arc_instrument.ui import take_list


@pytest.fixture
def two_takes(qtbot, window, session):
    session.set_seconds(0.2)
    for prompt in ("kick", "bell"):
        session.set_prompt(prompt)
        session.maker.generate()
        qtbot.waitUntil(lambda prompt=prompt: bool(session.state.takes) and session.state.takes[0].prompt == prompt)
    return window.takes.list


def centre(view, row):
    return view.visualRect(view.model().index(row)).center()


def test_a_card_that_is_dragged_gives_the_file_of_its_take_to_be_copied(two_takes, session, monkeypatch):
    drags = []

    def note(drag, supported, default):
        urls = drag.mimeData().urls()
        drags.append((urls, drag.mimeData().formats(), supported, drag.pixmap().size()))
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(take_list.QDrag, "exec", note)
    view = two_takes
    start = centre(view, 1)
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view.viewport(), start + QPoint(6, 6))
    QTest.mouseMove(view.viewport(), start + QPoint(30, 30))
    ((urls, formats, actions, size),) = drags
    assert formats == ["text/uri-list"]
    assert actions == Qt.DropAction.CopyAction
    assert not size.isEmpty()
    (path,) = [Path(url.toLocalFile()) for url in urls]
    assert path == session.state.takes[1].path
    assert not path.name.startswith(".")
    samples, rate_hz = soundfile.read(path)
    assert (len(samples), rate_hz) == (8_820, 44_100)
    assert abs(samples).max() > 0.1


def test_a_drag_does_not_play_the_card_but_a_click_does(qtbot, two_takes, session, audio, monkeypatch):
    monkeypatch.setattr(take_list.QDrag, "exec", lambda *_: Qt.DropAction.CopyAction)
    view = two_takes
    audio.calls.clear()
    start = centre(view, 1)
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view.viewport(), start + QPoint(30, 30))
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=start + QPoint(30, 30))
    assert audio.names() == []
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    qtbot.waitUntil(lambda: audio.names() == ["arm", "play"])
    assert session.state.current.prompt == "kick"


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_the_menu_of_a_card_restores_reveals_and_copies(qtbot, two_takes, session, window, monkeypatch):
    opened = []
    monkeypatch.setattr("arc_instrument.ui.take_files.QDesktopServices.openUrl", lambda url: opened.append(url) or True)
    view = two_takes
    take = session.state.takes[1]

    def choose(text):
        view._open_menu(centre(view, 1))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        next(action for action in menu.actions() if action.text() == text).trigger()
        menu.close()

    choose("Copy the take's path")
    assert QGuiApplication.clipboard().text() == str(take.path)
    choose("Show the take's file")
    assert opened == [QUrl.fromLocalFile(str(take.path.parent))]
    choose("Restore the take's settings")
    assert (session.state.prompt, session.state.seed) == (take.prompt, take.seed)
    assert window.prompt.line.text() == "kick"


def test_the_current_take_is_the_selected_card(two_takes):
    assert two_takes.currentIndex().row() == 0
    assert two_takes.model().data(two_takes.currentIndex()) == "bell"


def drop(window, *paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = QPoint(450, 300)
    arguments = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entered = QDragEnterEvent(place, *arguments)
    QApplication.sendEvent(window, entered)
    QApplication.sendEvent(window, QDropEvent(QPointF(place), *arguments))
    return entered.isAccepted()


def test_an_audio_file_dropped_anywhere_becomes_the_init_and_wakes_the_strength(qtbot, window, session, tmp_path):
    soundfile.write(tmp_path / "beat.wav", tone(0.5, 1).samples, 44_100)
    assert not window.voice.strength.slider.isEnabled()
    assert drop(window, tmp_path / "beat.wav")
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert window.voice.init_slot._name.text() == "beat.wav"
    assert window.voice.strength.slider.isEnabled()
    QTest.mouseClick(window.voice.init_slot.clear, Qt.MouseButton.LeftButton)
    assert session.state.init is None
    assert not window.voice.strength.slider.isEnabled()


def test_a_dropped_file_that_is_refused_is_one_sentence(window, tmp_path):
    (tmp_path / "song.txt").write_text("la la")
    drop(window, tmp_path / "song.txt")
    assert "song.txt" in window.message.text()
    assert "\n" not in window.message.text()


def test_the_record_button_shows_seconds_and_level_while_it_records(window, session, audio):
    QTest.mouseClick(window.voice.record.button, Qt.MouseButton.LeftButton)
    audio.levelsChanged.emit(AudioLevels(input_peak=0.5, voices=2, xruns=1, recorded_seconds=1.24))
    assert window.voice.record.button.text() == "1.2 s"
    assert window.voice.record.meter._shown == 0.5
    assert window.status._voices.text() == "2 voices · 1 dropout"
    audio.recorded.emit(tone(1.0, 1))
    assert window.voice.record.button.text() == "Record"
    assert window.voice.init_slot._length.text() == "1.00 s"


def test_the_record_button_counts_in_beat_by_beat_and_then_tells_the_seconds(window, session, audio):
    session.voice.set_count_in_beats(3)
    QTest.keyClick(window.keyboard, Qt.Key.Key_I)
    QTest.keyClick(window.keyboard, Qt.Key.Key_R)
    for beat in (1, 2, 3):
        audio.levelsChanged.emit(AudioLevels(count_in_beat=beat))
        assert window.voice.record.button.text() == f"{beat} of 3"
        assert window.message.text().startswith(f"Count-in, beat {beat} of 3")
    audio.levelsChanged.emit(AudioLevels(recorded_seconds=0.1))
    assert window.voice.record.button.text() == "0.1 s"
    assert window.message.text().startswith("Recording:")


def test_b_says_which_of_recording_and_result_is_heard(qtbot, window, session, audio):
    audio.recorded.emit(tone(1.0, 1))
    session.set_prompt("glass")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    for side, title in (("recording", session.state.init.name), ("result", "glass")):
        QTest.keyClick(window.keyboard, Qt.Key.Key_B)
        qtbot.waitUntil(lambda side=side: session.state.ab == side)
        assert window.message.text().startswith(f"This is the {side}; B plays")
        assert window.waveform._title.text() == title
        assert window.waveform.compare.isChecked()
    session.player.panic()
    assert not window.waveform.compare.isChecked()


def test_a_click_on_the_waveform_plays_and_the_playhead_runs(qtbot, two_takes, window, session, audio):
    session.player.panic()
    audio.calls.clear()
    assert window.waveform.waveform.played_fraction() == 0
    QTest.mouseClick(window.waveform.waveform, Qt.MouseButton.LeftButton)
    assert audio.names() == ["play"]
    qtbot.waitUntil(lambda: window.waveform.waveform.played_fraction() > 0.2)
    qtbot.waitUntil(lambda: window.waveform.waveform.played_fraction() == 0)


def test_the_playhead_runs_over_a_sound_that_was_just_made_and_over_another_take(qtbot, window, session):
    view = window.waveform.waveform
    session.set_seconds(4.0)
    for prompt in ("kick", "bell"):
        session.set_prompt(prompt)
        session.maker.generate()
        qtbot.waitUntil(lambda prompt=prompt: bool(session.state.takes) and session.state.takes[0].prompt == prompt)
        assert view.played_fraction() > 0
    session.player.panic()
    session.auditions.audition(session.state.takes[1])
    qtbot.waitUntil(lambda: session.state.playing)
    qtbot.waitUntil(lambda: session.state.current.prompt == "kick")
    qtbot.wait(20)
    assert session.state.playing
    assert view.played_fraction() > 0


def test_the_device_menu_lists_what_there_is_and_keeps_a_choice_that_is_absent(window, session, audio):
    from dataclasses import replace

    from doubles import RUNNING

    audio.stateChanged.emit(replace(RUNNING, outputs=("pulse", "Scarlett 2i2")))

    def shown():
        window.menu_button.outputs.fill()
        return [(action.text(), action.isChecked()) for action in window.menu_button.outputs.actions()]

    assert shown() == [("Best available", True), ("pulse", False), ("Scarlett 2i2", False)]
    window.menu_button.outputs.actions()[2].trigger()
    assert audio.calls[-1][1].device == "Scarlett 2i2"
    audio.stateChanged.emit(replace(RUNNING, outputs=("pulse",)))
    assert shown() == [("Best available", False), ("pulse", False), ("Scarlett 2i2", True)]


@pytest.mark.parametrize("place_of", [lambda window: window.waveform, lambda window: window.voice.init_slot])
def test_a_take_dropped_on_the_waveform_or_the_slot_is_started_from_and_restores_nothing(
    qtbot, window, session, two_takes, place_of
):
    widget = place_of(window)
    session.set_prompt("something else")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(session.state.takes[1].path))])
    place = widget.mapTo(window, widget.rect().center())
    arguments = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, QDragEnterEvent(place, *arguments))
    QApplication.sendEvent(window, QDropEvent(QPointF(place), *arguments))
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert (session.state.init.name, session.state.prompt) == (session.state.takes[1].path.name, "something else")
