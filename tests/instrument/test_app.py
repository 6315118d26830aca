import json
import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "scipy", "librosa", "numba", "sounddevice", "model")

OPEN_AND_CLOSE = """
import json, sys
from PySide6.QtCore import QTimer
from arc_instrument import app
from arc_instrument.ui.window import MainWindow

seen = {}

class Watched(MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        seen["modules"] = sorted(sys.modules)
        self.painted.connect(lambda: QTimer.singleShot(0, self.close))

app.MainWindow = Watched
app.GenerationService.start = lambda service: seen.setdefault("model_asked_after_paint", True)
seen["status"] = app.run()
print(json.dumps(seen))
"""


@pytest.fixture
def opened(home):
    """What a real start of the program did, up to its first frame, and its closing; with the real audio process."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "ARC_INSTRUMENT_HOME": str(home)}
    ended = subprocess.run(
        [sys.executable, "-c", OPEN_AND_CLOSE], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_the_window_is_up_before_anything_heavy_is_imported(opened):
    assert [name for name in opened["modules"] if name.partition(".")[0] in HEAVY] == []
    assert opened["model_asked_after_paint"]


def test_the_program_opens_closes_and_leaves_its_settings(opened, home):
    assert opened["status"] == 0
    assert (home / "config" / "settings.toml").read_text().startswith("# ARC Instrument")
    assert (home / "config" / "window.ini").is_file()


def test_a_settings_file_that_cannot_be_read_is_left_as_it_is(home):
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text("volume = 11\n")
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "ARC_INSTRUMENT_HOME": str(home)}
    ended = subprocess.run([sys.executable, "-c", OPEN_AND_CLOSE], env=environment, timeout=60, check=False)
    assert ended.returncode == 0
    assert (home / "config" / "settings.toml").read_text() == "volume = 11\n"
