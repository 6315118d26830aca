"""A field for tags with commas between; what is typed after the last comma is completed from the known ones."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from arc_instrument.ui.palette import SMALL_PX, font


class TagField(QLineEdit):
    """↓ and Enter take a completion, Enter alone what was typed, Esc nothing."""

    def __init__(self, known: Sequence[str], parent: QWidget):
        super().__init__(parent)
        self.setObjectName("tags")
        self.setProperty("ownEscape", True)  # the window's would move the focus, and that takes what was typed
        self.setAccessibleName("Tags")
        self.setPlaceholderText("Tags, with commas between")
        self.setMaxLength(200)
        self.setFont(font(SMALL_PX))
        self.setCompleter(_LastTag(list(known), self))


class _LastTag(QCompleter):
    def __init__(self, known: list[str], parent: QWidget):
        super().__init__(known, parent)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def splitPath(self, path: str) -> list[str]:
        return [path.rpartition(",")[2].strip(" #")]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        field = self.widget()
        assert isinstance(field, QLineEdit)
        before, comma, _ = field.text().rpartition(",")
        return f"{before}, {index.data()}" if comma else str(index.data())
