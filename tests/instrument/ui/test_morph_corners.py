"""A corner of the morph square takes the prompt, the current take, or a take that is dropped on it."""

import pytest
from menus import click, open_menu, texts
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # grabbing, which menus ask for
LEFT = Qt.MouseButton.LeftButton
CORNERS = {"A": (4, -4), "B": (-4, -4), "C": (4, 4), "D": (-4, 4)}


@pytest.fixture
def morph(qtbot, window, session):
    """The page, with a take of a glass bell and “dusty kick” in the prompt."""
    session.set_seconds(0.1)
    session.set_prompt("glass bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    session.set_prompt("dusty kick")
    QTest.mouseClick(window.deck.tabs["morph"], LEFT)
    return window.morph


def place_of(pad, letter) -> QPoint:
    x, y = CORNERS[letter]
    return QPoint(x % pad.width(), y % pad.height())


def right_click(pad, letter):
    place = place_of(pad, letter)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, pad.mapToGlobal(place))
    QApplication.sendEvent(pad, event)
    return open_menu()


@pytest.mark.parametrize("letter", CORNERS)
def test_a_right_click_puts_the_prompt_into_the_nearest_corner(morph, session, letter):
    menu = right_click(morph.pad, letter)
    assert texts(menu) == [f"Put “dusty kick” in {letter}", f"Put the take “glass bell” in {letter}"]
    click(menu, "Put “dusty")
    corner = "ABCD".index(letter)
    assert session.state.morph_prompts[corner] == "dusty kick"
    assert morph.lines[corner].text() == "dusty kick"
    click(right_click(morph.pad, letter), "Put the take")
    assert session.state.morph_prompts[corner] == "glass bell"
    click(right_click(morph.pad, letter), "Empty A" if letter == "A" else f"Empty {letter}")
    assert session.state.morph_prompts == ("",) * 4


def test_ctrl_z_gives_the_corner_and_the_prompt_back(window, morph, session):
    click(right_click(morph.pad, "B"), "Put the take")
    click(right_click(morph.pad, "A"), "Put “dusty")
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (session.state.morph_prompts, session.state.prompt) == (("", "glass bell", "", ""), "dusty kick")


def test_the_menu_key_means_the_corner_that_the_point_is_nearest_to(morph, session):
    session.morph.move(0.9, 0.8)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    QApplication.sendEvent(morph.pad, event)
    assert texts(open_menu())[0].endswith("in D")
    open_menu().close()


def test_of_a_blend_the_strongest_part_goes_into_the_corner(window, morph, session):
    session.set_prompt("kick::30 flute::70")
    window.run("corner_c")
    assert session.state.morph_prompts[2] == "flute"


@pytest.mark.parametrize("on_words", [False, True])
def test_a_take_that_is_dropped_on_a_corner_or_its_words_goes_there(window, morph, session, tmp_path, on_words):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(session.state.current_path))])
    place = morph.lines[1].geometry().center() if on_words else morph.pad.mapTo(morph, place_of(morph.pad, "B"))
    arguments = (Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
    entered = QDragEnterEvent(place, *arguments)
    QApplication.sendEvent(morph, entered)
    assert entered.isAccepted()
    assert morph.pad._target == 1
    QApplication.sendEvent(morph, QDropEvent(QPointF(place), *arguments))
    assert (morph.pad._target, session.state.morph_prompts[1]) == (None, "glass bell")
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "other.wav"))])
    QApplication.sendEvent(morph, QDragEnterEvent(place, *arguments))
    QApplication.sendEvent(morph, QDropEvent(QPointF(place), *arguments))
    assert "not among the takes" in window.message.text()


def test_the_page_says_what_of_its_corners_the_prompt_is(window, morph, session):
    said = morph.said.text
    assert said() == "The point between these words writes the prompt"
    assert window.prompt.line.text() == "dusty kick"
    QTest.keyClicks(morph.lines[0], "bell")
    assert (window.prompt.line.text(), said()) == ("bell", "A is the prompt")
    session.morph.set_corner(3, "flute")
    session.morph.move(0.5, 0.5)
    assert window.prompt.line.text() == "bell::50 flute::50"
    assert said() == "The prompt is A 50 % + D 50 %"
    session.set_prompt("rain")
    assert said() == "The prompt has other words: moving the point writes over them"
    session.morph.move(1.0, 1.0)
    assert (session.state.prompt, said()) == ("flute", "D is the prompt")
    session.morph.move(1.0, 0.0)
    assert (session.state.prompt, said()) == ("flute", "No words where the point is: the prompt stays as it is")


def test_what_the_page_says_is_seen_whole_in_the_smallest_window(window, morph, session):
    session.morph.set_corner(0, "bell")
    session.set_prompt("rain")
    assert window.size() == window.minimumSize()
    assert morph.said.shown_text() == morph.said.text()
    assert morph.said.geometry().bottom() <= morph.height()
    assert not morph.said.geometry().intersects(morph.lines[0].geometry())
