"""Popup menus as a person uses them: the open one, and a click on one of its entries."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu


def open_menu() -> QMenu:
    """The menu that is open on top."""
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def entry(menu: QMenu, text: str):
    """The entry that begins with `text`."""
    return next(action for action in menu.actions() if action.text().startswith(text))


def texts(menu: QMenu) -> list[str]:
    """What can be chosen, without the keys beside it."""
    possible = [action for action in menu.actions() if action.isEnabled() and action.isVisible() and action.text()]
    return [action.text().partition("\t")[0] for action in possible]


def click(menu: QMenu, text: str) -> None:
    """Click an entry."""
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entry(menu, text)).center())
