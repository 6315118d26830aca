"""A knob: drag up and down, Shift for fine, double click for its default, wheel, arrow keys, or type a value."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QLineEdit

from arc_instrument.parameters import Parameter
from arc_instrument.ui.palette import SMALL_PX, colour, font

POSITIONS = 1_000  # between the ends of the range
PX_FOR_RANGE = 160  # how far a drag goes from one end to the other
FINE = 10  # Shift makes a drag, and a step, so much finer
STEP, PAGE = 10, 100  # positions of an arrow key or a notch of the wheel, and of PageUp
START_DEGREES, SPAN_DEGREES = 225, 270  # of the dial, anticlockwise from the right
DIAL_PX, LINE_PX = 34, 15
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"  # with it "19.9 kHz" has room under the dial
WIDTH_PX, HEIGHT_PX = 48, DIAL_PX + 2 * LINE_PX + 2


class Knob(QAbstractSlider):
    """Shows the parameter's name and its value in units. `centred` draws the arc from the default.

    Signals: valueEdited(float), only when a person turns it.
    """

    valueEdited = Signal(float)

    def __init__(self, parameter: Parameter, *, centred: bool = False):
        super().__init__()
        self.parameter, self._centred = parameter, centred
        self._exact = parameter.default
        self._turned = 0.0  # 0 … 1, finer than the parameter's own steps while a hand turns it
        self._dragged_from: QPointF | None = None
        self._editor: QLineEdit | None = None
        self.setRange(0, POSITIONS)
        self.setSingleStep(STEP)
        self.setPageStep(PAGE)
        self.setFixedSize(WIDTH_PX, HEIGHT_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(parameter.title)
        default = parameter.text(parameter.default)
        self.setToolTip(f"{parameter.tip}\nDrag, Shift for fine; double click: {default}; Enter: type a value")
        self.actionTriggered.connect(self._on_step)
        self.set_value(parameter.default)

    # --- value --------------------------------------------------------------------------------------------------

    @property
    def exact_value(self) -> float:
        """The value in its own unit."""
        return self._exact

    def set_value(self, value: float) -> None:
        """Show a value without telling it back; while it is dragged, the hand wins."""
        if self._dragged_from is None:
            self._turned = self.parameter.to_unit(value)
            self._show(self.parameter.clamped(value))

    def value_text(self) -> str:
        return self.parameter.text(self._exact)

    def typed_value(self, text: str) -> float | None:
        """What a person typed as a value; None for none."""
        return number_in(text)

    def _show(self, value: float) -> None:
        self._exact = value
        self.blockSignals(True)
        self.setSliderPosition(round(POSITIONS * self._turned))
        self.blockSignals(False)
        self.setAccessibleDescription(f"{self.parameter.tip}: {self.value_text()}")
        self.update()

    def _edit(self, value: float) -> None:
        if value != self._exact:
            self._show(value)
            self.valueEdited.emit(value)

    def _turn_to(self, unit: float) -> None:
        self._turned = min(max(unit, 0.0), 1.0)
        self._edit(self.parameter.from_unit(self._turned))

    def _move_by(self, positions: float) -> None:
        self._turn_to(self._turned + positions / POSITIONS)

    def _on_step(self, action: int) -> None:
        """What keys and screen readers ask of a slider."""
        self._turn_to(self.sliderPosition() / POSITIONS)

    # --- hand ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is None:
            return
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        moved_px = self._dragged_from.y() - event.position().y() + event.position().x() - self._dragged_from.x()
        self._dragged_from = event.position()
        self._move_by(moved_px * POSITIONS / PX_FOR_RANGE / fine)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is not None:
            self._dragged_from = None
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._turn_to(self.parameter.to_unit(self.parameter.default))

    def wheelEvent(self, event: QWheelEvent) -> None:
        fine = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        delta = event.angleDelta().y() or event.angleDelta().x()  # Shift turns some wheels sideways
        self._move_by(STEP * delta / 120 / fine)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open_editor()
        else:
            super().keyPressEvent(event)

    def _open_editor(self) -> None:
        """A field over the value; Enter takes what stands there, Esc or leaving it does not."""
        editor = self._editor = _Editor(self.value_text(), self)
        editor.setObjectName("knobEditor")
        editor.setAccessibleName(f"{self.parameter.title}, value")
        editor.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        editor.setGeometry(0, self.height() - LINE_PX - 7, self.width(), LINE_PX + 7)
        editor.selectAll()
        editor.returnPressed.connect(self._take_typed)
        editor.editingFinished.connect(self._close_editor)
        editor.show()
        editor.setFocus()

    def _take_typed(self) -> None:
        if self._editor is None:
            return
        value = self.typed_value(self._editor.text())
        if value is not None:
            self._turn_to(self.parameter.to_unit(value))
        self._close_editor()

    def _close_editor(self) -> None:
        if self._editor is not None:
            editor, self._editor = self._editor, None
            editor.deleteLater()
            self.setFocus()

    # --- picture ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        enabled, unit = self.isEnabled(), self._turned
        dial = QRectF((self.width() - DIAL_PX) / 2, 1, DIAL_PX, DIAL_PX).adjusted(3, 3, -3, -3)
        self._arc(painter, dial, 0, 1, "line")
        start = self.parameter.to_unit(self.parameter.default) if self._centred else 0
        self._arc(painter, dial, start, unit, "accent" if enabled else "line_strong")
        angle = math.radians(START_DEGREES - SPAN_DEGREES * unit)
        centre, radius = dial.center(), dial.width() / 2
        tip = QPointF(centre.x() + radius * 0.72 * math.cos(angle), centre.y() - radius * 0.72 * math.sin(angle))
        root = QPointF(centre.x() + radius * 0.2 * math.cos(angle), centre.y() - radius * 0.2 * math.sin(angle))
        painter.setPen(QPen(colour("text" if enabled else "faint"), 2.5, c=Qt.PenCapStyle.RoundCap))
        painter.drawLine(root, tip)
        if self.hasFocus():
            painter.setPen(QPen(colour("text"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setFont(font(SMALL_PX, figures=True))
        lines = QRectF(0, DIAL_PX, self.width(), LINE_PX), QRectF(0, DIAL_PX + LINE_PX, self.width(), LINE_PX)
        painter.setPen(colour("muted" if enabled else "faint"))
        painter.drawText(lines[0], int(Qt.AlignmentFlag.AlignCenter), self.parameter.title)
        painter.setPen(colour("text" if enabled else "faint"))
        painter.drawText(lines[1], int(Qt.AlignmentFlag.AlignCenter), self.value_text().replace(" ", THIN_SPACE))

    def _arc(self, painter: QPainter, dial: QRectF, start: float, end: float, name: str) -> None:
        painter.setPen(QPen(colour(name), 3, c=Qt.PenCapStyle.RoundCap))
        painter.drawArc(
            dial, round(16 * (START_DEGREES - SPAN_DEGREES * start)), round(16 * SPAN_DEGREES * (start - end))
        )


class _Editor(QLineEdit):
    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        event.accept()  # or the Enter that ends the typing would reach the knob and open the field again


def number_in(text: str) -> float | None:
    """The number a person typed, with its unit or one a thousand times as large ("4.5 kHz", "12 k", "1.5 s" for
    milliseconds, "−3 dB"); None for none."""
    words = text.strip().replace("−", "-").replace(",", ".").lower()
    digits = "".join(character for character in words if character in "+-.0123456789")
    try:
        value = float(digits)
    except ValueError:
        return None
    after = words[words.rfind(digits[-1]) + 1 :].strip()
    return value * 1_000 if after.startswith("k") or after in ("s", "sec") else value
