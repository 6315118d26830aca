"""The prompt: one line of text, an example on request, and the progress of the sound along its lower edge."""

import random

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QToolButton

from arc_instrument.actions import tooltip
from arc_instrument.assets import instrument_asset
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.labels import role
from arc_instrument.ui.palette import CONTROL_HEIGHT, GRID, colour

PROGRESS_PX = 2


class PromptBox(QFrame):
    """Signals: promptEdited(str), generateRequested()."""

    promptEdited = Signal(str)
    generateRequested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("promptFrame")
        self._fraction = 0.0
        self._examples = instrument_asset("prompts.txt").read_text(encoding="utf-8").splitlines()
        self.line = QLineEdit()
        self.line.setObjectName("prompt")
        self.line.setProperty("windowUndo", True)
        self.line.setAcceptDrops(False)  # it would write a file's path; the window starts from the file
        self.line.setPlaceholderText("Describe a sound: punchy analog kick drum")
        self.line.setAccessibleName("Prompt")
        self.line.setAccessibleDescription(
            "Describe a sound; Enter makes it, Esc gives the keys back to the instrument"
        )
        self.line.textEdited.connect(self.promptEdited)
        self.line.returnPressed.connect(self.generateRequested)
        self.line.installEventFilter(self)
        self.dice = QToolButton()
        self.dice.setIcon(icon("dice"))
        self.dice.setIconSize(QSize(ICON_PX, ICON_PX))
        self.dice.setFixedSize(CONTROL_HEIGHT, CONTROL_HEIGHT)
        self.dice.setAccessibleName("Example prompt")
        self.dice.setToolTip(tooltip("example_prompt"))
        self.dice.clicked.connect(self.fill_example)

        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, 0, GRID, 0)
        row.setSpacing(GRID)
        row.addWidget(self.line, 1)
        row.addWidget(self.dice)
        self.setFixedHeight(52)

    def fill_example(self) -> None:
        """Write one of the shipped prompts, never the one that stands there."""
        example = random.choice([prompt for prompt in self._examples if prompt != self.line.text()])
        self.line.setText(example)
        self.promptEdited.emit(example)

    def render_state(self, state: SessionState) -> None:
        if self.line.text() != state.prompt:
            self.line.setText(state.prompt)
        done = state.progress.step / state.progress.steps if state.progress else 0.02
        fraction = done if state.generating else 0.0
        if fraction != self._fraction:
            self._fraction = fraction
            self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            role(self, "focused", event.type() == QEvent.Type.FocusIn)
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._fraction:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent"))
            inner = self.rect().adjusted(10, 0, -10, 0)
            bar = QRectF(inner.left(), self.height() - PROGRESS_PX - 4, inner.width() * self._fraction, PROGRESS_PX)
            painter.drawRoundedRect(bar, 1, 1)
