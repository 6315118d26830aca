"""How to record, in a small sheet on the Record button: tempo, count-in, when it ends, from where, the round trip."""

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QGridLayout, QLabel, QSpinBox, QWidget

from arc_instrument.parameters import BY_ID
from arc_instrument.recording_length import recording_length
from arc_instrument.session.state import SessionState
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.choice import Choice
from arc_instrument.ui.labels import role
from arc_instrument.ui.palette import GRID, SMALL_PX, font

FIELDS = ("bpm", "beats_per_bar", "count_in_beats", "record_bars")
BY_HAND = "by hand"
WIDTH_PX, FIELD_PX = 296, 92


class RecordOptions(QFrame):
    """Signals: valueEdited(str, float), a parameter and its value; inputChosen(str), "" for the best there is;
    actionRequested(str), the id of an action."""

    valueEdited = Signal(str, float)
    inputChosen = Signal(str)
    actionRequested = Signal(str)

    def __init__(self, parent: QWidget):
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.setAccessibleName("Recording options")
        self.setFixedWidth(WIDTH_PX)
        grid = QGridLayout(self)
        grid.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID)
        grid.setColumnStretch(0, 1)
        self.fields: dict[str, QSpinBox | QDoubleSpinBox] = {}
        for row, name in enumerate(FIELDS):
            field = self.fields[name] = _field(name)
            field.valueChanged.connect(lambda value, name=name: self.valueEdited.emit(name, value))
            grid.addWidget(_caption(BY_ID[name].title), row, 0)
            grid.addWidget(field, row, 1, 1, 1 if name == "bpm" else 2)
        self.tap = ActionButton("tap_tempo", "Tap")
        self.calibrate = ActionButton("calibrate", "Measure")
        for button in (self.tap, self.calibrate):
            button.setFixedWidth(72)
            button.actionRequested.connect(self.actionRequested)
        grid.addWidget(self.tap, 0, 2)
        self._length = _caption("")
        self._length.setWordWrap(True)
        self._length.setFixedHeight(2 * self._length.fontMetrics().lineSpacing() + 2)
        self._length.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._length, len(FIELDS), 0, 1, 3)
        self.input = Choice("Record from")
        self.input.setFixedHeight(28)
        self.input.chosen.connect(lambda name: self.inputChosen.emit(name))
        grid.addWidget(_caption("Record from"), len(FIELDS) + 1, 0)
        grid.addWidget(self.input, len(FIELDS) + 1, 1, 1, 2)
        self._round_trip = _caption("")
        grid.addWidget(self._round_trip, len(FIELDS) + 2, 0, 1, 2)
        grid.addWidget(self.calibrate, len(FIELDS) + 2, 2)

    def open_at(self, widget: QWidget) -> None:
        """Above `widget`, for the keyboard lies below; the first field has the focus."""
        self.adjustSize()
        self.move(widget.mapToGlobal(QPoint(0, -self.height() - 4)))
        self.show()
        self.fields["bpm"].setFocus(Qt.FocusReason.PopupFocusReason)
        self.fields["bpm"].selectAll()

    def render_state(self, state: SessionState) -> None:
        values = (state.metronome_bpm, state.beats_per_bar, state.count_in_beats, state.record_bars)
        for field, value in zip(self.fields.values(), values, strict=True):
            if field.value() != value:
                field.blockSignals(True)
                field.setValue(value)  # pyright: ignore[reportArgumentType]
                field.blockSignals(False)
        length = recording_length(state.record_bars, state.beats_per_bar, state.metronome_bpm)
        until = "It ends by itself after" if length.bars else "Record again ends it; it holds"
        self._length.setText(length.note or f"{until} {length.seconds:.1f} s.")
        role(self._length, "role", "error" if length.note else "caption")
        self.input.show_devices(state.audio.inputs if state.audio else (), state.devices.input_device)
        measured = "not measured" if state.calibration_ms is None else f"{state.calibration_ms:.1f} ms"
        self._round_trip.setText("Round trip: measuring…" if state.calibrating else f"Round trip: {measured}")
        self.calibrate.setEnabled(not state.calibrating and not state.recording)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)


def _field(name: str) -> QSpinBox | QDoubleSpinBox:
    parameter = BY_ID[name]
    if parameter.decimals:
        field = QDoubleSpinBox()
        field.setDecimals(parameter.decimals)
        field.setRange(parameter.minimum, parameter.maximum)
    else:
        field = QSpinBox()
        field.setRange(round(parameter.minimum), round(parameter.maximum))
        if parameter.minimum == 0:
            field.setSpecialValueText(BY_HAND)
    field.setKeyboardTracking(False)  # 1 on the way to 16 is not meant
    field.setFixedSize(FIELD_PX, 28)
    field.lineEdit().setTextMargins(5, 0, 5, 0)
    field.setAccessibleName(parameter.title)
    field.setToolTip(parameter.tip)
    return field


def _caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setFont(font(SMALL_PX))
    return label
