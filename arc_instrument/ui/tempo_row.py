"""Tempo, bars and key of what is asked for; what was detected stands beside it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QWidget

from arc_instrument.session.state import SessionState
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.palette import GRID, SMALL_PX, font

FREE = "free"
TIPS = {
    "BPM": "Tempo of bars, count-in and metronome",
    "Bars": "Length in bars of 4/4; 0 leaves it to its slider",
    "Key": "Key that the prompt asks for",
}


class TempoRow(QWidget):
    """`bars` 0 leaves the length to its slider; an empty key says none.

    Signals: bpmEdited(float), barsEdited(int), keyEdited(str), actionRequested(str).
    """

    bpmEdited = Signal(float)
    barsEdited = Signal(int)
    keyEdited = Signal(str)
    actionRequested = Signal(str)

    def __init__(self, keys: Sequence[str], low_bpm: float, high_bpm: float):
        super().__init__()
        self.bpm = QDoubleSpinBox()
        self.bpm.setRange(low_bpm, high_bpm)
        self.bpm.setDecimals(1)
        self.bpm.setKeyboardTracking(False)
        self.bpm.valueChanged.connect(self.bpmEdited)
        self.bars = QSpinBox()
        self.bars.setRange(0, 16)
        self.bars.setSpecialValueText(FREE)
        self.bars.valueChanged.connect(self.barsEdited)
        for field in (self.bpm, self.bars):
            field.lineEdit().setTextMargins(5, 0, 5, 0)
        self.key = QComboBox()
        self.key.addItem("any key", "")
        for key in keys:
            self.key.addItem(key, key)
        self.key.activated.connect(lambda row: self.keyEdited.emit(self.key.itemData(row)))
        self.tap = ActionButton("tap_tempo", "Tap")
        self.tap.actionRequested.connect(self.actionRequested)
        self._detected = QLabel()
        self._detected.setProperty("role", "caption")
        self._detected.setFont(font(SMALL_PX, figures=True))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        for column, (title, field, width) in enumerate(
            (("BPM", self.bpm, 76), ("", self.tap, 44), ("Bars", self.bars, 58), ("Key", self.key, 92))
        ):
            label = QLabel(title)
            label.setProperty("role", "caption")
            field.setFixedSize(width, 28)
            if title:
                field.setAccessibleName(title)
                field.setToolTip(TIPS[title])
                grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self._detected, 0, 1)

    def tab_order(self) -> tuple[QWidget, ...]:
        return self.bpm, self.tap, self.bars, self.key

    def render_state(self, state: SessionState) -> None:
        facts = state.current.facts if state.current else None
        self._show(state.metronome_bpm, state.bars, state.key, facts.tempo_bpm if facts else None)

    def _show(self, bpm: float, bars: int, key: str, detected_bpm: float | None) -> None:
        for field, value in ((self.bpm, bpm), (self.bars, bars)):
            if field.value() != value:  # or what is half typed would be lost
                field.blockSignals(True)
                field.setValue(value)  # pyright: ignore[reportArgumentType]
                field.blockSignals(False)
        self.key.setCurrentIndex(max(0, self.key.findData(key)))
        self._detected.setText("" if detected_bpm is None else f"≈ {detected_bpm:.0f}")
        self._detected.setToolTip("" if detected_bpm is None else f"Heard in the sound: {detected_bpm:.1f} BPM")
