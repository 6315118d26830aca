"""What the worker does next: the person's orders first, and of each kind the latest."""

import threading
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from arc_instrument.domain import ORIGINS, GenerationRequest

PASSING = ("draft", "fresh")  # of no worth once something more urgent was ordered


class ModelChoice(NamedTuple):
    """`weights` is a model's folder, None for the embedded one; `precision` what it computes in, "" for the faster."""

    weights: Path | None = None
    precision: str = ""


class RequestQueue:
    """The wanted model, the waiting requests of each origin, and the cancel token of those that run.

    Shared by both threads.
    """

    def __init__(self, wanted: ModelChoice) -> None:
        self.wanted = wanted
        self._lock = threading.Lock()
        self._waiting: dict[str, list[GenerationRequest]] = {}
        self._running = ""  # origin of what runs
        self._resumes = False  # whether what runs goes on once what interrupted it is done
        self._token = threading.Event()

    def want(self, wanted: ModelChoice) -> None:
        """Hand out no request until the worker has this model."""
        with self._lock:
            self.wanted = wanted

    def give_up(self, wanted: ModelChoice, instead: ModelChoice) -> bool:
        """Want the model `instead`, unless another than `wanted` is wanted by now; whether it is."""
        with self._lock:
            if self.wanted != wanted:
                return False
            self.wanted = instead
            return True

    def put(self, requests: Sequence[GenerationRequest]) -> list[GenerationRequest]:
        """Make `requests` wait; returns the waiting ones they replace."""
        origin = requests[0].origin
        with self._lock:
            outdated = {origin, *PASSING} if origin == "user" else {origin}
            dropped = [request for name in ORIGINS if name in outdated for request in self._waiting.pop(name, [])]
            self._waiting[origin] = list(requests)
            if self._running:
                if origin == self._running != "fresh":
                    self._resumes = False
                    self._token.set()
                elif ORIGINS.index(origin) < ORIGINS.index(self._running):
                    self._token.set()
            return dropped

    def take(self, model: ModelChoice) -> tuple[list[GenerationRequest], threading.Event] | None:
        """The next requests to run together, with a fresh token that cancels them.

        None if nothing waits, or if it waits for another than `model`.
        """
        with self._lock:
            origin = next((name for name in ORIGINS if self._waiting.get(name)), "")
            if not origin or self.wanted != model:
                return None
            waiting = self._waiting[origin]
            batch = list(takewhile(lambda request: _shares(request) == _shares(waiting[0]), waiting))
            self._waiting[origin] = waiting[len(batch) :]
            self._running, self._resumes, self._token = origin, origin not in ("user", *PASSING), threading.Event()
            return batch, self._token

    def end(self, left: list[GenerationRequest], *, failed: bool) -> list[GenerationRequest]:
        """What ran has ended and `left` these undone: returns those that are cancelled, the others wait again."""
        with self._lock:
            origin, self._running = self._running, ""
            if left and (failed or self._resumes):
                self._waiting[origin] = [*left, *self._waiting.get(origin, [])]
                return []
            return left

    def cancel(self) -> list[GenerationRequest]:
        with self._lock:
            dropped = [request for name in ORIGINS for request in self._waiting.pop(name, [])]
            self._resumes = False
            self._token.set()
            return dropped


def _shares(request: GenerationRequest) -> tuple[object, ...]:
    """What the sounds of one batch have in common."""
    return request.seconds, request.steps, request.init is None, request.init_noise
