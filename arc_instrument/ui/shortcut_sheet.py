"""Every key on one sheet, laid over the window. Esc, F1 or a click closes it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from arc_instrument.actions import ACTIONS
from arc_instrument.ui.palette import BODY_PX, GRID, SMALL_PX, colour, font


class ShortcutSheet(QWidget):
    """Covers its parent and dims it."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._covered = parent
        self.setAccessibleName("Keyboard shortcuts")
        sheet = QFrame()
        sheet.setObjectName("sheet")
        grid = QGridLayout(sheet)
        grid.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(3)
        groups = list(dict.fromkeys(action.group for action in ACTIONS if action.keys))
        rows = [0, 0]
        total = sum(1 for action in ACTIONS if action.keys) + len(groups)
        for group in groups:
            side = 0 if rows[0] < total / 2 - 2 else 1
            members = [action for action in ACTIONS if action.group == group and action.keys]
            heading = QLabel(group)
            heading.setProperty("role", "heading")
            heading.setFont(font(BODY_PX, QFont.Weight.DemiBold))
            grid.addWidget(heading, rows[side], 3 * side, 1, 2)
            rows[side] += 1
            for action in members:
                title, keys = QLabel(action.title), QLabel(action.keys)
                title.setProperty("role", "caption")
                keys.setProperty("role", "value")
                keys.setFont(font(SMALL_PX, QFont.Weight.Medium))
                grid.addWidget(title, rows[side], 3 * side)
                grid.addWidget(keys, rows[side], 3 * side + 1)
                rows[side] += 1
            grid.setRowMinimumHeight(rows[side], GRID)
            rows[side] += 1
        grid.setColumnMinimumWidth(2, 3 * GRID)
        column = QVBoxLayout(self)
        column.addWidget(sheet, 0, Qt.AlignmentFlag.AlignCenter)
        self.hide()

    def toggle(self) -> None:
        if self.isVisible():
            self.hide()
        else:
            self.setGeometry(self._covered.rect())
            self.show()
            self.raise_()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        veil = colour("window")
        veil.setAlpha(215)
        QPainter(self).fillRect(self.rect(), veil)
