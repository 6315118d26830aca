"""Which tag the list is narrowed to: a button beside the search, its menu tells how many takes have each."""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.tags import tag_counts
from arc_instrument.ui.icons import icon


class TagFilter(QToolButton):
    """Signals: chosen(str), a tag; "" for all takes."""

    chosen = Signal(str)

    def __init__(self, size_px: int):
        super().__init__()
        self._state = SessionState()
        self.setIcon(icon("tag"))
        self.setIconSize(QSize(16, 16))
        self.setFixedSize(size_px, size_px)
        self.setCheckable(True)
        self.setAccessibleName("Filter by tag")
        self.setToolTip(tooltip("filter_tag"))
        self.clicked.connect(self.open_menu)

    def render_state(self, state: SessionState) -> None:
        if state.tag != self._state.tag:
            self.setToolTip(f"Only takes with #{state.tag}" if state.tag else tooltip("filter_tag"))
            self.setAccessibleDescription(self.toolTip())
        self._state = state
        self.setChecked(bool(state.tag))

    def open_menu(self) -> QMenu:
        """Below the button, the commonest tag first."""
        state, menu = self._state, QMenu(self)
        self.setChecked(bool(state.tag))  # a click alone narrows nothing
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        group = QActionGroup(menu)
        counts = tag_counts(state.takes)
        for tag, title, count in (("", "All takes", len(state.takes)), *((tag, f"#{tag}", n) for tag, n in counts)):
            entry = menu.addAction(f"{title.replace('&', '&&')}\t{count:,}")
            entry.setCheckable(True)
            entry.setChecked(tag.casefold() == state.tag.casefold())
            group.addAction(entry)
            entry.triggered.connect(lambda _=False, tag=tag: self.chosen.emit(tag))
        if not counts:
            menu.addAction("No take has a tag yet: F2 in the list writes them").setEnabled(False)
        menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))
        return menu
