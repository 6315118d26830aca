"""The takes as Qt's item views and drag and drop know them."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt, QUrl

from arc_instrument.domain import Take

TAKE_ROLE = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


def figures(take: Take) -> str:
    """Length, steps and seed of a take, as cards write them."""
    return f"{take.seconds:.1f} s · {take.steps} {'step' if take.steps == 1 else 'steps'} · seed {take.seed}"


def made_by(take: Take) -> str:
    """The model of a take and the licence of its weights, as far as the file says it."""
    licence = f" · weights: {take.weights_licence}" if take.weights_licence else ""
    return f"Made by {take.model_name}{licence}"


class TakeModel(QAbstractListModel):
    """One row per take, newest first. Dragging a row gives its file, to be copied."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._takes: tuple[Take, ...] = ()

    def set_takes(self, takes: tuple[Take, ...]) -> None:
        """Show `takes`; one new take in front is inserted, so that selection and scrolling stay."""
        if takes is self._takes:
            return
        if len(takes) == len(self._takes) + 1 and all(a is b for a, b in zip(takes[1:], self._takes, strict=True)):
            self.beginInsertRows(QModelIndex(), 0, 0)
            self._takes = takes
            self.endInsertRows()
        else:
            self.beginResetModel()
            self._takes = takes
            self.endResetModel()

    def take(self, row: int) -> Take:
        return self._takes[row]

    def row_of(self, path) -> int:
        """Row of the take with that path, or -1."""
        return next((row for row, take in enumerate(self._takes) if take.path == path), -1)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._takes)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole):
        take = self._takes[index.row()]
        if role == TAKE_ROLE:
            return take
        if role == Qt.ItemDataRole.DisplayRole:
            return take.prompt
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{take.prompt}, {figures(take)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{take.prompt}\n{take.path.name}\n{made_by(take)}\nDrag it into your DAW"
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        made = QMimeData()
        made.setUrls([QUrl.fromLocalFile(str(self._takes[index.row()].path)) for index in indexes])
        return made
