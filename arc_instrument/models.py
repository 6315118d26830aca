"""The models of this user: which are installed, and the command `arc-instrument models`."""

from dataclasses import dataclass
from pathlib import Path

from model.catalogue import CATALOGUE, EMBEDDED, CatalogueEntry
from model.config import ModelConfig
from model.weights import is_installed


@dataclass(frozen=True)
class InstalledModel:
    """A model that can be chosen. `path` None: the embedded one. The licence is that of the weights."""

    name: str
    title: str
    path: Path | None
    licence: str
    licence_link: str
    max_seconds: float


def installed_models(models_folder: Path) -> tuple[InstalledModel, ...]:
    """The embedded model, then those in `models_folder` with all that they need. Reads no weights: verify does."""
    return tuple(
        InstalledModel(
            entry.name,
            entry.title,
            None if entry is EMBEDDED else models_folder / entry.name,
            entry.licence,
            entry.licence_link,
            entry.config.max_seconds,
        )
        for entry in CATALOGUE
        if isinstance(entry.config, ModelConfig) and (entry is EMBEDDED or _is_playable(entry, models_folder))
    )


def _is_playable(entry: CatalogueEntry, models_folder: Path) -> bool:
    return all(is_installed(models_folder / part.name) for part in (entry, entry.text) if part)
