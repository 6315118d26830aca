"""The takes as a person finds, marks and drags them; wired to a real session as the window wires it."""

from dataclasses import replace
from pathlib import Path

import pytest
from inline_session import make_session, session_of_three
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QScrollBar, QToolButton

from arc_instrument import library_bench
from arc_instrument.library import Library
from arc_instrument.ui import take_list
from arc_instrument.ui.connections import connect_takes
from arc_instrument.ui.take_card import card_in, star_area
from arc_instrument.ui.take_model import figures
from arc_instrument.ui.take_panel import TakePanel

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # of the offscreen one, about a bare widget


def wired(session):
    """A panel that says to the session what the window's says."""
    panel = TakePanel()
    session.stateChanged.connect(panel.render_state)
    connect_takes(panel, session)
    panel.render_state(session.state)
    return panel


@pytest.fixture
def session(qtbot, application, tmp_path):
    """A session with three takes: bell, snare, kick."""
    made = session_of_three(tmp_path / "takes")
    yield made
    made.shutdown()


@pytest.fixture
def panel(qtbot, session):
    made = wired(session)
    qtbot.addWidget(made)
    made.resize(296, 400)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def shown(panel):
    model = panel.list.model()
    return [model.index(row).data() for row in range(model.rowCount())]


def centre(panel, row):
    return panel.list.visualRect(panel.list.model().index(row)).center()


def click(panel, place, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_typing_finds_enter_goes_into_the_list_and_the_arrows_hear(panel, session):
    session.set_prompt("kick drum")
    session.maker.generate()
    panel.edit_search()
    QTest.keyClicks(panel.search, "ki")
    assert shown(panel) == ["kick drum", "kick"]
    assert (panel._count.text(), panel._count.toolTip()) == ("2", "2 of 4")
    QTest.keyClick(panel.search, Qt.Key.Key_Down)
    assert panel.list.hasFocus()
    assert session.state.current.prompt == "kick drum"
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    assert session.state.current.prompt == "kick"
    panel.edit_search()
    QTest.keyClick(panel.search, Qt.Key.Key_Backspace)
    assert len(shown(panel)) == 4


def test_the_clear_button_shows_all_again_and_nothing_found_says_so(panel):
    QTest.keyClicks(panel.search, 'zz" *')
    assert shown(panel) == []
    assert panel._empty.isVisible()
    assert "No take is like that" in panel._empty.text()
    QTest.mouseClick(panel.search.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert len(shown(panel)) == 3


def test_a_click_on_the_star_favours_the_take_and_does_not_play_it(panel, session):
    audio_calls = session.player._audio.calls
    audio_calls.clear()
    area = star_area(card_in(panel.list.visualRect(panel.list.model().index(1))))
    click(panel, area.center().toPoint())
    assert [take.favourite for take in session.state.takes] == [False, True, False]
    assert audio_calls == []
    QTest.mouseClick(panel.favourites, Qt.MouseButton.LeftButton)
    assert shown(panel) == ["snare"]
    assert panel.favourites.isChecked()
    assert panel.list.model().index(0).data(Qt.ItemDataRole.AccessibleTextRole).startswith("favourite, snare")


def test_several_cards_are_selected_without_playing_and_dragged_as_several_files(panel, session, monkeypatch):
    drags = []
    monkeypatch.setattr(take_list.QDrag, "exec", lambda drag, *_: drags.append((drag.mimeData().urls(), drag.pixmap())))
    click(panel, centre(panel, 0))
    session.player._audio.calls.clear()
    click(panel, centre(panel, 2), Qt.KeyboardModifier.ControlModifier)
    assert session.player._audio.calls == []
    assert session.state.selection == (session.state.takes[0].path, session.state.takes[2].path)
    selection = session.state.selection
    viewport, start = panel.list.viewport(), centre(panel, 2)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(viewport, start + QPoint(6, 6))
    QTest.mouseMove(viewport, start + QPoint(30, 30))
    ((urls, picture),) = drags
    assert [Path(url.toLocalFile()) for url in urls] == list(selection)
    assert not picture.isNull()


def test_a_file_that_is_away_is_not_dragged(panel, session):
    session.state.takes[0].path.unlink()
    model = panel.list.model()
    urls = panel.list.make_drag([model.index(row) for row in range(3)]).mimeData().urls()
    assert [Path(url.toLocalFile()) for url in urls] == [take.path for take in session.state.takes[1:]]


def test_shift_and_the_arrows_select_and_the_menu_deletes_all_of_them(panel, session):
    click(panel, centre(panel, 0))
    QTest.keyClick(panel.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    panel.list._open_menu(centre(panel, 1))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.text() == "Delete takes").trigger()
    menu.close()
    assert shown(panel) == ["kick"]
    assert [index.row() for index in panel.list.selectedIndexes()] == [0]
    session.history.undo()
    assert shown(panel) == ["bell", "snare", "kick"]
    assert len(panel.list.selectedIndexes()) == 2


def test_tags_are_written_in_the_card_for_every_selected_take(qtbot, panel, session):
    click(panel, centre(panel, 0))
    click(panel, centre(panel, 1), Qt.KeyboardModifier.ShiftModifier)
    panel.list.setFocus()
    QTest.keyClick(panel.list, Qt.Key.Key_F2)
    field = panel.list.findChild(QLineEdit, "tags")
    QTest.keyClicks(field, "dry, 808")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [take.tags for take in session.state.takes] == [("dry", "808"), ("dry", "808"), ()])
    assert [take.tags for take in Library(session.takes.folder).takes()] == [("dry", "808"), ("dry", "808"), ()]
    assert "tag dry" in panel.list.model().index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    session.history.undo()
    assert [take.tags for take in session.state.takes] == [()] * 3


def test_escape_leaves_the_tags_as_they_were(panel, session):
    click(panel, centre(panel, 0))
    panel.list.edit_tags()
    field = panel.list.findChild(QLineEdit, "tags")
    QTest.keyClicks(field, "dry")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert session.state.takes[0].tags == ()
    assert session.state.undo_label != "tags take"


def test_a_mark_or_a_delete_leaves_the_list_where_it_was_scrolled(qtbot, application, tmp_path):
    library_bench.make(tmp_path / "takes", 20_000)
    session = make_session(tmp_path / "takes")
    session.takes.load()
    panel = wired(session)
    qtbot.addWidget(panel)
    panel.resize(296, 400)
    panel.show()
    qtbot.waitExposed(panel)
    bar = panel.list.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    place = bar.value()
    middle = panel.list.indexAt(QPoint(20, 20)).row()
    assert middle > 5_000
    session.selection.toggle_favourite(session.state.takes[middle : middle + 1])
    session.selection.delete(session.state.takes[middle + 2 : middle + 3])
    assert bar.value() == place
    assert panel._count.text() == "19,999"
    panel.searchEdited.emit("warm be")
    assert 50 < panel.list.model().rowCount() < 1_000
    assert [found for found in panel.findChildren(QScrollBar) if found.isVisible()] == []
    session.shutdown()


def test_a_folder_that_is_away_says_so_where_its_takes_would_be(panel, session):
    panel.render_state(replace(session.state, takes=(), folder_problem="The takes folder X is away: connect its disk."))
    assert panel._empty.text() == "The takes folder X is away: connect its disk."
    assert not panel.search.isVisible()


def test_the_card_of_a_variation_tells_which_and_how_far(session):
    (take, *_) = session.state.takes
    assert figures(take) == f"{take.seconds:.1f} s · 8 steps · seed {take.seed}"
    walked = replace(take, settings={"walk": [[7, 0.5], [811_234, 0.3]]})
    assert figures(walked) == f"{take.seconds:.1f} s · variation 811234 · 30 %"
