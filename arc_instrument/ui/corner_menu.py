"""What can be put into one corner of the morph square."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QWidget

from arc_instrument.morph import LETTERS

if TYPE_CHECKING:
    from arc_instrument.session import Session

SHOWN_CHARACTERS = 32


def open_corner_menu(parent: QWidget, session: "Session", corner: int, place: QPoint) -> QMenu:
    """Show the menu of a corner (0 to 3 for A to D) at a global place."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    morph, state, letter = session.morph, session.state, LETTERS[corner]
    take = state.current.take if state.current else None
    prompt = state.prompt.strip()
    here = f"Put “{_short(prompt)}” in {letter}" if prompt else f"Put the prompt in {letter}"
    menu.addAction(here, lambda: morph.set_corner_here(corner)).setEnabled(bool(prompt))
    heard = f"Put the take “{_short(take.prompt)}” in {letter}" if take else f"Put the current take in {letter}"
    menu.addAction(heard, lambda: take and morph.set_corner_take(corner, take)).setEnabled(take is not None)
    menu.addSeparator()
    empty = menu.addAction(f"Empty {letter}", lambda: morph.set_corner(corner, ""))
    empty.setEnabled(bool(state.morph_prompts[corner]))
    menu.addAction("Empty all corners", morph.clear).setEnabled(any(state.morph_prompts))
    menu.popup(place)
    return menu


def _short(text: str) -> str:
    plain = " ".join(text.split()).replace("&", "&&")
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[:SHOWN_CHARACTERS].rstrip()}…"
