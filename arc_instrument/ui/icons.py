"""Icons: the shipped SVG outlines, drawn in any colour of the palette at the screen's own resolution."""

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from arc_instrument.assets import instrument_asset
from arc_instrument.ui.palette import COLOURS

ICON_PX = 18


def icon(name: str, colour: str = "muted", on_colour: str = "accent") -> QIcon:
    """The outline `name`.svg; `on_colour` is used while a checkable button is on. Both are names in `COLOURS`."""
    return QIcon(_OutlineEngine(name, colour, on_colour))


class _OutlineEngine(QIconEngine):
    def __init__(self, name: str, colour: str, on_colour: str):
        super().__init__()
        self._parts = (name, colour, on_colour)
        svg = instrument_asset("icons", f"{name}.svg").read_text(encoding="utf-8")
        self._off, self._on, self._disabled = (
            QSvgRenderer(QByteArray(svg.replace("currentColor", COLOURS[tint]).encode()))
            for tint in (colour, on_colour, "line_strong")
        )

    def paint(self, painter: QPainter, rect, mode, state) -> None:
        outline = self._on if state == QIcon.State.On else self._off
        if mode == QIcon.Mode.Disabled:
            outline = self._disabled
        outline.render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode, state) -> QPixmap:
        image = QPixmap(size)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.paint(painter, image.rect(), mode, state)
        painter.end()
        return image

    def clone(self) -> QIconEngine:
        return _OutlineEngine(*self._parts)
