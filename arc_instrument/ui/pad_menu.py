"""What can be done with one pad."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QWidget, QWidgetAction

from arc_instrument.domain import MAX_PROMPT_CHARACTERS
from arc_instrument.parameters import BY_ID
from arc_instrument.ui.knob_row import knob_of
from arc_instrument.ui.palette import GRID

if TYPE_CHECKING:
    from arc_instrument.session import Session


def open_pad_menu(parent: QWidget, session: "Session", pad: int, place: QPoint) -> QMenu:
    """Show the menu of pad `pad` (from 0) at a global place."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    kit, shown = session.kit, session.state.pads[pad]
    take = session.state.current.take if session.state.current else None
    menu.addAction(_words(menu, session, pad))
    menu.addAction("Make anew", lambda: kit.regenerate(pad))
    menu.addAction("Put the current take here", lambda: take and kit.put_take(pad, take)).setEnabled(take is not None)
    lock = menu.addAction("Locked", lambda: kit.toggle_lock(pad))
    lock.setCheckable(True)
    lock.setChecked(shown.locked)
    menu.addAction(_mix(menu, session, pad))
    menu.addAction("Clear", lambda: kit.clear(pad)).setEnabled(shown.clip is not None)
    menu.popup(place)
    return menu


def _words(menu: QMenu, session: "Session", pad: int) -> QWidgetAction:
    """What the pad is made of, to be written anew: Enter makes it, leaving the menu changes nothing."""
    field, frame = QLineEdit(session.state.pads[pad].prompt), QWidget()
    field.setProperty("role", "field")
    field.setPlaceholderText(f"Words of pad {pad + 1}")
    field.setAccessibleName(f"Words of pad {pad + 1}")
    field.setToolTip("Enter makes the pad from these words, with another seed")
    field.setMaxLength(MAX_PROMPT_CHARACTERS)
    field.setCursorPosition(0)
    row = QHBoxLayout(frame)
    row.setContentsMargins(GRID, 2, GRID, 2)
    row.addWidget(field)
    frame.setFocusProxy(field)

    def make() -> None:
        words = field.text().strip()
        menu.close()
        session.kit.regenerate(pad, words)

    field.returnPressed.connect(make)
    entry = QWidgetAction(menu)
    entry.setText("Words")
    entry.setDefaultWidget(frame)
    return entry


def _mix(menu: QMenu, session: "Session", pad: int) -> QWidgetAction:
    """Level and pan of the pad, to be turned while the menu is open."""
    shape, row = session.state.shapes[pad + 1], QWidget(menu)
    layout = QHBoxLayout(row)
    layout.setContentsMargins(GRID, 2, GRID, 2)
    for parameter_id, tip, value, use in (
        ("gain", f"Level of pad {pad + 1}", shape.gain_db, session.kit.set_gain),
        ("pan", f"Where pad {pad + 1} sounds between left and right", shape.pan, session.kit.set_pan),
    ):
        knob = knob_of(replace(BY_ID[parameter_id], tip=tip), centred=True)
        knob.set_value(value)
        knob.valueEdited.connect(partial(use, pad))
        layout.addWidget(knob)
    layout.addStretch()
    entry = QWidgetAction(menu)
    entry.setText("Level and pan")
    entry.setDefaultWidget(row)
    return entry
