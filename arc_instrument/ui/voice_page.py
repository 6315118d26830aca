"""What the sound starts from: a voice, a beat or a file, and how much of it stays."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from arc_instrument.session.state import SessionState
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.init_slot import InitSlot
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.record_button import RecordButton
from arc_instrument.ui.value_slider import ValueSlider


class VoicePage(QWidget):
    """Signals: actionRequested(str), the id of an action."""

    actionRequested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.record = RecordButton()
        self.init_slot = InitSlot()
        self.strength = ValueSlider(
            "Strength", "How much of the recording stays in the sound", 0, 100, 40, lambda percent: f"{percent} %"
        )
        self.strength.setFixedWidth(108)
        self.buttons = [
            ActionButton("keep_last", "Keep last"),
            ActionButton("toggle_count_in", "Count-in"),
            ActionButton("toggle_monitor", "Monitor"),
            ActionButton("toggle_metronome", "Click"),
        ]
        grid = QGridLayout()
        grid.setSpacing(6)
        for number, button in enumerate(self.buttons):
            button.actionRequested.connect(self.actionRequested)
            grid.addWidget(button, number // 2, number % 2)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.record)
        both = QVBoxLayout()
        both.addStretch()
        both.addLayout(grid)
        both.addStretch()
        row.addLayout(both)
        row.addWidget(self.init_slot, 1)
        row.addWidget(self.strength)

    def tab_order(self) -> tuple[QWidget, ...]:
        return self.record.button, self.record.options_button, *self.buttons, self.init_slot.clear, self.strength.slider

    def render_state(self, state: SessionState) -> None:
        self.record.render_state(state)
        self.init_slot.render_state(state)
        for button in self.buttons:
            button.render_state(state)
        self.strength.set_value(state.strength_percent)
        self.strength.setEnabled(state.init is not None)
