"""Draws the edit over the picture of a sound: handles, fades, gain line, loop with its crossfade, value bubble."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF

from arc_instrument.ui.edit_handles import FADES, TRIMS, Handle, Shaping, decibels, faded
from arc_instrument.ui.palette import SMALL_PX, colour, font

CORNER_PX = 9  # a fade's triangle while there is no fade
KNOB_PX = 4.5  # and the radius of what takes its place
GRIP_WIDTH, GRIP_HEIGHT = 5, 18
PILL = (26, 7)
CURVE_POINTS = 24
BUBBLE_HEIGHT = 20


@dataclass(frozen=True)
class EditLook:
    """How the edit is to be drawn. `lively`: a pointer or the focus is here, so that everything to grab is shown.

    `shades_fades`: what a fade takes away is darkened, for a picture that does not show fades itself.
    """

    shaping: Shaping
    area: QRectF
    x_of: Callable[[int], float]
    lively: bool = False
    shades_fades: bool = False
    hovered: Handle | None = None
    focused: Handle | None = None
    dragged: Handle | None = None

    @property
    def named(self) -> Handle | None:
        """The one whose value is shown."""
        return self.dragged or self.hovered or self.focused


def place_of(look: EditLook, handle: Handle) -> QPointF:
    """Where the handle is drawn: fades at the top, trims and gain in the middle, loop points at the bottom."""
    x, area = look.x_of(look.shaping.frame_of(handle)), look.area
    if handle in FADES:
        return QPointF(x, area.top() + CORNER_PX / 2)
    if handle in TRIMS or handle is Handle.GAIN:
        return QPointF(x, area.center().y())
    return QPointF(x, area.bottom() - CORNER_PX / 2)


def paint_edit(painter: QPainter, look: EditLook) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if look.shaping.loop is not None:
        _paint_loop(painter, look)
    _paint_fades(painter, look)
    if look.lively or look.shaping.edit.gain_db:
        _paint_gain(painter, look)
    for handle in look.shaping.handles:
        if handle in TRIMS:
            _paint_trim(painter, look, handle)
    if look.lively:
        for handle in FADES:
            _paint_corner(painter, look, handle)
    painter.restore()


def paint_bubble(painter: QPainter, bounds: QRectF, at: QPointF, text: str, *, leftwards: bool = False) -> None:
    """`text` on a plate right of `at`, or left of it, wherever it is within `bounds`."""
    words = font(SMALL_PX, QFont.Weight.Medium, figures=True)
    width = QFontMetrics(words).horizontalAdvance(text) + 14
    plate = QRectF(at.x() + 10, at.y() - BUBBLE_HEIGHT / 2, width, BUBBLE_HEIGHT)
    if plate.right() > bounds.right() or (leftwards and at.x() - 10 - width >= bounds.left()):
        plate.moveRight(at.x() - 10)
    plate.moveLeft(max(plate.left(), bounds.left()))
    plate.moveTop(min(max(plate.top(), bounds.top()), bounds.bottom() - plate.height()))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour("line_strong"), 1))
    painter.setBrush(colour("raised"))
    painter.drawRoundedRect(plate.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
    painter.setPen(colour("text"))
    painter.setFont(words)
    painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), text)
    painter.restore()


def _tint(look: EditLook, handle: Handle) -> QColor:
    if handle is look.dragged:
        return colour("accent_hover")
    return colour("text" if handle in (look.hovered, look.focused) else "muted")


def _veiled(name: str, alpha: float) -> QColor:
    tint = colour(name)
    tint.setAlphaF(alpha)
    return tint


def _paint_trim(painter: QPainter, look: EditLook, handle: Handle) -> None:
    place, area = place_of(look, handle), look.area
    stands_out = look.lively or look.shaping.is_edited
    tint = _tint(look, handle) if stands_out else colour("line_strong")
    painter.setPen(QPen(tint, 2 if handle in (look.hovered, look.focused, look.dragged) else 1))
    painter.drawLine(QLineF(place.x(), area.top(), place.x(), area.bottom()))
    if look.lively:
        grip = QRectF(0, 0, GRIP_WIDTH, GRIP_HEIGHT)
        grip.moveCenter(place)
        painter.setPen(QPen(colour("surface"), 1))
        painter.setBrush(tint)
        painter.drawRoundedRect(grip, 2.5, 2.5)


def _paint_fades(painter: QPainter, look: EditLook) -> None:
    shaping, area = look.shaping, look.area
    for handle, edge in ((Handle.FADE_IN, shaping.edit.start), (Handle.FADE_OUT, shaping.edit.end)):
        from_x, to_x = look.x_of(edge), look.x_of(shaping.frame_of(handle))
        if abs(to_x - from_x) < 1:
            continue
        progress = np.linspace(0, 1, CURVE_POINTS)
        xs = from_x + (to_x - from_x) * progress
        ys = area.bottom() - faded(progress, shaping.edit.fade) * area.height()
        curve = [QPointF(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        if look.shades_fades:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_veiled("surface", 0.6))
            painter.drawPolygon(QPolygonF([*curve, QPointF(to_x, area.top()), QPointF(from_x, area.top())]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_tint(look, handle), 1.5))
        painter.drawPolyline(QPolygonF(curve))


def _paint_corner(painter: QPainter, look: EditLook, handle: Handle) -> None:
    x, top = look.x_of(look.shaping.frame_of(handle)), look.area.top()
    painter.setPen(QPen(colour("surface"), 1))
    painter.setBrush(_tint(look, handle))
    if look.shaping.reset(handle) != look.shaping:
        painter.drawEllipse(QPointF(x, top + KNOB_PX - 1), KNOB_PX, KNOB_PX)
        return
    inward = CORNER_PX if handle is Handle.FADE_IN else -CORNER_PX
    painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x + inward, top), QPointF(x, top + CORNER_PX)]))


def _paint_gain(painter: QPainter, look: EditLook) -> None:
    place, shaping = place_of(look, Handle.GAIN), look.shaping
    left, right = look.x_of(shaping.edit.start), look.x_of(shaping.edit.end)
    tint = _tint(look, Handle.GAIN)
    line = QColor(tint)
    line.setAlphaF(0.5)
    painter.setPen(QPen(line, 1, Qt.PenStyle.DashLine))
    painter.drawLine(QLineF(left + 4, place.y(), right - 4, place.y()))
    pill = QRectF(0, 0, *PILL)
    pill.moveCenter(place)
    painter.setPen(QPen(colour("surface"), 1))
    painter.setBrush(QBrush(tint))
    painter.drawRoundedRect(pill, PILL[1] / 2, PILL[1] / 2)
    if shaping.edit.gain_db and not look.named:  # else the bubble of the handle in hand may need the room
        paint_bubble(painter, look.area, place + QPointF(PILL[0] / 2 - 4, 0), decibels(shaping.edit.gain_db))


def _paint_loop(painter: QPainter, look: EditLook) -> None:
    shaping, area = look.shaping, look.area
    left, right = look.x_of(shaping.loop.start), look.x_of(shaping.loop.end)
    painter.fillRect(QRectF(left, area.bottom() - 2, right - left, 2), colour("accent"))
    fade_end = shaping.loop.end + shaping.loop.from_beyond * shaping.frames_in(shaping.loop.crossfade_ms)
    across, faded_x = look.x_of(fade_end - shaping.frames_in(shaping.loop.crossfade_ms)), look.x_of(fade_end)
    if faded_x - across >= 2:
        painter.fillRect(QRectF(across, area.top(), faded_x - across, area.height()), _veiled("accent", 0.12))
        progress = np.linspace(0, 1, CURVE_POINTS)
        painter.setPen(QPen(_veiled("accent_hover", 0.9), 1))
        for gains in (np.cos(np.pi / 2 * progress), np.sin(np.pi / 2 * progress)):  # equal power
            xs, ys = across + (faded_x - across) * progress, area.bottom() - gains * area.height()
            painter.drawPolyline(QPolygonF([QPointF(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]))
    for handle, x, inward in ((Handle.LOOP_START, left, CORNER_PX), (Handle.LOOP_END, right, -CORNER_PX)):
        marked = handle in (look.hovered, look.focused, look.dragged)
        tint = _tint(look, handle) if marked else colour("accent")
        painter.setPen(QPen(tint, 1, Qt.PenStyle.DotLine if not marked else Qt.PenStyle.SolidLine))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        painter.setPen(QPen(colour("surface"), 1))
        painter.setBrush(tint)
        corner = [
            QPointF(x, area.bottom()),
            QPointF(x + inward, area.bottom()),
            QPointF(x, area.bottom() - CORNER_PX),
        ]
        painter.drawPolygon(QPolygonF(corner))
