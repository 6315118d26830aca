"""One quiet line at the foot of the window: model, sound, MIDI; in figures voices, dropouts, step, press to sound."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
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
MODEL_WIDTH_PX = 150  # a longer name is cut, and whole in the tooltip


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


class _Figures(QLabel):
    """Digits of equal width in a field as wide as its `widest` text: nothing beside it moves when they change."""

    def __init__(self, widest: str) -> None:
        super().__init__()
        self.setProperty("role", "status")
        self.setFont(font(SMALL_PX, figures=True))
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setMinimumWidth(QFontMetrics(self.font()).horizontalAdvance(widest) + 2)  # a label rounds up

    def show_figures(self, text: str, about: str) -> None:
        """Show `text`; `about` says the same as a sentence, in the tooltip and to who listens to the window."""
        if text != self.text():
            self.setText(text)
        if about != self.toolTip():
            self.setToolTip(about)
            self.setAccessibleName(about)


class StatusStrip(QWidget):
    """Renders state and levels; has no controls."""

    def __init__(self) -> None:
        super().__init__()
        self._model_name: str | None = None
        self._levels: tuple[int, int] | None = None  # voices and xruns as shown
        self._model_dot, self._audio_dot, self._midi_dot = _Dot(), _Dot(), _Dot()
        self._model, self._audio, self._midi = (ElidedLabel("status") for _ in range(3))
        self._voices, self._step = _Figures("32 voices · 999+ dropouts"), _Figures("000 ms a step")
        self._press = _Figures("Heard in 000–000 ms")
        self.output_meter = LevelMeter("Output level")
        self.output_meter.setFixedWidth(44)
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
            row.addSpacing(GRID // 2)
        row.addStretch()
        row.addWidget(self._voices)
        row.addWidget(self.output_meter)
        row.addWidget(self._step)
        row.addSpacing(GRID // 2)
        row.addWidget(self._press)
        self._reserve("")
        self.setFixedHeight(24)
        self.show_levels(0.0, 0, 0)

    def render_state(self, state: SessionState) -> None:
        phase = state.phase
        self._model_dot.set_colour(_PHASE_COLOURS.get(phase, "line_strong"))
        words = _PHASE_WORDS[phase]
        self._reserve(state.model.name if state.model else "")
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
        self._step.show_figures(*_step_figures(state))
        self._press.show_figures(*_press_figures(state))

    def _reserve(self, model: str) -> None:
        """Room for every phase of `model`, so that what is beside it does not move when it generates."""
        if model != self._model_name:
            self._model_name = model
            metrics = self._model.fontMetrics()
            widest = max(map(metrics.horizontalAdvance, ("Loading the model", f"Ready  ·  {model}")))
            self._model.setFixedWidth(min(widest, MODEL_WIDTH_PX) + 2)

    def show_levels(self, output_peak: float, voices: int, xruns: int) -> None:
        """Peak linear, 1 is full scale; `xruns` since the sound started."""
        if (voices, xruns) != self._levels:
            self._levels = voices, xruns
            shown = f"{xruns} {'dropout' if xruns == 1 else 'dropouts'}" if xruns < 1_000 else "999+ dropouts"
            about = (
                f"Sounds that play at once, 32 at most, and {xruns:,} dropouts (xruns): blocks that the sound card got "
                "too late since the sound started. A larger buffer in the preferences makes them fewer"
            )
            self._voices.show_figures(f"{voices} {'voice' if voices == 1 else 'voices'} · {shown}", about)
        self.output_meter.show_peak(output_peak)


def _step_figures(state: SessionState) -> tuple[str, str]:
    """What is shown of the last sound's steps, and the sentence that explains it."""
    ms = state.step_ms
    if ms is None:
        return "", "How long the model takes for each of the steps, once a sound is made"
    shown = f"{ms / 1_000:.1f} s" if ms >= 999.5 else f"{ms:.0f} ms" if ms >= 9.95 else f"{ms:.1f} ms"
    return (
        f"{shown} a step",
        f"The model took {ms:.1f} ms for each step of the last sound: fewer steps are heard sooner",
    )


def _press_figures(state: SessionState) -> tuple[str, str]:
    """What is shown of press-to-sound, both in one unit, and the sentence that explains it."""
    last, p50, p95 = state.press_to_sound_ms, state.press_to_sound_p50_ms, state.press_to_sound_p95_ms
    if last is None or p50 is None or p95 is None:
        return "Heard in –", "From the press of Generate to what is heard, once a sound is made"
    in_seconds = p95 >= 999.5
    first, second = (f"{ms / 1_000:.1f}" if in_seconds else f"{ms:.0f}" for ms in (p50, p95))
    shown = f"Heard in {first if first == second else f'{first}–{second}'} {'s' if in_seconds else 'ms'}"
    if state.presses == 1:
        return shown, f"Press to sound: the one press of Generate was heard after {time_taken(last)}"
    return shown, (
        f"Press to sound: half of the last {state.presses} presses of Generate were heard within {time_taken(p50)} "
        f"(p50), 95 in 100 within {time_taken(p95)} (p95), the last after {time_taken(last)}"
    )
