"""One page of the preferences: a heading above rows of a caption with its control."""

from collections.abc import Callable

from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from arc_instrument.ui.choice import Choice
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.palette import BODY_PX, GRID, font
from arc_instrument.ui.seed_field import NumberLine

CAPTION_PX = 120


class PreferencePage(QWidget):
    """A heading and rows of a caption with its control."""

    def __init__(self, title: str):
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnMinimumWidth(0, CAPTION_PX)
        self._grid.setColumnStretch(1, 1)
        heading = QLabel(title)
        heading.setProperty("role", "heading")
        heading.setFont(font(BODY_PX, QFont.Weight.DemiBold))
        self._grid.addWidget(heading, 0, 0, 1, 2)
        self._row = 1

    def _put(self, caption: str, widget: QWidget) -> None:
        if caption:
            self._grid.addWidget(caption_label(caption), self._row, 0)
        self._grid.addWidget(widget, self._row, 1)
        self._row += 1

    def whole(self, widget: QWidget) -> None:
        self._grid.addWidget(widget, self._row, 0, 1, 2)
        self._row += 1

    def choice(self, caption: str, name: str, chosen: SignalInstance, empty: str = "") -> Choice:
        made = Choice(name, empty)
        made.chosen.connect(lambda value: chosen.emit(value))
        self._put(caption, made)
        return made

    def switch(self, caption: str, name: str, toggled: Callable[[], None]) -> QPushButton:
        made = _switch(name, name, toggled)
        self._put(caption, made)
        return made

    def button(self, title: str, clicked: Callable[[], None]) -> QPushButton:
        made = QPushButton(title)
        made.setAccessibleName(title)
        made.clicked.connect(lambda: clicked())
        self._put("", made)
        return made

    def number(self, caption: str, name: str) -> NumberLine:
        made = NumberLine()
        made.setObjectName("field")
        made.setAccessibleName(name)
        self._put(caption, made)
        return made

    def text(self, caption: str) -> ElidedLabel:
        made = ElidedLabel("value")
        self._put(caption, made)
        return made

    def hint(self, text: str) -> None:
        made = QLabel(text)
        made.setProperty("role", "hint")
        made.setWordWrap(True)
        self.whole(made)

    def finished(self) -> QWidget:
        return self.stretched(self._row)

    def stretched(self, row: int) -> QWidget:
        """Give the room that is left to a row; 0 is the first below the heading."""
        self._grid.setRowStretch(row or 1, 1)
        return self


class PreferenceRow(QWidget):
    """A title with its buttons, in a list."""

    def __init__(self, title: str):
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        label = ElidedLabel("value")
        label.setText(title)
        self._row.addWidget(label, 1)

    def switch(self, title: str, name: str, on: bool, toggled: Callable[[], None]) -> None:
        made = _switch(title, name, toggled)
        made.setChecked(on)
        self._row.addWidget(made)

    def button(self, title: str, name: str, clicked: Callable[[], None]) -> None:
        made = QPushButton(title)
        made.setProperty("role", "toggle")
        made.setAccessibleName(name)
        made.clicked.connect(lambda: clicked())
        self._row.addWidget(made)


def show_switch(switch: QPushButton, on: bool, title_on: str, title_off: str) -> None:
    switch.setChecked(on)
    switch.setText(title_on if on else title_off)
    switch.setAccessibleDescription(switch.text())


def _switch(title: str, name: str, toggled: Callable[[], None]) -> QPushButton:
    """A button that is on or off; the state decides which, also right after a click."""
    made = QPushButton(title)
    made.setCheckable(True)
    made.setProperty("role", "toggle")
    made.setAccessibleName(name)
    made.clicked.connect(lambda: toggled())
    return made


def caption_label(text: str) -> QLabel:
    made = QLabel(text)
    made.setProperty("role", "caption")
    return made
