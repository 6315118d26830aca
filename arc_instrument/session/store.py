"""Holds the one `SessionState` and tells everybody when it changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from arc_instrument.session.state import Message, SessionState


class Store(QObject):
    """Lives in the GUI thread.

    Signals:
        stateChanged(SessionState): after every change, for the parts of the session.
        settled(SessionState): the same for what is seen, once after all that is changed `together`.
        settingsChanged(): what the settings file keeps has changed. The session file keeps what a person works on, and
            `Autosave` watches the state for that.
    """

    stateChanged = Signal(object)
    settled = Signal(object)
    settingsChanged = Signal()

    def __init__(self, state: SessionState, parent: QObject | None = None):
        super().__init__(parent)
        self.state = state
        self._together = 0
        self._is_unseen = False
        self._to_tell: list[Callable[[], object]] = []

    def update(self, **changes: object) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)  # pyright: ignore[reportArgumentType]
        self.stateChanged.emit(self.state)
        if self._together:
            self._is_unseen = True
        else:
            self.settled.emit(self.state)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What changes inside is seen at once, at the end: a new sound changes ten fields, and one of them at a time
        the window would take 17 ms to show it."""
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            if self._is_unseen and not self._together:
                self._is_unseen = False
                self.settled.emit(self.state)
            if not self._together:
                told, self._to_tell = self._to_tell, []
                for tell in told:
                    tell()

    def when_seen(self, tell: Callable[[], object]) -> None:
        """Call `tell` once the state as it is now is seen: at once, or after what is changed `together`."""
        if self._together:
            self._to_tell.append(tell)
        else:
            tell()

    def say(
        self, text: str, *, is_error: bool = True, action: str = "", action_title: str = "", detail: str = ""
    ) -> None:
        """Show one sentence, with at most one action; what it leaves out for its length is its `detail`."""
        self.update(message=Message(text, is_error, action, action_title, detail))

    def dismiss_message(self) -> None:
        if self.state.message is not None:
            self.update(message=None)
