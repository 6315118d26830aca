"""Draws a waveform from its minima and maxima: bars on a fixed pitch, mirrored by the sound itself."""

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

BAR_PX, GAP_PX = 2, 1


def paint_peaks(painter: QPainter, area: QRectF, peaks: np.ndarray, colour: QColor) -> None:
    """Draw `peaks` (columns, 2), full scale ±1, into `area`."""
    columns = columns_of(peaks, bars_in(area))
    paint_bars(painter, area, columns, colour, range(len(columns)))


def bars_in(area: QRectF) -> int:
    return max(1, int(area.width() // (BAR_PX + GAP_PX)))


def bar_centres(area: QRectF) -> np.ndarray:
    """Where in `area` the middle of each bar lies, 0 to 1."""
    return (np.arange(bars_in(area)) * (BAR_PX + GAP_PX) + BAR_PX / 2) / area.width()


def paint_bars(
    painter: QPainter,
    area: QRectF,
    columns: np.ndarray,
    colour: QColor,
    which: Iterable[int],
    *,
    rounded: bool = True,
) -> None:
    """Draw those bars of `columns` (bars, 2), full scale ±1, that `which` names; what is beyond full scale is cut.

    Square ends are for pictures in motion: 380 tall bars at twice the resolution take 2.8 ms, rounded ones 13.6 ms.
    """
    middle, half = area.center().y(), area.height() / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    bars = []
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    tops = middle - half * np.clip(columns[:, 1], -1, 1)
    bottoms = middle - half * np.clip(columns[:, 0], -1, 1)
    for bar in which:
        top, bottom = float(tops[bar]), float(bottoms[bar])
        if bottom - top < BAR_PX:  # silence stays visible as a row of dots
            top, bottom = (top + bottom - BAR_PX) / 2, (top + bottom + BAR_PX) / 2
        left = area.left() + bar * (BAR_PX + GAP_PX)
        bars.append(QRectF(left, top, BAR_PX, bottom - top))
    if rounded:
        for bar in bars:
            painter.drawRoundedRect(bar, BAR_PX / 2, BAR_PX / 2)
    else:
        painter.drawRects(bars)
    painter.restore()


def columns_of(peaks: np.ndarray, bars: int) -> np.ndarray:
    """`peaks` on `bars` columns, (bars, 2): extremes are kept when there are fewer, repeated when there are more."""
    if len(peaks) == 0:
        return np.zeros((bars, 2))
    starts = np.arange(bars) * len(peaks) // bars
    if len(peaks) <= bars:
        return peaks[starts]
    low = np.minimum.reduceat(peaks[:, 0], starts)
    high = np.maximum.reduceat(peaks[:, 1], starts)
    return np.stack([low, high], axis=1)
