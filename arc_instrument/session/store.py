"""Holds the one `SessionState` and tells everybody when it changes."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from arc_instrument.session.state import Message, SessionState


class Store(QObject):
    """Lives in the GUI thread.

    Signals:
        stateChanged(SessionState): after every change.
        settingsChanged(): what the settings file keeps has changed. The session file keeps what a person works on, and
            `Autosave` watches the state for that.
    """

    stateChanged = Signal(object)
    settingsChanged = Signal()

    def __init__(self, state: SessionState, parent: QObject | None = None):
        super().__init__(parent)
        self.state = state

    def update(self, **changes: object) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)  # pyright: ignore[reportArgumentType]
        self.stateChanged.emit(self.state)

    def say(self, text: str, *, is_error: bool = True, action: str = "", action_title: str = "") -> None:
        """Show one sentence, with at most one action."""
        self.update(message=Message(text, is_error, action, action_title))

    def dismiss_message(self) -> None:
        if self.state.message is not None:
            self.update(message=None)
