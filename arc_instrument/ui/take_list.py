"""The takes: click or arrow keys to hear one, drag a card to give its file to another program."""

from PySide6.QtCore import QModelIndex, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QDrag, QKeyEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHBoxLayout, QLabel, QListView, QMenu, QVBoxLayout

from arc_instrument.actions import BY_ID
from arc_instrument.session.state import SessionState
from arc_instrument.ui.palette import BODY_PX, GRID, SMALL_PX, colour, font
from arc_instrument.ui.take_card import CARD_PX, TakeCard, paint_card
from arc_instrument.ui.take_model import TakeModel

DRAG_PIXMAP_WIDTH = 232


class TakeList(QListView):
    """Signals: auditioned(Take), revealRequested(Take), copyPathRequested(Take), restoreRequested(Take)."""

    auditioned = Signal(object)
    revealRequested = Signal(object)
    copyPathRequested = Signal(object)
    restoreRequested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("takes")
        self.takes = TakeModel(self)
        self.setModel(self.takes)
        self.setItemDelegate(TakeCard(self))
        self.setAccessibleName("Takes")
        self.setAccessibleDescription("Arrow keys play a take; drag a card into another program")
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setDefaultDropAction(Qt.DropAction.CopyAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.clicked.connect(lambda index: self.auditioned.emit(self.takes.take(index.row())))
        self.verticalScrollBar().valueChanged.connect(lambda _: self.viewport().update())

    def render_state(self, state: SessionState) -> None:
        self.takes.set_takes(state.takes)
        row = self.takes.row_of(state.current_path) if state.current_path else -1
        if row >= 0 and row != self.currentIndex().row():
            self.setCurrentIndex(self.takes.index(row))

    def step(self, rows: int) -> None:
        """Hear the take `rows` further down; stays within the list."""
        count = self.takes.rowCount()
        if count:
            row = self.currentIndex().row()
            row = min(max(row + rows, 0), count - 1) if row >= 0 else 0
            self.setCurrentIndex(self.takes.index(row))
            self.auditioned.emit(self.takes.take(row))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.step(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.auditioned.emit(self.takes.take(self.currentIndex().row()))
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters play notes here; they do not search."""

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        index = self.currentIndex()
        if index.isValid():
            self.make_drag(index).exec(Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)

    def make_drag(self, index: QModelIndex) -> QDrag:
        """The drag of one card: its file's URL, and the card as the picture under the pointer."""
        drag = QDrag(self)
        drag.setMimeData(self.takes.mimeData([index]))
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(DRAG_PIXMAP_WIDTH * ratio), round(CARD_PX * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        card = QRectF(0.5, 0.5, DRAG_PIXMAP_WIDTH - 1, CARD_PX - 1)
        paint_card(painter, card, self.takes.take(index.row()), colour("accent_dim"), colour("accent"), grip=False)
        painter.end()
        drag.setPixmap(picture)
        drag.setHotSpot(QPoint(GRID * 2, CARD_PX // 2))
        return drag

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        bar = self.verticalScrollBar()
        if bar.maximum() > 0:  # where one is in a long list, without a scroll bar that takes room
            whole = bar.maximum() + bar.pageStep()
            height = self.viewport().height()
            length = max(24.0, height * bar.pageStep() / whole)
            top = (height - length) * bar.value() / bar.maximum()
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("line_strong"))
            painter.drawRoundedRect(QRectF(self.viewport().width() - 4, top, 3, length), 1.5, 1.5)

    def _open_menu(self, position: QPoint) -> None:
        index = self.indexAt(position)
        if not index.isValid():
            return
        take = self.takes.take(index.row())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action_id, signal in (
            ("reveal_take", self.revealRequested),
            ("copy_path", self.copyPathRequested),
            ("restore", self.restoreRequested),
        ):
            menu.addAction(BY_ID[action_id].title, lambda signal=signal: signal.emit(take))
        menu.popup(self.viewport().mapToGlobal(position))


class TakePanel(QFrame):
    """The list with its heading and, while there is none, a sentence that says what will be here."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        heading = QLabel("Takes")
        heading.setProperty("role", "heading")
        heading.setFont(font(BODY_PX))
        self._count = QLabel()
        self._count.setProperty("role", "caption")
        self._count.setFont(font(SMALL_PX, figures=True))
        self.list = TakeList()
        self._empty = QLabel("Every sound is kept here as a WAV file.\nDrag its card into your DAW.")
        self._empty.setProperty("role", "hint")
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(GRID, 0, 2 * GRID, 0)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.setContentsMargins(GRID, 0, 2 * GRID - 1, 0)
        row.addWidget(heading)
        row.addStretch()
        row.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, 2 * GRID - 1, 1, GRID)
        column.setSpacing(GRID + 2)
        column.addLayout(row)
        column.addWidget(self._empty, 1)
        column.addWidget(self.list, 1)

    def render_state(self, state: SessionState) -> None:
        self.list.render_state(state)
        self._count.setText(str(len(state.takes)) if state.takes else "")
        self._empty.setVisible(not state.takes)
        self.list.setVisible(bool(state.takes))
