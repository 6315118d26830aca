"""Tags of several takes at once: a menu with a field for a new one, which narrows the known ones as one types."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QWidget, QWidgetAction

from arc_instrument.domain import Take
from arc_instrument.ui.palette import GRID

Toggle = Callable[[str, bool], object]  # a tag, and whether the takes shall have it


def open_tag_menu(
    parent: QWidget, place: QPoint, chosen: Sequence[Take], known: Sequence[str], toggle: Toggle
) -> QMenu:
    """Show the menu of the `chosen` takes at a global place; checked are the tags that all of them have."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    field = QLineEdit()
    field.setObjectName("tags")
    field.setPlaceholderText("New tag" if len(chosen) == 1 else f"New tag for {len(chosen)} takes")
    field.setAccessibleName("New tag")
    field.setToolTip("Enter gives it to the selected takes; commas part several")
    field.setMaxLength(200)
    field.setFixedHeight(28)
    frame = QWidget()
    row = QHBoxLayout(frame)
    row.setContentsMargins(GRID, 2, GRID, GRID)
    row.addWidget(field)
    frame.setFocusProxy(field)
    typed = QWidgetAction(menu)
    typed.setDefaultWidget(frame)
    menu.addAction(typed)
    entries = []
    for tag in known:
        entry = menu.addAction(f"#{tag.replace('&', '&&')}")
        entry.setCheckable(True)
        entry.setChecked(all(tag.casefold() in (own.casefold() for own in take.tags) for take in chosen))
        entry.toggled.connect(lambda on, tag=tag: toggle(tag, on))
        entries.append((tag.casefold(), entry))

    def narrow(text: str) -> None:
        for tag, entry in entries:
            entry.setVisible(text.strip("# ").casefold() in tag)

    def add() -> None:
        text = field.text()
        menu.close()
        if text.strip():
            toggle(text, True)

    field.textChanged.connect(narrow)
    field.returnPressed.connect(add)
    menu.popup(place)
    field.setFocus()
    return menu
