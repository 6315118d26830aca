"""A button that shows what is chosen and opens a menu of what else can be."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QStyle, QStyleOptionButton

from arc_instrument.ui.device_menu import BEST
from arc_instrument.ui.icons import icon
from arc_instrument.ui.palette import GRID

ARROW_PX = 14


class Choice(QPushButton):
    """Signals: chosen(object), the value of the entry."""

    chosen = Signal(object)

    def __init__(self, name: str, empty: str = ""):
        """`empty` is shown while the chosen value is none of the entries."""
        super().__init__()
        self._name, self._empty = name, empty
        self._entries: tuple[tuple[object, str], ...] = ()
        self._current: object = None
        self._arrow = icon("chevron")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open_menu)

    def show_entries(self, entries: Sequence[tuple[object, str]], current: object) -> None:
        """Offer `entries`, each a value and its title; the one of the value `current` is shown as chosen."""
        if (tuple(entries), current) != (self._entries, self._current):
            self._entries, self._current = tuple(entries), current
            title = next((title for value, title in self._entries if value == current), self._empty)
            self.setText(title)
            self.setToolTip(title)
            self.setAccessibleDescription(f"{title}; Enter opens the choice")

    def show_devices(self, names: Sequence[str], current: str) -> None:
        """Offer devices as the system lists them, the best, and what was chosen though it is absent."""
        absent = (current,) if current and current not in names else ()
        known, missing = ((name, name) for name in names), ((name, f"{name} (absent)") for name in absent)
        self.show_entries([("", BEST), *known, *missing], current)

    @property
    def entries(self) -> tuple[tuple[object, str], ...]:
        return self._entries

    def open_menu(self) -> QMenu:
        """Below the button, as wide as it is."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setMinimumWidth(self.width())
        group = QActionGroup(menu)
        for value, title in self._entries:
            entry = menu.addAction(title.replace("&", "&&"))
            entry.setCheckable(True)
            entry.setChecked(value == self._current)
            group.addAction(entry)
            entry.triggered.connect(lambda _=False, value=value: self.chosen.emit(value))
        menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))
        return menu

    def sizeHint(self) -> QSize:
        return QSize(120, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""  # pyright: ignore[reportAttributeAccessIssue]
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        area = self.rect().adjusted(GRID + 4, 0, -GRID - ARROW_PX - 4, 0)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, area.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        arrow = QRect(self.width() - GRID - ARROW_PX, (self.height() - ARROW_PX) // 2, ARROW_PX, ARROW_PX)
        self._arrow.paint(painter, arrow)
