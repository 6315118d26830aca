import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from doubles import tone


def work_on(session):
    session.set_prompt("kick")
    session.set_seconds(2.5)
    session.set_seed(7)
    session.maker.generate()
    session.set_prompt("a bell, “metallic” 鼓")
    session.set_steps(3)
    session.voice.recorded.emit("Voice", tone(0.25, 3))


def test_the_next_start_goes_on_where_the_last_one_ended(begin):
    session, autosave = begin()
    work_on(session)
    autosave.shutdown()
    after, _ = begin()
    state, before = after.state, session.state
    for name in ("prompt", "steps", "seconds", "wished_seconds", "seed", "seed_locked", "strength_percent", "fresh"):
        assert getattr(state, name) == getattr(before, name), name
    assert state.current_path == before.current_path
    assert state.init.name == before.init.name
    np.testing.assert_allclose(state.init.clip.samples, before.init.clip.samples, atol=2**-23)
    assert not state.playing
    assert state.message is None
    assert state.undo_label == ""


def test_the_current_take_is_not_forgotten_while_its_folder_is_away(begin, tmp_path):
    session, autosave = begin()
    work_on(session)
    take = session.state.current_path
    autosave.shutdown()
    session.takes.folder.rename(tmp_path / "unplugged")
    away, autosave = begin(lambda autosave: setattr(autosave._session._shelf._library, "_must_exist", True))
    assert away.state.folder_problem
    away.set_prompt("snare")
    autosave.shutdown()
    (tmp_path / "unplugged").rename(session.takes.folder)
    after, _ = begin()
    assert (after.state.prompt, after.state.current_path) == ("snare", take)


def test_after_a_crash_a_note_says_that_the_work_is_back(begin):
    session, autosave = begin()
    work_on(session)
    autosave.save()
    after, _ = begin()
    assert after.state.prompt == session.state.prompt
    assert after.state.message.text.startswith("The instrument ended without closing: your work of ")
    assert not after.state.message.is_error


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"{", b"[]", b'{"version": 2}', b'{"sound": {"steps": 99}}'])
def test_a_damaged_file_is_set_aside_with_a_sentence_and_a_new_session_begins(begin, path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    session, autosave = begin()
    (aside,) = path.parent.glob("session-damaged-*.json")
    assert aside.read_bytes() == content
    assert str(aside) in session.state.message.text
    work_on(session)
    autosave.shutdown()
    assert json.loads(path.read_text())["closed"]


def test_a_change_is_written_though_changes_never_pause(qtbot, begin, path):
    session, autosave = begin()
    timer = autosave._save_soon
    timer.setInterval(100)
    number = 0

    def is_written():
        nonlocal number
        number += 1
        session.set_prompt(f"prompt {number}")
        return path.exists()

    qtbot.waitUntil(is_written)  # types every 10 ms


def test_progress_and_meters_write_nothing(begin):
    session, autosave = begin()
    session.update(press_to_sound_ms=5.0, generating=True, search="x")
    assert not autosave._save_soon.isActive()
    session.set_steps(2)
    assert autosave._save_soon.isActive()


def test_a_change_of_what_another_part_keeps_is_written(begin):
    session, autosave = begin(lambda autosave: autosave.keep("octave", lambda: autosave.parent().state.octave, print))
    assert not autosave._save_soon.isActive()
    session.player.shift_octave(1)
    assert autosave._save_soon.isActive()


def test_what_other_parts_keep_is_kept_even_by_a_start_that_lacks_them(begin):
    pads = [{"note": 60, "prompt": "kick"}]
    _, autosave = begin(lambda autosave: autosave.keep("pads", lambda: pads, lambda _: None))
    autosave.shutdown()
    begin()[1].shutdown()
    loaded = []
    begin(lambda autosave: autosave.keep("pads", list, loaded.append))
    assert loaded == [pads]


def test_only_the_present_recording_lies_beside_the_file(begin, path):
    session, autosave = begin()
    for seed in range(3):
        session.voice.recorded.emit("Voice", tone(0.1, seed))
        autosave.save()
        autosave.save()
    assert len(list(path.parent.glob("*.wav"))) == 1
    session.clear_init()
    autosave.save()
    assert list(path.parent.glob("*.wav")) == []


def test_a_disk_that_takes_nothing_is_one_sentence_once(begin, path):
    session, autosave = begin()
    path.parent.write_text("a file where the folder should be")
    autosave.save()
    assert "Your work cannot be saved" in session.state.message.text
    session.dismiss_message()
    autosave.save()
    assert session.state.message is None
    path.parent.unlink()
    autosave.save()
    assert path.exists()


WORKING = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from PySide6.QtCore import QCoreApplication, QTimer
from doubles import tone
from inline_session import make_session
from arc_instrument.audio.wavfile import read_clip, write_clip
from arc_instrument.session.autosave import Autosave

application = QCoreApplication([])
home = Path(sys.argv[1])
session = make_session(home / "takes")
autosave = Autosave(session, home / "session" / "session.json", write_clip, read_clip)
autosave.restore()
autosave._save_soon.setInterval(5)
print(session.state.prompt, flush=True)
number = 0

def work():
    global number
    number += 1
    session.set_prompt(f"prompt {number} " + "long " * 300)
    if number % 5 == 0:
        session.voice.recorded.emit("Voice", tone(0.05, number))
    if number == 40:
        print("working", flush=True)

timer = QTimer()
timer.timeout.connect(work)
timer.start(2)
application.exec()
"""


def test_kill_9_while_saving_never_leaves_half_a_file(tmp_path, begin):
    here = Path(__file__).parents[1]
    for attempt in range(3):
        command = [sys.executable, "-c", WORKING, str(tmp_path), str(here), str(here / "session")]
        working = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert working.stdout is not None
        assert working.stdout.readline().startswith("prompt" if attempt else "")
        assert working.stdout.readline() == "working\n"
        time.sleep(0.007 * attempt)
        working.send_signal(signal.SIGKILL)
        working.wait()
        working.stdout.close()
        session, _ = begin()
        assert session.state.prompt.endswith("long " * 300)
        assert session.state.init is None or session.state.init.clip.seconds == pytest.approx(0.05, abs=0.001)
        assert "your work of" in session.state.message.text
    assert list((tmp_path / "session").glob("*damaged*")) == []
