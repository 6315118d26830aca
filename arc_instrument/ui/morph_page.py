"""Up to four prompts, and the square that says how much of each is in the sound."""

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QWidget

from arc_instrument.morph import LETTERS
from arc_instrument.session.state import SessionState
from arc_instrument.ui.dropped_file import dropped_file
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.xy_pad import XyPad

PLACES = ((1, 0), (1, 2), (0, 0), (0, 2))  # row and column of A to D, as the corners of the square lie


class MorphPage(QWidget):
    """A corner without words takes no part.

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
        grid.setVerticalSpacing(6)
        for number, (letter, line, (row, column)) in enumerate(zip(LETTERS, self.lines, PLACES, strict=True)):
            label = QLabel(letter)
            label.setProperty("role", "caption")
            label.setFixedWidth(10)
            line.setProperty("role", "field")
            line.setFixedHeight(28)
            line.setAcceptDrops(False)  # it would write a take's path
            line.setPlaceholderText("a sound")
            line.setAccessibleName(f"Morph prompt {letter}")
            line.setAccessibleDescription("Words for this corner of the square; empty, it takes no part")
            line.textEdited.connect(lambda text, number=number: self.cornerEdited.emit(number, text))
            line.returnPressed.connect(self.generateRequested)
            grid.addWidget(label, row, column)
            grid.addWidget(line, row, column + 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        row.addLayout(grid, 1)
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
        self.pad.set_used([bool(prompt.strip()) for prompt in state.morph_prompts])
        self.pad.set_point(state.morph_x, state.morph_y)
