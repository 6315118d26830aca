"""Every key on one sheet, in columns, made from the registry; what is typed narrows it. Esc or F1 closes it."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from arc_instrument.actions import ACTIONS, Action
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.overlay import Overlay
from arc_instrument.ui.palette import BODY_PX, GRID, SMALL_PX, font

COLUMNS = 3
SHEET = QSize(852, 512)  # fits the smallest window
ROW_PX, ROOMY_ROW_PX = 17, 24
BODY_HEIGHT_PX = 440
MOST_PX = 160  # that a column of titles or of keys insists on


def matches(action: Action, words: str) -> bool:
    """Whether every word that was typed stands in the action's title, tip, group or keys."""
    text = f"{action.title} {action.tip} {action.group} {action.keys}".casefold()
    return all(word in text for word in words.casefold().split())


class ShortcutSheet(Overlay):
    """Covers its parent and dims it."""

    def __init__(self, parent: QWidget, registry: Sequence[Action] = ACTIONS):
        super().__init__(parent, "Keyboard shortcuts")
        self._shown = [action for action in registry if action.keys]
        self._cells: list[QWidget] = []
        self.sheet.setFixedSize(SHEET)
        self.line = QLineEdit()
        self.line.setObjectName("search")
        self.line.setPlaceholderText("Find a key")
        self.line.setAccessibleName("Find a key")
        self.line.setClearButtonEnabled(False)
        self.line.textChanged.connect(self._fill)
        heading = QLabel("Keyboard shortcuts")
        heading.setProperty("role", "heading")
        heading.setFont(font(BODY_PX, QFont.Weight.DemiBold))
        self._count = QLabel()
        self._count.setProperty("role", "caption")
        top = QHBoxLayout()
        top.setSpacing(2 * GRID)
        top.addWidget(heading)
        top.addWidget(self.line, 1)
        top.addWidget(self._count)
        self._body = QWidget()
        self._grid = QGridLayout(self._body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(0)
        column = QVBoxLayout(self.sheet)
        column.setContentsMargins(2 * GRID, GRID + 4, 2 * GRID, GRID)
        column.setSpacing(GRID)
        column.addLayout(top)
        column.addWidget(self._body, 1)
        self._fill("")

    def first_widget(self) -> QWidget:
        return self.line

    def open(self) -> None:
        self.line.clear()
        super().open()

    def found(self) -> list[str]:
        """Ids of the actions that are shown."""
        return [action.id for action in self._shown if matches(action, self.line.text())]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def _fill(self, words: str) -> None:
        for cell in self._cells:
            self._grid.removeWidget(cell)
            cell.deleteLater()
        self._cells = []
        shown = [action for action in self._shown if matches(action, words)]
        self._count.setText(f"{len(shown)} of {len(self._shown)}")
        lines: list[Action | str] = []
        for group in dict.fromkeys(action.group for action in shown):
            members = [action for action in shown if action.group == group]
            lines += [group, *members]
        per_column = self._rows_per_column()
        column = row = 0
        for place, line in enumerate(lines):
            heading_would_end_a_column = isinstance(line, str) and row == per_column - 1 and place < len(lines) - 1
            if row == per_column or heading_would_end_a_column:
                column, row = column + 1, 0
            self._add(line, row, 2 * column, first=row == 0)
            row += 1
        for half in range(2 * COLUMNS):
            self._grid.setColumnStretch(half, 1)
            self._grid.setColumnMinimumWidth(half, min(MOST_PX, self._widest(half)))
        self._grid.setRowStretch(per_column, 1)

    def _rows_per_column(self) -> int:
        """As many as the whole registry needs, so that narrowing moves nothing to another height."""
        groups = len({action.group for action in self._shown})
        return -(-(len(self._shown) + groups + COLUMNS - 1) // COLUMNS)

    def _add(self, line: Action | str, row: int, column: int, *, first: bool) -> None:
        if isinstance(line, str):
            heading = ElidedLabel("heading")
            heading.setText(line)
            heading.setFont(font(SMALL_PX, QFont.Weight.DemiBold))
            heading.setAlignment(Qt.AlignmentFlag.AlignBottom)
            self._place(heading, row, column, 2)
            return
        title, keys = ElidedLabel("caption"), ElidedLabel("value")
        title.setText(line.title)
        keys.setText(line.keys)
        keys.setFont(font(SMALL_PX, QFont.Weight.Medium))
        title.setToolTip(line.tip)
        self._place(title, row, column, 1)
        self._place(keys, row, column + 1, 1)

    def _widest(self, column: int) -> int:
        """Width of the widest title or key of a half column, pixels."""
        widths = [0]
        for cell in self._cells:
            _, left, _, span = self._grid.getItemPosition(self._grid.indexOf(cell))  # pyright: ignore[reportGeneralTypeIssues, reportAssignmentType]
            if left == column and span == 1:
                widths.append(cell.sizeHint().width() + 2)
        return max(widths)

    def _place(self, label: QLabel, row: int, column: int, span: int) -> None:
        label.setFixedHeight(min(ROOMY_ROW_PX, max(ROW_PX, BODY_HEIGHT_PX // self._rows_per_column())))
        self._grid.addWidget(label, row, column, 1, span)
        self._cells.append(label)
