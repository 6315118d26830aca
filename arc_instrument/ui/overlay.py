"""A sheet laid over the window, which it dims: not a dialog, the keys and the sound go on."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QVBoxLayout, QWidget

from arc_instrument.ui.palette import GRID, colour

VEIL = 215  # of 255


class Overlay(QWidget):
    """Covers its parent and follows its size. Esc (through the window) or a click beside the sheet closes it.

    Signals: closed().
    """

    closed = Signal()

    def __init__(self, parent: QWidget, name: str):
        super().__init__(parent)
        self._covered = parent
        self._focus_before: QWidget | None = None
        self.setAccessibleName(name)
        self.sheet = QFrame()
        self.sheet.setObjectName("sheet")
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.addWidget(self.sheet, 0, Qt.AlignmentFlag.AlignCenter)
        parent.installEventFilter(self)
        self.hide()

    def first_widget(self) -> QWidget | None:
        """Takes the focus when the sheet opens."""
        return None

    def open(self) -> None:
        self._focus_before = QApplication.focusWidget()
        self.setGeometry(self._covered.rect())
        self.show()
        self.raise_()
        if (first := self.first_widget()) is not None:
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_sheet(self) -> None:
        """Hide it, and give the focus back to whoever had it."""
        if self.isVisible():
            self.hide()
            if self._focus_before is not None and self._focus_before.isVisible():
                self._focus_before.setFocus()
            self.closed.emit()

    def toggle(self) -> None:
        self.close_sheet() if self.isVisible() else self.open()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes round on the sheet and never to what it covers."""
        chain, widget = [], self.nextInFocusChain()
        while widget is not None and widget is not self:
            takes_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
            if self.isAncestorOf(widget) and widget.isVisible() and widget.isEnabled() and takes_tab:
                chain.append(widget)
            widget = widget.nextInFocusChain()
        if chain:
            here = QApplication.focusWidget()
            place = chain.index(here) + (1 if next else -1) if here in chain else 0
            reason = Qt.FocusReason.TabFocusReason if next else Qt.FocusReason.BacktabFocusReason
            chain[place % len(chain)].setFocus(reason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._covered.rect())
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.sheet.geometry().contains(event.position().toPoint()):
            self.close_sheet()

    def paintEvent(self, event: QPaintEvent) -> None:
        veil = colour("window")
        veil.setAlpha(VEIL)
        QPainter(self).fillRect(self.rect(), veil)
