"""What other programs are given, by mouse and keys: from the button on the waveform and from the list of takes."""

import threading

import pytest
import soundfile
import wavinfo
from menus import click, entry, open_menu, texts
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest

from arc_instrument import export
from arc_instrument.editing import Edit
from arc_instrument.takefile import read_settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # grabbing, which menus ask for
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def made(qtbot, window, session):
    """The window with three takes: kick, bell, rain, the last one current."""
    session.set_seconds(0.3)
    for number, prompt in enumerate(("kick", "bell", "rain"), 1):
        session.set_prompt(prompt)
        session.maker.generate()
        qtbot.waitUntil(lambda number=number: len(session.state.takes) == number)
    return window


def press(window):
    QTest.mouseClick(window.waveform.export, LEFT)
    return open_menu()


def written(qtbot, session, count):
    folder = session.exporter.folder
    qtbot.waitUntil(lambda: folder.is_dir() and len(list(folder.glob("[!.]*"))) == count)
    qtbot.waitUntil(lambda: session.state.exported is not None)
    return sorted(folder.iterdir())


def test_a_format_is_chosen_the_take_written_in_it_and_shown_where_it_lies(qtbot, made, session, monkeypatch):
    menu = press(made)
    assert entry(menu, "WAV 24 bit").isChecked()
    click(menu, "FLAC")
    assert session.state.export_format == "flac"
    assert "FLAC" in made.waveform.export.toolTip()
    click(press(made), "Export the take")
    (path,) = written(qtbot, session, 1)
    assert (path.suffix, soundfile.info(path).subtype) == (".flac", "PCM_24")
    assert read_settings(path)["prompt"] == "rain"
    qtbot.waitUntil(lambda: made.message.text() == "Exported 1 take to “takes exports”.")
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    assert made.message.action.text() == "Show"
    QTest.mouseClick(made.message.action, LEFT)
    assert opened == [str(path.parent)]


def test_the_choice_of_a_format_is_undone_by_ctrl_z(made, session):
    click(press(made), "WAV 32 bit")
    click(press(made), "WAV 16 bit")
    for format in ("wav32f", "wav24"):
        QTest.keyClick(made, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert session.state.export_format == format


def test_the_menu_offers_what_there_is(qtbot, made, session):
    formats = ["WAV 16 bit", "WAV 24 bit", "WAV 32 bit float", "FLAC 24 bit"]
    menu = press(made)
    assert texts(menu) == ["Export the take", *formats]
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    session.selection.select(session.state.takes[:2])
    session.kit.put_take(0, session.state.takes[2])
    qtbot.waitUntil(lambda: session.state.pads[0].take is not None)
    menu = press(made)
    assert texts(menu) == ["Export the take", "Export 2 selected takes", "Export the pads as SFZ", *formats]
    click(menu, "Export the pads")
    (folder,) = written(qtbot, session, 1)
    assert sorted(path.suffix for path in folder.iterdir()) == [".sfz", ".wav"]


def test_several_selected_takes_are_exported_each_to_a_file_of_its_own(qtbot, made, session):
    listed = made.takes.list
    rows = [listed.visualRect(listed.model().index(row)).center() for row in range(3)]
    QTest.mouseClick(listed.viewport(), LEFT, pos=rows[1])
    qtbot.waitUntil(lambda: session.state.current.prompt == "bell")
    QTest.mouseClick(listed.viewport(), LEFT, Qt.KeyboardModifier.ControlModifier, rows[2])
    click(press(made), "Export 2 selected takes")
    paths = written(qtbot, session, 2)
    assert {read_settings(path)["prompt"] for path in paths} == {"bell", "kick"}
    assert "Exported 2 takes" in session.state.message.text
    listed.customContextMenuRequested.emit(rows[2])
    click(open_menu(), "Export 2 takes")
    assert len(written(qtbot, session, 4)) == 4


def test_an_export_is_what_is_heard_and_tells_samplers_its_loop(qtbot, made, session):
    frames = len(session.state.current.clip.samples)
    edit = type(session.state.current.edit)(start=frames // 2, gain_db=-6.0)
    session.edits.apply(edit)
    session.sampler.set_mode("loop")
    session.sampler.set_loop(100, 4_000, 0.0)
    QTest.keyClick(made, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    (path,) = written(qtbot, session, 1)
    assert soundfile.info(path).frames == frames - frames // 2
    told = read_settings(path)
    assert (told["edit"]["gain_db"], told["loop"]) == (-6.0, [100, 4_000])
    (loop,) = wavinfo.WavInfoReader(str(path)).smpl.sample_loops
    assert (loop.start, loop.end) == (100, 3_999)  # the last frame is played too


def test_one_that_is_gone_is_told_with_how_many_were_written(qtbot, made, session):
    session.selection.select(session.state.takes)
    session.state.takes[2].path.unlink()
    session.exporter.export_selected()
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert session.state.message.text.startswith("2 of 3 takes are exported to “takes exports”: the others")
    assert "kick" in session.state.message.detail
    assert session.state.message.is_error


def test_the_loop_that_samplers_are_told_is_the_one_that_the_keys_play(qtbot, made, session):
    frames = len(session.state.current.clip.samples)
    session.sampler.set_mode("loop")
    for count, edit in enumerate((Edit(), Edit(end=frames - 500, fade_out_ms=40.0)), 1):
        session.edits.apply(edit)
        session.exporter.export_current()
        path = max(written(qtbot, session, count), key=lambda path: path.stat().st_mtime_ns)
        (told,) = wavinfo.WavInfoReader(str(path)).smpl.sample_loops
        assert (told.start, told.end + 1) == (session.state.loop.start, session.state.loop.end)
    assert session.state.loop.start == 0  # it fades away: no crossfade takes from its beginning
    assert session.state.loop.end < frames - 500


def test_an_export_of_many_is_followed_and_stopped_with_the_mouse(qtbot, made, session, monkeypatch):
    gate, write = threading.Semaphore(0), export.write_clip

    def wait_and_write(*arguments):
        assert gate.acquire(timeout=10)
        write(*arguments)

    monkeypatch.setattr(export, "write_clip", wait_and_write)
    monkeypatch.setattr("arc_instrument.session.exporter.SHOWN_S", 0)
    session.selection.select(session.state.takes)
    click(press(made), "Export 3 selected takes")
    assert made.message.text() == "Exporting takes: 0 of 3"
    empty = made.waveform.export.grab().toImage()
    gate.release()
    qtbot.waitUntil(lambda: made.message.text().startswith("Exporting takes: 1 of 3, about "))
    assert made.waveform.export.grab().toImage() != empty
    assert made.message.action.text() == "Stop"
    assert made.message.close_button.isHidden()
    session.say("The sound card is gone.")
    assert made.message.text() == "The sound card is gone."  # what went wrong is never hidden by a progress
    QTest.mouseClick(made.message.close_button, LEFT)
    assert made.message.text().startswith("Exporting takes: 1 of 3")
    assert entry(press(made), "Stop the export").isEnabled()
    QTest.keyClick(open_menu(), Qt.Key.Key_Escape)
    QTest.mouseClick(made.message.action, LEFT)
    gate.release(3)
    qtbot.waitUntil(lambda: session.state.exporting is None)
    assert made.message.text() == "Stopped: 2 of 3 takes are exported to “takes exports”."
    assert made.message.action.text() == "Show"
