"""Draws a spectrogram in the palette's own colours, and names three of its frequencies."""

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from arc_instrument.spectrogram import FLOOR_DB, height_of
from arc_instrument.ui.palette import COLOURS, colour, font

STOPS = ("surface", "accent_dim", "accent", "text")  # from silence to full scale, in every theme
LEVELS = 256
TICKS = ((100.0, "100"), (1_000.0, "1k"), (10_000.0, "10k"))
TICK_PX = 10


def spectrogram_image(levels_db: np.ndarray) -> QImage:
    """`levels_db` (rows, columns), row 0 lowest, as a picture with the highest frequency at the top."""
    shades = np.clip((1 - levels_db / FLOOR_DB) * (LEVELS - 1), 0, LEVELS - 1).astype(np.uint8)
    pixels = np.ascontiguousarray(shading(tuple(COLOURS[name] for name in STOPS))[shades[::-1]])
    rows, columns = pixels.shape
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32).copy()


@lru_cache(maxsize=4)
def shading(stops: tuple[str, ...]) -> np.ndarray:
    """0xffRRGGBB of LEVELS levels through `stops` (#rrggbb): equal steps of level are equal steps of lightness L*."""
    colours = np.array([[tint.redF(), tint.greenF(), tint.blueF()] for tint in map(QColor, stops)])
    lightness = np.array([lightness_of(rgb) for rgb in colours])
    ramp = np.linspace(0, len(stops) - 1, 64 * len(stops))
    fine = np.stack([np.interp(ramp, range(len(stops)), colours[:, channel]) for channel in range(3)], axis=1)
    reached = np.array([lightness_of(rgb) for rgb in fine])
    order = np.argsort(reached)  # the stops go from dark to light, or in a light theme from light to dark
    wanted = np.linspace(lightness[0], lightness[-1], LEVELS)
    places = np.interp(wanted, reached[order], ramp[order])
    rgb = np.stack([np.interp(places, ramp, fine[:, channel]) for channel in range(3)], axis=1)
    red, green, blue = np.round(rgb * 255).astype(np.uint32).T
    return (np.uint32(0xFF000000) | red << 16 | green << 8 | blue).astype(np.uint32)


def lightness_of(rgb: np.ndarray) -> float:
    """CIE L* of sRGB in 0 to 1, 0 to 100."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def paint_frequencies(painter: QPainter, area: QRectF) -> None:
    """100, 1k and 10k hertz at the left edge, on the picture."""
    painter.save()
    painter.setFont(font(TICK_PX, figures=True))
    backdrop = colour("surface")
    backdrop.setAlphaF(0.8)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for frequency_hz, text in TICKS:
        y = area.bottom() - height_of(frequency_hz) * area.height()
        width = painter.fontMetrics().horizontalAdvance(text) + 6
        plate = QRectF(area.left() + 14, y - 6, width, 12)
        plate.moveTop(min(max(plate.top(), area.top()), area.bottom() - plate.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(backdrop)
        painter.drawRoundedRect(plate, 3, 3)
        painter.setPen(colour("muted"))
        painter.drawLine(QPointF(area.left() + 7, y), QPointF(area.left() + 12, y))
        painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), text)
    painter.restore()
