"""A slider with its name on the left and its value, in units, on the right."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from arc_instrument.ui.palette import GRID, SMALL_PX, font


class ValueSlider(QWidget):
    """Signals: valueEdited(int), only when a person moves it.

    Wheel and arrow keys move by one step, PageUp and PageDown by ten percent, double click gives the default.
    """

    valueEdited = Signal(int)

    def __init__(self, name: str, tip: str, low: int, high: int, default: int, write: Callable[[int], str]):
        super().__init__()
        self._default, self._write = default, write
        self._name = QLabel(name)
        self._name.setProperty("role", "caption")
        self._value = QLabel()
        self._value.setProperty("role", "value")
        self._value.setFont(font(SMALL_PX, figures=True))
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(low, high)
        self.slider.setPageStep(max(1, (high - low) // 10))
        self.slider.setAccessibleName(name)
        self.slider.setAccessibleDescription(tip)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.installEventFilter(self)
        self.setToolTip(tip)

        words = QHBoxLayout()
        words.setSpacing(GRID)
        words.addWidget(self._name)
        words.addWidget(self._value, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(words)
        column.addWidget(self.slider)
        self.set_value(default)

    def set_value(self, value: int) -> None:
        """Show a value without telling it back."""
        self.slider.blockSignals(True)
        self.slider.setValue(value)
        self.slider.blockSignals(False)
        self.refresh()

    def set_maximum(self, high: int) -> None:
        if self.slider.maximum() != high:
            self.slider.blockSignals(True)
            self.slider.setMaximum(high)
            self.slider.blockSignals(False)
            self.refresh()

    def refresh(self) -> None:
        """Write the value again, for texts that depend on more than the value."""
        self._value.setText(self._write(self.slider.value()))

    def value_text(self) -> str:
        return self._value.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self.slider.setValue(self._default)
            return True
        return super().eventFilter(watched, event)

    def _on_moved(self, value: int) -> None:
        self.refresh()
        self.valueEdited.emit(value)
