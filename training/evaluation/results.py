"""Figures in files: one JSON a section, with what is needed to recompute and to doubt them."""

import json
import platform
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model.digests import sha256
from model.weights import WEIGHTS_FILE, embedded_folder
from training.run import code_version


def processor() -> str:
    """The processor's name and its number of cores, as far as the system tells."""
    from model.machine import cores

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {cores()} cores"


def weights_hash(folder: Path | None) -> str:
    """SHA-256 of a model folder's weights, by default the embedded model's; its first 16 digits."""
    return sha256((folder or embedded_folder()) / WEIGHTS_FILE)[:16]


def write_section(
    folder: Path, section: str, figures: dict[str, Any], models: dict[str, Path | None], started: float
) -> Path:
    """Write `section`.json: the figures, the command, date, machine, commit, and each model's hash by name.

    `started` is the time.monotonic() at which the work began.
    """
    about = {
        "command": shlex.join(["python", "-m", "training.evaluate", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": processor(),
        "commit": code_version(),
        "weights": {name: weights_hash(path) for name, path in models.items()},
        "took_s": round(time.monotonic() - started),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{section}.json"
    path.write_text(json.dumps({"about": about, "figures": figures}, indent=2) + "\n")
    return path


def read_section(folder: Path, section: str) -> dict[str, Any] | None:
    """What `write_section` wrote; None where the section was not evaluated."""
    path = folder / f"{section}.json"
    return json.loads(path.read_text()) if path.exists() else None
