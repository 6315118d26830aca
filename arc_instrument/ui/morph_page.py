"""Up to four prompts, and the square that says how much of each is in the sound."""

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from arc_instrument.morph import LETTERS, corner_weights, pad_blend, prompt_of
from arc_instrument.session.state import SessionState
from arc_instrument.ui.dropped_file import dropped_file
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.xy_pad import XyPad

PLACES = ((1, 0), (1, 2), (0, 0), (0, 2))  # row and column of A to D, as the corners of the square lie


class MorphPage(QWidget):
    """A corner without words takes no part. A line below says what of them the prompt is: words and point write it.

    Signals: cornerEdited(int, str), 0 to 3 for A to D; moved(float, float); generateRequested(); pathDropped(int,
    Path): a file was dropped on a corner or on its words.
    """

    cornerEdited = Signal(int, str)
    moved = Signal(float, float)
    generateRequested = Signal()
    pathDropped = Signal(int, object)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.pad = XyPad()
        self.pad.setFixedWidth(176)
        self.pad.moved.connect(self.moved)
        self.lines = [QLineEdit() for _ in LETTERS]
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(4)
        for number, (letter, line, (row, column)) in enumerate(zip(LETTERS, self.lines, PLACES, strict=True)):
            label = QLabel(letter)
            label.setProperty("role", "caption")
            label.setFixedWidth(10)
            line.setProperty("role", "field")
            line.setProperty("windowUndo", True)
            line.setFixedHeight(28)
            line.setAcceptDrops(False)  # it would write a take's path
            line.setPlaceholderText("a sound")
            line.setAccessibleName(f"Morph prompt {letter}")
            line.setAccessibleDescription(
                "Words for this corner of the square, written into the prompt; empty for none"
            )
            line.textEdited.connect(lambda text, number=number: self.cornerEdited.emit(number, text))
            line.returnPressed.connect(self.generateRequested)
            grid.addWidget(label, row, column)
            grid.addWidget(line, row, column + 1)
        self.said = ElidedLabel("caption")
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addLayout(grid)
        words.addWidget(self.said)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        row.addLayout(words, 1)
        row.addWidget(self.pad)

    def tab_order(self) -> tuple[QWidget, ...]:
        return *self.lines, self.pad

    def corner_at(self, position: QPointF) -> int:
        """The corner that is meant by a place on the page: the nearest of the square, or the nearest words."""
        if self.pad.geometry().contains(position.toPoint()):
            return self.pad.corner_at(self.pad.mapFrom(self, position))
        centres = [QPointF(line.geometry().center()) for line in self.lines]
        return min(range(len(centres)), key=lambda n: (centres[n] - position).manhattanLength())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._aim(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._aim(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.pad.set_target(None)

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_file(event)
        self.pad.set_target(None)
        if path is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.pathDropped.emit(self.corner_at(event.position()), path)

    def _aim(self, event: QDropEvent) -> None:
        is_one = dropped_file(event) is not None
        event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(is_one)
        self.pad.set_target(self.corner_at(event.position()) if is_one else None)

    def render_state(self, state: SessionState) -> None:
        for line, prompt in zip(self.lines, state.morph_prompts, strict=True):
            if line.text() != prompt:
                line.setText(prompt)
        self.said.setText(what_is_written(state))
        self.pad.set_used([bool(prompt.strip()) for prompt in state.morph_prompts])
        self.pad.set_point(state.morph_x, state.morph_y)


def what_is_written(state: SessionState) -> str:
    """Which corners the prompt is made of now, or what would become of it."""
    prompts, x, y = state.morph_prompts, state.morph_x, state.morph_y
    blend = pad_blend(prompts, x, y)
    if not any(words.strip() for words in prompts):
        return "The point between these words writes the prompt"
    if not blend:
        return "No words where the point is: the prompt stays as it is"
    if prompt_of(blend) != state.prompt:
        return "The prompt has other words: moving the point writes over them"
    shares = [
        (letter, weight)
        for letter, words, weight in zip(LETTERS, prompts, corner_weights(x, y), strict=True)
        if words.strip() and weight
    ]
    if len(shares) == 1:
        return f"{shares[0][0]} is the prompt"
    total = sum(weight for _, weight in shares)
    return "The prompt is " + " + ".join(f"{letter} {100 * weight / total:.0f} %" for letter, weight in shares)
