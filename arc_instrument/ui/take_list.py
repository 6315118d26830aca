"""The cards of the takes: hear one with a click or the arrow keys, select several, drag them into another program."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QDrag, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QMenu

from arc_instrument.actions import BY_ID
from arc_instrument.domain import Take
from arc_instrument.session.state import SessionState
from arc_instrument.ui.palette import GRID, colour
from arc_instrument.ui.tag_menu import open_tag_menu
from arc_instrument.ui.take_card import CARD_PX, TakeCard, card_in, star_area
from arc_instrument.ui.take_drag import drag_picture
from arc_instrument.ui.take_model import TakeModel

_Select = QItemSelectionModel.SelectionFlag


class TakeList(QListView):
    """Signals:
    auditioned(Take), revealRequested(Take), copyPathRequested(Take), restoreRequested(Take)
    selectionEdited(list[Take]): a person selected these cards.
    favouriteRequested(list[Take]), deleteRequested(list[Take]), exportRequested(list[Take])
    tagsEdited(str, list[Take]): as typed, with commas between.
    tagAdded(str, list[Take]), tagRemoved(str, list[Take]): one more tag, or one less.
    """

    auditioned = Signal(object)
    revealRequested = Signal(object)
    copyPathRequested = Signal(object)
    restoreRequested = Signal(object)
    selectionEdited = Signal(object)
    favouriteRequested = Signal(object)
    deleteRequested = Signal(object)
    exportRequested = Signal(object)
    tagsEdited = Signal(str, object)
    tagAdded = Signal(str, object)
    tagRemoved = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self._is_rendering = False
        self._tagged: list[Take] = []  # whose tags are being written
        self.setObjectName("takes")
        self.takes = TakeModel(self)
        self.setModel(self.takes)
        self.setItemDelegate(TakeCard(self))
        self.setAccessibleName("Takes")
        self.setAccessibleDescription("Arrow keys play a take; drag cards into another program; F2 edits tags")
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setDefaultDropAction(Qt.DropAction.CopyAction)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.clicked.connect(self._on_clicked)
        self.takes.tagsEdited.connect(self._on_tags)
        self.verticalScrollBar().valueChanged.connect(lambda _: self.viewport().update())

    # --- rendering ----------------------------------------------------------------------------------------------

    def render_state(self, state: SessionState) -> None:
        self._is_rendering = True  # what the model changes of the selection nobody selected
        self.takes.library = state.takes
        self.takes.set_takes(state.visible_takes)
        wanted = state.selection or ((state.current_path,) if state.current_path else ())
        rows = {row for row in map(self.takes.row_of, wanted) if row >= 0}
        if rows != {index.row() for index in self.selectedIndexes()}:
            chosen = QItemSelection()
            for row in rows:
                chosen.select(self.takes.index(row), self.takes.index(row))
            self.selectionModel().select(chosen, _Select.ClearAndSelect)
        if len(rows) == 1 and self.currentIndex().row() not in rows and not self._is_tagging():
            index = self.takes.index(rows.pop())
            self.selectionModel().setCurrentIndex(index, _Select.NoUpdate)
            self.scrollTo(index)
        self._is_rendering = False

    def selected(self) -> list[Take]:
        """The selected takes, from top to bottom."""
        return [self.takes.take(row) for row in sorted(index.row() for index in self.selectedIndexes())]

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._is_rendering:
            self.selectionEdited.emit(self.selected())

    # --- keys and mouse -----------------------------------------------------------------------------------------

    def step(self, rows: int) -> None:
        """Hear the take `rows` further down; stays within the list."""
        count = self.takes.rowCount()
        if count and not self._is_tagging():
            row = self.currentIndex().row()
            row = min(max(row + rows, 0), count - 1) if row >= 0 else 0
            self.setCurrentIndex(self.takes.index(row))
            self.auditioned.emit(self.takes.take(row))

    def edit_tags(self) -> None:
        """Open the field for the tags of the current card; what is typed is for every selected one."""
        index = self.currentIndex()
        if index.isValid():
            self._tagged = self.selected()  # opening the field selects its card alone
            self.scrollTo(index)
            self.edit(index)

    def _is_tagging(self) -> bool:
        """Whether tags are half written: another current card would end that and take them as they are."""
        return self.state() == QAbstractItemView.State.EditingState

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if self._is_tagging():
            return  # the Enter that ends the writing of tags comes here too
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and plain:
            self.step(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.auditioned.emit(self.takes.take(self.currentIndex().row()))
        elif event.key() == Qt.Key.Key_F2:
            self.edit_tags()
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters play notes here; they do not search."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        take = self._starred_at(event)
        if take is None:
            super().mousePressEvent(event)
        else:
            self.favouriteRequested.emit([take])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._starred_at(event) is None:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._starred_at(event) is None:
            super().mouseDoubleClickEvent(event)
        else:
            self.mousePressEvent(event)

    def _starred_at(self, event: QMouseEvent) -> Take | None:
        """The take whose star the left button hits."""
        index = self.indexAt(event.position().toPoint())
        is_hit = (
            event.button() == Qt.MouseButton.LeftButton
            and index.isValid()
            and star_area(card_in(self.visualRect(index))).contains(event.position())
        )
        return self.takes.take(index.row()) if is_hit else None

    def _on_clicked(self, index: QModelIndex) -> None:
        if QApplication.keyboardModifiers() == Qt.KeyboardModifier.NoModifier:  # with one, it selects
            self.auditioned.emit(self.takes.take(index.row()))

    def _on_tags(self, take: Take, text: str) -> None:
        self.tagsEdited.emit(text, self._tagged if take in self._tagged else [take])

    # --- dragging out -------------------------------------------------------------------------------------------

    def startDrag(self, supportedActions: Qt.DropAction) -> None:
        drag = self.make_drag(self.selectedIndexes())
        if drag.mimeData().urls():
            drag.exec(Qt.DropAction.CopyAction, Qt.DropAction.CopyAction)

    def make_drag(self, indexes: Sequence[QModelIndex]) -> QDrag:
        """The drag of cards: their files' URLs, and under the pointer the first card, with how many there are."""
        drag = QDrag(self)
        drag.setMimeData(self.takes.mimeData(indexes))
        rows = sorted(index.row() for index in indexes)
        if rows:
            drag.setPixmap(drag_picture(self.takes.take(rows[0]), len(rows), self.devicePixelRatioF()))
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
        chosen = self.selected()
        chosen = chosen if take in chosen else [take]
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action_id, signal in (
            ("reveal_take", self.revealRequested),
            ("copy_path", self.copyPathRequested),
            ("restore", self.restoreRequested),
        ):
            menu.addAction(BY_ID[action_id].title, lambda signal=signal: signal.emit(take))
        menu.addSeparator()
        menu.addAction(BY_ID["favourite"].title, lambda: self.favouriteRequested.emit(chosen))
        menu.addAction(BY_ID["edit_tags"].title, lambda: self._edit_tags_of(index))
        menu.addAction(BY_ID["add_tag"].title, lambda: self.choose_tags(chosen))
        several = f"Export {len(chosen)} takes" if len(chosen) > 1 else BY_ID["export"].title
        menu.addAction(several, lambda: self.exportRequested.emit(chosen))
        menu.addAction(BY_ID["delete_takes"].title, lambda: self.deleteRequested.emit(chosen))
        menu.popup(self.viewport().mapToGlobal(position))

    def choose_tags(self, chosen: Sequence[Take] = ()) -> None:
        """Open the menu of tags of these takes, by default of the selected ones, at the first of them."""
        takes = list(chosen) or self.selected()
        if takes:
            row = self.visualRect(self.takes.index(self.takes.row_of(takes[0].path)))
            place = self.viewport().mapToGlobal(QPoint(row.left() + 2 * GRID, min(row.bottom(), self.height())))
            open_tag_menu(self, place, takes, self.takes.known_tags, lambda tag, on: self._toggle_tag(tag, on, takes))

    def _toggle_tag(self, tag: str, on: bool, takes: list[Take]) -> None:
        (self.tagAdded if on else self.tagRemoved).emit(tag, takes)

    def _edit_tags_of(self, index: QModelIndex) -> None:
        self.selectionModel().setCurrentIndex(index, _Select.NoUpdate)
        self.edit_tags()
