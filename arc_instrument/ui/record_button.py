"""Record a voice or a beat: the button, and below it the level of the input."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import icon
from arc_instrument.ui.labels import role
from arc_instrument.ui.level_meter import LevelMeter
from arc_instrument.ui.palette import BODY_PX, GRID, font


class RecordButton(QWidget):
    """Signals: recordToggled()."""

    recordToggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._recording = False
        self._icons = {False: icon("record", "alarm"), True: icon("stop", "on_alarm")}
        self.button = QPushButton("Record")
        self.button.setProperty("role", "record")
        self.button.setIconSize(QSize(14, 14))
        self.button.setIcon(self._icons[False])
        self.button.setFont(font(BODY_PX, figures=True))
        self.button.setAccessibleName("Record")
        self.button.setToolTip(tooltip("record"))
        self.button.setFixedHeight(34)
        self.button.clicked.connect(self.recordToggled)
        self.meter = LevelMeter("Input level")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.button)
        column.addWidget(self.meter)
        self.setFixedWidth(100)

    def render_state(self, state: SessionState) -> None:
        if state.recording != self._recording:
            self._recording = state.recording
            role(self.button, "running", state.recording)
            self.button.setIcon(self._icons[state.recording])
            self.button.setText("0.0 s" if state.recording else "Record")
            self.button.setAccessibleName("Stop recording" if state.recording else "Record")

    def show_levels(self, input_peak: float, recorded_seconds: float) -> None:
        self.meter.show_peak(input_peak)
        if self._recording:
            self.button.setText(f"{recorded_seconds:.1f} s")
