"""Draws a waveform from its minima and maxima: bars on a fixed pitch, mirrored by the sound itself."""

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

BAR_PX, GAP_PX = 2, 1


def paint_peaks(
    painter: QPainter,
    area: QRectF,
    peaks: np.ndarray,
    colour: QColor,
    played: float = 0.0,
    played_colour: QColor | None = None,
) -> None:
    """Draw `peaks` (columns, 2), full scale ±1, into `area`; bars left of the fraction `played` in `played_colour`."""
    bars = max(1, int(area.width() // (BAR_PX + GAP_PX)))
    low, high = _columns(peaks, bars)
    middle, half = area.center().y(), area.height() / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    for bar in range(bars):
        is_played = played_colour is not None and bar < played * bars
        painter.setBrush(played_colour if is_played and played_colour else colour)
        top = middle - half * float(high[bar])
        bottom = middle - half * float(low[bar])
        if bottom - top < BAR_PX:  # silence stays visible as a row of dots
            top, bottom = (top + bottom - BAR_PX) / 2, (top + bottom + BAR_PX) / 2
        left = area.left() + bar * (BAR_PX + GAP_PX)
        painter.drawRoundedRect(QRectF(left, top, BAR_PX, bottom - top), BAR_PX / 2, BAR_PX / 2)
    painter.restore()


def _columns(peaks: np.ndarray, bars: int) -> tuple[np.ndarray, np.ndarray]:
    """`peaks` on `bars` columns: extremes are kept when there are fewer, repeated when there are more."""
    if len(peaks) == 0:
        return np.zeros(bars), np.zeros(bars)
    clipped = np.clip(peaks, -1.0, 1.0)
    if len(peaks) <= bars:
        index = np.arange(bars) * len(peaks) // bars
        return clipped[index, 0], clipped[index, 1]
    starts = np.arange(bars) * len(peaks) // bars
    return np.minimum.reduceat(clipped[:, 0], starts), np.maximum.reduceat(clipped[:, 1], starts)
