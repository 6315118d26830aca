"""Record a voice or a beat: the button, which counts in and then tells the seconds, and below it the input's level."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import icon
from arc_instrument.ui.labels import role
from arc_instrument.ui.level_meter import LevelMeter
from arc_instrument.ui.palette import BODY_PX, GRID, font
from arc_instrument.ui.record_options import RecordOptions


class RecordButton(QWidget):
    """Signals: recordToggled()."""

    recordToggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._recording = False
        self._count_in_beats = 0
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
        self.options_button = QToolButton()
        self.options_button.setIcon(icon("options"))
        self.options_button.setIconSize(QSize(16, 16))
        self.options_button.setFixedSize(26, 34)
        self.options_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.options_button.setAccessibleName("Recording options")
        self.options_button.setToolTip("Tempo, count-in, bars after which a recording ends, round trip")
        self.options = RecordOptions(self)
        self.options_button.clicked.connect(lambda: self.options.open_at(self.options_button))
        self.meter = LevelMeter("Input level")
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.button, 1)
        row.addWidget(self.options_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self.meter)
        self.setFixedWidth(124)

    def render_state(self, state: SessionState) -> None:
        self.options.render_state(state)
        if state.recording != self._recording:
            self._recording = state.recording
            role(self.button, "running", state.recording)
            self.button.setIcon(self._icons[state.recording])
            self.button.setText("0.0 s" if state.recording else "Record")
            self.button.setAccessibleName("Stop recording" if state.recording else "Record")
        self._count_in_beats = state.count_in_beats

    def show_levels(self, input_peak: float, recorded_seconds: float, count_in_beat: int) -> None:
        """Peak linear; the beat of the count-in from 1, 0 outside of it."""
        self.meter.show_peak(input_peak)
        if self._recording:
            counted = f"{count_in_beat} of {self._count_in_beats}"
            self.button.setText(counted if count_in_beat else f"{recorded_seconds:.1f} s")
