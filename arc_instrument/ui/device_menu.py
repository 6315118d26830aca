"""A choice of one sound device by name, or of the best there is."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

BEST = "Best available"


class DeviceMenu(QMenu):
    """Asks `list_devices` for the names and the chosen one ("" for the best) each time it opens.

    Signals: chosen(str), the name or "".
    """

    chosen = Signal(str)

    def __init__(self, title: str, list_devices: Callable[[], tuple[tuple[str, ...], str]], parent: QWidget):
        super().__init__(title, parent)
        self._list_devices = list_devices
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Write the names anew."""
        self.clear()
        names, current = self._list_devices()
        group = QActionGroup(self)
        absent = (current,) if current and current not in names else ()
        for name in ("", *names, *absent):
            choice = self.addAction(name or BEST)
            choice.setCheckable(True)
            choice.setChecked(name == current)
            group.addAction(choice)
            choice.triggered.connect(lambda _=False, name=name: self.chosen.emit(name))
