"""What velocity changes, of fresh notes and of all: the menu of the button of fresh notes."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from arc_instrument.velocity import DRIVES

if TYPE_CHECKING:
    from arc_instrument.session import Session

TOUCHES = {0.0: "As bright as hard ones", 0.35: "Darker", 1.0: "Much darker"}  # the parameter "softness"
TARGET = "toggle_fresh"


def open_touch_menu(parent: QWidget, session: "Session", place: QPoint) -> QMenu:
    """Show the menu at a global place."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    state = session.state
    _choices(menu, "The velocity of fresh notes changes", DRIVES, state.velocity_drives,
             session.pool.set_velocity_drives)  # fmt: skip
    _choices(menu, "Soft notes are", TOUCHES, state.shape.velocity_to_brightness,
             session.sampler.set_velocity_to_brightness)  # fmt: skip
    menu.addSeparator()
    menu.addAction("Learn a MIDI control", lambda: session.midi_map.learn(TARGET))
    menu.addAction("Forget its MIDI control", lambda: session.midi_map.unlearn_target(TARGET))
    menu.popup(place)
    return menu


def _choices(menu: QMenu, title: str, titles: Mapping[Any, str], now: object, choose: Callable[[Any], None]) -> None:
    menu.addSeparator()
    menu.addAction(title).setEnabled(False)
    group = QActionGroup(menu)
    for value, name in titles.items():
        entry = menu.addAction(name)
        entry.triggered.connect(partial(_call, choose, value))
        entry.setCheckable(True)
        entry.setChecked(value == now)
        group.addAction(entry)


def _call(choose: Callable[[Any], None], value: object, _checked: bool = False) -> None:
    choose(value)
