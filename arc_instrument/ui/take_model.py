"""The takes as Qt's item views and drag and drop know them."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt, Signal

from arc_instrument.domain import Take
from arc_instrument.tags import tag_counts
from arc_instrument.ui.dragged_files import dragged_files

TAKE_ROLE, KNOWN_TAGS_ROLE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


def figures(take: Take) -> str:
    """Length, steps and seed of a take, as cards write them; of a variation, which one it is and how far it went."""
    if take.walk:
        seed, distance = take.walk[-1]
        return f"{take.seconds:.1f} s · variation {seed} · {distance:.0%}".replace("%", " %")
    return f"{take.seconds:.1f} s · {take.steps} {'step' if take.steps == 1 else 'steps'} · seed {take.seed}"


def words(take: Take) -> str:
    """The lower line of a card: the tags first, for a person wrote them."""
    return " ".join([*(f"#{tag}" for tag in take.tags), "·", figures(take)] if take.tags else [figures(take)])


def made_by(take: Take) -> str:
    """The model of a take and the licence of its weights, as far as the file says it."""
    licence = f" · weights: {take.weights_licence}" if take.weights_licence else ""
    return f"Made by {take.model_name}{licence}"


class TakeModel(QAbstractListModel):
    """One row per take, newest first. Dragging rows gives their files, to be copied.

    Signals: tagsEdited(Take, str), as typed.
    """

    tagsEdited = Signal(object, str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._takes: tuple[Take, ...] = ()
        self._rows: dict[Path, int] = {}
        self.library: tuple[Take, ...] = ()  # those that are not shown too: their tags are known

    @property
    def known_tags(self) -> tuple[str, ...]:
        """The commonest first."""
        return tuple(tag for tag, _ in tag_counts(self.library))

    def set_takes(self, takes: tuple[Take, ...]) -> None:
        """Show `takes`. Where one stretch of rows came, went or changed only that is told, so that the rest stays as it
        is; a list of 20,000 is compared in a millisecond, for takes that did not change are the same objects."""
        before = self._takes
        if takes is before:
            return
        shorter = min(len(takes), len(before))
        head = next((row for row in range(shorter) if takes[row] is not before[row]), shorter)
        tail = next((n for n in range(shorter - head) if takes[-1 - n] is not before[-1 - n]), shorter - head)
        gone, new = range(head, len(before) - tail), range(head, len(takes) - tail)
        if not gone and new:
            self.beginInsertRows(_ROOT, head, new[-1])
            self._hold(takes)
            self.endInsertRows()
        elif gone and not new:
            self.beginRemoveRows(_ROOT, head, gone[-1])
            self._hold(takes)
            self.endRemoveRows()
        elif [before[row].path for row in gone] == [takes[row].path for row in new]:
            self._hold(takes)
            if new:
                self.dataChanged.emit(self.index(head), self.index(new[-1]))
        else:
            self.beginResetModel()
            self._hold(takes)
            self.endResetModel()

    def _hold(self, takes: tuple[Take, ...]) -> None:
        self._takes = takes
        self._rows = {take.path: row for row, take in enumerate(takes)}

    def take(self, row: int) -> Take:
        return self._takes[row]

    def row_of(self, path: Path) -> int:
        """Row of the take with that path, or -1."""
        return self._rows.get(path, -1)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._takes)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole):
        take = self._takes[index.row()]
        if role == TAKE_ROLE:
            return take
        if role == Qt.ItemDataRole.DisplayRole:
            return take.prompt
        if role == KNOWN_TAGS_ROLE:
            return self.known_tags
        if role == Qt.ItemDataRole.EditRole:
            return ", ".join(take.tags)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            favourite = "favourite, " if take.favourite else ""
            tags = "".join(f", tag {tag}" for tag in take.tags)
            return f"{favourite}{take.prompt}, {figures(take)}{tags}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{take.prompt}\n{take.path.name}\n{made_by(take)}\nDrag it into your DAW"
        return None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """What was typed into a card are its tags; they show when the session has them."""
        if role != Qt.ItemDataRole.EditRole:
            return False
        self.tagsEdited.emit(self._takes[index.row()], str(value))
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return (
            Qt.ItemFlag.ItemIsEnabled
            | Qt.ItemFlag.ItemIsSelectable
            | Qt.ItemFlag.ItemIsDragEnabled
            | Qt.ItemFlag.ItemIsEditable
        )

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The files of the rows, from top to bottom."""
        return dragged_files(self._takes[row].path for row in sorted({index.row() for index in indexes}))
