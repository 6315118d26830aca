"""Frames: how late the GUI thread is, how long it paints, and how long after an input its frame is there."""

from time import perf_counter

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QMainWindow

BEAT_MS = 5


class Frames(QObject):
    """Watches one window from inside its thread; times are milliseconds in lists that grow while it runs.

    `late_ms`: by how much each beat of a timer came after its time, which is how long an event would have waited.
    `paint_ms`: of each frame. `answer_ms`: by the name given to `input`, from when the input was due to the end of
    the first frame after it was handled.
    """

    def __init__(self, window: QMainWindow):
        super().__init__(window)
        self._window = window
        self.late_ms: list[float] = []
        self.paint_ms: list[float] = []
        self.answer_ms: dict[str, list[float]] = {}
        self._unanswered: tuple[str, float] | None = None
        self._due = 0.0
        self._beat = QTimer(self, interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._beat.timeout.connect(self._on_beat)

    def start(self) -> None:
        self._due = perf_counter() + BEAT_MS / 1000
        self._window.installEventFilter(self)
        self._beat.start()

    def stop(self) -> None:
        self._beat.stop()
        self._window.removeEventFilter(self)

    def input(self, name: str, due: float) -> None:
        """An input that was due at `due` (seconds of `perf_counter`) is handled; its frame is not painted yet."""
        self._unanswered = name, due

    @Slot()
    def _on_beat(self) -> None:
        now = perf_counter()
        self.late_ms.append(max(0.0, 1000 * (now - self._due)))
        self._due = now + BEAT_MS / 1000

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.UpdateRequest:
            return False
        begun = perf_counter()
        QMainWindow.event(self._window, event)
        ended = perf_counter()
        self.paint_ms.append(1000 * (ended - begun))
        if self._unanswered is not None:
            name, due = self._unanswered
            self._unanswered = None
            self.answer_ms.setdefault(name, []).append(1000 * (ended - due))
        return True
