"""How the current sound answers its key: mode, envelope, filter, level, pan and glide."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from arc_instrument.session.state import SessionState
from arc_instrument.ui.knob_row import KnobRow
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.segments import Segments

MODES = (
    ("one-shot", "One-shot", "A key plays the whole sound"),
    ("gate", "Gate", "The sound ends with its key"),
    ("loop", "Loop", "The sound repeats until its key is let go"),
)
KNOBS = ("attack", "decay", "sustain", "release", "cutoff", "low_cut", "resonance", "gain", "pan", "glide")


class ShapePage(QWidget):
    """Signals: modeChosen(str), one of `shape.MODES`."""

    modeChosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.modes = Segments("Mode", MODES, upright=True)
        self.modes.setFixedWidth(84)
        self.modes.chosen.connect(self.modeChosen)
        self.knobs = KnobRow(KNOBS, centred=("gain", "pan"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.modes)
        row.addStretch()
        row.addWidget(self.knobs)
        row.addStretch()

    def tab_order(self) -> tuple[QWidget, ...]:
        return *self.modes.buttons.values(), *self.knobs.tab_order()

    def render_state(self, state: SessionState) -> None:
        self.modes.set_choice(state.shape.mode)
        self.knobs.render_state(state)
