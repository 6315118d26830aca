"""Computes spectrograms on a thread of the pool, each sound's once."""

from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot

from arc_instrument.domain import Clip
from arc_instrument.spectrogram import spectrogram


class SpectrogramWorker(QObject):
    """Signals: ready(Clip): `levels` of that clip are there now."""

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._levels: WeakKeyDictionary[Clip, np.ndarray | None] = WeakKeyDictionary()  # None while it is computed

    def levels(self, clip: Clip) -> np.ndarray | None:
        """Decibels (rows, columns) of `clip`, or None: then they are being computed, and `ready` follows."""
        if clip not in self._levels:
            self._levels[clip] = None
            job = _Job(clip)
            job.answer.computed.connect(self._keep, Qt.ConnectionType.QueuedConnection)
            QThreadPool.globalInstance().start(job)
        return self._levels[clip]

    @Slot(object, object)
    def _keep(self, clip: Clip, levels_db: np.ndarray) -> None:
        self._levels[clip] = levels_db
        self.ready.emit(clip)


class _Answer(QObject):
    computed = Signal(object, object)


class _Job(QRunnable):
    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self._clip = clip
        self.answer = _Answer()

    def run(self) -> None:
        self.answer.computed.emit(self._clip, spectrogram(self._clip.samples, self._clip.rate_hz))
