"""The worker thread that owns the model, and its queue: the person's orders first, and of each kind the latest."""

import ctypes
import logging
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot

from arc_instrument.domain import ORIGINS, Generated, GenerationRequest, LoadedModel, Phase, Progress, UserError

_log = logging.getLogger(__name__)
PASSING = ("draft", "fresh")  # of no worth once something more urgent was ordered
SHUTDOWN_MS = 20_000  # importing torch cannot be interrupted


class Synth(Protocol):
    """What the worker needs of `arc_instrument.synth.Synth`."""

    name: str
    max_seconds: float
    licence: str
    licence_link: str

    def warm_up(self) -> None: ...

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]: ...

    def stream_batch(self, requests: Sequence[GenerationRequest]) -> Iterator[Progress | Generated]: ...


class GenerationService(QObject):
    """Handle of the worker thread; lives in the GUI thread.

    Signals:
        phaseChanged(Phase, str): what the worker does now, and the sentence that says so.
        modelLoaded(LoadedModel): sounds are made with this model from now on.
        switchFailed(str): the wanted model could not be loaded, the one before it is back; the sentence says why.
        progressed(Progress): one denoising step is done.
        generated(Generated): a sound is finished; never sent for a cancelled request.
        failed(int, str): id of the request and one sentence.
        cancelled(int): id of a request that was cancelled or superseded.
    """

    phaseChanged = Signal(object, str)
    modelLoaded = Signal(object)
    switchFailed = Signal(str)
    progressed = Signal(object)
    generated = Signal(object)
    failed = Signal(int, str)
    cancelled = Signal(int)
    _load = Signal()
    _reload = Signal()
    _wake = Signal()

    def __init__(
        self,
        make_synth: Callable[[Path | None], Synth],
        weights: Path | None = None,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._queue = _Queue(weights)
        self._thread = QThread()
        self._thread.setObjectName("generation")
        self._worker = _Worker(make_synth, self._queue)
        self._worker.moveToThread(self._thread)
        names = ("phaseChanged", "modelLoaded", "switchFailed", "progressed", "generated", "failed", "cancelled")
        for name in names:
            getattr(self._worker, name).connect(getattr(self, name))
        self._load.connect(self._worker.load)
        self._reload.connect(self._worker.reload)
        self._wake.connect(self._worker.run_waiting)

    def start(self) -> None:
        """Load the model in the worker; called again after a failed load, it tries once more."""
        if not self._thread.isRunning():
            self._thread.start()
        self._load.emit()

    @property
    def weights(self) -> Path | None:
        """The folder of the model that is loaded or is to be; None: the embedded one."""
        return self._queue.weights

    def switch(self, weights: Path | None) -> None:
        """Make sounds with the model in the folder `weights` (None: the embedded one) from now on.

        The sound that is being made is finished first; what waits, and what is ordered meanwhile, is made with the
        new model. If that one cannot be loaded, the one before it comes back.
        """
        self._queue.want(weights)
        self._load.emit()

    def reload(self) -> None:
        """Load the model anew, because what it computes in has changed. What waits is made afterwards."""
        if self._thread.isRunning():
            self._reload.emit()

    def submit(self, request: GenerationRequest) -> None:
        """Order a sound; see `submit_batch`."""
        self.submit_batch([request])

    def submit_batch(self, requests: Sequence[GenerationRequest]) -> None:
        """Order sounds of one origin, which arrive one by one in this order. Before the model is loaded, they wait.

        The latest wins: they replace what waits, and but for "fresh" what runs, of their origin. They interrupt what is
        less urgent (`ORIGINS`): "variation" and "kit" go on afterwards, drafts and fresh sounds are then of the past.
        """
        for dropped in self._queue.put(requests):
            self.cancelled.emit(dropped.id)
        self._wake.emit()

    def cancel(self) -> None:
        """Cancel what runs, between two steps, and drop what waits."""
        for dropped in self._queue.cancel():
            self.cancelled.emit(dropped.id)

    def shutdown(self) -> bool:
        """Cancel, and end the thread; False if it did not end within `SHUTDOWN_MS`."""
        self._queue.cancel()
        self._thread.quit()
        return self._thread.wait(SHUTDOWN_MS)


class _Queue:
    """The wanted model, the waiting requests of each origin, and the cancel token of those that run.

    Shared by both threads.
    """

    def __init__(self, weights: Path | None) -> None:
        self.weights = weights
        self._lock = threading.Lock()
        self._waiting: dict[str, list[GenerationRequest]] = {}
        self._running = ""  # origin of what runs
        self._resumes = False  # whether what runs goes on once what interrupted it is done
        self._token = threading.Event()

    def want(self, weights: Path | None) -> None:
        """Hand out no request until the model of `weights` asks for it."""
        with self._lock:
            self.weights = weights

    def give_up(self, weights: Path | None, instead: Path | None) -> None:
        """Want the model of `instead`, unless another than that of `weights` is wanted by now."""
        with self._lock:
            if self.weights == weights:
                self.weights = instead

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

    def take(self, weights: Path | None) -> tuple[list[GenerationRequest], threading.Event] | None:
        """The next requests to run together, with a fresh token that cancels them.

        None if nothing waits, or if it waits for another model than that of `weights`.
        """
        with self._lock:
            origin = next((name for name in ORIGINS if self._waiting.get(name)), "")
            if not origin or self.weights != weights:
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


class _Worker(QObject):
    phaseChanged = Signal(object, str)
    modelLoaded = Signal(object)
    switchFailed = Signal(str)
    progressed = Signal(object)
    generated = Signal(object)
    failed = Signal(int, str)
    cancelled = Signal(int)

    def __init__(self, make_synth: Callable[[Path | None], Synth], queue: _Queue):
        super().__init__()
        self._make_synth = make_synth
        self._queue = queue
        self._synth: Synth | None = None
        self._loaded: LoadedModel | None = None  # what `_synth` is

    @Slot()
    def load(self) -> None:
        """Load the wanted model unless it is here; if that fails, the one before it, and then the embedded one."""
        wanted, before = self._queue.weights, self._loaded
        if before is not None and before.weights == wanted:
            self.modelLoaded.emit(before)
        else:
            self._replace(wanted, None if before is None else before.weights)
        self.run_waiting()

    @Slot()
    def reload(self) -> None:
        """Load the wanted model though it is here."""
        self._replace(self._queue.weights, None if self._loaded is None else self._loaded.weights)
        self.run_waiting()

    def _replace(self, wanted: Path | None, before: Path | None) -> None:
        self._synth = self._loaded = None  # at once: two large models together may not fit into memory
        _give_memory_back()
        problems = []
        for weights in dict.fromkeys((wanted, before, None)):
            problem = self._try(weights)
            if problem is None:
                break
            problems.append(problem)
        if self._loaded is None:
            self.phaseChanged.emit(Phase.FAILED, problems[0])
        elif problems:
            self._queue.give_up(wanted, self._loaded.weights)
            self.switchFailed.emit(problems[0])

    def _try(self, weights: Path | None) -> str | None:
        """Load and warm up one model; the sentence that says why it failed, None if it is there."""
        try:
            self.phaseChanged.emit(Phase.LOADING, "Loading the model")
            synth = self._make_synth(weights)
            self.phaseChanged.emit(Phase.WARMING, "Warming up the model")
            synth.warm_up()
        except UserError as error:
            return str(error)
        except MemoryError:
            return "There is not enough memory for this model: close other programs, or choose a smaller model."
        except Exception as error:
            _log.exception("the model could not be loaded")
            return f"The model could not be loaded ({_brief(error)})."
        self._synth = synth
        self._loaded = LoadedModel(synth.name, synth.max_seconds, synth.licence, synth.licence_link, weights)
        self.modelLoaded.emit(self._loaded)
        self.phaseChanged.emit(Phase.READY, "Ready")
        return None

    @Slot()
    def run_waiting(self) -> None:
        while self._synth and self._loaded and (waiting := self._queue.take(self._loaded.weights)):
            self._run(self._synth, *waiting)

    def _run(self, synth: Synth, requests: list[GenerationRequest], token: threading.Event) -> None:
        """Make sounds. Those that were ordered for a model of longer sounds are cut to what this one makes."""
        self.phaseChanged.emit(Phase.GENERATING, "Generating")
        notes, failed = (), False
        if requests[0].seconds > synth.max_seconds:
            requests = [replace(request, seconds=synth.max_seconds) for request in requests]
            notes = (f"{synth.name} makes at most {synth.max_seconds:.1f} s: the sound is as long as that.",)
        left = {request.id: request for request in requests}
        stream = synth.stream(requests[0]) if len(requests) == 1 else synth.stream_batch(requests)
        try:
            for item in stream:
                if token.is_set():
                    break
                if isinstance(item, Generated):
                    del left[item.request.id]
                    self.generated.emit(replace(item, notes=(*notes, *item.notes)))
                    if not left:
                        break
                else:
                    self.progressed.emit(item)
        except UserError as error:
            failed = self._fail(left, str(error))
        except MemoryError:
            sentence = "There is not enough memory for this sound: make a shorter one, or choose a smaller model."
            failed = self._fail(left, sentence)
        except Exception as error:
            _log.exception("generation failed")
            failed = self._fail(left, f"The model failed on this request ({_brief(error)}): try again.")
        finally:
            if close := getattr(stream, "close", None):
                close()
            for request in self._queue.end(list(left.values()), failed=failed and not token.is_set()):
                self.cancelled.emit(request.id)
            self.phaseChanged.emit(Phase.READY, "Ready")

    def _fail(self, left: dict[int, GenerationRequest], sentence: str) -> bool:
        """Report the first of what is left; the others are tried without it."""
        number = next(iter(left))
        del left[number]
        self.failed.emit(number, sentence)
        return True


def _give_memory_back() -> None:
    """glibc would keep 270 MB of a freed ARC_MINI for itself. No collection here: it would free widgets, and crash."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def _brief(error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
    return f"{type(error).__name__}: {first_line[:120]}" if first_line else type(error).__name__
