import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from test_library import generated

from arc_instrument import relocation
from arc_instrument.domain import UserError
from arc_instrument.library import Library


def contents(folder):
    return sorted(path.read_bytes() for path in folder.rglob("*.wav") if not path.name.startswith("."))


@pytest.fixture
def full(tmp_path):
    library = Library(tmp_path / "old")
    takes = [library.add(generated(seed=seed, seconds=0.01)) for seed in range(12)]
    library.mark([replace(takes[1], favourite=True)])
    library.delete([takes[0]], lambda _: None)
    return library


@pytest.fixture(params=["same disk", "another disk"])
def disk(request, monkeypatch):
    if request.param == "another disk":

        def no_link(*_):
            raise OSError("Invalid cross-device link")

        monkeypatch.setattr("os.link", no_link)


def move(source, target):
    relocation.begin(source, target)
    for _ in relocation.copy(source, target):
        pass
    relocation.finish(source, target)


@pytest.mark.usefixtures("disk")
def test_takes_marks_and_trash_move_and_what_is_not_ours_stays(full, tmp_path):
    before = contents(full.folder)
    soundfile.write(full.folder / "song.wav", np.zeros((9, 2)), 44_100)
    move(full.folder, tmp_path / "new")
    assert contents(tmp_path / "new") == before
    takes = Library(tmp_path / "new").takes()
    assert [take.favourite for take in takes].count(True) == 1
    assert [path.name for path in full.folder.rglob("*.wav")] == ["song.wav"]
    assert relocation.unfinished(tmp_path / "new") is None


@pytest.mark.usefixtures("disk")
def test_a_name_that_is_taken_by_another_sound_is_not_overwritten(full, tmp_path):
    target = Library(tmp_path / "new")
    there = target.add(generated(seed=3, seconds=0.02))
    content = there.path.read_bytes()
    move(full.folder, target.folder)
    assert there.path.read_bytes() == content
    assert len(Library(target.folder).takes()) == 12


def test_a_target_that_cannot_be_written_is_one_sentence_and_nothing_is_lost(full, tmp_path):
    before = contents(full.folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="none is lost"):
        move(full.folder, tmp_path / "file")
    assert contents(full.folder) == before


SLOW_MOVE = """
import os, sys, time
from pathlib import Path
from arc_instrument import relocation
source, target = map(Path, sys.argv[1:])
for name in ("link", "replace", "unlink", "fsync"):
    def slow(*arguments, _done=getattr(os, name), **options):
        time.sleep(0.004)
        return _done(*arguments, **options)
    setattr(os, name, slow)
if "across" in source.parts: os.link = lambda *_: (_ for _ in ()).throw(OSError("cross-device"))
print("begun", flush=True)
relocation.begin(source, target)
for _ in relocation.copy(source, target): pass
relocation.finish(source, target)
"""


@pytest.mark.parametrize("attempt", range(4))
def test_kill_9_at_any_moment_loses_no_take_and_the_next_start_goes_on(full, tmp_path, attempt):
    before = contents(full.folder)
    target = tmp_path / "new"
    command = [sys.executable, "-c", SLOW_MOVE, str(full.folder), str(target)]
    moving = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert moving.stdout is not None
    moving.stdout.readline()
    time.sleep(random.Random(attempt).uniform(0, 0.2))
    moving.send_signal(signal.SIGKILL)
    moving.wait()
    moving.stdout.close()
    assert set(contents(full.folder)) | set(contents(target)) == set(before)
    source = relocation.unfinished(target)
    if source is not None:
        assert source == full.folder
        move(source, target)
        assert contents(target) == before
        assert contents(full.folder) == []
