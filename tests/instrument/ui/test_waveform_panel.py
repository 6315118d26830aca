from dataclasses import replace

import pytest
from editing import Edit, constant
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from arc_instrument.session.state import InitSound, SessionState
from arc_instrument.ui.edit_handles import Handle
from arc_instrument.ui.waveform_panel import WaveformPanel

SOUND = constant()
STATE = SessionState(current=SOUND)
INIT = InitSound("voice.wav", SOUND.clip, SOUND.peaks)


@pytest.fixture
def panel(qtbot, application):
    host = QWidget()
    qtbot.addWidget(host)
    made = WaveformPanel()
    made.setParent(host)
    host.resize(560, 130)
    made.resize(560, 130)
    made.render_state(STATE)
    host.show()
    qtbot.waitExposed(host)
    yield made
    del host


def test_the_buttons_work_once_there_is_something_to_edit(qtbot, panel):
    panel.render_state(SessionState())
    assert not panel.reverse.isEnabled()
    assert not panel.reset.isEnabled()
    panel.render_state(STATE)
    panel.show_edit(Edit())
    assert panel.reverse.isEnabled()
    assert not panel.reset.isEnabled()
    edits, finished = [], []
    panel.waveform.editRequested.connect(edits.append)
    panel.waveform.editFinished.connect(lambda: finished.append(1))
    QTest.mouseClick(panel.reverse, Qt.MouseButton.LeftButton)
    assert edits == [Edit(reverse=True)]
    assert panel.reverse.isChecked()
    assert panel.reset.isEnabled()
    QTest.mouseClick(panel.reset, Qt.MouseButton.LeftButton)
    assert edits[-1] == Edit()
    assert len(finished) == 2
    assert not panel.reverse.isChecked()
    assert not panel.reset.isEnabled()


def test_the_length_told_is_that_of_what_is_heard_while_it_is_dragged(panel):
    panel.show_edit(Edit())
    assert panel._figures.text().startswith("2.00 s")
    at = panel.waveform.place(Handle.END).toPoint()
    QTest.mousePress(panel.waveform, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(panel.waveform, QPoint(round(panel.waveform.x_of(44_100)), at.y()))
    assert panel._figures.text().startswith("1.0")
    QTest.keyClick(panel.waveform, Qt.Key.Key_Escape)
    assert panel._figures.text().startswith("2.00 s")


def test_what_was_found_out_of_a_sound_is_forgotten_with_it(panel):
    panel.show_analysis(root_note=57, loudness_lufs=-14.0)
    panel.render_state(replace(STATE, playing=True))
    assert "A3" in panel._figures.text()
    panel.render_state(replace(STATE, current=constant(0.1)))
    assert "A3" not in panel._figures.text()


def test_comparing_is_offered_only_with_a_recording_and_ends_with_it(panel):
    told = []
    panel.compareRequested.connect(lambda: told.append(1))
    assert not panel.compare.isVisible()
    panel.render_state(replace(STATE, init=INIT))
    assert panel.compare.isVisible()
    QTest.mouseClick(panel.compare, Qt.MouseButton.LeftButton)
    assert told == [1]
    assert not panel.compare.isChecked()  # nothing is heard yet
    for side, title in (("recording", "voice.wav"), ("result", "a constant")):
        panel.render_state(replace(STATE, init=INIT, ab=side))
        assert panel.compare.isChecked()
        assert panel._title.text() == title
    panel.render_state(STATE)
    assert not panel.compare.isChecked()
    assert told == [1]


def test_nothing_moves_whatever_is_shown(panel):
    def places():
        return [widget.geometry() for widget in (panel.waveform, panel._title, panel._figures, *panel.tools())]

    before = places()
    panel.render_state(replace(STATE, init=INIT))
    panel.show_edit(Edit(gain_db=-3, reverse=True))
    panel.show_analysis(root_note=57.3, detected_bpm=119.0, asked_bpm=120.0, loudness_lufs=-14.1)
    QTest.qWait(1)
    assert places() == before
    panel.render_state(SessionState())
    QTest.qWait(1)
    assert places() == before


def test_the_view_is_switched_by_its_button_and_by_its_command(panel):
    QTest.mouseClick(panel.spectrogram, Qt.MouseButton.LeftButton)
    assert panel.spectrogram.isChecked()
    panel.toggle_view()
    assert not panel.spectrogram.isChecked()


def test_every_button_has_a_name_a_tip_and_room_to_hit(panel):
    panel.render_state(replace(STATE, init=INIT))
    assert len({tool.accessibleName() for tool in panel.tools()}) == 6
    for tool in panel.tools():
        assert tool.toolTip()
        assert min(tool.width(), tool.height()) >= 24
