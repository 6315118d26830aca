"""The worker thread that owns the model, and its queue: the latest request of the person wins."""

import ctypes
import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot

from arc_instrument.domain import Generated, GenerationRequest, LoadedModel, Phase, Progress, UserError

_log = logging.getLogger(__name__)
SHUTDOWN_MS = 20_000  # importing torch cannot be interrupted


class Synth(Protocol):
    """What the worker needs of `arc_instrument.synth.Synth`."""

    name: str
    max_seconds: float
    licence: str
    licence_link: str

    def warm_up(self) -> None: ...

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]: ...


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
        """Order a sound.

        A "user" request cancels whatever runs or waits. A "fresh" one waits its turn and replaces only a waiting
        "fresh" one. Before the model is loaded, the request waits.
        """
        for dropped in self._queue.put(request):
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
    """The wanted model, one waiting request per origin, and the cancel token of the running one.

    Shared by both threads.
    """

    def __init__(self, weights: Path | None) -> None:
        self.weights = weights
        self._lock = threading.Lock()
        self._user: GenerationRequest | None = None
        self._fresh: GenerationRequest | None = None
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

    def put(self, request: GenerationRequest) -> list[GenerationRequest]:
        """Make `request` wait; returns the waiting requests it replaces."""
        with self._lock:
            if request.origin == "fresh":
                dropped, self._fresh = self._fresh, request
                return [dropped] if dropped else []
            dropped = [waiting for waiting in (self._user, self._fresh) if waiting]
            self._user, self._fresh = request, None
            self._token.set()
            return dropped

    def take(self, weights: Path | None) -> tuple[GenerationRequest, threading.Event] | None:
        """The next request to run, with a fresh token that cancels it.

        None if nothing waits, or if it waits for another model than that of `weights`.
        """
        with self._lock:
            request = self._user or self._fresh
            if request is None or self.weights != weights:
                return None
            if request is self._user:
                self._user = None
            else:
                self._fresh = None
            self._token = threading.Event()
            return request, self._token

    def cancel(self) -> list[GenerationRequest]:
        with self._lock:
            dropped = [waiting for waiting in (self._user, self._fresh) if waiting]
            self._user = self._fresh = None
            self._token.set()
            return dropped


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

    def _run(self, synth: Synth, request: GenerationRequest, token: threading.Event) -> None:
        """Make one sound. One that was ordered for a model of longer sounds is cut to what this one makes."""
        self.phaseChanged.emit(Phase.GENERATING, "Generating")
        notes = ()
        if request.seconds > synth.max_seconds:
            request = replace(request, seconds=synth.max_seconds)
            notes = (f"{synth.name} makes at most {synth.max_seconds:.1f} s: the sound is as long as that.",)
        stream = synth.stream(request)
        try:
            for item in stream:
                if token.is_set():
                    break
                if isinstance(item, Generated):
                    self.generated.emit(replace(item, notes=(*notes, *item.notes)))
                    return
                self.progressed.emit(item)
            self.cancelled.emit(request.id)
        except UserError as error:
            self.failed.emit(request.id, str(error))
        except MemoryError:
            sentence = "There is not enough memory for this sound: make a shorter one, or choose a smaller model."
            self.failed.emit(request.id, sentence)
        except Exception as error:
            _log.exception("generation failed")
            self.failed.emit(request.id, f"The model failed on this request ({_brief(error)}): try again.")
        finally:
            if close := getattr(stream, "close", None):
                close()
            self.phaseChanged.emit(Phase.READY, "Ready")


def _give_memory_back() -> None:
    """Free what was dropped; glibc would keep 270 MB of a freed ARC_MINI for itself."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def _brief(error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
    return f"{type(error).__name__}: {first_line[:120]}" if first_line else type(error).__name__
