"""Variations of the current sound: how far they go, eight at a time, and which of them is heard."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from arc_instrument.session.state import SessionState
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.knob_row import KnobRow
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.variation_row import VariationRow


class VaryPage(QWidget):
    """Signals: actionRequested(str), the id of an action; chosen(int), a variation from 0."""

    actionRequested = Signal(str)
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.knobs = KnobRow(["distance"])
        self.buttons = (ActionButton("variations", "Make 8"), ActionButton("clear_variations", "Clear"))
        self.tiles = VariationRow()
        self.tiles.heard.connect(self.chosen)
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addStretch()
        for button in self.buttons:
            button.setFixedWidth(72)
            button.actionRequested.connect(self.actionRequested)
            column.addWidget(button)
        column.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.knobs)
        row.addLayout(column)
        row.addWidget(self.tiles, 1)

    def tab_order(self) -> tuple[QWidget, ...]:
        return *self.knobs.tab_order(), *self.buttons, self.tiles

    def render_state(self, state: SessionState) -> None:
        self.knobs.render_state(state)
        for button in self.buttons:
            button.render_state(state)
        peaks = [variation.peaks for variation in state.variations]
        self.tiles.show_variations(peaks, state.chosen_variation, sum(each is None for each in peaks))
