"""The instrument where nothing works but the model: no sound server, no MIDI, a takes folder that cannot be written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.library import Library

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(Path("/proc/asound/card0").exists(), reason="a sound card is there: nothing is missing"),
]

NO_SERVERS = {
    "QT_QPA_PLATFORM": "offscreen",
    "JACK_DEFAULT_SERVER": "no-such-server",
    "JACK_NO_START_SERVER": "1",
    "PULSE_SERVER": "unix:/no-such-socket",
    "XDG_RUNTIME_DIR": "/no-such-folder",  # where PipeWire's socket would lie
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a person who orders one sound sees there; `watched_instrument.py` looks and types."""
    home = tmp_path_factory.mktemp("bare") / "home"
    home.mkdir()
    (home / "takes").write_text("a file stands where the folder should be")
    script = Path(__file__).with_name("watched_instrument.py")
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, **NO_SERVERS, "ARC_INSTRUMENT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), home


def test_a_missing_sound_card_and_a_missing_midi_system_are_sentences(seen):
    told, _ = seen
    assert "No sound card: takes are still saved." in told["messages"]
    assert "No MIDI system found: play with the typed keys." in told["status"]


def test_a_takes_folder_that_cannot_be_written_is_a_sentence_with_a_remedy(seen):
    told, home = seen
    message = next(message for message in told["messages"] if "not saved" in message)
    assert str(home / "takes") in message
    assert told["remedy"] == "Choose folder"


def test_the_sound_is_made_all_the_same_and_the_window_stays(seen):
    told, _ = seen
    assert told["sound"] == "glass"
    assert told["visible"]


def test_the_take_is_whole_in_the_refuge_and_nothing_half_written_is_left(seen):
    _, home = seen
    assert (home / "takes").read_text() == "a file stands where the folder should be"
    assert {path.name for path in home.iterdir()} == {"config", "logs", "refuge", "session", "takes"}
    (take,) = Library(home / "refuge").takes()
    assert take.prompt == "glass"
    assert np.abs(read_clip(take.path).samples).max() > 0
    assert [path.name for path in take.path.parent.iterdir()] == [take.path.name]
