"""The worker thread's side: loads the model, makes what waits, reports. Every failure becomes one sentence here."""

import ctypes
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal, Slot

from arc_instrument.domain import Generated, GenerationRequest, LoadedModel, Phase, Progress, UserError
from arc_instrument.generation.queue import ModelChoice, RequestQueue

_log = logging.getLogger(__name__)


class Synth(Protocol):
    """What the worker needs of `arc_instrument.synth.Synth`."""

    name: str
    max_seconds: float
    licence: str
    licence_link: str

    def warm_up(self) -> None: ...

    def stream(self, request: GenerationRequest) -> Iterator[Progress | Generated]: ...

    def stream_batch(self, requests: Sequence[GenerationRequest]) -> Iterator[Progress | Generated]: ...


class Worker(QObject):
    """Lives in the worker thread; `GenerationService` passes its signals on, which say the same."""

    phaseChanged = Signal(object, str)
    modelLoaded = Signal(object)
    switchFailed = Signal(str)
    precisionFailed = Signal(str, str, str)
    progressed = Signal(object)
    generated = Signal(object)
    failed = Signal(int, str)
    cancelled = Signal(int)

    def __init__(self, make_synth: Callable[[Path | None, str], Synth], queue: RequestQueue):
        super().__init__()
        self._make_synth = make_synth
        self._queue = queue
        self._synth: Synth | None = None
        self._model: ModelChoice | None = None  # what `_synth` is
        self._before: ModelChoice | None = None  # the last one that was loaded
        self._loaded: LoadedModel | None = None  # and what is told of it

    @Slot()
    def give_way(self) -> None:
        """Let window and sound go first: the model keeps every core busy, and late frames are felt before late sounds.

        Linux has a niceness for each thread, which those that torch starts from here take over. With 5 the window's
        events wait 4.6 ms (95th percentile) instead of 8.7 while sounds are made on two cores.
        """
        if sys.platform == "linux":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + 5)

    @Slot()
    def load(self) -> None:
        """Load the wanted model unless it is here; if that fails, the one before it, and then the embedded one."""
        wanted = self._queue.wanted
        if self._loaded is not None and self._model == wanted:
            self.modelLoaded.emit(self._loaded)
        else:
            self._replace(wanted)
        self.run_waiting()

    def _replace(self, wanted: ModelChoice) -> None:
        self._synth = self._model = self._loaded = None  # at once: two large models may not fit into memory
        _give_memory_back()
        problems = []
        instead = (self._before or wanted, wanted._replace(precision=""), wanted._replace(weights=None), ModelChoice())
        for model in dict.fromkeys((wanted, *instead)):
            problem = self._try(model)
            if problem is None:
                break
            if self._queue.wanted != wanted:
                return  # another was chosen meanwhile, and is loaded next: not this one's substitute first
            problems.append(problem)
        if self._model is None:
            self.phaseChanged.emit(Phase.FAILED, problems[0])
            return
        if not self._queue.give_up(wanted, self._model):
            return  # another was chosen meanwhile, and is loaded next
        if self._model.weights != wanted.weights:
            self.switchFailed.emit(problems[0])
        if self._model.precision != wanted.precision:
            self.precisionFailed.emit(wanted.precision, self._model.precision, problems[0])

    def _try(self, model: ModelChoice) -> str | None:
        """Load and warm up one model; the sentence that says why it failed, None if it is there."""
        try:
            self.phaseChanged.emit(Phase.LOADING, "Loading the model")
            synth = self._make_synth(*model)
            self.phaseChanged.emit(Phase.WARMING, "Warming up the model")
            synth.warm_up()
        except UserError as error:
            return str(error)
        except MemoryError:
            return "There is not enough memory for this model: close other programs, or choose a smaller model."
        except Exception as error:
            _log.exception("the model could not be loaded")
            return f"The model could not be loaded ({_brief(error)})."
        self._synth, self._model, self._before = synth, model, model
        self._loaded = LoadedModel(synth.name, synth.max_seconds, synth.licence, synth.licence_link, model.weights)
        self.modelLoaded.emit(self._loaded)
        self.phaseChanged.emit(Phase.READY, "Ready")
        return None

    @Slot()
    def run_waiting(self) -> None:
        while self._synth and self._model and (waiting := self._queue.take(self._model)):
            self._run(self._synth, *waiting)

    def _run(self, synth: Synth, requests: list[GenerationRequest], token: threading.Event) -> None:
        """Make sounds. Those that were ordered for a model of longer sounds are cut to what this one makes."""
        self.phaseChanged.emit(Phase.GENERATING, "Generating")
        notes, failed = (), False
        if requests[0].seconds > synth.max_seconds:
            requests = [_cut(request, synth.max_seconds) for request in requests]
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


def _cut(request: GenerationRequest, seconds: float) -> GenerationRequest:
    """The request for a shorter sound, which does not last its bars any more and shall not say so."""
    settings = {name: said for name, said in request.settings.items() if name != "bars"}
    return replace(request, seconds=seconds, settings=settings)


def _give_memory_back() -> None:
    """glibc would keep 270 MB of a freed ARC_MINI for itself. No collection here: it would free widgets, and crash."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def _brief(error: Exception) -> str:
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else ""
    return f"{type(error).__name__}: {first_line[:120]}" if first_line else type(error).__name__
