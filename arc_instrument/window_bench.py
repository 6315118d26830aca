"""How soon the window is there, and how late its frames are while sounds are made: opens the real one and uses it."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from arc_instrument.domain import UserError

TIMEOUT_S = 300


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    median: float
    p95: float
    max: float


@dataclass(frozen=True)
class WindowTimes:
    """Of `starts` windows, each a process of its own, and of one in which sounds are made without a pause.

    `first_frame` is from the start of the process to the end of the first frame. In `while_generating`, "typing",
    "dragging", "notes" and "any of them" are from when `inputs` keys, moves and notes were due, 40 ms apart, to the end
    of the frame that shows them; "event loop" is how late a timer is, "painting" what a frame takes to paint.
    """

    starts: int
    inputs: int
    platform: str
    first_frame: Spread
    while_generating: dict[str, Spread]


def measure_window(
    starts: int = 5, inputs: int = 150, weights: Path | None = None, precision: str | None = None
) -> WindowTimes:
    """Open the window `starts` times, then use it; nobody sees it unless QT_QPA_PLATFORM names a screen.

    Takes and settings lie in a folder that is removed. Raises `UserError` where no window can be opened.
    """
    platform = os.environ.get("QT_QPA_PLATFORM", "offscreen")
    options = ["--weights", str(weights)] if weights else []
    options += ["--precision", precision] if precision else []
    with TemporaryDirectory() as home:
        environment = os.environ | {"ARC_INSTRUMENT_HOME": home, "QT_QPA_PLATFORM": platform}
        firsts = [_rehearsed(0, options, environment)["first_frame_ms"] for _ in range(starts)]
        used = _rehearsed(inputs, options, environment)
    answers = {name: spread(times) for name, times in used["answer_ms"].items()}
    answers["any of them"] = spread([each for times in used["answer_ms"].values() for each in times])
    rest = {"event loop": spread(used["late_ms"]), "painting": spread(used["paint_ms"])}
    return WindowTimes(starts, inputs, platform, spread(firsts), answers | rest)


def spread(times_ms: list[float]) -> Spread:
    return Spread(*(float(quantile) for quantile in np.percentile(times_ms, (50, 95, 100))))


def from_dict(said: dict[str, Any]) -> WindowTimes:
    """The inverse of `dataclasses.asdict`."""
    spreads = {name: Spread(**values) for name, values in said["while_generating"].items()}
    return WindowTimes(**{**said, "first_frame": Spread(**said["first_frame"]), "while_generating": spreads})


def _rehearsed(inputs: int, options: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """What one window told of itself."""
    command = [sys.executable, "-m", "arc_instrument", "rehearse", "--inputs", str(inputs), *options]
    begun = ["--begun", repr(time.monotonic())]  # one clock for all processes of a machine
    try:
        child = subprocess.run(
            [*command, *begun], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"The window was not done within {TIMEOUT_S} s.") from error
    told = child.stdout.strip().splitlines()
    if child.returncode or not told:
        reason = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        raise UserError(f"The window could not be opened ({reason}): arc-instrument doctor names what is missing.")
    measured = json.loads(told[-1])
    if inputs and not measured["answer_ms"]:
        raise UserError("The window was opened, but its model could not be loaded: arc-instrument doctor says why.")
    return measured
