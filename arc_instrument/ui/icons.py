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
        self._svg = instrument_asset("icons", f"{name}.svg").read_text(encoding="utf-8")

    def paint(self, painter: QPainter, rect, mode, state) -> None:
        tint = "line_strong" if mode == QIcon.Mode.Disabled else self._parts[2 if state == QIcon.State.On else 1]
        svg = self._svg.replace("currentColor", COLOURS[tint])  # the theme may have changed since the last time
        QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode, state) -> QPixmap:
        image = QPixmap(size)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.paint(painter, image.rect(), mode, state)
        painter.end()
        return image

    def clone(self) -> QIconEngine:
        return _OutlineEngine(*self._parts)
