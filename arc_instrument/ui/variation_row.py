"""Eight variations of a sound as tiles: hear and keep one with a click, its number or the arrow keys."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from arc_instrument.ui.palette import SMALL_PX, colour, font
from arc_instrument.ui.peaks_painter import paint_peaks
from arc_instrument.waveform import normalised

COUNT = 8
GAP_PX = 4


class VariationRow(QWidget):
    """Variations are counted from 0; the tiles show 1 to 8.

    Signals: heard(int), chosen with a click or the arrow keys.
    """

    heard = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._peaks: tuple[np.ndarray | None, ...] = (None,) * COUNT
        self._current: int | None = None
        self._ordered = 0
        self.setProperty("ownArrows", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Variations")
        self.setToolTip("1 to 8, a click or the arrow keys: hear a variation, and keep it")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(8 * 24, 40)
        self._describe()

    def show_variations(self, peaks: Sequence[np.ndarray | None], current: int | None, ordered: int) -> None:
        """Show what is there; `ordered` tiles are being made or wait for it."""
        self._peaks = (*peaks, *[None] * (COUNT - len(peaks)))
        self._current, self._ordered = current, ordered
        self._describe()
        self.update()

    def area(self, number: int) -> QRectF:
        """Where a tile lies."""
        width = (self.width() - GAP_PX * (COUNT - 1)) / COUNT
        return QRectF(number * (width + GAP_PX), 0, width, self.height())

    def _at(self, position: QPointF) -> int | None:
        tile = next((number for number in range(COUNT) if self.area(number).contains(position)), None)
        return tile if tile is not None and self._peaks[tile] is not None else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tile = self._at(event.position())
        if tile is not None and event.button() == Qt.MouseButton.LeftButton:
            self.heard.emit(tile)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        there = [number for number in range(COUNT) if self._peaks[number] is not None]
        if way is not None and there:
            after = [
                number for number in there if (number - (-1 if self._current is None else self._current)) * way > 0
            ]
            if after:
                self.heard.emit(after[0] if way > 0 else after[-1])
        else:
            super().keyPressEvent(event)

    def _describe(self) -> None:
        there = sum(peaks is not None for peaks in self._peaks)
        heard = "" if self._current is None else f", number {self._current + 1} is heard"
        self.setAccessibleDescription(f"{there} of {COUNT} are there{heard}")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        there = sum(peaks is not None for peaks in self._peaks)
        for number, peaks in enumerate(self._peaks):
            area = self.area(number).adjusted(0.5, 0.5, -0.5, -0.5)
            current = number == self._current
            waits = peaks is None and number < there + self._ordered
            line = "text" if self.hasFocus() and current else "accent" if current else "line"
            painter.setPen(QPen(colour(line), 1, Qt.PenStyle.SolidLine if peaks is not None else Qt.PenStyle.DashLine))
            painter.setBrush(colour("accent_dim" if current else "raised" if peaks is not None else "window"))
            painter.drawRoundedRect(area, 6, 6)
            if peaks is not None:
                paint_peaks(painter, area.adjusted(6, 16, -6, -5), normalised(peaks), colour("accent"))
            painter.setFont(font(SMALL_PX, figures=True))
            painter.setPen(colour("text" if current else "muted" if peaks is not None else "faint"))
            painter.drawText(area.adjusted(6, 2, 0, 0), 0, f"{number + 1}{' …' if waits else ''}")
