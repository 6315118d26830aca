"""The seed: a number to type, a lock that keeps it, dice for another one."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QRegularExpressionValidator
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.domain import MAX_SEED
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.labels import role
from arc_instrument.ui.palette import BODY_PX, GRID, font

BUTTON_PX = 24


class NumberLine(QLineEdit):
    """A number of the session: one that is being typed stays, but whoever leaves it without any gets it back."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self.setAcceptDrops(False)  # it would write the figures of a file's path

    def show_number(self, number: int) -> None:
        self._number = number
        if not self.isModified() and self.text() != str(number):
            self.setText(str(number))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if not self.hasAcceptableInput() and event.reason() != Qt.FocusReason.PopupFocusReason:  # whose menu may paste
            self.setText(str(self._number))
        super().focusOutEvent(event)


class SeedField(QWidget):
    """Signals: seedEdited(int), newSeedRequested(), lockToggled()."""

    seedEdited = Signal(int)
    newSeedRequested = Signal()
    lockToggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        caption = QLabel("Seed")
        caption.setProperty("role", "caption")
        self.frame = QFrame()
        self.frame.setObjectName("seedFrame")
        self.line = NumberLine()
        self.line.setObjectName("seed")
        self.line.setFont(font(BODY_PX, figures=True))
        self.line.setValidator(QRegularExpressionValidator(r"\d{1,10}", self.line))
        self.line.setAccessibleName("Seed")
        self.line.setToolTip(f"Same seed, same sound; 0 to {MAX_SEED}")
        self.line.editingFinished.connect(self._on_edited)
        self.line.installEventFilter(self)
        self.lock = self._button("Lock seed", tooltip("lock_seed"))
        self.lock.setCheckable(True)
        self.lock.clicked.connect(self.lockToggled)
        self.dice = self._button("New seed", tooltip("new_seed"))
        self.dice.setIcon(icon("dice"))
        self.dice.clicked.connect(self.newSeedRequested)
        self._lock_icons = {False: icon("unlock"), True: icon("lock")}

        row = QHBoxLayout(self.frame)
        row.setContentsMargins(GRID + 2, 0, 2, 0)
        row.setSpacing(2)
        row.addWidget(self.line, 1)
        row.addWidget(self.lock)
        row.addWidget(self.dice)
        self.frame.setFixedHeight(28)
        column = QHBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        stack = QVBoxLayout()
        stack.setSpacing(2)
        stack.addWidget(caption)
        stack.addWidget(self.frame)
        column.addLayout(stack)
        self.setFixedWidth(184)

    def render_state(self, state: SessionState) -> None:
        self.line.show_number(state.seed)
        if self.lock.isChecked() != state.seed_locked or self.lock.icon().isNull():
            self.lock.setChecked(state.seed_locked)
            self.lock.setIcon(self._lock_icons[state.seed_locked])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            role(self.frame, "focused", event.type() == QEvent.Type.FocusIn)
        return super().eventFilter(watched, event)

    def _on_edited(self) -> None:
        if self.line.isModified():
            self.line.setModified(False)
            self.seedEdited.emit(min(int(self.line.text()), MAX_SEED))

    @staticmethod
    def _button(name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIconSize(QSize(ICON_PX - 2, ICON_PX - 2))
        button.setFixedSize(BUTTON_PX, BUTTON_PX)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button
