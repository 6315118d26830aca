"""What tests of the window need: no screen, no settings of the person who runs them, doubles for model and sound card,
and a guard that fails the test which leaves something running."""

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

if "DISPLAY" not in os.environ:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from doubles import RUNNING, SilentAudio, ToneSynth
from hypothesis import settings
from leaks import still_running
from PySide6.QtCore import QProcess, QSettings, QThread, QTimer

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.models import InstalledModel
from arc_instrument.session import Session

settings.register_profile("instrument", deadline=None)  # a busy machine is no failure
settings.load_profile("instrument")


@pytest.fixture(autouse=True)
def _garbage_dies_in_this_thread():
    """As the window's `Collector` has it: a widget that a worker thread collects ends the process."""
    gc.disable()
    yield
    gc.collect(1)
    gc.enable()


@pytest.fixture(autouse=True)
def _nothing_keeps_running(request, monkeypatch):
    """Fails the test that leaves a thread, a timer or a process of Qt running, and says which."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    started = []
    for kind in (QThread, QTimer, QProcess):

        def note(self, *arguments, _start=kind.start):
            started.append(self)
            return _start(self, *arguments)

        monkeypatch.setattr(kind, "start", note)
    yield
    assert still_running(started) == []
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("files")] == []


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Every folder of the program lies below this one."""
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def synth() -> ToneSynth:
    return ToneSynth()


@pytest.fixture
def audio(qapp) -> SilentAudio:
    return SilentAudio()


@pytest.fixture
def synths(synth) -> dict[Path | None, ToneSynth | Exception]:
    """What each model folder gives when it is loaded; None is the embedded model."""
    return {None: synth}


@pytest.fixture
def generation(qtbot, synth, synths):
    def make(weights, _precision):
        if isinstance(synths[weights], Exception):
            raise synths[weights]
        return synths[weights]

    service = GenerationService(make)
    yield service
    synth.gate.set()
    assert service.shutdown()


@pytest.fixture
def models() -> list[InstalledModel]:
    """The installed models."""
    return [InstalledModel("tone", "Tone", None, ToneSynth.licence, ToneSynth.licence_link, 4.0)]


@pytest.fixture
def session(qtbot, generation, synth, audio, home, models):
    """A session with a loaded model and running sound, and a real library in a folder of its own."""
    files = ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")
    library = Library(home / "takes")
    made = Session(generation, audio, library, read_clip, files=files, list_models=lambda: tuple(models))
    with qtbot.waitSignal(generation.modelLoaded):
        generation.start()
    audio.stateChanged.emit(RUNNING)
    qtbot.waitUntil(lambda: made.state.phase.value == "ready")
    yield made
    synth.gate.set()
    made.shutdown()


@pytest.fixture
def made(qtbot, session):
    """A session with one take of 0.3 s, saved."""
    session.set_prompt("kick")
    session.set_seconds(0.3)
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    return session


@pytest.fixture(scope="session")
def application(qapp):
    """The application with the instrument's fonts and style."""
    from arc_instrument.app import dress

    dress(qapp)
    return qapp


@pytest.fixture
def window(qtbot, application, session, home):
    from arc_instrument.ui.window import MainWindow

    made = MainWindow(session, QSettings(str(home / "window.ini"), QSettings.Format.IniFormat))
    made.resize(900, 560)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(lambda: made.isActiveWindow())
    yield made
    made.close()
    made.waveform.waveform.stop()
    made.message.render_state(session.state)
    made.deleteLater()
    qtbot.wait(1)
