"""Where weights come from: the embedded assets or a local folder.

A model folder holds `model.safetensors` (every part, float16) and `sha256.json` with the digests of its files.
"""

import hashlib
import json
from pathlib import Path

import torch

from model.checkpoint import CheckpointError, Parts, load, read, state_dict, write

WEIGHTS_FILE = "model.safetensors"
DIGESTS_FILE = "sha256.json"


def embedded_folder() -> Path:
    """The shipped ARC_MINI: inside `model` when installed, beside the packages in a checkout."""
    here = Path(__file__).parent
    installed = here / "assets" / "arc-mini"
    return installed if installed.exists() else here.parent / "assets" / "arc-mini"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_model(folder: Path, parts: Parts, about: dict[str, str]) -> None:
    """Write the parts as float16 with `about` in the file's header, and the digest beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / WEIGHTS_FILE, {name: tensor.half() for name, tensor in state_dict(parts).items()}, about)
    (folder / DIGESTS_FILE).write_text(json.dumps({WEIGHTS_FILE: sha256(folder / WEIGHTS_FILE)}, indent=2) + "\n")


def load_model(folder: Path, parts: Parts) -> None:
    """Fill the parts from `folder`. Raises CheckpointError for a file that is missing, damaged or of another model."""
    path = folder / WEIGHTS_FILE
    tensors = read(path)
    _check_digest(folder)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} holds values that are not finite; fetch it again")
    try:
        load(parts, tensors)
    except CheckpointError as error:
        raise CheckpointError(f"{path} is of another model ({error}); choose another folder") from error


def _check_digest(folder: Path) -> None:
    """Find the damage that leaves every value plausible. A folder of another maker may hold no digests."""
    path = folder / DIGESTS_FILE
    if not path.is_file():
        return
    try:
        digest = json.loads(path.read_text())[WEIGHTS_FILE]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"{path} does not tell the digest of {WEIGHTS_FILE}; fetch it again") from error
    if digest != sha256(folder / WEIGHTS_FILE):
        raise CheckpointError(f"{folder / WEIGHTS_FILE} does not match its digest in {DIGESTS_FILE}; fetch it again")
