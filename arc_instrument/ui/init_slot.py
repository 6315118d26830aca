"""Where the recording, or a dropped audio file, rests: its picture, its name, its length, and a way to remove it."""

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from arc_instrument.actions import tooltip
from arc_instrument.session.state import InitSound, SessionState
from arc_instrument.ui.icons import icon
from arc_instrument.ui.labels import ElidedLabel, role
from arc_instrument.ui.palette import GRID, SMALL_PX, colour, font
from arc_instrument.ui.peaks_painter import paint_peaks
from arc_instrument.waveform import normalised

PICTURE_PX = 36


class InitSlot(QFrame):
    """Signals: clearRequested()."""

    clearRequested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("initSlot")
        self._init: InitSound | None = None
        self.setAccessibleName("Recording to start from")
        self._name = ElidedLabel("value")
        self._length = QLabel()
        self._length.setProperty("role", "caption")
        self._length.setFont(font(SMALL_PX, figures=True))
        self.clear = QToolButton()
        self.clear.setIcon(icon("close", "text"))
        self.clear.setIconSize(QSize(16, 16))
        self.clear.setFixedSize(26, 26)
        self.clear.setAccessibleName("Remove the recording")
        self.clear.setToolTip(tooltip("clear_init"))
        self.clear.clicked.connect(self.clearRequested)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch()
        words.addWidget(self._name)
        words.addWidget(self._length)
        words.addStretch()
        self._row = QHBoxLayout(self)
        self._row.setSpacing(GRID)
        self._row.addLayout(words, 1)
        self._row.addWidget(self.clear)
        self.setFixedHeight(48)
        self._show(None)

    def render_state(self, state: SessionState) -> None:
        if state.init is not self._init:
            self._show(state.init)

    def set_drop_target(self, is_target: bool) -> None:
        role(self, "target", is_target)

    def _show(self, init: InitSound | None) -> None:
        self._init = init
        filled = init is not None
        role(self, "filled", filled)
        role(self._name, "role", "value" if filled else "caption")
        self._name.setText(init.name if init else "Drop audio here")
        self._length.setText(f"{init.clip.seconds:.2f} s" if init else "or record")
        self.clear.setVisible(filled)
        self._row.setContentsMargins(PICTURE_PX + 2 * GRID if filled else 2 * GRID, 0, GRID, 0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._init is not None:
            area = QRectF(GRID, GRID, PICTURE_PX, self.height() - 2 * GRID)
            paint_peaks(QPainter(self), area, normalised(self._init.peaks), colour("accent"))
