"""Export: one button with what can be written for other programs, in which format, and how far that is."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QToolButton

from arc_instrument.actions import BY_ID
from arc_instrument.session.exporter import FORMAT_TITLES
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.palette import colour


class ExportButton(QToolButton):
    """Signals: actionRequested(str), the id of an action; formatChosen(str), one of `FORMAT_TITLES`."""

    actionRequested = Signal(str)
    formatChosen = Signal(str)

    def __init__(self, size_px: int):
        super().__init__()
        self._state = SessionState()
        self.setIcon(icon("export"))
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setFixedSize(size_px, size_px)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Export")
        self.clicked.connect(self.open_menu)
        self._show_format("wav24")

    def render_state(self, state: SessionState) -> None:
        if state.export_format != self._state.export_format:
            self._show_format(state.export_format)
        if state.exporting != self._state.exporting:
            self.update()
        self._state = state

    def _show_format(self, format: str) -> None:
        self.setToolTip(f"Export the take, the selected takes or the pads as {FORMAT_TITLES[format]}")
        self.setAccessibleDescription(f"As {FORMAT_TITLES[format]}; Enter opens the choice")

    def paintEvent(self, event: QPaintEvent) -> None:
        """Along the lower edge a bar as long as the share that is written."""
        super().paintEvent(event)
        exporting = self._state.exporting
        if exporting is not None:
            painter, room = QPainter(self), QRectF(self.rect()).adjusted(3, self.height() - 4, -3, -1)
            painter.fillRect(room, colour("line"))
            room.setWidth(room.width() * exporting.done / exporting.count)
            painter.fillRect(room, colour("accent"))

    def open_menu(self) -> QMenu:
        """Below the button."""
        state, menu = self._state, QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        count = len(state.selection)
        selected = f"Export {count} selected takes" if count > 1 else BY_ID["export_selected"].title
        if state.exporting is not None:
            menu.addAction(BY_ID["stop_export"].title, lambda: self.actionRequested.emit("stop_export"))
            menu.addSeparator()
        kit = any(pad.clip is not None and pad.take is not None for pad in state.pads)
        for action_id, title, possible in (
            ("export", f"{BY_ID['export'].title}\t{BY_ID['export'].keys}", state.current_path is not None),
            ("export_selected", selected, count > 0),
            ("export_kit", "Export the pads as SFZ", kit),
        ):
            entry = menu.addAction(title, lambda action_id=action_id: self.actionRequested.emit(action_id))
            entry.setEnabled(possible)
        menu.addSeparator()
        group = QActionGroup(menu)
        for format, title in FORMAT_TITLES.items():
            entry = menu.addAction(title, lambda format=format: self.formatChosen.emit(format))
            entry.setCheckable(True)
            entry.setChecked(format == state.export_format)
            group.addAction(entry)
        menu.addSeparator()
        show = menu.addAction(BY_ID["show_exports"].title, lambda: self.actionRequested.emit("show_exports"))
        show.setEnabled(state.exported is not None)
        menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))
        return menu
