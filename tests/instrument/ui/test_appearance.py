"""Dark, light, or as the system: the real window changes while it runs, and back."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from arc_instrument.session.state import Preferences, SessionState
from arc_instrument.ui import appearance as appearance_module
from arc_instrument.ui import palette
from arc_instrument.ui.appearance import Appearance


@pytest.fixture
def appearance(application):
    made = next(child for child in application.children() if isinstance(child, Appearance))
    yield made
    made.render_state(SessionState())


def wish(appearance, **preferences):
    appearance.render_state(replace(SessionState(), preferences=Preferences(**preferences)))


def brightness(window):
    """Mean of the grey values of what is painted, 0 to 255."""
    picture = window.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    return sum(bytes(picture.constBits())) / (picture.bytesPerLine() * picture.height())


def test_the_window_turns_light_and_dark_again_pixel_for_pixel(window, appearance):
    window.keyboard.setFocus()  # a caret would blink
    QTest.qWait(1)
    dark = window.grab().toImage()
    wish(appearance, theme="light")
    QTest.qWait(1)
    assert brightness(window) > 190
    assert window.palette().window().color().name() == palette.LIGHT["window"]
    wish(appearance, theme="dark")
    QTest.qWait(1)
    assert brightness(window) < 60
    assert window.grab().toImage() == dark


def test_icons_follow_the_theme(window, appearance):
    def colours():
        picture = window.menu_button.icon().pixmap(18, 18).toImage()
        places = [(x, y) for x in range(18) for y in range(18)]
        return {picture.pixelColor(x, y).name() for x, y in places if picture.pixelColor(x, y).alpha() == 255}

    assert colours() == {palette.DARK["muted"]}
    wish(appearance, theme="light")
    assert colours() == {palette.LIGHT["muted"]}


class Desktop:
    """The desktop's own scheme; the offscreen platform has none. What is asked of it is noted."""

    def __init__(self, application):
        self.scheme = Qt.ColorScheme.Unknown
        self.asked: list = []
        self._changed = application.styleHints().colorSchemeChanged

    def become(self, scheme):
        self.scheme = scheme
        self._changed.emit(scheme)

    def colorScheme(self):
        return self.scheme

    def setColorScheme(self, scheme):
        self.asked.append(scheme)

    def unsetColorScheme(self):
        self.asked.append(None)


def test_as_the_system_follows_it_and_a_theme_of_ones_own_does_not(application, appearance, monkeypatch):
    desktop = Desktop(application)
    monkeypatch.setattr(appearance, "_hints", desktop)
    wish(appearance, theme="system")
    assert appearance.theme == "dark"  # where the system has no opinion
    for scheme, theme in ((Qt.ColorScheme.Light, "light"), (Qt.ColorScheme.Dark, "dark")):
        desktop.become(scheme)
        assert appearance.theme == theme
    wish(appearance, theme="light")
    desktop.become(Qt.ColorScheme.Dark)
    assert appearance.theme == "light"
    assert desktop.asked == [None, Qt.ColorScheme.Light]  # the title bar follows the wish


def test_reduced_motion_stops_what_blinks_and_fades(application, appearance):
    wish(appearance, reduced_motion=True)
    assert application.cursorFlashTime() == 0
    assert not QApplication.isEffectEnabled(Qt.UIEffect.UI_FadeMenu)
    wish(appearance)
    assert application.cursorFlashTime() > 0


def test_no_widget_eases_from_one_state_to_the_next():
    """The playhead, the meters and the progress show what is, at each moment: there is no motion to reduce."""
    for path in Path(appearance_module.__file__).parent.glob("*.py"):
        assert not re.search(r"Q\w*Animation|QEasingCurve|QTimeLine", path.read_text(encoding="utf-8")), path.name
