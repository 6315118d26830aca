"""How a training runs: on which devices, in which precision, a batch in how many parts; and its command line.

The same command runs on one CPU, one GPU, eight, or many nodes: a recipe's batch is the global one, each process takes
its share of it, and all randomness belongs to an item's place in the global batch.
"""

import argparse
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from types import MethodType
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from model.dit import Block

STRATEGIES = ("auto", "ddp", "fsdp")
PRECISIONS = ("auto", "bf16-mixed", "32-true")

Recipe = TypeVar("Recipe")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Launch:
    """Everything about a run that changes its cost but not, up to rounding, its result."""

    devices: int = 1  # of each node
    nodes: int = 1
    strategy: str = "auto"  # one of STRATEGIES; auto: none for one device, ddp for several
    precision: str = "auto"  # one of PRECISIONS; auto: bfloat16 autocast where it is fast
    accumulate: int = 1  # parts in which a process computes its share of a batch
    checkpoint_activations: bool = False
    compile: bool = False
    log_every: int = 10  # steps
    preview_every: int = 500  # steps; 0: no previews
    save_every_s: float = 180.0

    @property
    def shards(self) -> bool:
        """Whether each process holds a piece of every tensor."""
        return self.strategy == "fsdp"

    def previews_after(self, step: int) -> bool:
        """Whether a preview follows this step."""
        return self.preview_every > 0 and (step + 1) % self.preview_every == 0

    def prepare(self, module: nn.Module) -> nn.Module:
        """Make the blocks of a transformer compute as asked; before Fabric sets the module up, after any copy of it."""
        if self.compile:
            torch._dynamo.config.recompile_limit = 64  # lengths × with and without gradients
        for block in module.modules():
            if not isinstance(block, Block):
                continue
            if self.checkpoint_activations:
                block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
            if self.compile:
                block.compile()  # block by block: the second costs nothing, and new lengths soon become one graph
        return module

    def prepare_method(self, module: nn.Module, name: str) -> nn.Module:
        """Compile one method of a module as a whole if asked; when `prepare` is for others, and as early as it.

        It stays a method: Fabric's `mark_forward_method` takes nothing else.
        """
        if self.compile:
            setattr(module, name, MethodType(torch.compile(getattr(type(module), name)), module))
        return module


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every training is told: its run folder, and how to run."""
    parser.add_argument("--run", type=Path, required=True, help="the run's folder; resumed if it exists")
    how = parser.add_argument_group("how to run")
    how.add_argument("--devices", type=int, default=1, help="GPUs, or processes on a CPU, of each node")
    how.add_argument("--nodes", type=int, default=1)
    how.add_argument("--strategy", choices=STRATEGIES, default="auto")
    how.add_argument("--precision", choices=PRECISIONS, default="auto")
    how.add_argument("--accumulate", type=int, default=1, help="parts in which a process computes its share of a batch")
    how.add_argument("--checkpoint-activations", action="store_true", help="compute activations twice to save memory")
    how.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, help="by torch.compile; default: where a C++ compiler is"
    )
    how.add_argument("--log-every", type=int, default=10, help="steps between lines of metrics")
    how.add_argument("--preview-every", type=int, default=500, help="steps between audio previews; 0: none")
    how.add_argument("--save-every-s", type=float, default=180.0, help="seconds between checkpoints")


def add_recipe_arguments(parser: argparse.ArgumentParser, recipe: type) -> None:
    """Add an option for every field of a recipe but those that are recipes of their own."""
    which = parser.add_argument_group("recipe", "what differs from the model's own recipe in training/config.py")
    hints = get_type_hints(recipe)
    for field in fields(recipe):
        name, kind = f"--{field.name.replace('_', '-')}", hints[field.name]
        if get_origin(kind) is Literal:
            which.add_argument(name, choices=get_args(kind))
        elif get_origin(kind) is tuple:
            types = get_args(kind)
            which.add_argument(name, type=types[0], nargs=len(types))
        elif is_dataclass(kind):
            continue
        elif kind is bool:
            which.add_argument(name, action=argparse.BooleanOptionalAction)
        else:
            which.add_argument(name, type=next((t for t in get_args(kind) if t is not type(None)), kind))


def launch_of(args: argparse.Namespace) -> Launch:
    """Return how to run, as the command line says. Raises ValueError for counts below 1."""
    if args.compile is None:
        args.compile = any(shutil.which(name) for name in ("c++", "g++", "clang++"))
        if not args.compile:
            print("There is no C++ compiler here: torch.compile is left out.")
    launch = Launch(**{field.name: getattr(args, field.name) for field in fields(Launch)})
    for name in ("devices", "nodes", "accumulate", "log_every"):
        if getattr(launch, name) < 1:
            raise ValueError(f"--{name.replace('_', '-')} {getattr(launch, name)}: must be at least 1")
    return launch


def recipe_of(args: argparse.Namespace, recipe: Recipe) -> Recipe:
    """Return `recipe` with what the command line says otherwise."""
    given: dict[str, Any] = {}
    for field in fields(recipe):  # pyright: ignore[reportArgumentType]
        value = getattr(args, field.name, None)
        if value is not None:
            given[field.name] = tuple(value) if isinstance(value, list) else value
    return replace(recipe, **given)  # pyright: ignore[reportArgumentType]


def shares(rows: Sequence[int], pieces: int) -> list[tuple[slice, bool]]:
    """Cut a process' items into at most `pieces` parts of nearly equal size: each one's slice, and whether it is last.

    Raises ValueError where there are none, because the others would wait for this process for ever.
    """
    if not rows:
        raise ValueError("a batch has fewer items than there are processes: raise --batch-frames, or use fewer devices")
    count, pieces = len(rows), min(pieces, len(rows))
    return [(slice(count * i // pieces, count * (i + 1) // pieces), i == pieces - 1) for i in range(pieces)]


class Ahead(Generic[Made]):
    """Makes what the next step needs, in a thread, while this one computes: a batch depends on its step alone."""

    def __init__(self, make: Callable[[int], Made]):
        self._make, self._thread = make, ThreadPoolExecutor(1)
        self._next: tuple[int, Future[Made]] | None = None

    def __call__(self, step: int) -> Made:
        known = self._next is not None and self._next[0] == step
        made = self._next[1] if self._next is not None and known else self._thread.submit(self._make, step)
        self._next = step + 1, self._thread.submit(self._make, step + 1)
        return made.result()


@contextmanager
def one_sentence() -> Iterator[None]:
    """End the program with what was wrong, not with a traceback; with status 130 when it was interrupted."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def shard(module: nn.Module, mesh: Any) -> nn.Module:
    """Split a module over the processes (FSDP2), gathered again block by block as it computes.

    Keys and values are projected before the blocks run (DiffusionTransformer.prepare), so cross-attention is a unit
    of its own.
    """
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view tensor")  # nothing writes into one here
    own = mesh["data_parallel"]
    for block in module.modules():
        if isinstance(block, Block):
            fully_shard(block.cross_attention, mesh=own)
            register_fsdp_forward_method(block.cross_attention, "keys_values")
            fully_shard(block, mesh=own)
    fully_shard(module, mesh=own)
    return module
