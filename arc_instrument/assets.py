"""Where the files shipped with the program lie: beside the packages in a clone, inside `model` when installed."""

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


def instrument_asset(*parts: str) -> Path:
    """Path of a file or folder under `assets/instrument`; raises `FileNotFoundError` if this installation lacks it."""
    for assets in (_ROOT / "assets", _ROOT / "model" / "assets"):
        path = assets.joinpath("instrument", *parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"assets/instrument/{'/'.join(parts)} is missing: install ARC Instrument again.")
