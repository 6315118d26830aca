"""Pages of controls that share one place: a row of tabs above, one page below, the height always the same."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from arc_instrument.ui.palette import GRID

PAGE_PX = 78


class Deck(QFrame):
    """Signals: pageChanged(str), the id of the page that is shown now because a person chose it."""

    pageChanged = Signal(str)

    def __init__(self, name: str, pages: Sequence[tuple[str, str, str, QWidget]], page_px: int = PAGE_PX):
        """`pages` are (id, title, tip, page)."""
        super().__init__()
        self.setObjectName("deck")
        self.setAccessibleName(name)
        self.tabs: dict[str, QPushButton] = {}
        self._pages = {page_id: page for page_id, _, _, page in pages}
        self._stack = QStackedWidget()
        self._stack.setFixedHeight(page_px)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for page_id, title, tip, page in pages:
            tab = QPushButton(title)
            tab.setProperty("role", "tab")
            tab.setCheckable(True)
            tab.setToolTip(tip)
            tab.setAccessibleName(f"{name}: {title}")
            tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            tab.setFixedHeight(24)
            tab.clicked.connect(lambda _checked, page_id=page_id: self._choose(page_id))
            self.tabs[page_id] = tab
            row.addWidget(tab)
            self._stack.addWidget(page)
        row.addStretch()
        self.right = QHBoxLayout()  # for what belongs to every page
        self.right.setSpacing(GRID)
        row.addLayout(self.right)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._stack)
        self.show_page(pages[0][0])

    @property
    def page(self) -> str:
        """The id of the page that is shown."""
        return next(page_id for page_id, page in self._pages.items() if page is self._stack.currentWidget())

    def show_page(self, page_id: str) -> None:
        for each, tab in self.tabs.items():
            tab.setChecked(each == page_id)
        self._stack.setCurrentWidget(self._pages[page_id])

    def _choose(self, page_id: str) -> None:
        self.show_page(page_id)
        self.pageChanged.emit(page_id)
