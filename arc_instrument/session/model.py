"""Model commands: which of the installed models makes the sounds, and how long it takes for one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import LoadedModel
from arc_instrument.session.estimate import Estimates

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.models import InstalledModel
    from arc_instrument.session.session import Session


class ModelCommands(QObject):
    """Commands of choosing a model; renders into the session.

    `chosen` is the model that is loaded because a person asked for it, `estimates` how long the one in use
    takes.
    """

    def __init__(
        self,
        session: "Session",
        generation: "GenerationService",
        list_models: Callable[[], "tuple[InstalledModel, ...]"],
    ):
        super().__init__(session)
        self._session, self._generation, self._list_models = session, generation, list_models
        self._wanted: InstalledModel | None = None
        self.chosen: InstalledModel | None = None
        self._estimates_of: dict[Path | None, Estimates] = {}
        self.estimates = Estimates()
        generation.modelLoaded.connect(self._on_loaded)
        generation.switchFailed.connect(self._on_switch_failed)

    def installed(self) -> "tuple[tuple[InstalledModel, ...], Path | None]":
        """The models that are installed now, and the folder of the one in use (None: the embedded one)."""
        return self._list_models(), self._generation.weights

    def choose(self, model: "InstalledModel") -> None:
        """Make sounds with `model` from now on. What sounds goes on, and what waits is made with it."""
        self._wanted = model
        self._session.dismiss_message()
        self._generation.switch(model.path)

    def choose_named(self, name: str) -> bool:
        """Whether the model of that name is in use or can be, and then is from now on."""
        in_use = self._session.state.model
        if in_use is not None and in_use.name == name:
            return True
        found = next((model for model in self._list_models() if model.name == name), None)
        if found is not None:
            self.choose(found)
        return found is not None

    def retry(self) -> None:
        """Try once more the model that could not be loaded in place of another."""
        if self._wanted is not None:
            self.choose(self._wanted)

    def load_again(self) -> None:
        """Try once more to load a model where there is none."""
        self._session.dismiss_message()
        self._generation.start()

    @Slot(object)
    def _on_loaded(self, model: LoadedModel) -> None:
        if self._wanted is not None and self._wanted.path == model.weights:
            self.chosen = self._wanted
            self._session.settingsChanged.emit()
        self.estimates = self._estimates_of.setdefault(model.weights, Estimates())
        self._session.update(model=model, max_seconds=model.max_seconds)
        self._session.fit_length()

    @Slot(str)
    def _on_switch_failed(self, sentence: str) -> None:
        in_use = self._session.state.model
        assert in_use is not None  # the one before was loaded before this was told
        text = f"{sentence} The model in use is {in_use.name} again."
        self._session.say(text, action="retry_switch", action_title="Try again")
