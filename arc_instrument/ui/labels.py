"""Labels that shorten their text to their room instead of asking for more."""

from itertools import pairwise

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QTextLayout
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


def role(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet selects on, and restyle only if it changed."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ElidedLabel(QLabel):
    """One line of text; what does not fit is cut, at a colon if there is one, and kept in the tooltip."""

    def __init__(self, style_role: str, parent: QWidget | None = None):
        super().__init__(parent)
        self.setProperty("role", style_role)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def setText(self, text: str) -> None:
        if text != self.text():
            super().setText(text)
            self.setToolTip(text)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), QFontMetrics(self.font()).height() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), self.shown_text())

    def shown_text(self) -> str:
        """What of the text is to be seen at this width."""
        metrics, text = QFontMetrics(self.font()), self.text()
        if metrics.horizontalAdvance(text) > self.width() and ": " in text:
            text = f"{text.partition(': ')[0]}…"
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, self.width())


class WrappedLabel(QLabel):
    """As many lines as its height has room for, the last one cut where there is more; centred from top to bottom."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, QFontMetrics(self.font()).lineSpacing())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = "\n".join(self.shown_lines())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)

    def shown_lines(self) -> list[str]:
        """What of the text is to be seen in this room."""
        metrics, text = QFontMetrics(self.font()), self.text()
        layout = QTextLayout(text, self.font())
        starts = []
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self.width())
            starts.append(line.textStart())
        layout.endLayout()
        starts = starts[: max(1, self.height() // metrics.lineSpacing())]
        lines = [text[first:end].rstrip() for first, end in pairwise([*starts, len(text)])]
        return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, self.width()) for line in lines]
