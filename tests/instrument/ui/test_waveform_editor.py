"""The handles as a person drags them, with the mouse and the keyboard."""

from dataclasses import replace

import numpy as np
import pytest
from editing import FRAMES, Edit, constant, sound_of
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from arc_instrument.domain import RATE_HZ
from arc_instrument.ui.edit_handles import Handle, LoopPoints
from arc_instrument.ui.waveform_editor import WHEEL_ENDS_MS, WaveformEditor

NONE, SHIFT, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


class Heard:
    """What an editor told, and the session's part: it shows each edit again."""

    def __init__(self, editor: WaveformEditor):
        self.edits, self.loops, self.finished, self.clicks = [], [], 0, 0
        editor.editRequested.connect(self.edits.append)
        editor.loopRequested.connect(self.loops.append)
        editor.editFinished.connect(self._on_finished)
        editor.clicked.connect(self._on_clicked)

    def _on_finished(self):
        self.finished += 1

    def _on_clicked(self):
        self.clicks += 1

    @property
    def edit(self):
        return self.edits[-1]


@pytest.fixture
def editor(qtbot, application):
    made = WaveformEditor()
    qtbot.addWidget(made)
    made.resize(614, 76)  # 600 px of time: 147 frames a pixel
    made.show_sound(constant(), "")
    made.show_edit(Edit())
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def told(editor):
    return Heard(editor)


def drag(editor, handle, by, modifier=NONE, release=True):
    """Press on the handle, move in small steps, release; returns where the pointer was last."""
    at = editor.place(handle).toPoint()
    QTest.mousePress(editor, Qt.MouseButton.LeftButton, modifier, at)
    for step in range(1, 11):
        move(editor, at + by * step / 10, modifier)
    if release:
        QTest.mouseRelease(editor, Qt.MouseButton.LeftButton, modifier, at + by)
    return at + by


def move(editor, to, modifier=NONE):
    """A move of the mouse with the left button down; QTest's own knows no modifiers."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    left = Qt.MouseButton.LeftButton
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(to), editor.mapToGlobal(QPointF(to)), left, left, modifier)
    QApplication.sendEvent(editor, event)


def test_the_end_goes_to_the_frame_under_the_pointer_and_that_is_one_step_of_undo(editor, told):
    at = drag(editor, Handle.END, QPoint(-150, 0))
    assert told.edit == Edit(end=editor.frame_at(at.x()))
    assert told.edit.end == pytest.approx(FRAMES - 150 / 600 * FRAMES, abs=1)
    assert len(told.edits) > 5
    assert told.finished == 1
    assert told.clicks == 0


@pytest.mark.parametrize(
    ("handle", "by", "expected"),
    [
        (Handle.START, 60, Edit(start=FRAMES // 10)),
        (Handle.FADE_IN, 60, Edit(fade_in_ms=200.0)),
        (Handle.FADE_OUT, -60, Edit(fade_out_ms=200.0)),
    ],
)
def test_the_other_handles_move_their_own_value(editor, told, handle, by, expected):
    drag(editor, handle, QPoint(by, 0))
    assert told.edit == expected
    assert told.finished == 1


def test_a_drag_up_the_middle_line_is_louder_and_a_click_there_plays(editor, told):
    drag(editor, Handle.GAIN, QPoint(0, -20))
    assert told.edit == Edit(gain_db=4.0)
    assert (told.finished, told.clicks) == (1, 0)
    QTest.mouseClick(editor, Qt.MouseButton.LeftButton, pos=editor.place(Handle.GAIN).toPoint())
    assert (told.finished, told.clicks) == (1, 1)


def test_alt_drags_the_gain_from_anywhere(editor, told):
    at = QPoint(200, 60)
    QTest.mousePress(editor, Qt.MouseButton.LeftButton, ALT, at)
    move(editor, at + QPoint(0, 10), ALT)
    QTest.mouseRelease(editor, Qt.MouseButton.LeftButton, ALT, at + QPoint(0, 10))
    assert told.edit == Edit(gain_db=-2.0)
    assert (told.finished, told.clicks) == (1, 0)


def test_alt_and_the_wheel_change_the_gain_and_a_gesture_is_one_step_of_undo(qtbot, editor, told):
    def turn(notches, modifier):
        at = QPointF(300, 30)
        event = QWheelEvent(
            at, editor.mapToGlobal(at), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, modifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(editor, event)

    turn(5, NONE)
    assert told.edits == []
    turn(3, ALT)
    turn(1, ALT | SHIFT)
    assert told.edit == Edit(gain_db=1.6)
    assert told.finished == 0
    qtbot.waitUntil(lambda: told.finished == 1)
    qtbot.wait(WHEEL_ENDS_MS // 4)
    assert told.finished == 1


def test_a_cut_near_an_onset_snaps_to_it_and_shift_lets_it_go(editor, told):
    onset = round(1.5 * RATE_HZ)
    editor.show_onsets((), (0.3, 1.5))
    drag(editor, Handle.END, QPoint(-146, 0))  # 4 px from the onset
    assert told.edit.end == onset
    editor.show_edit(Edit())
    drag(editor, Handle.END, QPoint(-142, 0))  # 8 px
    assert told.edit.end != onset
    editor.show_edit(Edit(end=onset + 100))
    drag(editor, Handle.END, QPoint(40, 0), SHIFT)  # a tenth as far, and nothing attracts it
    assert told.edit.end == pytest.approx(onset + 100 + 4 * FRAMES / 600, abs=1)


def test_a_cut_in_a_reversed_sound_snaps_to_the_onset_that_is_seen_there(editor, told):
    editor.show_edit(Edit(reverse=True))
    editor.show_onsets((), (0.5,))  # heard 0.5 s before the end
    drag(editor, Handle.END, QPoint(-147, 0))
    assert told.edit == Edit(start=round(0.5 * RATE_HZ), reverse=True)


def test_the_end_snaps_to_the_beats_that_follow_the_start(editor, told):
    editor.show_edit(Edit(start=4_410))
    editor.show_beats(120)
    drag(editor, Handle.END, QPoint(-122, 0))
    assert told.edit.end == 4_410 + 3 * RATE_HZ // 2


def test_a_cut_goes_to_a_zero_crossing_of_the_pixel_under_the_pointer(editor, told):
    square = np.where(np.arange(FRAMES) // 100 % 2 == 0, 0.5, -0.5)
    editor.show_sound(sound_of(square), "")
    editor.show_edit(Edit())
    at = drag(editor, Handle.END, QPoint(-101, 0))
    assert told.edit.end % 100 == 0
    assert abs(told.edit.end - editor.frame_at(at.x())) <= 50
    drag(editor, Handle.END, QPoint(-333, 0), SHIFT)
    assert told.edit.end % 100 != 0


@pytest.mark.parametrize("way", ["Esc", "focus"])
def test_escape_or_a_lost_focus_takes_a_drag_back(editor, told, way):
    editor.show_edit(Edit(fade_in_ms=20))
    at = drag(editor, Handle.END, QPoint(-150, 0), release=False)
    assert told.edit.end < FRAMES
    if way == "Esc":
        QTest.keyClick(editor, Qt.Key.Key_Escape)
    else:
        editor.clearFocus()
    assert told.edit == Edit(fade_in_ms=20)
    move(editor, at - QPoint(50, 0))
    QTest.mouseRelease(editor, Qt.MouseButton.LeftButton, pos=at)
    assert told.edit == Edit(fade_in_ms=20)
    assert (told.finished, told.clicks) == (0, 0)


def test_a_drag_shows_its_own_values_whatever_the_session_renders_meanwhile(editor, told):
    drag(editor, Handle.END, QPoint(-150, 0), release=False)
    dragged = editor.place(Handle.END)
    editor.show_edit(Edit())
    assert editor.place(Handle.END) == dragged
    QTest.mouseRelease(editor, Qt.MouseButton.LeftButton, pos=dragged.toPoint())
    editor.show_edit(Edit())
    assert editor.place(Handle.END) != dragged


@pytest.mark.parametrize(
    ("handle", "edit"),
    [
        (Handle.START, Edit(start=20_000)),
        (Handle.END, Edit(end=70_000)),
        (Handle.FADE_IN, Edit(fade_in_ms=300)),
        (Handle.FADE_OUT, Edit(fade_out_ms=300)),
        (Handle.GAIN, Edit(gain_db=-5)),
    ],
)
def test_a_double_click_resets_a_handle_as_one_step_of_undo(editor, told, handle, edit):
    editor.show_edit(edit)
    at = editor.place(handle).toPoint()
    QTest.mouseDClick(editor, Qt.MouseButton.LeftButton, pos=at)
    assert told.edit == Edit()
    assert told.finished == 1


def test_a_press_that_does_not_move_edits_nothing_and_a_click_beside_the_handles_plays(editor, told):
    QTest.mouseClick(editor, Qt.MouseButton.LeftButton, pos=editor.place(Handle.END).toPoint())
    assert (told.edits, told.finished, told.clicks) == ([], 0, 0)
    QTest.mouseClick(editor, Qt.MouseButton.LeftButton, pos=QPoint(200, 60))
    assert told.clicks == 1


def test_every_handle_is_reached_and_moved_by_keys_alone(editor, told):
    editor.setFocus(Qt.FocusReason.TabFocusReason)
    ms = RATE_HZ // 1000

    def press(key, modifier=NONE):
        QTest.keyClick(editor, key, modifier)

    press(Qt.Key.Key_Right)
    assert told.edit == Edit(start=441)
    press(Qt.Key.Key_Right, SHIFT)
    assert told.edit == Edit(start=441 + ms)
    assert told.finished == 2
    press(Qt.Key.Key_Home)
    assert told.edit == Edit()
    press(Qt.Key.Key_PageDown)
    press(Qt.Key.Key_Right)
    assert told.edit.fade_in_ms == pytest.approx(10)
    press(Qt.Key.Key_Delete)
    press(Qt.Key.Key_PageDown)
    press(Qt.Key.Key_Left)
    assert told.edit == Edit(gain_db=-0.5)
    press(Qt.Key.Key_End)
    assert told.edit == Edit()
    press(Qt.Key.Key_PageUp)
    press(Qt.Key.Key_PageUp)
    press(Qt.Key.Key_PageUp)
    press(Qt.Key.Key_Left)
    assert told.edit == Edit(end=FRAMES - 441)
    assert editor.accessibleDescription().startswith("End 1")


def test_keys_move_nothing_once_a_handle_cannot_go_further_and_are_then_no_step_of_undo(editor, told):
    editor.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(editor, Qt.Key.Key_Left)
    assert (told.edits, told.finished) == ([], 0)


def test_loop_points_are_dragged_at_the_foot_and_stay_within_what_is_heard(editor, told):
    editor.show_edit(Edit(start=8_820), LoopPoints(20_000, 60_000, 50))
    drag(editor, Handle.LOOP_START, QPoint(-500, 0))
    assert told.loops[-1] == LoopPoints(8_820, 60_000, 50)
    assert told.edits == []
    assert told.finished == 1
    editor.show_edit(replace(Edit(), reverse=True), LoopPoints(20_000, 60_000))
    drag(editor, Handle.LOOP_END, QPoint(30, 0))  # heard later is earlier in the sound
    assert told.loops[-1] == LoopPoints(20_000 - 30 * FRAMES // 600, 60_000)


def test_the_pointer_says_what_it_would_grab(editor):
    for handle, shape in (
        (Handle.START, Qt.CursorShape.SizeHorCursor),
        (Handle.GAIN, Qt.CursorShape.SizeVerCursor),
        (None, Qt.CursorShape.PointingHandCursor),
    ):
        at = editor.place(handle).toPoint() if handle else QPoint(200, 60)
        QTest.mouseMove(editor, at)
        assert editor.cursor().shape() == shape
        assert editor.handle_at(QPointF(at)) is handle


def test_without_an_edit_there_is_nothing_to_grab_and_a_click_anywhere_plays(editor, told):
    editor.show_edit(None)
    for x in (7, 300, 606):
        QTest.mouseClick(editor, Qt.MouseButton.LeftButton, pos=QPoint(x, 38))
    assert told.clicks == 3
    assert editor.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_reverse_keeps_what_is_cut_away_and_reset_brings_the_whole_sound_back(editor, told):
    editor.show_edit(Edit(start=1_000, end=50_000, gain_db=3))
    editor.reverse()
    assert told.edit == Edit(start=1_000, end=50_000, gain_db=3, reverse=True)
    editor.reverse()
    assert told.edit == Edit(start=1_000, end=50_000, gain_db=3)
    editor.reset_edit()
    assert told.edit == Edit()
    assert told.finished == 3
    editor.reset_edit()
    assert told.finished == 3
