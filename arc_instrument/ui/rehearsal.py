"""Rehearsal: the window types, drags a slider and plays notes by itself while sounds are made, and is measured."""

from collections.abc import Callable, Iterator
from time import monotonic, perf_counter

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSlider, QStyle, QStyleOptionSlider

from arc_instrument.domain import Phase
from arc_instrument.session import Session
from arc_instrument.session.state import SessionState
from arc_instrument.ui.frames import Frames
from arc_instrument.ui.window import MainWindow

INPUT_MS = 40  # 25 a second: a hand that drags, faster than anybody types
PACE_PX = 7  # of the dragging hand: each move is another value, so that each has a frame
WORDS = "a warm analog pad, slowly opening, in a large hall "


class Rehearsal(QObject):
    """Drives a window that was just made, and closes it in the end.

    `begun` is when the process started, in seconds of `time.monotonic`; `inputs` how many keys, moves and notes there
    are of each; 0 closes after the first frame. `done` receives `first_frame_ms` and the lists of `Frames`.
    """

    def __init__(self, window: MainWindow, session: Session, begun: float, inputs: int, done: Callable[[dict], None]):
        super().__init__(window)
        self._window, self._session, self._inputs, self._done = window, session, inputs, done
        self._begun, self._first_frame_ms = begun, 0.0
        self._frames = Frames(window)
        self._acts = self._play()
        self._due = 0.0
        self.is_ready = False  # once the first frame is there: waits for the model
        self._next = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._next.timeout.connect(self._on_due)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            QTimer.singleShot(0, self, self._on_first_frame)  # when all of it is painted
        return False

    @Slot()
    def _on_first_frame(self) -> None:
        self._first_frame_ms = 1000 * (monotonic() - self._begun)
        if not self._inputs:
            self._end()
            return
        self.is_ready = True
        self._session.stateChanged.connect(self._on_state)

    @Slot(object)
    def _on_state(self, state: SessionState) -> None:
        if state.phase is Phase.FAILED:
            self._end()
        elif state.phase is Phase.READY and not state.generating:
            QTimer.singleShot(0, self, self._make_sound)
        if state.current is not None and not self._due:  # the first sound is there, what is loaded once is loaded
            self._due = perf_counter() + INPUT_MS / 1000
            self._frames.start()
            self._next.start(INPUT_MS)

    @Slot()
    def _make_sound(self) -> None:
        """Keep the model at work."""
        state = self._session.state
        if state.phase is Phase.READY and not state.generating:
            if not state.prompt.strip():
                self._session.set_prompt(WORDS.strip())
            self._session.maker.generate()

    @Slot()
    def _on_due(self) -> None:
        name = next(self._acts, None)
        if name is None:
            self._end()
            return
        self._frames.input(name, self._due)
        self._due += INPUT_MS / 1000
        self._next.start(max(0, round(1000 * (self._due - perf_counter()))))

    def _play(self) -> Iterator[str]:
        """Do one thing after the other, and name each once it is handled."""
        window = self._window
        window.prompt.line.setFocus()
        window.prompt.line.clear()
        for number in range(self._inputs):
            QTest.keyClicks(window.prompt.line, WORDS[number % len(WORDS)])
            yield "typing"
        slider = window.controls.length.slider
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, _handle(slider))
        for number in range(self._inputs):
            x = slider.width() // 4 + abs(number * PACE_PX % slider.width() - slider.width() // 2)
            QTest.mouseMove(slider, QPoint(x, slider.height() // 2))
            yield "dragging"
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton)
        window.surface.take_focus()
        for number in range(self._inputs):
            key = (Qt.Key.Key_A, Qt.Key.Key_D, Qt.Key.Key_G, Qt.Key.Key_K)[number // 2 % 4]
            (QTest.keyRelease if number % 2 else QTest.keyPress)(window.keyboard, key)
            yield "notes"

    def _end(self) -> None:
        if self.is_ready:
            self._session.stateChanged.disconnect(self._on_state)
        self._frames.stop()
        frames = self._frames
        self._done(
            {
                "first_frame_ms": self._first_frame_ms,
                "late_ms": frames.late_ms,
                "paint_ms": frames.paint_ms,
                "answer_ms": frames.answer_ms,
            }
        )
        self._window.close()


def _handle(slider: QSlider) -> QPoint:
    """Where a slider is taken hold of."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    style = slider.style()
    return style.subControlRect(
        QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    ).center()
