"""One quiet line at the foot of the window: model, sound, MIDI, voices, and the measured press-to-sound time."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from arc_instrument.domain import Phase
from arc_instrument.session.state import SessionState
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.level_meter import LevelMeter
from arc_instrument.ui.model_menu import about
from arc_instrument.ui.palette import GRID, SMALL_PX, colour, font
from arc_instrument.ui.times import time_taken

_PHASE_WORDS = {
    Phase.COLD: "Starting",
    Phase.LOADING: "Loading the model",
    Phase.WARMING: "Warming up",
    Phase.READY: "Ready",
    Phase.GENERATING: "Generating",
    Phase.FAILED: "No model",
}
_PHASE_COLOURS = {Phase.READY: "accent", Phase.GENERATING: "accent", Phase.FAILED: "alarm"}


class _Dot(QWidget):
    """A coloured dot; the words beside it say the same."""

    def __init__(self) -> None:
        super().__init__()
        self._colour = "line_strong"
        self.setFixedSize(8, 8)

    def set_colour(self, name: str) -> None:
        if name != self._colour:
            self._colour = name
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(self._colour))
        painter.drawEllipse(QRectF(0.5, 0.5, 7, 7))


class StatusStrip(QWidget):
    """Renders state and levels; has no controls."""

    def __init__(self) -> None:
        super().__init__()
        self._model_dot, self._audio_dot, self._midi_dot = _Dot(), _Dot(), _Dot()
        self._model, self._audio, self._midi = (ElidedLabel("status") for _ in range(3))
        self._voices = QLabel("0 voices  ·  0 xruns")
        self._voices.setToolTip("Sounding voices, and blocks the sound card got too late")
        self._press = QLabel()
        self._press.setToolTip("From the last press of Enter to its sound")
        for label in (self._voices, self._press):
            label.setProperty("role", "status")
            label.setFont(font(SMALL_PX, figures=True))
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.output_meter = LevelMeter("Output level")
        self.output_meter.setFixedWidth(56)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for dot, label in (
            (self._model_dot, self._model),
            (self._audio_dot, self._audio),
            (self._midi_dot, self._midi),
        ):
            row.addWidget(dot)
            row.addWidget(label)
            row.addSpacing(GRID)
        row.addStretch()
        row.addWidget(self._voices)
        row.addWidget(self.output_meter)
        row.addSpacing(GRID)
        row.addWidget(self._press)
        self._model.setMinimumWidth(self._model.fontMetrics().horizontalAdvance("Ready  ·  arc-mini"))
        self._voices.setMinimumWidth(self._voices.fontMetrics().horizontalAdvance("00 voices  ·  000 xruns"))
        self._press.setMinimumWidth(self._press.fontMetrics().horizontalAdvance("Enter to sound 000 ms"))
        self.setFixedHeight(24)

    def render_state(self, state: SessionState) -> None:
        phase = state.phase
        self._model_dot.set_colour(_PHASE_COLOURS.get(phase, "line_strong"))
        words = _PHASE_WORDS[phase]
        if phase is Phase.GENERATING and state.progress:
            words = f"Generating {state.progress.step}/{state.progress.steps}"
        elif phase is Phase.READY and state.model:
            words = f"Ready  ·  {state.model.name}"
        self._model.setText(words)
        self._model.setToolTip(about(state.model) if state.model else words)
        audio = state.audio
        self._audio_dot.set_colour("line_strong" if audio is None else "accent" if audio.running else "alarm")
        self._audio.setText(audio.sentence if audio else "Starting the sound")
        self._midi_dot.set_colour("accent" if audio and audio.midi_inputs else "line_strong")
        self._midi.setText(audio.midi_sentence if audio else "Looking for MIDI")
        measured = state.press_to_sound_ms
        self._press.setText(f"Enter to sound {'–' if measured is None else time_taken(measured)}")

    def show_levels(self, output_peak: float, voices: int, xruns: int) -> None:
        """Peak linear, 1 is full scale; `xruns` since the sound started."""
        self._voices.setText(f"{_count(voices, 'voice')}  ·  {_count(xruns, 'xrun')}")
        self.output_meter.show_peak(output_peak)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
