"""Sixteen pads in two rows of eight: hit them with the mouse, drop a take on one, drag its file out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from arc_instrument.ui.dragged_files import dragged_files
from arc_instrument.ui.dropped_file import dropped_file
from arc_instrument.ui.palette import SMALL_PX, colour, font
from arc_instrument.ui.peaks_painter import paint_peaks
from arc_instrument.ui.typed_keys import PAD_LETTERS
from arc_instrument.waveform import normalised

COLUMNS, ROWS = 8, 2
GAP_PX = 4
HEIGHT_PX = 68
PADDING_PX = 6
SOFTEST = 30  # velocity of a click at a pad's lower edge; at its upper edge 127


@dataclass(frozen=True, eq=False)
class PadPicture:
    """What one pad shows."""

    title: str = ""
    tip: str = ""
    peaks: np.ndarray | None = field(default=None, repr=False)
    path: Path | None = None
    locked: bool = False
    busy: bool = False


class PadGrid(QWidget):
    """Pads are counted from 0, as they are read: the upper row first.

    Signals:
        padPressed(int, int): pad and velocity 1–127, louder towards its upper edge.
        padReleased(int).
        pathDropped(int, Path): a file was dropped on that pad.
        menuWanted(int, QPoint): right click on that pad, at a global place.
    """

    padPressed = Signal(int, int)
    padReleased = Signal(int)
    pathDropped = Signal(int, object)
    menuWanted = Signal(int, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self._pads: tuple[PadPicture, ...] = (PadPicture(),) * (COLUMNS * ROWS)
        self._lit: set[int] = set()
        self._shows_letters = True
        self._pressed: int | None = None
        self._pressed_at = QPointF()
        self._focused = 0
        self._target: int | None = None
        self.setAccessibleName("Pads")
        self.setProperty("ownArrows", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT_PX)

    def show_pads(self, pads: Sequence[PadPicture]) -> None:
        self._pads = tuple(pads)
        self._describe()
        self.update()

    def show_letters(self, shown: bool) -> None:
        """Whether typed letters hit the pads: each then names its own."""
        if shown != self._shows_letters:
            self._shows_letters = shown
            self.update()

    def show_hit(self, pad: int, velocity: int) -> None:
        """Light a pad up while its note is down; velocity 0 puts it out."""
        (self._lit.add if velocity else self._lit.discard)(pad)
        self.update()

    def clear(self) -> None:
        self._lit.clear()
        self.update()

    def area(self, pad: int) -> QRectF:
        """Where a pad lies."""
        width = (self.width() - GAP_PX * (COLUMNS - 1)) / COLUMNS
        height = (self.height() - GAP_PX * (ROWS - 1)) / ROWS
        row, column = divmod(pad, COLUMNS)
        return QRectF(column * (width + GAP_PX), row * (height + GAP_PX), width, height)

    def shown_title(self, pad: int) -> tuple[str, QFont]:
        """What of a pad's title there is room for, and in which font: smaller, and then without its middle."""
        room, title = self.area(pad).width() - 1 - 2 * PADDING_PX, self._pads[pad].title
        usual, small = (font(size_px, QFont.Weight.Medium) for size_px in (SMALL_PX, SMALL_PX - 1))
        if QFontMetricsF(usual).horizontalAdvance(title) <= room:
            return title, usual
        return QFontMetricsF(small).elidedText(title, Qt.TextElideMode.ElideMiddle, room), small

    def pad_at(self, position: QPointF) -> int | None:
        return next((pad for pad in range(COLUMNS * ROWS) if self.area(pad).contains(position)), None)

    # --- hand ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        pad = self.pad_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and pad is not None:
            area = self.area(pad)
            loud = 1 - (event.position().y() - area.top()) / area.height()
            self._pressed_at = event.position()
            self._press(pad, round(SOFTEST + (127 - SOFTEST) * min(max(loud, 0.0), 1.0)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        moved_px = (event.position() - self._pressed_at).manhattanLength()
        path = self._pads[self._pressed].path
        if moved_px >= 2 * QApplication.startDragDistance() and path is not None:
            pad = self._pressed
            self._release()
            drag = self.make_drag(pad)
            if drag.mimeData().urls():
                drag.exec(Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)

    def make_drag(self, pad: int) -> QDrag:
        """The drag of one pad: its file."""
        drag, path = QDrag(self), self._pads[pad].path
        drag.setMimeData(dragged_files([] if path is None else [path]))
        drag.setPixmap(self.grab(self.area(pad).toAlignedRect()))
        return drag

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._release()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -COLUMNS, Qt.Key.Key_Down: COLUMNS}
        way = ways.get(Qt.Key(event.key()))
        if way is not None and 0 <= self._focused + way < len(self._pads):
            self._focused += way
            self._describe()
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self._press(self._focused, 100)
        elif way is None:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self._release()
        else:
            super().keyReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        pad = self._focused if by_key else self.pad_at(QPointF(event.pos()))
        if pad is not None:
            place = self.mapToGlobal(self.area(pad).center().toPoint()) if by_key else event.globalPos()
            self.menuWanted.emit(pad, place)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._release()

    def _press(self, pad: int, velocity: int) -> None:
        self._release()
        self._pressed = self._focused = pad
        self._describe()
        self.padPressed.emit(pad, velocity)

    def _release(self) -> None:
        if self._pressed is not None:
            pad, self._pressed = self._pressed, None
            self.padReleased.emit(pad)

    # --- files dropped on a pad ---------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._aim(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._aim(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._target = None
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        pad, self._target = self.pad_at(event.position()), None
        self.update()
        if pad is not None and dropped_file(event) is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.pathDropped.emit(pad, dropped_file(event))

    def _aim(self, event: QDropEvent) -> None:
        pad = self.pad_at(event.position()) if dropped_file(event) is not None else None
        event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(pad is not None)
        if pad != self._target:
            self._target = pad
            self.update()

    # --- picture ------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            pad = self.pad_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if pad is None else self._pads[pad].tip, self)
            return True
        return super().event(event)

    def _describe(self) -> None:
        pad = self._pads[self._focused]
        self.setAccessibleDescription(f"Pad {self._focused + 1}: {pad.title or 'empty'}")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, pad in enumerate(self._pads):
            self._paint_pad(painter, number, pad)

    def _paint_pad(self, painter: QPainter, number: int, pad: PadPicture) -> None:
        lit, aimed = number in self._lit, number == self._target
        focused = self.hasFocus() and number == self._focused
        area = self.area(number).adjusted(0.5, 0.5, -0.5, -0.5)
        empty = pad.peaks is None
        line = "text" if focused else "accent" if lit or aimed else "line"
        painter.setPen(QPen(colour(line), 1, Qt.PenStyle.DashLine if empty and not focused else Qt.PenStyle.SolidLine))
        painter.setBrush(colour("accent" if lit else "accent_dim" if aimed else "window" if empty else "raised"))
        painter.drawRoundedRect(area, 6, 6)
        ink = "on_accent" if lit else "text"
        words = area.adjusted(PADDING_PX, 0, -PADDING_PX, 0)
        upper, lower = words.adjusted(0, 1, 0, -area.height() / 2), words.adjusted(0, area.height() / 2 - 1, 0, -1)
        title, title_font = self.shown_title(number)
        painter.setFont(title_font)
        painter.setPen(colour(ink if not empty else "faint"))
        painter.drawText(upper, int(Qt.AlignmentFlag.AlignVCenter), title)
        painter.setFont(font(SMALL_PX, figures=True))
        painter.setPen(colour("on_accent" if lit else "faint" if empty else "muted"))
        letter = f" {PAD_LETTERS[number]}" if self._shows_letters else ""
        number_text = f"{number + 1}{letter}{' · locked' if pad.locked else ''}"
        painter.drawText(lower, int(Qt.AlignmentFlag.AlignVCenter), number_text)
        if pad.peaks is not None:
            left = QFontMetricsF(painter.font()).horizontalAdvance("16 W · locked" if pad.locked else "16 W") + 8
            paint_peaks(
                painter, lower.adjusted(left, 0, 0, -4), normalised(pad.peaks), colour("on_accent" if lit else "accent")
            )
        if pad.busy:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent"))
            painter.drawRoundedRect(QRectF(area.left() + 6, area.bottom() - 4, area.width() - 12, 2), 1, 1)
