"""Makes the window's menus and shortcuts from the registry of actions."""

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from arc_instrument.actions import ACTIONS, BY_ID
from arc_instrument.session.state import SessionState


def make_actions(window: QWidget, commands: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """One `QAction` on `window` for every registered action that `commands` can run, by id."""
    made = {}
    for action in ACTIONS:
        if action.id not in commands:
            continue
        command = QAction(action.title, window)
        command.setShortcuts([QKeySequence(keys) for keys in action.shortcuts])
        command.setToolTip(action.tip)
        command.setAutoRepeat(False)
        command.setCheckable(bool(action.checked_by))
        command.triggered.connect(lambda _=False, run=commands[action.id]: run())
        window.addAction(command)
        made[action.id] = command
    return made


def make_menus(window: QWidget, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """A menu of `actions` for each group of the registry, by the group's name."""
    menus: dict[str, QMenu] = {}
    for action in ACTIONS:
        if action.id in actions:
            menus.setdefault(action.group, QMenu(action.group, window)).addAction(actions[action.id])
    return menus


def show_state(actions: Mapping[str, QAction], state: SessionState) -> None:
    """Check what is on, and disable what has nothing to work on."""
    for action_id, command in actions.items():
        action = BY_ID[action_id]
        if action.checked_by:
            command.setChecked(bool(getattr(state, action.checked_by)))
        if action.needs:
            command.setEnabled(bool(getattr(state, action.needs)))
    for action_id, label in (("undo", state.undo_label), ("redo", state.redo_label)):
        actions[action_id].setText(f"{BY_ID[action_id].title}: {label}" if label else BY_ID[action_id].title)
