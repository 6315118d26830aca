"""Tags by mouse and keys: narrow the list to one, give one to several takes, and finish a known one from its start."""

import pytest
from menus import click, entry, open_menu, texts
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # grabbing, which menus ask for
LEFT = Qt.MouseButton.LeftButton
CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def made(qtbot, window, session):
    """The window with three takes: rain, bell (dry, long), kick (Dry)."""
    session.set_seconds(0.1)
    for number, prompt in enumerate(("kick", "bell", "rain"), 1):
        session.set_prompt(prompt)
        session.maker.generate()
        qtbot.waitUntil(lambda number=number: len(session.state.takes) == number)
    session.selection.set_tags(("Dry",), session.state.takes[2:])
    session.selection.set_tags(("dry", "long"), session.state.takes[1:2])
    return window


def tags(session):
    return {take.prompt: take.tags for take in session.state.takes}


def shown(window):
    model = window.takes.list.model()
    return [model.index(row).data() for row in range(model.rowCount())]


def select(window, *rows):
    listed = window.takes.list
    for number, row in enumerate(rows):
        held = Qt.KeyboardModifier.ControlModifier if number else Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(listed.viewport(), LEFT, held, listed.visualRect(listed.model().index(row)).center())


def test_the_button_beside_the_search_narrows_the_list_to_a_tag_and_back(made, session):
    button = made.takes.tags
    QTest.mouseClick(button, LEFT)
    assert [action.text() for action in open_menu().actions()] == ["All takes\t3", "#dry\t2", "#long\t1"]
    click(open_menu(), "#dry")
    assert shown(made) == ["bell", "kick"]
    assert (button.isChecked(), button.toolTip()) == (True, "Only takes with #dry")
    assert made.takes.search.placeholderText() == "Search #dry"
    made.takes.edit_search()
    QTest.keyClicks(made.takes.search, "be")
    assert made.takes.search.text() == "be"
    session.takes.find("")
    QTest.mouseClick(button, LEFT)
    assert entry(open_menu(), "#dry").isChecked()
    click(open_menu(), "All takes")
    assert shown(made) == ["rain", "bell", "kick"]
    assert not button.isChecked()


def test_leaving_the_menu_of_tags_changes_nothing(made):
    QTest.mouseClick(made.takes.tags, LEFT)
    QTest.keyClick(open_menu(), Qt.Key.Key_Escape)
    assert not made.takes.tags.isChecked()
    assert len(shown(made)) == 3


def test_without_a_tag_the_menu_says_how_one_is_written(made, session):
    for take in session.state.takes:
        session.selection.set_tags((), [take])
    made.run("filter_tag")
    assert texts(open_menu()) == ["All takes"]
    assert "F2" in open_menu().actions()[-1].text()
    open_menu().close()


def test_a_new_tag_is_typed_once_for_every_selected_take_beside_what_they_have(qtbot, made, session):
    select(made, 0, 1)
    QTest.keyClick(made, Qt.Key.Key_T, CONTROL_SHIFT)
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    assert field.placeholderText() == "New tag for 2 takes"
    QTest.keyClicks(field, "night, #long")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert tags(session) == {"rain": ("night", "long"), "bell": ("dry", "long", "night"), "kick": ("Dry",)}
    QTest.keyClick(made, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert tags(session) == {"rain": (), "bell": ("dry", "long"), "kick": ("Dry",)}


def test_a_known_tag_is_checked_where_all_have_it_and_a_click_gives_or_takes_it(made, session):
    select(made, 1, 2)
    listed = made.takes.list
    listed.customContextMenuRequested.emit(listed.visualRect(listed.model().index(1)).center())
    click(open_menu(), "Add a tag")
    menu = open_menu()
    assert (entry(menu, "#dry").isChecked(), entry(menu, "#long").isChecked()) == (True, False)
    QTest.keyClicks(QApplication.focusWidget(), "lo")
    assert texts(menu) == ["#long"]
    click(menu, "#long")
    assert tags(session) == {"rain": (), "bell": ("dry", "long"), "kick": ("Dry", "long")}
    made.run("add_tag")
    click(open_menu(), "#dry")
    assert tags(session) == {"rain": (), "bell": ("long",), "kick": ("long",)}


def test_the_field_in_the_card_completes_the_last_tag(qtbot, made, session):
    select(made, 0)
    QTest.keyClick(made.takes.list, Qt.Key.Key_F2)
    field = made.takes.list.findChild(QLineEdit, "tags")
    QTest.keyClicks(field, "808, lo")
    popup = field.completer().popup()
    qtbot.waitUntil(popup.isVisible)
    QTest.keyClick(popup, Qt.Key.Key_Down)
    QTest.keyClick(popup, Qt.Key.Key_Return)
    assert field.text() == "808, long"
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tags(session)["rain"] == ("808", "long"))
