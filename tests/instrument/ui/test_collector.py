"""Where garbage dies: in the GUI thread, whoever makes more of it."""

import gc
import threading

import pytest
from PySide6.QtCore import QObject, Qt

from arc_instrument.ui.collector import Collector


@pytest.fixture
def collector(qapp):
    gc.collect()
    made = Collector(qapp)
    yield made
    made.shutdown()
    gc.unfreeze()
    made.deleteLater()


class Cycle(QObject):
    """Tells in which thread it dies."""

    def __init__(self, deaths: list[int]):
        super().__init__()
        self._itself, self._deaths = self, deaths

    def __del__(self) -> None:
        self._deaths.append(threading.get_ident())


def garbage(count: int) -> None:
    for _ in range(count):
        cycle: list[object] = []
        cycle.append(cycle)


def test_a_qt_object_in_a_cycle_dies_in_the_gui_thread_though_another_makes_the_garbage(collector):
    deaths: list[int] = []
    Cycle(deaths)
    maker = threading.Thread(target=garbage, args=(20 * gc.get_threshold()[0],))
    maker.start()
    maker.join()
    assert deaths == []
    collector.collect_young()
    assert deaths == [threading.get_ident()]


def test_what_grew_old_is_collected_while_another_window_is_in_front(collector, qapp):
    deaths: list[int] = []
    old = Cycle(deaths)
    gc.collect()
    del old
    collector.collect_young()
    assert deaths == []
    qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationInactive)
    assert deaths == [threading.get_ident()]


def test_what_is_there_when_the_model_is_loaded_is_never_looked_at_again(collector):
    loaded = [[] for _ in range(1_000)]
    collector.begin()
    assert gc.get_freeze_count() > len(loaded)
    assert sum(gc.get_count()) < len(loaded)
    deaths: list[int] = []
    Cycle(deaths)
    gc.collect(1)
    assert deaths == [threading.get_ident()]  # but what comes later is
