"""The takes: search and filter above their list, and a sentence while there is nothing to list."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import icon
from arc_instrument.ui.palette import BODY_PX, GRID, SMALL_PX, font
from arc_instrument.ui.tag_filter import TagFilter
from arc_instrument.ui.take_list import TakeList

HEADER_PX = 26


class SearchField(QLineEdit):
    """Words to find takes by. Signals: left(): ↓ or Enter, on to the list."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("takeSearch")
        self.setPlaceholderText("Search")
        self.setAccessibleName("Search takes")
        self.setToolTip(f'{tooltip("search_takes")}\n"a phrase", or #tag for tags alone')
        self.setFont(font(SMALL_PX))
        self.setFixedHeight(HEADER_PX)
        self.setClearButtonEnabled(True)
        self.setAcceptDrops(False)  # it would write a file's path; the window starts from the file

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class TakePanel(QFrame):
    """The list with its search above it and, while there is nothing to list, a sentence that says why.

    Signals: searchEdited(str), tagChosen(str), favouritesToggled().
    """

    searchEdited = Signal(str)
    tagChosen = Signal(str)
    favouritesToggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        heading = QLabel("Takes")
        heading.setProperty("role", "heading")
        heading.setFont(font(BODY_PX))
        self.search = SearchField()
        self._rendered_search = ""
        self.search.textChanged.connect(self._on_search)  # to Qt the clear button is no edit
        self.search.left.connect(self._enter_list)
        self.tags = TagFilter(HEADER_PX)
        self.tags.chosen.connect(self.tagChosen)
        self.favourites = QToolButton()
        self.favourites.setIcon(icon("star"))
        self.favourites.setIconSize(QSize(16, 16))
        self.favourites.setFixedSize(HEADER_PX, HEADER_PX)
        self.favourites.setCheckable(True)
        self.favourites.setAccessibleName("Only favourites")
        self.favourites.setToolTip(tooltip("favourites_only"))
        self.favourites.clicked.connect(lambda _: self.favouritesToggled.emit())
        self._count = QLabel()
        self._count.setProperty("role", "caption")
        self._count.setFont(font(SMALL_PX, figures=True))
        self._count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._count.setFixedWidth(QFontMetrics(self._count.font()).horizontalAdvance("20,000"))  # so nothing jumps
        self.list = TakeList()
        self.list.auditioned.connect(self._follow_arrows)
        self._empty = QLabel()
        self._empty.setProperty("role", "hint")
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(GRID, 0, 2 * GRID, 0)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.setContentsMargins(GRID, 0, 2 * GRID - 1, 0)
        row.setSpacing(GRID)
        row.addWidget(heading)
        row.addWidget(self.search, 1)
        row.addWidget(self.tags)
        row.addWidget(self.favourites)
        row.addWidget(self._count)
        for widget in (self.search, self.tags, self.favourites):
            _keep_place(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, 1, GRID)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self._empty, 1)
        column.addWidget(self.list, 1)

    def render_state(self, state: SessionState) -> None:
        self.list.render_state(state)
        self._rendered_search = state.search
        if self.search.text() != state.search:  # while a person types it is the same
            self.search.setText(state.search)
        self.tags.render_state(state)
        self.search.setPlaceholderText(f"Search #{state.tag}" if state.tag else "Search")
        self.favourites.setChecked(state.favourites_only)
        shown, count = len(state.visible_takes), len(state.takes)
        self._count.setText(f"{shown:,}" if count else "")
        self._count.setToolTip("" if shown == count else f"{shown:,} of {count:,}")
        for widget in (self.search, self.tags, self.favourites):
            widget.setVisible(bool(count))
        self._empty.setText(
            "No take is like that.\nEmpty the search, or show all."
            if count
            else state.folder_problem or "Every sound is kept here as a WAV file.\nDrag its card into your DAW."
        )
        self._empty.setVisible(not shown)
        self.list.setVisible(bool(shown))

    def edit_search(self) -> None:
        """Put the cursor into the search, all of it selected."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _on_search(self, text: str) -> None:
        if text != self._rendered_search:
            self.searchEdited.emit(text)

    def _enter_list(self) -> None:
        """Hear the first take that was found, and go on with the arrow keys."""
        if self.list.takes.rowCount():
            self.list.setFocus()
            self.list.setCurrentIndex(self.list.takes.index(0))
            self.list.auditioned.emit(self.list.takes.take(0))

    def _follow_arrows(self) -> None:
        if self.search.hasFocus():
            self.list.setFocus()


def _keep_place(widget: QWidget) -> None:
    """Nothing moves when `widget` comes or goes."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)
