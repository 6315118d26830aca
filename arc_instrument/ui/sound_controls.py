"""What is asked of the next sound beside its words: steps, length, tempo, bars, key and seed."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from arc_instrument.domain import MAX_PLAYED_STEPS, MIN_STEPS
from arc_instrument.musical_time import KEYS, MAX_BPM, MIN_BPM
from arc_instrument.session.state import MIN_SECONDS, SessionState
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.seed_field import SeedField
from arc_instrument.ui.tempo_row import TempoRow
from arc_instrument.ui.times import time_expected
from arc_instrument.ui.value_slider import ValueSlider

TENTHS_PER_S = 10
LONGEST_TENTHS = 59  # until the model in use tells its own


class SoundControls(QWidget):
    """One row of the window; what is edited is told by its members."""

    def __init__(self) -> None:
        super().__init__()
        self._state = SessionState()
        self.steps = ValueSlider(
            "Steps",
            "Denoising steps: fewer are faster, more are finer",
            MIN_STEPS,
            MAX_PLAYED_STEPS,
            8,
            self._write_steps,
        )
        self.length = ValueSlider(
            "Length",
            "Length of the sound; moving it leaves the bars",
            round(MIN_SECONDS * TENTHS_PER_S),
            LONGEST_TENTHS,
            30,
            self._write_length,
        )
        self.tempo = TempoRow(KEYS, MIN_BPM, MAX_BPM)
        self.seed = SeedField()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        row.addWidget(self.steps, 1)
        row.addWidget(self.length, 1)
        row.addWidget(self.tempo)
        row.addWidget(self.seed)

    def tab_order(self) -> tuple[QWidget, ...]:
        seed = self.seed
        return self.steps.slider, self.length.slider, *self.tempo.tab_order(), seed.line, seed.lock, seed.dice

    def render_state(self, state: SessionState) -> None:
        self._state = state
        self.steps.set_value(state.steps)
        self.length.set_maximum(int(state.max_seconds * TENTHS_PER_S))
        self.length.set_value(round(state.asked_seconds * TENTHS_PER_S))
        self.tempo.render_state(state)
        self.seed.render_state(state)

    def _write_steps(self, steps: int) -> str:
        expected_ms = self._state.estimate_ms
        return f"{steps}" if expected_ms is None else f"{steps}  ·  {time_expected(expected_ms)}"

    def _write_length(self, tenths: int) -> str:
        bars, seconds = self._state.asked_bars, self._state.asked_seconds
        if bars and tenths == round(seconds * TENTHS_PER_S):  # and the slider is not being moved away from them
            return f"{bars} {'bar' if bars == 1 else 'bars'}  ·  {seconds:.2f} s"
        return f"{tenths / TENTHS_PER_S:.1f} s"
