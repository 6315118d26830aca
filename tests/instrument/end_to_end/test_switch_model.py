"""Another model is chosen from the menu while a take plays: the JACK capture hears the take go on, sample by sample."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from instrument import JackRecorder
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest

from arc_instrument.audio.client import AudioClient
from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import RATE_HZ, Clip, Generated, GenerationRequest, Phase, Timing
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.models import InstalledModel, installed_models
from arc_instrument.session import Session
from arc_instrument.ui.window import MainWindow
from model.weights import embedded_folder

pytestmark = pytest.mark.slow

LOADING_MS = 120_000
STEP = 2.0**-23  # between two values of a 24-bit file
FIRST_VALUE, FRAMES = 2**18, 80 * RATE_HZ  # to 2**22: a file's values above lie one step lower


@pytest.fixture
def take(home):
    """A take that outlasts the loading of a model. Each frame's value is its own place in the take."""
    ramp = (FIRST_VALUE + np.arange(FRAMES)) * STEP
    clip = Clip(np.stack([ramp, -ramp], axis=1).astype(np.float32))
    request = GenerationRequest(1, "endless rise", FRAMES / RATE_HZ, 8, 1)
    return Library(home / "takes").add(Generated(request, clip, Timing(1, 2, 3, 4, 5), "arc-mini"))


@pytest.fixture
def sound_server(own_jack_server):
    """Its blocks are so long that loading a model on the same two cores does not make it late."""
    own_jack_server.block_frames = 2048
    own_jack_server.start()
    return own_jack_server


@pytest.fixture
def window(qtbot, application, sound_server, home, tmp_path, take):
    """The real window, sound, library and worker, with two model folders to choose from."""
    shutil.copytree(embedded_folder(), tmp_path / "copy")

    def list_models():
        (embedded,) = installed_models(home / "models")
        return embedded, InstalledModel("copy", "A copy", tmp_path / "copy", "not stated", "", 5.9)

    def make_synth(weights, precision):
        from arc_instrument.synth import Synth

        return Synth(weights, precision or None)

    generation, audio = GenerationService(make_synth), AudioClient()
    files = ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")
    session = Session(generation, audio, Library(home / "takes"), read_clip, files=files, list_models=list_models)
    made = MainWindow(session, QSettings(str(home / "window.ini"), QSettings.Format.IniFormat))
    made.show()
    session.player.start_audio()
    session.takes.load()
    generation.start()
    yield made
    made.close()
    session.shutdown()
    audio.shutdown()
    assert generation.shutdown()
    made.waveform.waveform.stop()
    made.message.render_state(session.state)
    made.deleteLater()
    qtbot.wait(1)


def choose(window, title: str) -> None:
    """With the keys: open the menu, go into Model, press Return on the entry."""
    menu = window.menu_button.menu()
    menu.popup(window.mapToGlobal(QPoint(10, 10)))
    menu.setActiveAction(window.menu_button.models.menuAction())
    QTest.keyClick(menu, Qt.Key.Key_Right)
    assert window.menu_button.models.isVisible()
    entry = next(action for action in window.menu_button.models.actions() if action.text().startswith(title))
    window.menu_button.models.setActiveAction(entry)
    QTest.keyClick(window.menu_button.models, Qt.Key.Key_Return)
    assert not menu.isVisible()


@pytest.fixture
def recorder(qtbot, window, sound_server, tmp_path):
    """Hears the instrument's outputs."""
    session = window._session
    qtbot.waitUntil(lambda: session.state.audio is not None and session.state.audio.running, timeout=LOADING_MS)
    made = JackRecorder(sound_server, tmp_path / "heard.raw")
    yield made
    made.close()


def places(heard: np.ndarray) -> np.ndarray:
    """Which frame of the take each captured frame is, from the end of the attack on; fractions are of no take."""
    return heard[np.flatnonzero(heard.any(axis=1))[0] :][RATE_HZ // 100 :] / STEP * (1, -1) - FIRST_VALUE


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_playing_take_sounds_on_without_a_gap_while_another_model_is_loaded(
    qtbot, window, sound_server, recorder, tmp_path
):
    session, cards = window._session, window.takes.list
    qtbot.waitUntil(lambda: session.state.phase is Phase.READY and bool(session.state.takes), timeout=LOADING_MS)
    late_blocks = sound_server.xruns()
    QTest.mouseClick(cards.viewport(), Qt.MouseButton.LeftButton, pos=cards.visualRect(cards.model().index(0)).center())
    qtbot.waitUntil(lambda: recorder.heard().any(), timeout=LOADING_MS)

    choose(window, "A copy")
    qtbot.waitUntil(lambda: session.state.model.weights == tmp_path / "copy", timeout=LOADING_MS)
    after = len(recorder.heard())
    qtbot.waitUntil(lambda: len(recorder.heard()) > after + RATE_HZ // 2, timeout=LOADING_MS)

    assert session.state.playing
    heard = places(recorder.heard())
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert np.array_equal(heard, np.round(heard))
    advances = np.diff(heard[:, 0])
    assert (advances > 0).all()
    dropped = np.count_nonzero(advances > 1)
    assert dropped <= sound_server.xruns() - late_blocks  # by the server when it was late, by nobody else
