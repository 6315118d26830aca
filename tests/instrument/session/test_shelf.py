"""The thread for files: takes are written once, wherever that is possible, and none is lost."""

import shutil

import numpy as np
from waiting import wait_for_takes

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.library import Library
from arc_instrument.session import Session


def test_a_take_that_cannot_be_written_stays_playable_and_is_written_elsewhere(qtbot, session, audio, home, tmp_path):
    home.mkdir()
    (home / "takes").write_text("a file where the folder should be")
    session.set_prompt("kick")
    session.set_seconds(0.2)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "not saved" in session.state.message.text
    assert session.state.message.action == "choose_folder"
    assert session.state.current.take is None
    session.player.toggle_play()
    session.player.toggle_play()
    assert audio.names().count("play") == 2

    session.takes.set_folder(tmp_path / "elsewhere")
    wait_for_takes(qtbot, session, 1)
    assert session.state.current_path.is_relative_to(tmp_path / "elsewhere")
    assert session.state.current_path.stat().st_size > 0


def test_retry_writes_every_take_that_waits(qtbot, session, home):
    home.mkdir()
    (home / "takes").write_text("")
    session.set_prompt("kick")
    session.set_seconds(0.2)
    for _ in range(2):
        session.dismiss_message()
        session.maker.generate()
        qtbot.waitUntil(lambda: session.state.message is not None)
    (home / "takes").unlink()
    session.takes.retry()
    wait_for_takes(qtbot, session, 2)
    assert session.state.message is None


def test_a_take_that_never_found_its_folder_is_on_the_list_of_the_next_start(qtbot, generation, audio, home):
    home.mkdir()
    (home / "takes").write_text("a file, where the folder should be")
    refuge = Library(home / "refuge")
    session = Session(generation, audio, Library(home / "takes"), read_clip, refuge=refuge)
    generation.start()
    session.set_prompt("kick")
    session.set_seconds(0.2)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.message is not None and "not saved" in session.state.message.text)
    session.shutdown()

    (home / "takes").unlink()
    after = Session(generation, audio, Library(home / "takes"), read_clip, refuge=refuge)
    after.takes.load()
    wait_for_takes(qtbot, after, 1)
    assert after.state.takes[0].path.is_relative_to(home / "refuge")
    assert len(read_clip(after.state.takes[0].path).samples) == round(0.2 * 44_100)
    after.shutdown()


def test_a_take_survives_a_failure_that_nobody_foresaw(qtbot, session, monkeypatch, caplog):
    session.set_prompt("kick")
    session.set_seconds(0.2)
    with monkeypatch.context() as broken:
        broken.setattr(Library, "add", lambda *_: 1 / 0)
        session.maker.generate()
        qtbot.waitUntil(lambda: session.state.message is not None)
    assert "not saved" in session.state.message.text
    assert "ZeroDivisionError" in session.state.message.text
    assert "ZeroDivisionError" in caplog.text
    session.takes.retry()
    wait_for_takes(qtbot, session, 1)


def test_takes_made_before_the_list_was_read_are_not_listed_twice(qtbot, made):
    made.takes.load()
    made.takes.load()
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    assert len({take.path for take in made.state.takes}) == 2


def test_a_take_can_be_kept_twice(qtbot, made):
    made.takes.duplicate_current()
    wait_for_takes(qtbot, made, 2)
    first, second = made.state.takes
    assert (first.prompt, first.seed, first.generation_ms) == (second.prompt, second.seed, second.generation_ms)
    assert first.path != second.path
    np.testing.assert_array_equal(read_clip(first.path).samples, read_clip(second.path).samples)


def test_shutdown_waits_for_a_take_that_is_being_written(qtbot, generation, synth, audio, home):
    from arc_instrument.audio.wavfile import read_clip
    from arc_instrument.library import Library
    from arc_instrument.session import Session

    session = Session(generation, audio, Library(home / "takes"), read_clip)
    session.set_prompt("kick")
    session.maker.generate()
    with qtbot.waitSignal(generation.generated):
        generation.start()
    session.shutdown()
    assert len(list((home / "takes").rglob("*.wav"))) == 1
    shutil.rmtree(home)
