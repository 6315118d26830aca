"""Exports of many sounds: seen to go on, stopped at any time, never in the way of the takes."""

import threading
from pathlib import PurePosixPath, PureWindowsPath

import pytest
import soundfile
from doubles import tone
from inline_session import make_session

from arc_instrument import export
from arc_instrument.export import Pad
from arc_instrument.library import Library
from arc_instrument.session.exporter import exports_of
from arc_instrument.takefile import read_settings

PADS = [Pad(tone(0.05, key), {"prompt": f"drum {key}"}, key) for key in range(36, 52)]


@pytest.fixture
def files(monkeypatch):
    """Lets an export write as many files as it is released; until then it waits before the next one."""
    gate, write = threading.Semaphore(0), export.write_clip

    def wait_and_write(*arguments):
        assert gate.acquire(timeout=10)
        write(*arguments)

    monkeypatch.setattr(export, "write_clip", wait_and_write)
    yield gate
    gate.release(100)


@pytest.fixture
def takes(qtbot, session):
    """A session with five takes of 0.1 s."""
    session.set_seconds(0.1)
    for number in range(5):
        session.set_prompt(f"sound {number}")
        session.maker.generate()
        qtbot.waitUntil(lambda number=number: len(session.state.takes) == number + 1)
    return session


def written(session):
    folder = session.exporter.folder
    return sorted(folder.iterdir()) if folder.exists() else []


def done(session):
    return session.state.exporting and session.state.exporting.done


def test_how_far_it_is_and_how_long_it_takes_is_told_until_the_last_one_is_written(qtbot, takes, files, monkeypatch):
    monkeypatch.setattr("arc_instrument.session.exporter.SHOWN_S", 0)
    takes.exporter.export_takes(takes.state.takes)
    begun = takes.state.exporting
    assert (begun.what, begun.done, begun.count, begun.left_ms) == ("takes", 0, 5, None)
    for number in range(1, 5):
        files.release()
        qtbot.waitUntil(lambda number=number: done(takes) == number)
        assert len(written(takes)) == number
        assert takes.state.exporting.left_ms > 0
    assert takes.state.exported is None
    files.release()
    qtbot.waitUntil(lambda: takes.state.exporting is None)
    assert takes.state.message.text == "Exported 5 takes to “takes exports”."
    assert takes.state.message.action == "show_exports"
    assert str(takes.exporter.folder) in takes.state.message.detail
    assert {read_settings(path)["prompt"] for path in written(takes)} == {f"sound {number}" for number in range(5)}


@pytest.mark.parametrize("takes", [PureWindowsPath("D:/"), PurePosixPath("/")])
def test_exports_of_takes_in_the_root_of_a_disk_lie_on_that_disk(takes):
    assert exports_of(takes) == takes / "ARC Instrument" / "exports"


def test_an_export_on_the_disk_of_the_takes_is_no_take(qtbot, takes, monkeypatch):
    folder = takes.takes.folder
    monkeypatch.setattr("os.path.ismount", lambda path: path == folder)
    takes.exporter.export_takes(takes.state.takes)
    takes.exporter.export_pads(PADS, "kit")
    qtbot.waitUntil(lambda: takes.state.exported is not None and takes.state.exported.name == "kit")
    assert len(written(takes)) == 6
    assert takes.exporter.folder.is_relative_to(folder)
    assert {take.path for take in Library(folder).takes()} == {take.path for take in takes.state.takes}


def test_one_that_is_stopped_leaves_whole_files_and_says_how_many(qtbot, takes, files):
    takes.exporter.export_takes(takes.state.takes)
    files.release(2)
    qtbot.waitUntil(lambda: len(written(takes)) == 2)
    takes.exporter.stop()
    files.release(100)
    qtbot.waitUntil(lambda: takes.state.exporting is None)
    left = len(written(takes))
    assert left in (2, 3)  # the one that was being written is finished
    assert takes.state.message.text == f"Stopped: {left} of 5 takes are exported to “takes exports”."
    assert not takes.state.message.is_error
    for path in written(takes):
        assert soundfile.info(path).frames == 4_410


def test_a_sound_that_is_made_meanwhile_is_saved_before_the_export_ends(qtbot, takes, files, monkeypatch):
    monkeypatch.setattr("arc_instrument.session.exporter.SHOWN_S", 0)
    takes.exporter.export_takes(takes.state.takes)
    takes.maker.generate()
    qtbot.waitUntil(lambda: not takes.state.generating)
    files.release(2)
    qtbot.waitUntil(lambda: len(takes.state.takes) == 6)
    qtbot.waitUntil(lambda: done(takes) == 2)
    files.release(100)
    qtbot.waitUntil(lambda: takes.state.exporting is None)


def test_pads_that_are_stopped_leave_nothing_behind(qtbot, session, files):
    session.exporter.export_pads(PADS, "kit")
    assert session.state.exporting.count == 16
    files.release(3)
    qtbot.waitUntil(lambda: session.exporter.folder.exists() and len(list(session.exporter.folder.glob(".*/*"))) == 3)
    session.exporter.stop()
    files.release(100)
    qtbot.waitUntil(lambda: session.state.exporting is None)
    assert session.state.message.text == "Stopped: none of the 16 pads is exported."
    assert written(session) == []


def test_closing_the_window_ends_an_export_and_leaves_no_half_kit(qtbot, session, files):
    session.exporter.export_pads(PADS, "kit")
    files.release(3)
    qtbot.waitUntil(lambda: session.exporter.folder.exists() and len(list(session.exporter.folder.glob(".*/*"))) == 3)
    files.release(1)
    session.shutdown()
    assert written(session) == []


def test_a_second_export_waits_for_the_first_and_both_are_stopped_together(qtbot, takes, files):
    takes.exporter.export_takes(takes.state.takes)
    takes.exporter.export_pads(PADS, "kit")
    assert takes.state.exporting.what == "takes"
    files.release(5)
    qtbot.waitUntil(lambda: takes.state.exporting.what == "pads")
    takes.exporter.export_takes(takes.state.takes)
    takes.exporter.stop()
    files.release(100)
    qtbot.waitUntil(lambda: takes.state.exporting is None)
    assert [path.suffix for path in written(takes)] == [".wav"] * 5


def test_what_came_of_the_first_export_is_still_told_while_the_second_goes_on(qtbot, takes, files):
    takes.state.takes[-1].path.unlink()
    takes.exporter.export_takes(takes.state.takes)
    takes.exporter.export_pads(PADS, "kit")
    files.release(4)
    qtbot.waitUntil(lambda: takes.state.exporting.what == "pads")
    assert takes.state.message.text == "4 of 5 takes are exported to “takes exports”: the others cannot be read."


def test_a_disk_that_fills_up_ends_it_with_how_many_are_there(qapp, tmp_path, monkeypatch):
    session = make_session(tmp_path / "takes")
    session.set_prompt("bell")
    for seed in range(3):
        session.set_seed(seed)
        session.maker.generate()
    count, write = iter(range(3)), export.write_clip

    def fill_up(path, *arguments):
        write(path if next(count) < 2 else path.parent / "away" / path.name, *arguments)

    monkeypatch.setattr(export, "write_clip", fill_up)
    session.exporter.export_takes(session.state.takes)
    assert session.state.message.text.startswith("2 of 3 takes are exported to “takes exports”. ")
    assert "cannot be written" in session.state.message.text
    assert session.state.message.is_error
    assert session.state.exporting is None
    session.shutdown()
