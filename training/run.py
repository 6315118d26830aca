"""A run is a folder: recipe, code version, metrics, checkpoints that resume bit-exactly.

Every step draws all its randomness from (seed, step), so a resumed run needs no generator state and no data
position: step 5,000 sees the same crops and the same noise whether or not the process died at 4,999.
"""

import json
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from model.machine import fast_dtype


class Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


def code_version() -> str:
    """The commit, with "-dirty" when the tree differs from it; "unknown" outside a checkout."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def open_fabric() -> Fabric:
    """One device, the GPU if there is one; bfloat16 autocast where it is fast, float32 where it is not."""
    mixed = torch.cuda.is_available() or fast_dtype() is torch.bfloat16
    return Fabric(accelerator="auto", devices=1, precision="bf16-mixed" if mixed else "32-true")


def clip_gradients(fabric: Fabric, module: Any, optimizer: Any, max_norm: float) -> float:
    """Scale the gradients down to `max_norm`; their norm before."""
    norm = fabric.clip_gradients(module, optimizer, max_norm=max_norm)
    return float("nan") if norm is None else float(norm)


class Run:
    """One training run in `folder`; `parts` are what a checkpoint holds, by name.

    Opening a folder that holds a checkpoint loads it: `step` then tells where to go on.
    """

    def __init__(self, folder: Path, recipe: Any, parts: dict[str, Stateful], fabric: Fabric):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.parts, self.fabric, self.seed = folder, parts, fabric, recipe.seed
        self.step = 0
        self._checkpoint = folder / "checkpoint.pt"
        if self._checkpoint.exists():
            state = torch.load(self._checkpoint, map_location=fabric.device, weights_only=True)
            for name, part in parts.items():
                part.load_state_dict(state[name])
            self.step = state["step"]
            fabric.print(f"resuming {folder} at step {self.step}")
        about = {"recipe": asdict(recipe), "code": code_version(), "torch": torch.__version__, "from_step": self.step}
        with (folder / "config.jsonl").open("a") as file:
            file.write(json.dumps(about, default=str) + "\n")
        self._metrics = (folder / "metrics.jsonl").open("a", buffering=1)
        self._writer = None

    def rng(self, step: int) -> np.random.Generator:
        """The numpy generator of one step."""
        return np.random.default_rng((self.seed, step))

    def steps(self, total: int, save_every_s: float = 180.0) -> Iterator[int]:
        """Yield step numbers up to `total`, torch seeded by each; saves at times, at the end, on Ctrl-C, SIGTERM."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):  # a scheduler's notice to leave is worth a checkpoint
                signal.signal(number, signal.default_int_handler)
        saved_s = time.monotonic()
        bar = tqdm(range(self.step, total), initial=self.step, total=total, mininterval=5, desc=self.folder.name)
        try:
            for step in bar:
                torch.manual_seed((self.seed * 1_000_003 + step) % 2**63)
                yield step
                self.step = step + 1
                if time.monotonic() - saved_s > save_every_s:
                    self.save()
                    saved_s = time.monotonic()
        finally:
            self.save()

    def log(self, step: int, **values: float) -> None:
        """Append metrics; a value that is not finite stops the run before it can poison a checkpoint."""
        for name, value in values.items():
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"{name} is {value} at step {step}; the last good checkpoint is {self._checkpoint}"
                )
        self._metrics.write(json.dumps({"step": step, "time": round(time.time(), 1), **values}) + "\n")
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(self.folder)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def save(self) -> None:
        """Write the checkpoint under a temporary name, then move it into place: a kill leaves the old one whole."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        partial = self._checkpoint.with_suffix(".partial")
        torch.save({**state, "step": self.step}, partial)
        os.replace(partial, self._checkpoint)


def averaged_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The exponential moving average of a run's trained module, as its own state dict."""
    ema = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)["ema"]
    return {name.removeprefix("module."): tensor for name, tensor in ema.items()}


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The metrics of a run, one dict a line."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
