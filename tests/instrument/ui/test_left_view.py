"""The window as it was left: closed, and opened anew by the real program."""

import json

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from test_app import start

from arc_instrument.ui.window import MainWindow

LOOK_AND_CHOOSE = """
import json
from PySide6.QtCore import QTimer
from arc_instrument import app
from arc_instrument.ui.window import MainWindow

class Watched(MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.painted.connect(lambda: QTimer.singleShot(0, self.work))

    def work(self):
        state = self._session.state
        shown = [self.deck.page, self.waveform.spectrogram.isChecked(), self.surface.shows_pads, state.octave]
        print(json.dumps(shown))
        self.deck.tabs["morph"].click()
        self.run("spectrogram")
        self.run("show_pads")
        self._session.player.shift_octave(1)
        self.close()

app.MainWindow = Watched
app.GenerationService.start = lambda service: None
app.run()
"""


def test_the_next_start_of_the_program_shows_what_the_last_one_showed(home):
    seen = []
    for _ in range(2):
        ended = start(home, LOOK_AND_CHOOSE)
        assert ended.returncode == 0, ended.stderr
        seen.append(json.loads(ended.stdout.splitlines()[-1]))
    assert seen == [["voice", False, False, 4], ["morph", True, True, 5]]


@pytest.fixture
def file(home):
    return str(home / "window.ini")


def again(qtbot, session, file) -> MainWindow:
    """A window of the program's next start, which reads what is on disk."""
    made = MainWindow(session, QSettings(file, QSettings.Format.IniFormat))
    qtbot.addWidget(made)
    return made


def test_what_is_chosen_is_kept_at_once_and_not_only_when_the_window_closes(qtbot, window, session, file):
    QTest.mouseClick(window.deck.tabs["shape"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(window.keys_header.surface.buttons["pads"], Qt.MouseButton.LeftButton)
    window._geometry.sync()
    made = again(qtbot, session, file)
    assert made.deck.page == "shape"
    assert made.deck.tabs["shape"].isChecked()
    assert made.surface.shows_pads
    assert made.keys_header.kit.isVisibleTo(made)
    assert not made.waveform.spectrogram.isChecked()


@pytest.mark.parametrize("page", ["no such page", "", None, ["shape", "morph"]])
def test_a_page_that_there_is_no_more_is_left_out(qtbot, session, application, file, page):
    settings = QSettings(file, QSettings.Format.IniFormat)
    settings.setValue("view/page", page)
    settings.setValue("view/pads", "perhaps")
    settings.sync()
    made = again(qtbot, session, file)
    assert made.deck.page == "voice"
    assert not made.surface.shows_pads
