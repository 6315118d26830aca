"""What tests of the window need: no screen, no settings of the person who runs them, doubles for model and sound card,
and a guard that fails the test which leaves something running."""

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

if "DISPLAY" not in os.environ:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QObject, QProcess, QSettings, QThread, QTimer, Signal
from shiboken6 import isValid

from arc_instrument.audio.protocol import AudioState
from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import RATE_HZ, Clip, Generated, GenerationRequest, Progress, Timing
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.session import Session


class ToneSynth:
    """A small real synthesizer in the model's place: a decaying tone whose pitch and noise follow the seed.

    `gate` holds the worker before each step while it is cleared, so that tests decide when a step happens.
    """

    name = "tone"
    max_seconds = 4.0
    rate_hz = RATE_HZ

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.step_begun = threading.Semaphore(0)
        self.requests: list[GenerationRequest] = []
        self.failure: Exception | None = None
        self.threads: set[str] = set()

    def warm_up(self) -> None:
        self.threads.add(QThread.currentThread().objectName())

    def stream(self, request: GenerationRequest):
        self.requests.append(request)
        self.threads.add(QThread.currentThread().objectName())
        for step in range(1, request.steps + 1):
            self.step_begun.release()
            assert self.gate.wait(10)
            if self.failure:
                raise self.failure
            yield Progress(request.id, step, request.steps, 5.0 * step)
        yield Generated(
            request, tone(request.seconds, request.seed), Timing(1, 5.0 * request.steps, 4, 6, 45), self.name
        )


def tone(seconds: float, seed: int) -> Clip:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = 0.6 * np.exp(-3 * t) * np.sin(2 * np.pi * rng.uniform(80, 2_000) * t) + 0.02 * rng.standard_normal(len(t))
    return Clip(np.stack([wave, 0.9 * wave], axis=1).astype(np.float32))


class SilentAudio(QObject):
    """The audio process's handle without a process: notes the calls and answers `play` at once."""

    stateChanged = Signal(object)
    noteReceived = Signal(object)
    recorded = Signal(object)
    levelsChanged = Signal(object)
    played = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple] = []
        self.armed: Clip | None = None

    def arm(self, clip: Clip, root_note: int = 60) -> None:
        self.calls.append(("arm", root_note))
        self.armed = clip

    def play(self) -> None:
        self.calls.append(("play",))
        self.played.emit()

    def note_on(self, note: int, velocity: int) -> None:
        self.calls.append(("note_on", note, velocity))

    def note_off(self, note: int) -> None:
        self.calls.append(("note_off", note))

    def __getattr__(self, name: str):
        if name not in ("stop", "panic", "restart", "start_recording", "stop_recording"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, *arguments))

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


RUNNING = AudioState(running=True, sentence="44.1 kHz · JACK · 5.8 ms", latency_ms=5.8, midi_sentence="No MIDI input")


def running_qt_objects() -> list[str]:
    """Threads, timers and processes of Qt that still run, in words."""
    found = []
    for candidate in gc.get_objects():
        if isinstance(candidate, (QThread, QTimer, QProcess)) and isValid(candidate):
            if isinstance(candidate, QThread) and candidate.isRunning() and candidate is not QThread.currentThread():
                found.append(f"QThread {candidate.objectName()}")
            elif isinstance(candidate, QTimer) and candidate.isActive():
                found.append(f"QTimer every {candidate.interval()} ms in {candidate.parent()}")
            elif isinstance(candidate, QProcess) and candidate.state() != QProcess.ProcessState.NotRunning:
                found.append(f"QProcess {candidate.program()}")
    return found


@pytest.fixture(autouse=True)
def _nothing_keeps_running(request):
    """Fails the test that leaves a thread, a timer or a process behind."""
    yield
    if "qtbot" in request.fixturenames:
        assert running_qt_objects() == []
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
def generation(qtbot, synth):
    service = GenerationService(lambda: synth)
    yield service
    synth.gate.set()
    assert service.shutdown()


@pytest.fixture
def session(qtbot, generation, synth, audio, home):
    """A session with a loaded model and running sound, and a real library in a folder of its own."""
    files = ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")
    made = Session(generation, audio, Library(home / "takes"), read_clip, files=files)
    with qtbot.waitSignal(generation.modelLoaded):
        generation.start()
    audio.stateChanged.emit(RUNNING)
    qtbot.waitUntil(lambda: made.state.phase.value == "ready")
    yield made
    synth.gate.set()
    made.shutdown()


@pytest.fixture
def application(qapp):
    """The application with the instrument's fonts and style."""
    from arc_instrument.app import make_application

    return make_application()


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
