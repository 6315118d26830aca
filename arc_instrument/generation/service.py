"""The handle of the worker thread that owns the model: orders in, progress and sounds out."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from arc_instrument.domain import GenerationRequest
from arc_instrument.generation.queue import ModelChoice, RequestQueue
from arc_instrument.generation.worker import Synth, Worker

SHUTDOWN_MS = 20_000  # importing torch cannot be interrupted


class GenerationService(QObject):
    """Handle of the worker thread; lives in the GUI thread.

    Signals:
        phaseChanged(Phase, str): what the worker does now, and the sentence that says so.
        modelLoaded(LoadedModel): sounds are made with this model from now on.
        switchFailed(str): the wanted model could not be loaded, the one before it is back; the sentence says why.
        precisionFailed(str, str, str): the wanted precision, which cannot be had here, the one instead, and why.
        progressed(Progress): one denoising step is done.
        generated(Generated): a sound is finished; never sent for a cancelled request.
        failed(int, str): id of the request and one sentence.
        cancelled(int): id of a request that was cancelled or superseded.
    """

    phaseChanged = Signal(object, str)
    modelLoaded = Signal(object)
    switchFailed = Signal(str)
    precisionFailed = Signal(str, str, str)
    progressed = Signal(object)
    generated = Signal(object)
    failed = Signal(int, str)
    cancelled = Signal(int)
    _load = Signal()
    _wake = Signal()

    def __init__(
        self,
        make_synth: Callable[[Path | None, str], Synth],
        weights: Path | None = None,
        precision: str = "",
        parent: QObject | None = None,
    ):
        """`make_synth` takes a model folder and a precision, as `ModelChoice` has them; it runs in the worker."""
        super().__init__(parent)
        self._queue = RequestQueue(ModelChoice(weights, precision))
        self._thread = QThread()
        self._thread.setObjectName("generation")
        self._worker = Worker(make_synth, self._queue)
        self._worker.moveToThread(self._thread)
        for name in (
            "phaseChanged", "modelLoaded", "switchFailed", "precisionFailed",
            "progressed", "generated", "failed", "cancelled",
        ):  # fmt: skip
            getattr(self._worker, name).connect(getattr(self, name))
        self._load.connect(self._worker.load)
        self._wake.connect(self._worker.run_waiting)

    def start(self) -> None:
        """Load the model in the worker; called again after a failed load, it tries once more."""
        if not self._thread.isRunning():
            self._thread.started.connect(self._worker.give_way)
            self._thread.start()
        self._load.emit()

    @property
    def weights(self) -> Path | None:
        """The folder of the model that is loaded or is to be; None: the embedded one."""
        return self._queue.wanted.weights

    def switch(self, weights: Path | None) -> None:
        """Make sounds with the model in the folder `weights` (None: the embedded one) from now on.

        The sound that is being made is finished first; what waits, and what is ordered meanwhile, is made with the
        new model. If that one cannot be loaded, the one before it comes back.
        """
        self._queue.want(self._queue.wanted._replace(weights=weights))
        self._load.emit()

    def compute_in(self, precision: str) -> None:
        """Load the model anew, to compute in `precision` from now on; as with `switch`, what waits is made by it.

        If it cannot be loaded like that, what it computed in before comes back.
        """
        self._queue.want(self._queue.wanted._replace(precision=precision))
        if self._thread.isRunning():
            self._load.emit()

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
