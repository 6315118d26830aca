"""A choice of one installed model, its weights' licence beside it, and how to get more."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from arc_instrument.domain import LoadedModel

if TYPE_CHECKING:
    from arc_instrument.models import InstalledModel

HOW_TO_GET_MORE = (
    "Type in a terminal: arc-instrument models get NAME (arc-instrument models list tells the names). "
    "What is installed stands in this menu at once."
)


class ModelMenu(QMenu):
    """Asks `list_models` for the installed models and the folder of the one in use each time it opens.

    Signals: chosen(InstalledModel), moreWanted().
    """

    chosen = Signal(object)
    moreWanted = Signal()

    def __init__(self, list_models: "Callable[[], tuple[tuple[InstalledModel, ...], Path | None]]", parent: QWidget):
        super().__init__("Model", parent)
        self._list_models = list_models
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """Write the models anew."""
        self.clear()
        models, current = self._list_models()
        group = QActionGroup(self)
        for model in models:
            title = model.title.replace("&", "&&")
            choice = self.addAction(f"{title}\t{model.licence}")  # behind a tab: at the right, where keys stand
            choice.setToolTip(about(model))
            choice.setCheckable(True)
            choice.setChecked(model.path == current)
            group.addAction(choice)
            choice.triggered.connect(lambda _=False, model=model: self.chosen.emit(model))
        self.addSeparator()
        self.addAction("Get more models…", self.moreWanted.emit).setToolTip("The command that fetches a model")


def about(model: "InstalledModel | LoadedModel") -> str:
    """Name, longest sound and the licence of the weights, as far as they are known."""
    longest = f"up to {model.max_seconds:.1f} s" if model.max_seconds else ""
    licence = f"Licence of the weights: {model.licence}" if model.licence else ""
    return "\n".join(filter(None, (", ".join(filter(None, (model.name, longest))), licence, model.licence_link)))
