"""The handle of the whole kit: dragged it gives another program the sounds of all pads, clicked it writes an SFZ."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication

from arc_instrument.domain import Take
from arc_instrument.session.state import SessionState
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.dragged_files import dragged_files
from arc_instrument.ui.take_drag import drag_picture


class KitHandle(ActionButton):
    """Signals: actionRequested(str), "export_kit"."""

    def __init__(self) -> None:
        super().__init__("export_kit", "Drag kit", "grip")
        self._takes: tuple[Take, ...] = ()
        self._pressed_at = QPointF()
        self.setToolTip("Drag the sounds of all pads into another program; a click writes them as a folder with an SFZ")

    def render_state(self, state: SessionState) -> None:
        self._takes = tuple(pad.take for pad in state.pads if pad.clip is not None and pad.take is not None)
        self.setEnabled(bool(self._takes))

    def make_drag(self) -> QDrag:
        """The files of the pads, from the first to the last."""
        drag = QDrag(self)
        drag.setMimeData(dragged_files(take.path for take in self._takes))
        drag.setPixmap(drag_picture(self._takes[0], len(self._takes), self.devicePixelRatioF()))
        return drag

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        moved_px = (event.position() - self._pressed_at).manhattanLength()
        if not self.isDown() or moved_px < QApplication.startDragDistance():
            super().mouseMoveEvent(event)
            return
        self.setDown(False)  # so that letting go is no click
        drag = self.make_drag()
        if drag.mimeData().urls():
            drag.exec(Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)
