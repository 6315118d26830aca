"""Icons: the shipped SVG outlines, drawn in any colour of the palette at the screen's own resolution."""

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap, QPixmapCache
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

    def _colour(self, mode, state) -> str:
        """As `#rrggbb`, of the theme in use: it may have changed since the last time."""
        return COLOURS[
            "line_strong" if mode == QIcon.Mode.Disabled else self._parts[2 if state == QIcon.State.On else 1]
        ]

    def paint(self, painter: QPainter, rect, mode, state) -> None:
        svg = self._svg.replace("currentColor", self._colour(mode, state))
        QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode, state) -> QPixmap:
        """Kept in Qt's own cache: drawing an outline anew takes 0.6 ms, and a button asks at every paint."""
        key = f"{self._parts[0]} {self._colour(mode, state)} {size.width()}x{size.height()}"
        image = QPixmap(size)
        if not QPixmapCache.find(key, image):
            image.fill(Qt.GlobalColor.transparent)
            painter = QPainter(image)
            self.paint(painter, image.rect(), mode, state)
            painter.end()
            QPixmapCache.insert(key, image)
        return image

    def clone(self) -> QIconEngine:
        return _OutlineEngine(*self._parts)
