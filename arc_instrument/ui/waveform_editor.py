"""Edits a sound on its picture: handles to drag, to reset by a double click, and to move by keys."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent

from arc_instrument.ui.edit_handles import (
    FADES,
    LOOPS,
    MIN_GAIN_DB,
    TRIMS,
    Handle,
    LoopPoints,
    Shaping,
    edit_of,
    heard,
)
from arc_instrument.ui.edit_painter import CORNER_PX, EditLook, paint_bubble, place_of
from arc_instrument.ui.time_marks import beats
from arc_instrument.ui.waveform_view import WaveformView
from arc_instrument.waveform import nearest_zero_crossing

GRAB_PX, SNAP_PX = 6, 6
CORNER_GRAB_PX = 13  # a fade's triangle may be missed a little
DRAG_PX, GAIN_DRAG_PX = 2, 4  # less is a click
DB_PER_PX = 0.2
FINE = 0.1
KEY_MS, FINE_KEY_MS = 10, 1
KEY_DB, FINE_KEY_DB = 0.5, 0.1  # of a notch of the wheel too
WHEEL_ENDS_MS = 400  # turns of the wheel nearer than this are one gesture, one step of undo
CURSORS = {
    **dict.fromkeys((*TRIMS, *FADES, *LOOPS), Qt.CursorShape.SizeHorCursor),
    Handle.GAIN: Qt.CursorShape.SizeVerCursor,
}


@dataclass
class _Drag:
    handle: Handle
    before: Shaping
    last: QPointF
    travelled: float = 0.0  # pixels to the right, of a gain upwards; fewer than the pointer's with Shift
    moved: bool = False


class WaveformEditor(WaveformView):
    """Handles at the start, the end, both fades, the gain, and where there is a loop at its two ends.

    Shift is fine and snaps to nothing; otherwise trims and loop points snap to onsets, beats and zero crossings.
    Page Up and Page Down choose a handle, arrows (fine with Shift), Home, End and Delete (reset) move it. Esc, or
    losing the focus, takes a drag back. Gain also by Alt and a drag or the wheel.

    Signals:
        clicked(): a click on the sound, not on a handle.
        editRequested(object): while something moves, the edit shown with other values (`dataclasses.replace`).
        loopRequested(object): the same for the loop.
        editFinished(): the gesture has ended, once for each that changed something: one step of undo.
    """

    clicked = Signal()
    editRequested = Signal(object)
    loopRequested = Signal(object)
    editFinished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._drag: _Drag | None = None
        self._pressed = False
        self._key_moved = False
        self._by_keys = False  # the focused handle stands out only for those who move it by keys
        self._wheel_end = QTimer(self, singleShot=True, interval=WHEEL_ENDS_MS)
        self._wheel_end.timeout.connect(self.editFinished)
        self.setMouseTracking(True)

    def show_sound(self, sound, invitation, *, draft=False) -> None:
        if sound is None or self._sound is None or sound.clip is not self._sound.clip:
            self._drag, self._in_motion = None, False
        super().show_sound(sound, invitation, draft=draft)
        self._refresh_pointer(None)

    def show_edit(self, edit, loop: LoopPoints | None = None) -> None:
        """As the view's; ignored during a drag, which shows its own values."""
        if self._drag is None:
            super().show_edit(edit, loop)
            can_edit = edit is not None and self._sound is not None
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus if can_edit else Qt.FocusPolicy.NoFocus)

    def reverse(self) -> None:
        """Turn the sound around: what is cut away stays cut away."""
        if self._shaping.edit is not None:
            as_stored = heard(self._shaping)
            edit = replace(as_stored.edit, reverse=not as_stored.edit.reverse)
            self._finish(heard(replace(as_stored, edit=edit)))

    def reset_edit(self) -> None:
        """The unedited sound."""
        if self._shaping.is_edited:
            self._finish(replace(heard(self._shaping), edit=self._shaping.cleared().edit))

    @property
    def is_edited(self) -> bool:
        return self._shaping.is_edited

    # --- where the handles are ----------------------------------------------------------------------------------

    def handle_at(self, position: QPointF) -> Handle | None:
        """What a press at `position` grabs: the corners before the trims, the nearest of those that are near."""
        shaping, area = self._shaping, self.time_area()
        if self._sound is None or not shaping.handles:
            return None
        look = self.look()
        near: list[tuple[float, Handle]] = []
        for handle in shaping.handles:
            place = place_of(look, handle)
            beside, over = position.x() - place.x(), position.y() - place.y()
            if handle in FADES:
                inward = beside if handle is Handle.FADE_IN else -beside
                is_near = -GRAB_PX <= inward <= CORNER_GRAB_PX and position.y() <= area.top() + CORNER_PX + 4
            elif handle in LOOPS:
                is_near = abs(beside) <= GRAB_PX + 3 and position.y() >= area.bottom() - CORNER_PX - 4
            elif handle in TRIMS:
                is_near = abs(beside) <= GRAB_PX
            else:
                is_near = abs(over) <= 4 and self.x_of(shaping.edit.start) < position.x() < self.x_of(shaping.edit.end)
            if is_near:
                rank = 0 if handle in (*FADES, *LOOPS) else 1 if handle in TRIMS else 2
                near.append((100 * rank + abs(beside) * (rank < 2), handle))
        return min(near, key=lambda found: found[0])[1] if near else None

    def place(self, handle: Handle) -> QPointF:
        return place_of(self.look(), handle)

    def _refresh_pointer(self, position: QPointF | None) -> None:
        hovered = self.handle_at(position) if position is not None else None
        if hovered is not self._hovered:
            self._hovered = hovered
            self.update()
        if self._sound is None:
            self.setCursor(Qt.CursorShape.ArrowCursor)
        else:
            self.setCursor(CURSORS[hovered] if hovered else Qt.CursorShape.PointingHandCursor)

    # --- the mouse ----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._sound is None:
            return
        self._move_by_keys(False)
        handle = self.handle_at(event.position())
        by_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier) and self._shaping.edit is not None
        if by_alt:
            handle = Handle.GAIN
        if handle is None:
            self._pressed = True
            return
        self._pressed = handle is Handle.GAIN and not by_alt  # a click on the middle of the sound is meant to play it
        self._drag = _Drag(handle, self._shaping, event.position())
        if not self._pressed:
            self._take_focus(handle)
        self.update()

    def _take_focus(self, handle: Handle) -> None:
        self._choose(handle)
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        drag = self._drag
        if drag is None:
            self._refresh_pointer(event.position())
            return
        is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step = event.position() - drag.last
        drag.last = event.position()
        drag.travelled += (-step.y() if drag.handle is Handle.GAIN else step.x()) * (FINE if is_fine else 1)
        if not drag.moved:
            if abs(drag.travelled) < (GAIN_DRAG_PX if drag.handle is Handle.GAIN else DRAG_PX) * (
                FINE if is_fine else 1
            ):
                return
            drag.moved = self._in_motion = True
            self._take_focus(drag.handle)
        if drag.handle is Handle.GAIN:
            self._request(drag.before.louder(drag.before.edit.gain_db + DB_PER_PX * drag.travelled), drag.handle)
            return
        frame = self.frame_at(self.x_of(drag.before.frame_of(drag.handle)) + drag.travelled)
        if not is_fine:
            frame = self._snapped(drag.handle, frame)
        self._request(drag.before.moved(drag.handle, frame), drag.handle)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        drag, self._drag = self._drag, None
        was_pressed, self._pressed = self._pressed, False
        if drag and drag.moved:
            self._rest()
            self.editFinished.emit()
        elif was_pressed and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()
        self._refresh_pointer(event.position())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        handle = self.handle_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        if handle is None:
            self.mousePressEvent(event)
        else:
            self._take_focus(handle)
            self._finish(self._shaping.reset(handle), handle)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._shaping.edit is None or not event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()
            return
        turned = event.angleDelta().y() or event.angleDelta().x()  # Alt turns the wheel sideways on some systems
        notch_db = FINE_KEY_DB if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else KEY_DB
        self._request(self._shaping.louder(self._shaping.edit.gain_db + turned / 120 * notch_db), Handle.GAIN)
        self._wheel_end.start()

    def _snapped(self, handle: Handle, frame: int) -> int:
        """`frame` at an onset or a beat within SNAP_PX, else at a zero crossing within a pixel."""
        if handle in FADES:
            return frame
        shaping = self._shaping
        marks = self.heard_frames(self._marks.result)
        if handle is not Handle.START:
            first = shaping.edit.start
            for beat_s in beats(self._marks.bpm, shaping.frames / shaping.rate_hz):
                marks.append(first + round(beat_s * shaping.rate_hz))
        frames_per_px = shaping.frames / self.time_area().width()
        nearest = min(marks, key=lambda mark: abs(mark - frame), default=None)
        if nearest is not None and abs(nearest - frame) <= SNAP_PX * frames_per_px:
            return nearest
        assert self._sound is not None
        samples = self._sound.clip.samples[::-1] if shaping.edit.reverse else self._sound.clip.samples
        return nearest_zero_crossing(samples, frame, round(frames_per_px))

    # --- the keyboard -------------------------------------------------------------------------------------------

    def _move_by_keys(self, by_keys: bool) -> None:
        """Whether ↑, ↓ and Del are the focused handle's, which stands out then, or still the takes' after a click."""
        self._by_keys = by_keys
        self.setProperty("ownArrows", by_keys)

    def event(self, event: QEvent) -> bool:
        is_del = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Delete
        if is_del and event.type() == QEvent.Type.ShortcutOverride and self._takes_del():
            event.accept()
            return True
        return super().event(event)

    def _takes_del(self) -> bool:
        """Whether Del resets a handle; otherwise it is the window's, and deletes the take."""
        return self._by_keys and self._focused in self._shaping.handles

    def keyPressEvent(self, event: QKeyEvent) -> None:
        handles, handle = self._shaping.handles, self._focused
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            self._cancel_drag()
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and handles:
            self._move_by_keys(True)
            step = 1 if event.key() == Qt.Key.Key_PageDown else -1
            self._choose(handles[(handles.index(handle) + step) % len(handles)] if handle in handles else handles[0])
        elif handle in handles and self._drag is None and (moved := self._moved_by(event, handle)) is not None:
            self._move_by_keys(True)
            self.update()
            self._key_moved |= moved != self._shaping
            self._request(moved, handle)
        else:
            super().keyPressEvent(event)

    def _moved_by(self, event: QKeyEvent, handle: Handle) -> Shaping | None:
        """What `event` makes of `handle`; None if that key moves nothing."""
        shaping, key = self._shaping, event.key()
        is_fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            return shaping.reset(handle)
        upwards = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}.get(Qt.Key(key))
        if handle is Handle.GAIN:
            ends = {Qt.Key.Key_Home: MIN_GAIN_DB, Qt.Key.Key_End: 0.0}  # louder than it was made only step by step
            if upwards:
                return shaping.louder(shaping.edit.gain_db + upwards * (FINE_KEY_DB if is_fine else KEY_DB))
            return shaping.louder(ends[Qt.Key(key)]) if key in ends else None
        if upwards:
            step = shaping.frames_in(FINE_KEY_MS if is_fine else KEY_MS)
            return shaping.moved(handle, shaping.frame_of(handle) + upwards * step)
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: shaping.frames}
        return shaping.moved(handle, ends[Qt.Key(key)]) if key in ends else None

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self._end_keys()
        super().keyReleaseEvent(event)

    def _end_keys(self) -> None:
        if self._key_moved:
            self._key_moved = False
            self.editFinished.emit()

    def _choose(self, handle: Handle) -> None:
        self._focused = handle
        self._describe(handle)
        self.update()

    def _describe(self, handle: Handle) -> None:
        self.setAccessibleDescription(f"{self._shaping.value_text(handle)}; Page Down for the next handle")

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._move_by_keys(event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason))
        if self._focused not in self._shaping.handles and self._shaping.handles:
            self._choose(self._shaping.handles[0])

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self._drag is not None and self._drag.moved:  # the window takes Esc, and with it the focus
            self._cancel_drag()
        self._end_keys()

    # --- what is told -------------------------------------------------------------------------------------------

    def _request(self, shaping: Shaping, handle: Handle | None = None) -> None:
        """Show `shaping` (heard order) and tell what of it changed."""
        before = self._shaping
        if shaping == before:
            return
        self._reshape(shaping)
        if shaping.edit != before.edit:
            self.editRequested.emit(edit_of(shaping))
        if shaping.loop != before.loop and handle in LOOPS:  # where an edit leaves the loop is the session's to say
            self.loopRequested.emit(heard(shaping).loop)
        if handle is not None:
            self._describe(handle)

    def _rest(self) -> None:
        """The drag is over: paint as finely as a picture at rest deserves."""
        self._in_motion = False
        self._reshape(self._shaping)

    def _finish(self, shaping: Shaping, handle: Handle | None = None) -> None:
        """`_request` as a whole gesture."""
        if shaping != self._shaping:
            self._request(shaping, handle)
            self.editFinished.emit()

    def _cancel_drag(self) -> None:
        drag, self._drag = self._drag, None
        if drag is not None:
            self._rest()
            self._request(drag.before, drag.handle)
        self._refresh_pointer(None)

    # --- painting -----------------------------------------------------------------------------------------------

    def look(self) -> EditLook:
        look = super().look()
        dragged = self._drag.handle if self._drag else None
        return replace(look, focused=look.focused if self._by_keys else None, dragged=dragged)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._sound is None or self._shaping.edit is None:
            return
        painter = QPainter(self)
        look = self.look()
        named = look.named
        if named is not None and named in self._shaping.handles:
            at = self.place(named)
            if named in FADES:
                at += QPointF(CORNER_PX if named is Handle.FADE_IN else -CORNER_PX, 4)
            outwards = named in (Handle.START, Handle.FADE_OUT)
            paint_bubble(painter, self.time_area(), at, self._shaping.value_text(named), leftwards=outwards)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self._drag is None:
            self._refresh_pointer(None)
        self.update()
