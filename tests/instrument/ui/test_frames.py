"""The watch over frames and the rehearsal, in the real window with doubles for model and sound card."""

from time import perf_counter, sleep

from PySide6.QtCore import QRect
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest

from arc_instrument.domain import NoteEvent
from arc_instrument.ui.frames import BEAT_MS, Frames
from arc_instrument.ui.keyboard_strip import KeyboardStrip
from arc_instrument.ui.rehearsal import Rehearsal


def test_a_blocked_thread_is_late_by_how_long_it_was_blocked(window):
    frames = Frames(window)
    frames.start()
    QTest.qWait(4 * BEAT_MS)
    sleep(0.1)
    QTest.qWait(4 * BEAT_MS)
    frames.stop()
    assert max(frames.late_ms) >= 100 - BEAT_MS


def test_an_answer_lasts_from_when_the_input_was_due_to_the_end_of_its_frame(window):
    frames = Frames(window)
    frames.start()
    due = perf_counter()
    sleep(0.05)
    window.status.update()
    frames.input("typing", due)
    QTest.qWait(50)
    window.status.update()  # a frame that answers nothing
    QTest.qWait(50)
    frames.stop()
    (answer_ms,) = frames.answer_ms["typing"]
    assert answer_ms >= 50
    assert len(frames.paint_ms) >= 2
    painted = len(frames.paint_ms)
    window.status.update()
    QTest.qWait(50)
    assert len(frames.paint_ms) == painted  # it watches no more


def test_the_rehearsal_types_drags_and_plays_while_sounds_are_made_and_then_closes_the_window(
    qtbot, window, session, audio, synth
):
    told = []
    rehearsal = Rehearsal(window, session, 0.0, 8, told.append)
    window.update()
    qtbot.waitUntil(lambda: rehearsal.is_ready)
    session.update()  # the model was ready before
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert told[0]["first_frame_ms"] > 0
    assert {name: len(times) for name, times in told[0]["answer_ms"].items()} == {
        "typing": 8,
        "dragging": 8,
        "notes": 8,
    }
    assert session.state.prompt == "a warm a"
    assert len({request.seconds for request in synth.requests}) > 1
    assert audio.names().count("note_on") == audio.names().count("note_off") == 4
    assert not window.isVisible()


def test_a_rehearsal_of_nothing_closes_after_the_first_frame(qtbot, window, session):
    told = []
    Rehearsal(window, session, 0.0, 0, told.append)
    window.update()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert told[0]["answer_ms"] == {}
    assert session.state.takes == ()


def test_one_note_repaints_one_key(qtbot, application):
    painted = []

    class Watched(KeyboardStrip):
        def paintEvent(self, event: QPaintEvent) -> None:
            painted.append(event.rect())
            super().paintEvent(event)

    keyboard = Watched()
    qtbot.addWidget(keyboard)
    keyboard.resize(870, 68)
    keyboard.show()
    qtbot.waitExposed(keyboard)
    QTest.qWait(50)  # the frames of being shown and activated
    whole = keyboard.grab().toImage()
    painted.clear()
    keyboard.show_note(NoteEvent(60, 100, "keys"))
    qtbot.waitUntil(lambda: bool(painted))
    white, _ = keyboard.key_areas()
    assert painted == [white[60].toAlignedRect()]
    lit = keyboard.grab().toImage()
    column = QRect(white[60].toAlignedRect())
    assert lit.copy(column) != whole.copy(column)
    keyboard.show_note(NoteEvent(60, 0, "keys"))
    QTest.qWait(20)
    assert keyboard.grab().toImage() == whole
