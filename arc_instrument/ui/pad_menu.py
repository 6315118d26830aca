"""What can be done with one pad."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

if TYPE_CHECKING:
    from arc_instrument.session import Session


def open_pad_menu(parent: QWidget, session: "Session", pad: int, place: QPoint) -> QMenu:
    """Show the menu of pad `pad` (from 0) at a global place."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    kit, shown = session.kit, session.state.pads[pad]
    take = session.state.current.take if session.state.current else None
    menu.addAction("Make anew", lambda: kit.regenerate(pad))
    menu.addAction("Put the current take here", lambda: take and kit.put_take(pad, take)).setEnabled(take is not None)
    lock = menu.addAction("Locked", lambda: kit.toggle_lock(pad))
    lock.setCheckable(True)
    lock.setChecked(shown.locked)
    menu.addAction("Clear", lambda: kit.clear(pad)).setEnabled(shown.clip is not None)
    menu.popup(place)
    return menu
