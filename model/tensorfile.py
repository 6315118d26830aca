"""Files of tensors, .safetensors or torch.save, read without running any code of theirs.

The content decides which of the two a file is, not its name.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from model.digests import CheckpointError

ZIP = b"PK\x03\x04"  # torch.save today
LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before 1.6
PICKLE = b"\x80"
TRAINING = ("diffusion.", "diffusion_ema.")  # what names start with in the trainer's own checkpoints
REFUSED = "it was refused: take a .safetensors file of these weights, from a source you trust"
REOPEN_BYTES = 1 << 27


class SafetensorsFile(Mapping[str, Tensor]):
    """The tensors of a .safetensors file, mapped when asked for.

    The file is mapped anew every 128 MiB, so what was read and converted leaves memory: a load peaks at what is
    loaded, not at that and the whole file.
    """

    def __init__(self, path: Path):
        self.path = path
        self._file = self._map()
        self._names = frozenset(self._file.keys())

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._names:
            raise KeyError(name)
        try:
            if self._given > REOPEN_BYTES:
                self._file = self._map()
            tensor = self._file.get_tensor(name)
        except (SafetensorError, OSError) as error:  # the file was exchanged meanwhile
            raise _unreadable(self.path, error) from error
        self._given += tensor.nbytes
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def _map(self) -> Any:  # safe_open has no usable type
        self._given = 0
        return safe_open(self.path, framework="pt")


def read(path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a .safetensors file, or of the "state_dict" of a torch.save file, without running code.

    The content decides which it is, not the name. Raises CheckpointError for everything else.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(LEGACY))
            if start.startswith(ZIP) and path.suffix != ".safetensors":  # by which torch.load goes, given a path
                return _state_dict(path, torch.load(path, map_location="cpu", weights_only=True, mmap=True))
            if start.startswith(ZIP) or start == LEGACY:
                file.seek(0)
                return _state_dict(path, torch.load(file, map_location="cpu", weights_only=True))
        if start.startswith(PICKLE) and start[8:9] != b"{":  # behind the length of a .safetensors file's header
            raise CheckpointError(f"{path} is a pickle, which can run code when opened; {REFUSED}")
        return SafetensorsFile(path)
    except CheckpointError:
        raise
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: there is no such weights file; fetch it, or choose another folder") from error
    except Exception as error:  # of any class: what a damaged pickle makes torch do is not foreseeable
        if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise CheckpointError(f"{path} would run {found[1]} when opened; {REFUSED}") from error
        raise _unreadable(path, error) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Return the text entries of a .safetensors file's header."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    reason = (str(error) or type(error).__name__).splitlines()[0].split(". ")[0]
    return CheckpointError(f"{path}: not a readable weights file ({reason}); fetch it again")


def _state_dict(path: Path, content: Any) -> dict[str, Tensor]:
    """Return the tensors of an exported model, as which only {"state_dict": tensors by name} counts."""
    tensors = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(tensors, dict):
        first = next(iter(content), None) if isinstance(content, dict) else None
        what = f"a {type(content).__name__}" if first is None else f"{first!r} and {len(content) - 1} more entries"
        raise CheckpointError(f'{path} holds {what} instead of a "state_dict"; take the exported model')
    for name, tensor in tensors.items():
        if not (isinstance(name, str) and isinstance(tensor, Tensor)):
            raise CheckpointError(f'{path}: {name!r} of its "state_dict" is not a tensor; take the exported model')
    others = sorted(str(entry) for entry, value in content.items() if entry != "state_dict" and _has_tensors(value))
    others += sorted({name.split(".")[0] for name in tensors if name.startswith(TRAINING)})
    if others:
        raise CheckpointError(
            f"{path} is a checkpoint of a training, with weights in {' and '.join(others)}; export one model from it"
        )
    return tensors


def _has_tensors(value: Any) -> bool:
    if isinstance(value, dict | list | tuple):
        return any(map(_has_tensors, value.values() if isinstance(value, dict) else value))
    return isinstance(value, Tensor)
