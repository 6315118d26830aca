"""Up to four prompts, and the square that says how much of each is in the sound."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QWidget

from arc_instrument.session.state import SessionState
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.xy_pad import XyPad

LETTERS = "ABCD"
PLACES = ((1, 0), (1, 2), (0, 0), (0, 2))  # row and column of A to D, as the corners of the square lie


class MorphPage(QWidget):
    """A corner without words takes no part.

    Signals: cornerEdited(int, str), 0 to 3 for A to D; moved(float, float); generateRequested().
    """

    cornerEdited = Signal(int, str)
    moved = Signal(float, float)
    generateRequested = Signal()

    def __init__(self) -> None:
        super().__init__()
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

    def render_state(self, state: SessionState) -> None:
        for line, prompt in zip(self.lines, state.morph_prompts, strict=True):
            if line.text() != prompt:
                line.setText(prompt)
        self.pad.set_used([bool(prompt.strip()) for prompt in state.morph_prompts])
        self.pad.set_point(state.morph_x, state.morph_y)
