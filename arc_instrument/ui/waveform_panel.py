"""The current sound: its prompt, its figures, and its waveform with a playhead. A click plays it."""

import time

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.domain import Phase
from arc_instrument.session.state import CurrentSound, SessionState
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.palette import BODY_PX, CONTROL_HEIGHT, GRID, SMALL_PX, colour, font
from arc_instrument.ui.peaks_painter import paint_peaks
from arc_instrument.ui.times import time_taken

FRAME_MS = 16


class Waveform(QWidget):
    """Signals: clicked()."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._sound: CurrentSound | None = None
        self._invitation = ""
        self._started_at, self._seconds = 0.0, 0.0
        self._frames = QTimer(self, interval=FRAME_MS)
        self._frames.timeout.connect(self._on_frame)
        self.setAccessibleName("Waveform of the current sound")
        self.setMinimumSize(120, 56)

    def show_sound(self, sound: CurrentSound | None, invitation: str) -> None:
        if sound is not self._sound or invitation != self._invitation:
            if sound is None or self._sound is None or sound.clip is not self._sound.clip:
                self.stop()
            self._sound, self._invitation = sound, invitation
            self.setCursor(Qt.CursorShape.PointingHandCursor if sound else Qt.CursorShape.ArrowCursor)
            self.update()

    def start(self, seconds: float) -> None:
        """Run the playhead over `seconds`."""
        self._started_at, self._seconds = time.perf_counter(), seconds
        self._frames.start()

    def stop(self) -> None:
        self._frames.stop()
        self._seconds = 0.0
        self.update()

    def played_fraction(self) -> float:
        """How much of the sound has been played, 0 to 1; 0 while it does not play."""
        return min(1.0, (time.perf_counter() - self._started_at) / self._seconds) if self._seconds else 0.0

    def _on_frame(self) -> None:
        if self.played_fraction() >= 1:
            self.stop()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._sound is not None and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        if self._sound is None:
            painter.setPen(colour("faint"))
            painter.setFont(font(BODY_PX))
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), self._invitation)
            return
        fraction = self.played_fraction()
        resting = colour("line_strong") if fraction else colour("accent")
        paint_peaks(painter, area, self._sound.peaks, resting, fraction, colour("accent"))
        if fraction:
            left = area.left() + fraction * area.width()
            painter.fillRect(QRectF(left, area.top(), 1, area.height()), colour("text"))


class WaveformPanel(QFrame):
    """Signals: playToggled(), playRequested()."""

    playToggled = Signal()
    playRequested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._icons = {False: icon("play", "text"), True: icon("stop", "text")}
        self._playing = False
        self.play = QToolButton()
        self.play.setIcon(self._icons[False])
        self.play.setIconSize(QSize(ICON_PX, ICON_PX))
        self.play.setFixedSize(CONTROL_HEIGHT, CONTROL_HEIGHT)
        self.play.setAccessibleName("Play")
        self.play.setToolTip(tooltip("play"))
        self.play.clicked.connect(self.playToggled)
        self._title = ElidedLabel("heading")
        self._title.setFont(font(BODY_PX, QFont.Weight.DemiBold))
        self._figures = QLabel()
        self._figures.setProperty("role", "caption")
        self._figures.setFont(font(SMALL_PX, figures=True))
        self.waveform = Waveform()
        self.waveform.clicked.connect(self.playRequested)

        header = QHBoxLayout()
        header.setSpacing(GRID)
        header.addWidget(self.play)
        header.addWidget(self._title, 1)
        header.addWidget(self._figures)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, 2 * GRID, GRID + 4)
        column.setSpacing(GRID)
        column.addLayout(header)
        inset = QHBoxLayout()
        inset.setContentsMargins(GRID, 0, 0, 0)
        inset.addWidget(self.waveform)
        column.addLayout(inset, 1)

    def render_state(self, state: SessionState) -> None:
        sound = state.current
        if sound is None:
            title, figures = "No sound yet", ""
        else:
            title = sound.prompt
            saved = "" if sound.take else "  ·  not saved"
            made_in = f"made in {time_taken(sound.generation_ms)}"
            figures = f"{sound.clip.seconds:.2f} s  ·  seed {sound.seed}  ·  {made_in}{saved}"
        self._title.setText(title)
        self._figures.setText(figures)
        self.play.setEnabled(sound is not None)
        if state.playing != self._playing:
            self._playing = state.playing
            self.play.setIcon(self._icons[state.playing])
            self.play.setAccessibleName("Stop" if state.playing else "Play")
        self.waveform.show_sound(sound, _invitation(state))


def _invitation(state: SessionState) -> str:
    if state.generating and state.phase is not Phase.GENERATING:
        return "Your sound is made as soon as the model is ready"
    if state.generating:
        return "Making the first sound…"
    return "Describe a sound above and press Enter"
