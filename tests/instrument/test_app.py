import json
import os
import subprocess
import sys
from pathlib import Path

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

CHOOSE_A_MODEL = """
import json, sys, types
from PySide6.QtCore import QTimer
from arc_instrument import app, models
from arc_instrument.ui.window import MainWindow
from doubles import LONG, ToneSynth

also_installed, chosen = ((LONG,) if sys.argv[1] == "long" else ()), sys.argv[2]
list_embedded = models.installed_models
models.installed_models = lambda folder: (*list_embedded(folder), *also_installed)
seen = {"loaded": [], "messages": []}

class Synth(ToneSynth):
    def __init__(self, weights, precision):
        super().__init__("arc-mini" if weights is None else weights.name)
        seen["loaded"].append(self.name)

sys.modules["arc_instrument.synth"] = types.SimpleNamespace(Synth=Synth)

class Watched(MainWindow):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.timer = QTimer(self, interval=20)
        self.timer.timeout.connect(self.look)
        self.timer.start()

    def look(self):
        status = self.status._model.text()
        seen["messages"].append(self.message.text())
        if status.startswith("Ready") and chosen and len(seen["loaded"]) == 1:
            self.menu_button.models.fill()
            next(entry for entry in self.menu_button.models.actions() if entry.text().startswith(chosen)).trigger()
        elif status.startswith("Ready") and (not chosen or status.endswith(seen["loaded"][-1])):
            self.timer.stop()
            self.close()

app.MainWindow = Watched
app.run()
print(json.dumps(seen))
"""


def start(home, script=OPEN_AND_CLOSE, *arguments):
    """Run the real program with the real audio process until its window closes; its exit and its words."""
    here = os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen", "ARC_INSTRUMENT_HOME": str(home), "PYTHONPATH": here
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
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


def test_the_chosen_model_is_loaded_at_the_next_start_and_if_it_is_gone_the_embedded_one_with_a_sentence(home):
    def seen(*arguments):
        ended = start(home, CHOOSE_A_MODEL, *arguments)
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout.splitlines()[-1])
        return told["loaded"], any("long is not installed any more" in text for text in told["messages"])

    assert seen("long", "Long") == (["arc-mini", "long"], False)
    assert 'model = "long"' in (home / "config" / "settings.toml").read_text()
    assert seen("long", "") == (["long"], False)
    assert seen("", "") == (["arc-mini"], True)
    assert seen("long", "") == (["long"], False)
    assert seen("long", "ARC") == (["long", "arc-mini"], False)
    assert 'model = "arc-mini"' in (home / "config" / "settings.toml").read_text()
