import json
import os
import subprocess
import sys

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


def start(home):
    """Start the real program with the real audio process, close it after its first frame; its exit and its words."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "ARC_INSTRUMENT_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-c", OPEN_AND_CLOSE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_window_is_up_before_anything_heavy_is_imported_and_leaves_its_settings(home):
    ended = start(home)
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    assert [name for name in seen["modules"] if name.partition(".")[0] in HEAVY] == []
    assert seen["model_asked_after_paint"]
    assert seen["status"] == 0
    assert (home / "config" / "settings.toml").read_text().startswith("# ARC Instrument")
    assert (home / "config" / "window.ini").is_file()


def test_a_settings_file_that_cannot_be_read_is_left_as_it_is(home):
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text("volume = 11\n")
    assert start(home).returncode == 0
    assert (home / "config" / "settings.toml").read_text() == "volume = 11\n"
