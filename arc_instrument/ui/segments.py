"""A row of words of which one is chosen."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget


class Segments(QWidget):
    """Choices as (id, title, tip), side by side or, if `upright`, below each other.

    Signals: chosen(str), only when a person chooses.
    """

    chosen = Signal(str)

    def __init__(self, name: str, choices: Sequence[tuple[str, str, str]], *, upright: bool = False):
        super().__init__()
        self.setAccessibleName(name)
        self.buttons: dict[str, QPushButton] = {}
        row = QVBoxLayout(self) if upright else QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for choice, title, tip in choices:
            button = QPushButton(title)
            button.setProperty("role", "segment")
            button.setCheckable(True)
            button.setAccessibleName(f"{name}: {title}")
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setFixedHeight(24)
            button.clicked.connect(lambda _checked, choice=choice: self._choose(choice))
            self.buttons[choice] = button
            row.addWidget(button)

    def set_choice(self, choice: str) -> None:
        """Show a choice without telling it back."""
        for each, button in self.buttons.items():
            button.setChecked(each == choice)

    def _choose(self, choice: str) -> None:
        self.set_choice(choice)  # a button group would let Tab reach the chosen one alone
        self.chosen.emit(choice)
