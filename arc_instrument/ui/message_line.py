"""The line below the prompt: what went wrong with at most one remedy, how far a long work is, or a hint.

An error with a remedy stays; everything else leaves by itself, because the status strip goes on saying what lasts.
"""

from functools import lru_cache

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from arc_instrument.domain import Phase
from arc_instrument.session.state import ExportProgress, Message, SessionState
from arc_instrument.ui.icons import icon
from arc_instrument.ui.labels import WrappedLabel, role
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.times import time_expected

NOTE_MS = 8_000


class MessageLine(QWidget):
    """Signals: actionRequested(str) with the action's id, dismissed()."""

    actionRequested = Signal(str)
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._message: Message | None = None
        self._text = WrappedLabel()
        self.action = QPushButton()
        self.action.setProperty("role", "link")
        self.action.clicked.connect(self._on_action)
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close"))
        self.close_button.setIconSize(QSize(14, 14))
        self.close_button.setFixedSize(24, 24)
        self.close_button.setAccessibleName("Dismiss the message")
        self.close_button.clicked.connect(self.dismissed)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID + 3, 0, 0, 0)  # the prompt's text begins there
        row.setSpacing(GRID)
        row.addWidget(self._text, 1)
        row.addWidget(self.action)
        row.addWidget(self.close_button)
        self.setFixedHeight(34)
        self.action.hide()
        self.close_button.hide()
        self._fade = QTimer(self, singleShot=True, interval=NOTE_MS)
        self._fade.timeout.connect(self.dismissed)

    def text(self) -> str:
        return self._text.text()

    def render_state(self, state: SessionState) -> None:
        message = state.message or _work(state)
        if message is not None:
            self._text.setText(message.text)
            role(self._text, "role", "error" if message.is_error else "message")
        if message is not self._message:
            self._message = message
            self._text.setToolTip((message.detail or message.text) if message else "")
            self._text.setAccessibleDescription(message.detail if message else "")
            self._text.setAccessibleName(message.text if message else "Hint")
            self.action.setText(message.action_title if message else "")
            self.action.setVisible(bool(message and message.action))
            self.action.setAccessibleName(message.action_title if message else "")
            self.close_button.setVisible(state.message is not None)
            self._fade.stop()
            if state.message and not (state.message.is_error and state.message.action):
                self._fade.start()

    def show_hint(self, state: SessionState, typing_text: bool, pads: bool) -> None:
        """Where there is no message: the next step, which depends on whether letters write text, play or hit pads."""
        if self._message is None:
            self._text.setText(_hint(state, typing_text, pads))
            role(self._text, "role", "hint")

    def _on_action(self) -> None:
        if self._message is not None:
            self.actionRequested.emit(self._message.action)


@lru_cache(maxsize=1)
def _told(exporting: ExportProgress) -> Message:
    text = f"Exporting {exporting.what}: {exporting.done} of {exporting.count}{_left(exporting.left_ms)}"
    return Message(text, is_error=False, action="stop_export", action_title="Stop")


def _work(state: SessionState) -> Message | None:
    """What goes on for longer than a moment, and how to end it; shown where nothing else is said."""
    return None if state.exporting is None else _told(state.exporting)


def _hint(state: SessionState, typing_text: bool, pads: bool) -> str:
    if state.recording and state.count_in_beat:
        return f"Count-in, beat {state.count_in_beat} of {state.count_in_beats}: recording begins after the last."
    if state.recording:
        return "Recording: the button stops it, and so does R outside the prompt."
    if state.ab:
        other = "result" if state.ab == "recording" else "recording"
        return f"This is the {state.ab}; B plays the {other}, equally loud."
    if state.generating and state.phase is Phase.GENERATING:
        return f"Making “{state.prompt.strip()[:60]}”"
    if state.phase in (Phase.COLD, Phase.LOADING, Phase.WARMING):
        if state.generating:
            return "The model is loading; your sound is made as soon as it is ready."
        return "The model is loading. Write a prompt and press Enter: it is made as soon as the model is ready."
    if batch := _batch(state):
        return batch
    if state.init is not None and typing_text:
        return "Enter makes the prompt's sound from the recording; strength says how much of the recording stays."
    esc = "Esc, then " if typing_text else ""
    if pads and any(pad.clip is not None for pad in state.pads):
        hit = "A W S E … hit" if state.keys_on else "M lets letters hit"
        return f"{esc}{hit} the pads, as MIDI channel 10 does. Right click a pad for its words and level."
    if state.current is None:
        return "Enter makes the sound, Esc gives the keys back to the instrument, F1 shows every shortcut."
    if state.fresh:
        return "Fresh notes: every hit is a new variation. Shift+N keeps the one that was heard."
    play = "A W S E … play" if state.keys_on else "M lets letters play"
    repeat = "" if typing_text else ", Space repeats it"
    return f"{esc}{play} it on the keys{repeat}; ↑ ↓ hear other takes. Drag a card into your DAW."


def _batch(state: SessionState) -> str:
    """How many variations or pads are made of those that are on order, and when the last of them will be."""
    variations = [variation.clip is not None for variation in state.variations]
    pending = sum(pad.pending for pad in state.pads)
    if not all(variations):
        return f"Making variations: {sum(variations)} of {len(variations)}{_left(state.variations_ms)}"
    if pending:
        return f"Making pads: {pending} to come{_left(state.kit_ms)}"
    return ""


def _left(expected_ms: float | None) -> str:
    return "" if expected_ms is None else f", {time_expected(expected_ms)} left"
