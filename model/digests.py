"""SHA-256 of a model folder's files, kept in `sha256.json` beside them; and the error of unusable weights."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

DIGESTS_FILE = "sha256.json"


class CheckpointError(ValueError):
    """A file that does not hold the wanted weights; the sentence says which and why."""


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_digests(folder: Path, names: Iterable[str]) -> None:
    digests = {name: sha256(folder / name) for name in names}
    (folder / DIGESTS_FILE).write_text(json.dumps(digests, indent=2) + "\n")


def check_digests(folder: Path, names: Iterable[str] = ()) -> None:
    """Find the damage that leaves every value plausible: hash again what `sha256.json` names, at least `names`.

    Raises CheckpointError naming the file that differs, is gone or has no digest.
    """
    path = folder / DIGESTS_FILE
    try:
        digests = dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} does not tell the digest of {'/'.join(names)}; fetch it again") from error
    for name in dict.fromkeys([*names, *digests]):
        if name not in digests:
            raise CheckpointError(f"{path} does not tell the digest of {name}; fetch it again")
        try:
            found = sha256(folder / name)
        except OSError as error:
            raise CheckpointError(f"{folder / name} cannot be read ({error.strerror}); fetch it again") from error
        if found != digests[name]:
            raise CheckpointError(f"{folder / name} does not match its digest in {DIGESTS_FILE}; fetch it again")
