"""Where weights come from: a model folder, the embedded one or an installed one or any other.

A model folder holds `model.safetensors` and `sha256.json` with the digests of its files. One that was installed also
holds `model.json`, which says what it is: then the tensors have their published names, and the text encoder lies in a
folder beside it. Without `model.json`, or with one that names a base from which this user fine-tuned the model, it is
one of ours as `save_model` writes it: every part, float16, our names.
torch is imported where tensors are touched, not before: the window asks for installed models before it is up.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from model.catalogue import CATALOGUE, EMBEDDED, CatalogueEntry, HubFile
from model.config import ARC_MINI, MODELS, ModelConfig, SpectralConfig
from model.digests import DIGESTS_FILE, CheckpointError, check_digests, write_digests

if TYPE_CHECKING:
    from model.checkpoint import Parts

WEIGHTS_FILE = "model.safetensors"
ABOUT_FILE = "model.json"
MAX_HEADER_BYTES = 2**24


@dataclass(frozen=True)
class OpenedModel:
    """A model folder whose files match their digests."""

    config: ModelConfig
    published: bool  # the tensors have their published names, not ours
    weights: Path
    text_folder: Path | None  # of the T5 encoder; None: the encoder is an installed package
    licence: str
    licence_link: str


def embedded_folder() -> Path:
    """The shipped ARC_MINI: inside `model` when installed, beside the packages in a checkout."""
    here = Path(__file__).parent
    installed = here / "assets" / "arc-mini"
    return installed if installed.exists() else here.parent / "assets" / "arc-mini"


def open_folder(folder: Path, known: Sequence[CatalogueEntry] = CATALOGUE) -> OpenedModel:
    """Find out what a model folder holds and check its files against their digests.

    Raises CheckpointError for a folder that lacks a file, is damaged, or holds none of the known models.
    """
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise CheckpointError(f"{weights}: there is no such weights file; fetch it, or choose another folder")
    if not (folder / ABOUT_FILE).exists():
        if (folder / DIGESTS_FILE).exists():  # a folder of another maker may hold no digests
            check_digests(folder, [WEIGHTS_FILE])
        licence = (EMBEDDED.licence, EMBEDDED.licence_link) if folder == embedded_folder() else ("not stated", "")
        return OpenedModel(architecture_of(weights), False, weights, None, *licence)
    if (own := own_model(folder)) and isinstance(own.config, ModelConfig):
        check_digests(folder, [WEIGHTS_FILE])
        return OpenedModel(own.config, False, weights, None, own.licence, own.licence_link)
    name = name_of(folder)
    entry = next((entry for entry in known if entry.name == name), None)
    if entry is None:
        raise CheckpointError(f"{folder} holds the model {name}, which this program does not know; update the program")
    if not isinstance(entry.config, ModelConfig):
        raise CheckpointError(f"{folder} holds {entry.title}, not a model; choose another folder")
    check_digests(folder, [WEIGHTS_FILE])
    text = None if entry.text is None else text_folder(folder, entry.text)
    if text is not None:
        check_digests(text, [WEIGHTS_FILE])
    return OpenedModel(entry.config, True, weights, text, entry.licence, entry.licence_link)


def name_of(folder: Path) -> str:
    """What an installed folder says it holds. Raises CheckpointError where that is unreadable."""
    path = folder / ABOUT_FILE
    try:
        return str(json.loads(path.read_text())["name"])
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path} does not tell which model this is; fetch it again") from error


def architecture_of(weights: Path) -> ModelConfig:
    """Which of our architectures a file of `save_model` says it holds; ARC_MINI where it says nothing readable."""
    try:
        with weights.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(size, MAX_HEADER_BYTES)))
        config = MODELS[header["__metadata__"]["model"]]
    except (OSError, ValueError, TypeError, LookupError):
        return ARC_MINI
    return config if isinstance(config.autoencoder, SpectralConfig) else ARC_MINI


def own_model(folder: Path) -> CatalogueEntry | None:
    """What a folder holds that was fine-tuned here; None for every other one. The model goes by the folder's name."""
    try:
        about = json.loads((folder / ABOUT_FILE).read_text())
        base, licence, link = str(about["base"]), str(about["licence"]), str(about["licence_link"])
        files = tuple(HubFile(str(name), int(size)) for name, size in about["bytes"].items())
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None
    config = replace(architecture_of(folder / WEIGHTS_FILE), name=folder.name)
    return CatalogueEntry(folder.name, folder.name, config, licence, link, files=files, base=base)


def own_models(models: Path) -> tuple[CatalogueEntry, ...]:
    """Every model in the folder `models` that was fine-tuned here, by name."""
    if not models.is_dir():
        return ()
    found = (own_model(folder) for folder in sorted(models.iterdir()) if folder.suffix not in (".partial", ".old"))
    return tuple(model for model in found if model)


def text_folder(folder: Path, text: CatalogueEntry) -> Path:
    """The folder of a model's text encoder: inside the model's own, or beside it."""
    for place in (folder / text.name, folder.parent / text.name):
        if (place / WEIGHTS_FILE).is_file():
            return place
    raise CheckpointError(f"{folder} needs {text.name} beside it; type: arc-instrument models get {text.name}")


def save_model(folder: Path, parts: "Parts", about: dict[str, str]) -> None:
    """Write the parts as float16 with `about` in the file's header, and the digest beside it."""
    from model.checkpoint import state_dict, write

    folder.mkdir(parents=True, exist_ok=True)
    write(folder / WEIGHTS_FILE, {name: tensor.half() for name, tensor in state_dict(parts).items()}, about)
    write_digests(folder, [WEIGHTS_FILE])


def load_model(folder: Path, parts: "Parts") -> None:
    """Fill the parts from `folder`. Raises CheckpointError for a file that is missing, damaged or of another model."""
    fill(parts, open_folder(folder))


def fill(parts: "Parts", opened: OpenedModel, wanted: Callable[[str], bool] | None = None) -> None:
    """Fill the parts, which may be on the meta device, from an opened folder; only tensors whose name is `wanted`.

    Raises CheckpointError for a file that is damaged or of another model.
    """
    import torch

    from model.checkpoint import everything, load, load_published, published_name
    from model.tensorfile import read

    tensors = read(opened.weights)
    try:
        (load_published if opened.published else load)(parts, tensors, wanted or everything)
    except CheckpointError as error:
        raise CheckpointError(f"{opened.weights} is of another model ({error}); choose another folder") from error
    for part, module in parts.items():
        for name, tensor in module.state_dict().items():
            if not tensor.is_meta and not torch.isfinite(tensor).all():
                own = f"{part}.{name}"
                name_there = published_name(own) if opened.published else own
                raise CheckpointError(
                    f"{opened.weights}: {name_there} holds values that are not finite; fetch it again"
                )


def is_installed(folder: Path) -> bool:
    """Whether every file is there at its full length: quick, reads no weights, so it does not see other damage."""
    try:
        sizes = json.loads((folder / ABOUT_FILE).read_text())["bytes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return False
