"""A square between four prompts: where the point lies says how much of each is in the sound."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from arc_instrument.morph import LETTERS
from arc_instrument.ui.palette import RADIUS, SMALL_PX, colour, font

EDGE_PX = 10
STEP, FINE_STEP = 0.05, 0.01


class XyPad(QWidget):
    """x runs 0 … 1 to the right, y 0 … 1 upwards; corners are A (0, 0), B (1, 0), C (0, 1), D (1, 1).

    Signals: moved(float, float), only when a person moves it; menuWanted(int, QPoint): right click, or the menu key,
    near that corner, at a global place.
    """

    moved = Signal(float, float)
    menuWanted = Signal(int, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self._x = self._y = 0.0
        self._used = (False,) * 4
        self._dragging = False
        self._target: int | None = None
        self.setProperty("ownArrows", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 64)
        self.setAccessibleName("Morph between prompts")
        self.setToolTip(
            "Drag between the prompts A to D: the point writes the prompt; arrow keys, Shift for fine\n"
            "Right click fills a corner, or drop a take"
        )

    def sizeHint(self) -> QSize:
        return QSize(200, 88)

    def set_point(self, x: float, y: float) -> None:
        """Show a point without telling it back; while it is dragged, the hand wins."""
        if not self._dragging and (x, y) != (self._x, self._y):
            self._show(x, y)

    def set_target(self, corner: int | None) -> None:
        """The corner that what is dragged would be put into."""
        if corner != self._target:
            self._target = corner
            self.update()

    def corner_at(self, position: QPointF) -> int:
        """The nearest corner, 0 to 3 for A to D."""
        field = self.field()
        return int(position.x() > field.center().x()) + 2 * int(position.y() < field.center().y())

    def set_used(self, used: Sequence[bool]) -> None:
        """Which of the corners A to D hold a prompt."""
        if tuple(used) != self._used:
            self._used = tuple(used)
            self.update()

    def _show(self, x: float, y: float) -> None:
        self._x, self._y = x, y
        self.setAccessibleDescription(f"{100 * x:.0f} percent right, {100 * y:.0f} percent up")
        self.update()

    def _edit(self, x: float, y: float) -> None:
        x, y = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        if (x, y) != (self._x, self._y):
            self._show(x, y)
            self.moved.emit(x, y)

    def field(self) -> QRectF:
        """Where the point may lie."""
        return QRectF(self.rect()).adjusted(EDGE_PX, EDGE_PX, -EDGE_PX, -EDGE_PX)

    def _edit_at(self, position: QPointF) -> None:
        field = self.field()
        self._edit((position.x() - field.left()) / field.width(), (field.bottom() - position.y()) / field.height())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:  # it knows no place: the point's
            field = self.field()
            place = QPointF(field.left() + self._x * field.width(), field.bottom() - self._y * field.height())
            self.menuWanted.emit(self.corner_at(place), self.mapToGlobal(place.toPoint()))
        else:
            self.menuWanted.emit(self.corner_at(QPointF(event.pos())), event.globalPos())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragging = True
            self._edit_at(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            self._edit_at(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = FINE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP
        ways = {
            Qt.Key.Key_Left: (-step, 0.0),
            Qt.Key.Key_Right: (step, 0.0),
            Qt.Key.Key_Up: (0.0, step),
            Qt.Key.Key_Down: (0.0, -step),
        }
        way = ways.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
        else:
            self._edit(self._x + way[0], self._y + way[1])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(colour("text" if self.hasFocus() else "line"), 1))
        painter.setBrush(colour("raised"))
        painter.drawRoundedRect(frame, RADIUS, RADIUS)
        field = self.field()
        point = QPointF(field.left() + self._x * field.width(), field.bottom() - self._y * field.height())
        corners = (field.bottomLeft(), field.bottomRight(), field.topLeft(), field.topRight())
        weights = ((1 - self._x) * (1 - self._y), self._x * (1 - self._y), (1 - self._x) * self._y, self._x * self._y)
        painter.setFont(font(SMALL_PX))
        for number, (letter, corner, used, weight) in enumerate(
            zip(LETTERS, corners, self._used, weights, strict=True)
        ):
            if used:
                line = colour("accent")
                line.setAlphaF(0.15 + 0.85 * weight)
                painter.setPen(QPen(line, 1 + 2 * weight))
                painter.drawLine(point, corner)
            box = QRectF(0, 0, 16, 16)
            box.moveCenter(corner + (field.center() - corner) * 0.001)
            if number == self._target:
                painter.setPen(QPen(colour("accent"), 2))
                painter.drawEllipse(box.center(), 11, 11)
            painter.setPen(colour("text" if used else "faint"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), letter)
        painter.setPen(QPen(colour("window"), 2))
        painter.setBrush(colour("accent" if self.isEnabled() else "line_strong"))
        painter.drawEllipse(point, 7, 7)
