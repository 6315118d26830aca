"""A level meter in decibels with a slowly falling peak."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from arc_instrument.ui.palette import colour

FLOOR_DB = -60.0
HOT_DB = -3.0
FALL_PER_UPDATE = 0.85


class LevelMeter(QWidget):
    """Horizontal bar from −60 dBFS to full scale; red above −3 dBFS."""

    def __init__(self, name: str):
        super().__init__()
        self._shown = 0.0
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(6)

    def sizeHint(self) -> QSize:
        return QSize(64, 6)

    def show_peak(self, peak: float) -> None:
        """`peak` is linear, 1.0 is full scale. Rises at once, falls slowly."""
        shown = max(peak, self._shown * FALL_PER_UPDATE)
        shown = 0.0 if shown < 10 ** (FLOOR_DB / 20) else shown
        if shown != self._shown:
            self._shown = shown
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        area = QRectF(self.rect())
        painter.setBrush(colour("line"))
        painter.drawRoundedRect(area, 3, 3)
        if self._shown > 0:
            level_db = 20 * math.log10(self._shown)
            area.setWidth(max(area.height(), area.width() * min(1.0, 1 - level_db / FLOOR_DB)))
            painter.setBrush(colour("alarm" if level_db > HOT_DB else "accent"))
            painter.drawRoundedRect(area, 3, 3)
