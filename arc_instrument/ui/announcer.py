"""What a screen reader says without being asked: the model is ready, a sound is made, a recording began."""

from collections.abc import Callable

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from arc_instrument.domain import Phase
from arc_instrument.session.state import SessionState


class Announcer:
    """Compares each state with the one before, and announces what a person must know who does not see it."""

    def __init__(self, window: QWidget, announce: Callable[[str], None] | None = None):
        self._window = window
        self._announce = announce or self._tell_screen_reader
        self._before = SessionState()

    def render_state(self, state: SessionState) -> None:
        before, self._before = self._before, state
        for sentence in changes(before, state):
            self._announce(sentence)

    def _tell_screen_reader(self, sentence: str) -> None:
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._window, sentence))


def changes(before: SessionState, state: SessionState) -> list[str]:
    """What changed, a sentence each."""
    said = []
    if state.phase is not before.phase and Phase.GENERATING not in (state.phase, before.phase):
        if state.phase is Phase.READY:
            said.append("The model is ready.")
        elif state.phase is Phase.LOADING:
            said.append("The model is loading.")
    if state.generating and not before.generating:
        said.append("Making the sound.")
    if state.current is not None and (before.current is None or state.current.clip is not before.current.clip):
        said.append(f"Sound: {state.current.prompt}, {state.current.clip.seconds:.1f} seconds.")
    if state.exporting is not None and before.exporting is None:
        said.append(f"Exporting {state.exporting.count} {state.exporting.what}.")
    if state.recording != before.recording:
        said.append("Recording." if state.recording else "Recording ended.")
    for field, on, off in (
        ("seed_locked", "Seed locked.", "Seed unlocked."),
        ("fresh", "Fresh notes on.", "Fresh notes off."),
        ("keys_on", "Letters play notes.", "Letters are off."),
    ):
        if getattr(state, field) != getattr(before, field):
            said.append(on if getattr(state, field) else off)
    if state.message is not None and state.message is not before.message:
        remedy = f" {state.message.action_title}?" if state.message.action_title else ""
        said.append(state.message.text + remedy)
    return said
