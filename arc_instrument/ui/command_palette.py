"""Runs any action by typing a part of its name: Enter runs it, Shift+Enter lets a MIDI control learn it."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from arc_instrument.actions import ACTIONS, Action
from arc_instrument.parameters import PARAMETERS, Parameter
from arc_instrument.ui.overlay import Overlay
from arc_instrument.ui.palette import GRID

PALETTE = QSize(520, 372)
ROW_PX = 28
TARGET_ROLE = Qt.ItemDataRole.UserRole
HINT = "Enter runs it  ·  Shift+Enter: move a MIDI control to learn it  ·  Esc closes"


def rank(title: str, rest: str, words: str) -> int | None:
    """How well typed `words` fit an entry: 0 its title begins so, 1 words of it do, 2 it holds them, 3 its tip does.

    None if it does not fit.
    """
    title, rest, wanted = title.casefold(), rest.casefold(), words.casefold().split()
    if title.startswith(" ".join(wanted)):
        return 0
    if all(any(word.startswith(part) for word in title.split()) for part in wanted):
        return 1
    if all(part in title for part in wanted):
        return 2
    return 3 if all(part in f"{title} {rest}" for part in wanted) else None


class CommandPalette(Overlay):
    """Signals: runRequested(str) with an action's id, learnRequested(str) with a target of `session.controls`."""

    runRequested = Signal(str)
    learnRequested = Signal(str)

    def __init__(self, parent: QWidget, can_run: Callable[[str], bool]):
        super().__init__(parent, "Find a command")
        self._can_run = can_run
        self.sheet.setFixedSize(PALETTE)
        self.line = QLineEdit()
        self.line.setObjectName("search")
        self.line.setPlaceholderText("Type what you want to do")
        self.line.setAccessibleName("Find a command")
        self.line.setProperty("ownArrows", True)
        self.line.textChanged.connect(self._fill)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setObjectName("commands")
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.itemClicked.connect(lambda item: self._use(item, learn=False))
        hint = QLabel(HINT)
        hint.setProperty("role", "hint")
        column = QVBoxLayout(self.sheet)
        column.setContentsMargins(GRID + 4, GRID + 4, GRID + 4, GRID)
        column.setSpacing(GRID)
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        column.addWidget(hint)

    def first_widget(self) -> QWidget:
        return self.line

    def open(self) -> None:
        self.line.clear()
        self._fill("")
        super().open()

    def shown(self) -> list[str]:
        """Targets of the entries, best first."""
        return [self.list.item(row).data(TARGET_ROLE) for row in range(self.list.count())]

    def eventFilter(self, watched, event) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QKeyEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if event.key() in step:
                row = self.list.currentRow() + step[Qt.Key(event.key())]
                self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                learn = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                self._use(self.list.currentItem(), learn=learn)
                return True
        return super().eventFilter(watched, event)

    def _use(self, item: QListWidgetItem | None, *, learn: bool) -> None:
        if item is None:
            return
        target = item.data(TARGET_ROLE)
        if learn or "/" in target:
            self.close_sheet()
            self.learnRequested.emit(target)
        elif self._can_run(target):
            self.close_sheet()
            self.runRequested.emit(target)

    def _fill(self, words: str) -> None:
        entries: list[tuple[int, int, Action | Parameter]] = []
        for place, entry in enumerate((*ACTIONS, *PARAMETERS)):
            if isinstance(entry, Action) and not entry.runnable:
                continue
            if isinstance(entry, Parameter) and not words:
                continue  # a parameter can only be learned here: not what is wanted first
            rest = f"{entry.tip} {entry.group}" if isinstance(entry, Action) else f"{entry.tip} MIDI learn knob"
            fit = rank(entry.title, rest, words)
            if fit is not None:
                entries.append((fit, place, entry))
        self.list.clear()
        for _, _, entry in sorted(entries, key=lambda each: each[:2]):
            self.list.addItem(self._item(entry))
        self.list.setCurrentRow(0)

    def _item(self, entry: Action | Parameter) -> QListWidgetItem:
        if isinstance(entry, Parameter):
            item = QListWidgetItem(f"{entry.title}  –  learn a MIDI knob")
            item.setData(TARGET_ROLE, f"param/{entry.id}")
        else:
            item = QListWidgetItem(f"{entry.title}   ·   {entry.keys}" if entry.keys else entry.title)
            item.setData(TARGET_ROLE, entry.id)
            if not self._can_run(entry.id):
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        item.setToolTip(entry.tip)
        item.setSizeHint(QSize(0, ROW_PX))
        return item
