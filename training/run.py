"""A run is a folder: recipe, code version, metrics, checkpoints that resume bit-exactly.

Every step draws all its randomness from (seed, step), so a resumed run needs no generator state and no data
position: step 5,000 sees the same crops and the same noise whether or not the process died at 4,999. Of several
processes the first writes; all of them must see the folder.
"""

import json
import math
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from model.config import ModelConfig, OobleckConfig
from model.machine import fast_dtype
from training.launch import Launch, shard, shares
from training.optim import whole

if TYPE_CHECKING:
    from model.weights import OpenedModel

CHECKPOINT, METRICS = "checkpoint.pt", "metrics.jsonl"
GENERATOR_PARTS = ("dit", "seconds", "start")
MAY_CHANGE = ("recipe.steps",)  # between a run's begin and its resumption
DIVERGED, WINDOW, SETTLED, PATIENCE = 20.0, 200, 50, 10


class RunError(ValueError):
    """A run cannot go on; the sentence says at which step, why, and what is left."""


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


def open_fabric(launch: Launch | None = None) -> Fabric:
    """The devices of `launch`, by default one, the GPU if there is one; of several processes each returns from here.

    Precision "auto" is bfloat16 autocast where it is fast, float32 where it is not. FSDP is torch's `fully_shard`
    (FSDP2), which also runs on CPUs; Fabric's older "fsdp" wants GPUs.
    """
    launch = launch or Launch()
    precision, strategy = launch.precision, launch.strategy
    if precision == "auto":
        mixed = torch.cuda.is_available() or fast_dtype() is torch.bfloat16
        precision = "bf16-mixed" if mixed else "32-true"
    if strategy == "fsdp":
        from lightning_fabric.strategies.model_parallel import ModelParallelStrategy

        strategy = ModelParallelStrategy(shard, launch.devices * launch.nodes, 1)
    fabric = Fabric(devices=launch.devices, num_nodes=launch.nodes, strategy=strategy, precision=cast("Any", precision))
    fabric.launch()
    return fabric


@contextmanager
def all_or_none(fabric: Fabric) -> Iterator[None]:
    """What goes wrong in one process ends all of them, which would wait for it; the first says what it was."""
    own: Exception | None = None
    try:
        yield
    except (ValueError, OSError) as error:
        own = error
    said = [str(own or "")]
    if fabric.world_size > 1:
        said = said * fabric.world_size
        torch.distributed.all_gather_object(said, str(own or ""))
    if any(said):
        if not fabric.is_global_zero:
            raise SystemExit(int(fabric.local_rank == 0))  # Fabric kills a node's first when another ends with 1
        raise own or ValueError(next(filter(None, said)))


def parts_of(rows: Sequence[int], launch: Launch, fabric: Fabric) -> list[tuple[slice, bool]]:
    """See `shares`; where tensors are in pieces as many parts as in every process, because each gathers them."""
    pieces = min(launch.accumulate, len(rows))
    if launch.shards and launch.accumulate > 1:
        least = fabric.all_reduce(torch.tensor(pieces, device=fabric.device), reduce_op="min")
        assert isinstance(least, Tensor)
        pieces = int(least)
    return shares(rows, pieces)


def set_up_optimizer(fabric: Fabric, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Hand an optimiser to Fabric, after its module: sharding exchanges the parameters."""
    return cast("torch.optim.Optimizer", fabric.setup_optimizers(optimizer))


def clip_gradients(fabric: Fabric, module: Any, optimizer: Any, max_norm: float) -> float:
    """Scale the gradients down to `max_norm` (0: leave them); their norm before, whatever it is."""
    norm = fabric.clip_gradients(module, optimizer, max_norm=max_norm or math.inf, error_if_nonfinite=False)
    return float("nan") if norm is None else float(whole(norm))


def averaged_over_processes(fabric: Fabric, **values: Tensor) -> dict[str, float]:
    """The mean of each scalar over all processes, in one exchange."""
    together = torch.stack([value.detach().float() for value in values.values()])
    reduced = fabric.all_reduce(together, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return dict(zip(values, reduced.tolist(), strict=True))


def flat(tree: Any, name: str = "") -> dict[str, Any]:
    """Nested dicts as one, names joined by dots; tuples as lists, as JSON has them."""
    if not isinstance(tree, dict):
        return {name: list(tree) if isinstance(tree, tuple) else tree}
    return {k: v for key, value in tree.items() for k, v in flat(value, f"{name}.{key}" if name else key).items()}


def gathered(tree: Any) -> Any:
    """A state with its sharded tensors put together; every process must call it."""
    if isinstance(tree, dict):
        return {key: gathered(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(gathered(value) for value in tree)
    return whole(tree) if isinstance(tree, Tensor) else tree


def scattered(part: Any, state: dict[str, Any]) -> dict[str, Any]:
    """A whole state as `part` holds it: where its parameters are sharded, so is what belongs to them."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    def like(own: Any, value: Any) -> Any:
        fits = isinstance(own, DTensor) and isinstance(value, Tensor) and value.shape == own.shape
        return distribute_tensor(value, own.device_mesh, own.placements) if fits else value

    if isinstance(part, nn.Module):
        own = part.state_dict()
        return {name: like(own.get(name), value) for name, value in state.items()}
    parameters = [p for group in part.param_groups for p in group["params"]]
    moments = {i: {k: like(parameters[i], v) for k, v in held.items()} for i, held in state["state"].items()}
    return {**state, "state": moments}


class Run:
    """One training run in `folder`; `parts` are what a checkpoint holds, by name.

    Opening a folder that holds a checkpoint loads it: `step` then tells where to go on. Raises RunError for one of
    another recipe or model, or one that cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Any,
        parts: dict[str, Stateful],
        fabric: Fabric,
        config: ModelConfig | None = None,
        save_every_s: float = 180.0,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.parts, self.fabric, self.seed = folder, parts, fabric, recipe.seed
        self.step, self.save_every_s = 0, save_every_s
        self._about = {"recipe": asdict(recipe), "config": asdict(config) if config else None}
        self._checkpoint, self._partial = folder / CHECKPOINT, folder / "checkpoint.partial"
        self._recent: dict[str, deque[float]] = {}
        self._strikes: dict[str, int] = {}
        self._stop = False
        self._writer = None
        if self._checkpoint.exists():
            self._load()
            fabric.print(f"resuming {folder} at step {self.step}")
        if fabric.is_global_zero:
            self._partial.unlink(missing_ok=True)
            about = {**self._about, "code": code_version(), "torch": torch.__version__, "from_step": self.step}
            with (folder / "config.jsonl").open("a") as file:
                file.write(json.dumps(about, default=str) + "\n")
            self._forget_what_will_be_repeated()

    def rng(self, step: int, stream: int = 0) -> np.random.Generator:
        """The numpy generator of one step, the same in every process; another for each use of it."""
        return np.random.default_rng((self.seed, step, stream) if stream else (self.seed, step))

    def steps(self, total: int) -> Iterator[int]:
        """Yield step numbers up to `total`, torch seeded by each (and by the process).

        Saves at times, at the end, and when told to stop by Ctrl-C or SIGTERM: after the step in hand, so that a
        checkpoint is always a whole step's. An exception leaves the last checkpoint as it is.
        """
        saved_s, first = time.monotonic(), self.fabric.is_global_zero
        bar = tqdm(
            range(self.step, total),
            initial=self.step,
            total=total,
            mininterval=5,
            desc=self.folder.name,
            disable=not first,
        )
        with self._stopped_by_signals():
            for step in bar:
                torch.manual_seed((self.seed * 1_000_003 + step + (self.fabric.global_rank << 40)) % 2**63)
                yield step
                self.step = step + 1
                stop, due = self._agreed(self._stop, first and time.monotonic() - saved_s > self.save_every_s)
                if stop:
                    self.save()
                    self.fabric.print(f"{self.folder}: stopped and saved after {self.step} of {total} steps")
                    # Of each node the first has begun the others: Fabric kills it when one of them ends with an error.
                    raise KeyboardInterrupt if self.fabric.local_rank == 0 else SystemExit(0)
                if due:
                    self.save()
                    saved_s = time.monotonic()
        self.save()

    def watch(self, step: int, grad_norm: float, **losses: float) -> None:
        """Stop the run before a step that would spoil it: call this every step, before the optimiser's.

        Raises RunError for a value that is not finite, or a loss that was above 20 times its running median (of 200
        steps, at least 50) for 10 steps on end. The line stays in the metrics.
        """
        self._stop_unless_finite(step, {**losses, "grad_norm": grad_norm})
        for name, loss in losses.items():
            recent = self._recent.setdefault(name, deque(maxlen=WINDOW))
            usual = median(recent) if len(recent) >= SETTLED else math.inf
            self._strikes[name] = self._strikes.get(name, 0) + 1 if abs(loss) > DIVERGED * usual else 0
            if self._strikes[name] >= PATIENCE:
                self._write(step, {name: loss})
                raise RunError(
                    f"{self.folder}: {name} is {loss:.4g} at step {step}, more than {DIVERGED:.0f} times its median "
                    f"{usual:.4g} for {PATIENCE} steps: {self._left()}"
                )
            if not self._strikes[name]:
                recent.append(abs(loss))

    def log(self, step: int, **values: float) -> None:
        """Append metrics. Raises RunError after writing a value that is not finite."""
        self._stop_unless_finite(step, values)
        self._write(step, values)

    @property
    def writer(self) -> Any:
        """TensorBoard's, of the first process; None where TensorBoard is not installed."""
        if self._writer is None and self.fabric.is_global_zero:
            with suppress(ImportError):
                from torch.utils.tensorboard import SummaryWriter

                self._writer = SummaryWriter(self.folder, purge_step=self.step or None)
        return self._writer

    def save(self) -> None:
        """Write the checkpoint under a temporary name, then move it into place: a kill leaves the old one whole.

        Raises RunError when it cannot be written, with the old one as it was.
        """
        state = {name: gathered(part.state_dict()) for name, part in self.parts.items()}
        with all_or_none(self.fabric):
            if self.fabric.is_global_zero:
                self._write_checkpoint(state)

    def _write_checkpoint(self, state: dict[str, Any]) -> None:
        try:
            with self._partial.open("wb") as file:
                torch.save({**state, **self._about, "step": self.step}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(self._partial, self._checkpoint)
            sync_folder(self.folder)
        except (OSError, RuntimeError) as error:  # torch reports a failed write as either
            self._partial.unlink(missing_ok=True)
            reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
            raise RunError(
                f"{self._checkpoint}: step {self.step} could not be saved ({reason}); make room: {self._left()}"
            ) from error

    def _load(self) -> None:
        try:
            state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
            step = state["step"]
        except Exception as error:  # of any class: what a damaged file makes torch do is not foreseeable
            raise RunError(f"{self._checkpoint} cannot be read; delete it to begin again: {error}") from error
        begun, wanted = (flat({k: a[k] for k in self._about if a.get(k)}) for a in (state, self._about))
        for name in begun.keys() & wanted.keys() - set(MAY_CHANGE):
            if begun[name] != wanted[name]:
                raise RunError(
                    f"{self.folder} was begun with {name} {begun[name]}, not {wanted[name]}: go on as it was begun, or "
                    f"start another folder with --init {self.folder}"
                )
        if missing := sorted(self.parts.keys() - state.keys()):
            raise RunError(
                f"{self._checkpoint} holds no {missing[0]}, which this training has: choose another folder, to which "
                f"--init {self.folder} brings its weights"
            )
        for name, part in self.parts.items():
            try:
                part.load_state_dict(scattered(part, state[name]))
            except (KeyError, RuntimeError, ValueError) as error:
                raise RunError(
                    f"{self._checkpoint} is of another model or training, {name} does not fit: choose another folder"
                ) from error
        self.step = step

    def _forget_what_will_be_repeated(self) -> None:
        """Drop the metrics of steps after the checkpoint, and a line that a kill cut short: each step stands once."""
        metrics, kept = self.folder / METRICS, []
        for line in metrics.read_text().splitlines() if metrics.exists() else []:
            with suppress(ValueError):
                kept += [line] if json.loads(line)["step"] < self.step else []
        replacement = metrics.with_suffix(".partial")
        replacement.write_text("".join(f"{line}\n" for line in kept))
        os.replace(replacement, metrics)

    def _left(self) -> str:
        return f"the last good checkpoint is {self._checkpoint}" if self._checkpoint.exists() else "nothing was saved"

    def _stop_unless_finite(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                self._write(step, values)
                raise RunError(f"{self.folder}: {name} is {value} at step {step}; {self._left()}")

    def _write(self, step: int, values: dict[str, float]) -> None:
        if not self.fabric.is_global_zero:
            return
        with (self.folder / METRICS).open("a") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 1), **values}) + "\n")
        for name, value in values.items():
            if self.writer is not None:
                self.writer.add_scalar(name, value, step)

    def _agreed(self, *flags: bool) -> list[bool]:
        """Each flag, true in all processes where it is true in one."""
        if self.fabric.world_size == 1:
            return list(flags)
        total = self.fabric.all_reduce(torch.tensor([float(flag) for flag in flags]), reduce_op="sum")
        assert isinstance(total, Tensor)
        return [value > 0 for value in total.tolist()]

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        """Meanwhile Ctrl-C and a scheduler's SIGTERM end the run after a step; a second one ends it at once."""

        def stop(number: int, _: Any) -> None:
            self._stop = True
            signal.signal(number, signal.default_int_handler)

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, so that a renamed file survives a power cut; where systems allow it."""
    with suppress(OSError, AttributeError):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def averaged_weights(folder: Path) -> dict[str, Tensor]:
    """The exponential moving average of a run's trained module, as its own state dict."""
    ema = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)["ema"]
    return {name.removeprefix("module."): tensor for name, tensor in ema.items()}


def initial_weights(path: Path, parts: Sequence[str]) -> dict[str, Tensor]:
    """What a training starts from, float32: the averaged weights of a run folder, or some parts of a model.

    A model is a folder with model.safetensors, installed ones with published names included, or such a file with our
    names. Of a model the names keep their part ("dit.…") unless one part alone is asked for. Raises ValueError where
    there is neither.
    """
    if (path / CHECKPOINT).is_file():
        return averaged_weights(path)
    from model.tensorfile import read
    from model.weights import WEIGHTS_FILE, open_folder

    opened = open_folder(path) if path.is_dir() else None
    if opened is not None and opened.published:
        tensors = published_weights(opened, parts)
    else:
        tensors = read(opened.weights if opened else path)
    chosen = {name: tensors[name].float() for name in tensors if name.split(".")[0] in parts}
    if not chosen:
        raise ValueError(f"{path}: no run folder, and no {WEIGHTS_FILE} with the parts {', '.join(parts)}")
    return {name.removeprefix(f"{parts[0]}.") if len(parts) == 1 else name: t for name, t in chosen.items()}


def published_weights(opened: "OpenedModel", parts: Sequence[str]) -> dict[str, Tensor]:
    """Some parts of a model whose file has the published names, under ours; the others are checked, not read."""
    from model.checkpoint import state_dict
    from model.generator import Generator
    from model.oobleck import OobleckAutoencoder
    from model.weights import fill

    config = opened.config
    assert isinstance(config.autoencoder, OobleckConfig)
    with torch.device("meta"):
        generator, autoencoder = Generator(config), OobleckAutoencoder(config.autoencoder)
    modules = {**dict(generator.named_children()), "autoencoder": autoencoder}
    fill(modules, opened, lambda name: name.split(".")[0] in parts)
    return {name: tensor for name, tensor in state_dict(modules).items() if name.split(".")[0] in parts}


def load_initial(module: nn.Module, initial: dict[str, Tensor]) -> None:
    """Fill a module from another run or model. Raises ValueError for one of another size."""
    own = module.state_dict()
    misfits = sorted(own.keys() ^ initial.keys())
    misfits += sorted(name for name in own.keys() & initial.keys() if own[name].shape != initial[name].shape)
    if misfits:
        raise ValueError(f"--init: those weights are of another model: {misfits[0]} and {len(misfits) - 1} more differ")
    module.load_state_dict(initial)


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The metrics of a run, one dict a line."""
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
