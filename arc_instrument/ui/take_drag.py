"""What hangs under the pointer while takes are dragged into another program."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap

from arc_instrument.domain import Take
from arc_instrument.ui.palette import SMALL_PX, colour, font
from arc_instrument.ui.take_card import CARD_PX, paint_card

WIDTH_PX = 232


def drag_picture(take: Take, count: int, ratio: float) -> QPixmap:
    """The card of the first take at `ratio` device pixels a pixel, and beyond one how many there are."""
    picture = QPixmap(round(WIDTH_PX * ratio), round(CARD_PX * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    card = QRectF(0.5, 0.5, WIDTH_PX - 1, CARD_PX - 1)
    paint_card(painter, card, take, colour("accent_dim"), colour("accent"), grip=False)
    if count > 1:
        badge = QRectF(card.right() - 44, card.bottom() - 24, 38, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("accent"))
        painter.drawRoundedRect(badge, 9, 9)
        painter.setFont(font(SMALL_PX, figures=True))
        painter.setPen(colour("on_accent"))
        painter.drawText(badge, int(Qt.AlignmentFlag.AlignCenter), f"{count}")
    painter.end()
    return picture
