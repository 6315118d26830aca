"""Right click on a control: let a MIDI control drive it, or no longer."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QMenu, QWidget


class LearnMenu(QObject):
    """Signals: learnRequested(str), forgetRequested(str): a target of `session.controls`, an action or a parameter."""

    learnRequested = Signal(str)
    forgetRequested = Signal(str)

    def __init__(self, parent: QObject):
        super().__init__(parent)
        self._targets: dict[QObject, str] = {}

    def offer(self, widget: QWidget, target: str) -> None:
        """Give `widget` the menu for `target`."""
        self._targets[widget] = target
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        target = self._targets.get(watched)
        if target is None or not isinstance(event, QContextMenuEvent) or not isinstance(watched, QWidget):
            return super().eventFilter(watched, event)
        menu = QMenu(watched)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Learn a MIDI control", lambda: self.learnRequested.emit(target))
        menu.addAction("Forget its MIDI control", lambda: self.forgetRequested.emit(target))
        menu.popup(event.globalPos())
        return True
