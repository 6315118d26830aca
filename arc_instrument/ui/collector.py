"""Python's garbage collector, kept to the GUI thread: a Qt object in a reference cycle must die where it lives.

Left to itself the collector runs in whichever thread makes an object, and a widget freed there ends the process.
"""

import gc

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication

TICK_MS = 1_000


class Collector(QObject):
    """Collects what is young when as much has been made as Python itself would wait for.

    What is old is looked through only while another window is in front.
    """

    def __init__(self, application: QGuiApplication):
        super().__init__(application)
        gc.disable()
        self._timer = QTimer(self, interval=TICK_MS)
        self._timer.timeout.connect(self.collect_young)
        application.applicationStateChanged.connect(self._on_application)

    @Slot()
    def begin(self) -> None:
        """A model is loaded: from now on collect, and never look at what is there already.

        Torch alone makes so many objects that looking at them once stopped the window for 0.3 s in the middle of the
        first sounds, and while it loads for some 50 ms each second.
        """
        gc.freeze()
        self._timer.start()

    def shutdown(self) -> None:
        """Leave the collector to Python again."""
        self._timer.stop()
        gc.enable()

    @Slot()
    def collect_young(self) -> None:
        counts, thresholds = gc.get_count(), gc.get_threshold()
        if counts[1] > thresholds[1]:
            gc.collect(1)
        elif counts[0] > thresholds[0]:
            gc.collect(0)

    @Slot(Qt.ApplicationState)
    def _on_application(self, state: Qt.ApplicationState) -> None:
        if state != Qt.ApplicationState.ApplicationActive:
            gc.collect()
