"""Draws one take as a card: waveform, prompt, tags and figures, the star, and the grip that says it can be dragged."""

import math

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from arc_instrument.domain import Take
from arc_instrument.ui.palette import BODY_PX, GRID, RADIUS, SMALL_PX, colour, font
from arc_instrument.ui.peaks_painter import paint_peaks
from arc_instrument.ui.tag_field import TagField
from arc_instrument.ui.take_model import KNOWN_TAGS_ROLE, TAKE_ROLE, words
from arc_instrument.waveform import normalised

CARD_PX, GAP_PX, PICTURE_PX = 56, 6, 48
STAR_PX = 7  # its outer radius; what a click hits is larger
SCROLL_MARK_PX = 8  # kept free at the right for the mark that shows where one is in the list


class TakeCard(QStyledItemDelegate):
    """The delegate of the take list; the card of the current sound is selected."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, CARD_PX + GAP_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        state = option.state  # pyright: ignore[reportAttributeAccessIssue]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        fill = "accent_dim" if selected else "hover" if hovered else "raised"
        line = "text" if focused else "accent" if selected else "line"
        card = card_in(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        paint_card(painter, card, index.data(TAKE_ROLE), colour(fill), colour(line), grip=hovered or selected)

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """A field for the tags, in the card."""
        return TagField(index.data(KNOWN_TAGS_ROLE), parent)

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        card = card_in(option.rect)  # pyright: ignore[reportAttributeAccessIssue]
        left = round(card.left()) + 10 + PICTURE_PX + GRID
        editor.setGeometry(left, round(card.top()) + 28, round(card.right()) - left - 6, 24)


def card_in(row: QRect) -> QRectF:
    """The card within its row of the list."""
    return QRectF(row).adjusted(0.5, 0.5, -SCROLL_MARK_PX, -GAP_PX - 0.5)


def star_area(card: QRectF) -> QRectF:
    """Where a click on `card` means its star."""
    return QRectF(card.right() - 46, card.top() + 4, 28, 28)


def paint_card(painter: QPainter, card: QRectF, take: Take, fill: QColor, line: QColor, *, grip: bool) -> None:
    """Draw `take` into `card`; also the picture that is dragged."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(line, 1))
    painter.setBrush(fill)
    painter.drawRoundedRect(card, RADIUS, RADIUS)
    picture = QRectF(card.left() + 10, card.top() + 10, PICTURE_PX, card.height() - 20)
    paint_peaks(painter, picture, normalised(take.peaks), colour("accent"))

    text = QRectF(picture.right() + GRID + 4, card.top(), 0, card.height())
    shows_star = grip or take.favourite
    text.setRight(card.right() - 20 if grip else card.right() - 8)
    upper = QRectF(text.left(), card.top() + 9, text.width(), 19)
    lower = QRectF(text.left(), card.top() + 29, text.width(), 17)
    if shows_star:
        area = star_area(card)
        upper.setRight(area.left())
        _star(painter, area.center(), take.favourite)
    _line(painter, upper, take.prompt, font(BODY_PX, QFont.Weight.Medium), colour("text"))
    _line(painter, lower, words(take), font(SMALL_PX, figures=True), colour("muted"))
    if grip:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("muted"))
        for column in range(2):
            for row in range(3):
                painter.drawEllipse(
                    QPointF(card.right() - 13 + 5 * column, card.center().y() + 5 * (row - 1)), 1.2, 1.2
                )
    painter.restore()


def _star(painter: QPainter, centre: QPointF, filled: bool) -> None:
    points = []
    for corner in range(10):
        radius = STAR_PX if corner % 2 == 0 else STAR_PX * 0.45
        angle = math.pi * (corner / 5 - 0.5)
        points.append(centre + QPointF(radius * math.cos(angle), radius * math.sin(angle)))
    painter.setPen(QPen(colour("accent" if filled else "muted"), 1.2))
    painter.setBrush(colour("accent") if filled else Qt.BrushStyle.NoBrush)
    painter.drawPolygon(QPolygonF(points))


def _line(painter: QPainter, area: QRectF, text: str, text_font: QFont, pen: QColor) -> None:
    painter.setFont(text_font)
    painter.setPen(pen)
    shown = QFontMetricsF(text_font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter), shown)
