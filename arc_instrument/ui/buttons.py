"""Small buttons that run a registered action and show whether it is on."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QPushButton

from arc_instrument.actions import BY_ID, tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import icon


class ActionButton(QPushButton):
    """Named and explained by its action. `title` is a shorter name where there is little room.

    Signals: actionRequested(str), the id of the action.
    """

    actionRequested = Signal(str)

    def __init__(self, action_id: str, title: str = "", picture: str = ""):
        action = BY_ID[action_id]
        super().__init__(title or action.title)
        self.action_id = action_id
        self.setProperty("role", "toggle" if action.checked_by else "small")
        self.setCheckable(bool(action.checked_by))
        self.setFixedHeight(26)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(action.title)
        self.setToolTip(tooltip(action_id))
        if picture:
            self.setIcon(icon(picture))
            self.setIconSize(QSize(16, 16))
        self.clicked.connect(lambda: self.actionRequested.emit(action_id))

    def render_state(self, state: SessionState) -> None:
        action = BY_ID[self.action_id]
        if action.checked_by:
            self.setChecked(bool(getattr(state, action.checked_by)))
        if action.needs:
            self.setEnabled(bool(getattr(state, action.needs)))
