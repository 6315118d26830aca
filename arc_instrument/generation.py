"""The worker thread that owns the model, and its queue: the latest request of the person wins."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal, Slot

from arc_instrument.domain import Generated, GenerationRequest, Phase, Progress, UserError

_log = logging.getLogger(__name__)
SHUTDOWN_MS = 20_000  # importing torch cannot be interrupted


class Synth(Protocol):
    """What the worker needs of `arc_instrument.synth.Synth`."""

    name: str
    max_seconds: float

    def warm_up(self) -> None: ...

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]: ...


class GenerationService(QObject):
    """Handle of the worker thread; lives in the GUI thread.

    Signals:
        phaseChanged(Phase, str): what the worker does now, and the sentence that says so.
        modelLoaded(str, float): name of the model and the longest sound it makes, in seconds.
        progressed(Progress): one denoising step is done.
        generated(Generated): a sound is finished; never sent for a cancelled request.
        failed(int, str): id of the request and one sentence.
        cancelled(int): id of a request that was cancelled or superseded.
    """

    phaseChanged = Signal(object, str)
    modelLoaded = Signal(str, float)
    progressed = Signal(object)
    generated = Signal(object)
    failed = Signal(int, str)
    cancelled = Signal(int)
    _load = Signal()
    _wake = Signal()

    def __init__(self, make_synth: Callable[[], Synth], parent: QObject | None = None):
        super().__init__(parent)
        self._queue = _Queue()
        self._thread = QThread()
        self._thread.setObjectName("generation")
        self._worker = _Worker(make_synth, self._queue)
        self._worker.moveToThread(self._thread)
        for name in ("phaseChanged", "modelLoaded", "progressed", "generated", "failed", "cancelled"):
            getattr(self._worker, name).connect(getattr(self, name))
        self._load.connect(self._worker.load)
        self._wake.connect(self._worker.run_waiting)

    def start(self) -> None:
        """Load the model in the worker; called again after a failed load, it tries once more."""
        if not self._thread.isRunning():
            self._thread.start()
        self._load.emit()

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
    """One waiting request per origin, and the cancel token of the running one. Shared by both threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._user: GenerationRequest | None = None
        self._fresh: GenerationRequest | None = None
        self._token = threading.Event()

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

    def take(self) -> tuple[GenerationRequest, threading.Event] | None:
        """The next request to run, with a fresh token that cancels it; None if nothing waits."""
        with self._lock:
            request = self._user or self._fresh
            if request is None:
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
    modelLoaded = Signal(str, float)
    progressed = Signal(object)
    generated = Signal(object)
    failed = Signal(int, str)
    cancelled = Signal(int)

    def __init__(self, make_synth: Callable[[], Synth], queue: _Queue):
        super().__init__()
        self._make_synth = make_synth
        self._queue = queue
        self._synth: Synth | None = None

    @Slot()
    def load(self) -> None:
        if self._synth is not None:
            return
        try:
            self.phaseChanged.emit(Phase.LOADING, "Loading the model")
            synth = self._make_synth()
            self.phaseChanged.emit(Phase.WARMING, "Warming up the model")
            synth.warm_up()
        except UserError as error:
            self.phaseChanged.emit(Phase.FAILED, str(error))
        except Exception as error:
            _log.exception("the model could not be loaded")
            self.phaseChanged.emit(Phase.FAILED, f"The model could not be loaded ({_brief(error)}).")
        else:
            self._synth = synth
            self.modelLoaded.emit(synth.name, synth.max_seconds)
            self.phaseChanged.emit(Phase.READY, "Ready")
            self.run_waiting()

    @Slot()
    def run_waiting(self) -> None:
        while self._synth is not None and (waiting := self._queue.take()):
            self._run(self._synth, *waiting)

    def _run(self, synth: Synth, request: GenerationRequest, token: threading.Event) -> None:
        self.phaseChanged.emit(Phase.GENERATING, "Generating")
        stream = synth.stream(request)
        try:
            for item in stream:
                if token.is_set():
                    break
                if isinstance(item, Generated):
                    self.generated.emit(item)
                    return
                self.progressed.emit(item)
            self.cancelled.emit(request.id)
        except UserError as error:
            self.failed.emit(request.id, str(error))
        except Exception as error:
            _log.exception("generation failed")
            self.failed.emit(request.id, f"The model failed on this request ({_brief(error)}): try again.")
        finally:
            if close := getattr(stream, "close", None):
                close()
            self.phaseChanged.emit(Phase.READY, "Ready")


def _brief(error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
    return f"{type(error).__name__}: {first_line[:120]}" if first_line else type(error).__name__
