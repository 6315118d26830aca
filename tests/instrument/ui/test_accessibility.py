"""The whole window walked widget by widget: names, Tab, the ring of the focus, sizes, and no text that is cut."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QListView,
    QSlider,
    QWidget,
)
from test_look import STATES, state_named

from arc_instrument.session.state import Preferences, SessionState
from arc_instrument.ui.appearance import Appearance
from arc_instrument.ui.choice import Choice
from arc_instrument.ui.keyboard_strip import KeyboardStrip
from arc_instrument.ui.knob import Knob
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.pad_grid import PadGrid
from arc_instrument.ui.variation_row import VariationRow
from arc_instrument.ui.waveform_editor import WaveformEditor
from arc_instrument.ui.xy_pad import XyPad

INTERACTIVE = (
    QAbstractButton, QLineEdit, QSlider, Knob, QAbstractSpinBox, QComboBox, QListView, KeyboardStrip, PadGrid,
    VariationRow, WaveformEditor, XyPad,
)  # fmt: skip
TARGET_PX = 24  # WCAG 2.2, 2.5.8
SECTIONS = range(5)


@pytest.fixture(params=["dark", "light"])
def theme(request, application):
    appearance = next(child for child in application.children() if isinstance(child, Appearance))
    appearance.render_state(replace(SessionState(), preferences=Preferences(theme=request.param)))
    yield request.param
    appearance.render_state(SessionState())


def shown(root, kinds=QWidget):
    return [
        widget
        for widget in root.findChildren(QWidget)
        if widget.isVisible() and isinstance(widget, kinds) and not isinstance(widget.parentWidget(), QAbstractSpinBox)
    ]


def open_pages(window):
    """The window, and every sheet and page over it, one after the other; yields what is to be looked at."""
    yield window.centralWidget()
    for sheet in (window.sheet, window.command_palette):
        sheet.open()
        QTest.qWait(1)
        yield sheet
        sheet.close_sheet()
    window.preferences.open()
    for section in SECTIONS:
        window.preferences.sections.button(section).click()
        QTest.qWait(1)
        yield window.preferences
    window.preferences.close_sheet()


@pytest.mark.parametrize("name", STATES)
def test_whatever_can_be_used_has_a_name_and_is_large_enough(window, session, name):
    window.render_state(state_named(session.state, name))
    QTest.qWait(1)
    met = 0
    for page in open_pages(window):
        for widget in shown(page, INTERACTIVE):
            assert widget.accessibleName().strip(), f"{type(widget).__name__} without a name"
            if not isinstance(widget, QLineEdit):  # their frame is the target
                assert min(widget.width(), widget.height()) >= TARGET_PX, widget.accessibleName()
            met += 1
    assert met > 60


@pytest.mark.parametrize("name", STATES)
def test_tab_reaches_everything_that_can_be_used_once_and_shift_tab_walks_back(window, session, name):
    window.render_state(state_named(session.state, name))
    QTest.qWait(1)

    def walk(key):
        window.prompt.line.setFocus()
        walked = []
        while QApplication.focusWidget() not in walked:
            walked.append(QApplication.focusWidget())
            QTest.keyClick(QApplication.focusWidget(), key)
        assert QApplication.focusWidget() is window.prompt.line  # it ends where it began: nobody is a trap
        return walked

    forward = walk(Qt.Key.Key_Tab)
    usable = [widget for widget in shown(window.centralWidget(), INTERACTIVE) if widget.isEnabled()]
    assert {widget.accessibleName() for widget in usable} == {widget.accessibleName() for widget in forward}
    assert len(forward) == len(usable)
    assert walk(Qt.Key.Key_Backtab) == [forward[0], *reversed(forward[1:])]


def test_each_sheet_keeps_tab_to_itself(window):
    for page in open_pages(window):
        if page is window.centralWidget():
            continue
        walked = set()
        for _ in range(30):
            walked.add(QApplication.focusWidget())
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        usable = {widget for widget in shown(page, INTERACTIVE)
                  if widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus}  # fmt: skip
        assert walked == usable


def test_the_focus_can_be_seen_on_everything_in_both_themes(window, session, theme):
    window.render_state(replace(state_named(session.state, "init"), message=None))
    QTest.qWait(1)
    for widget in [each for each in shown(window.centralWidget(), INTERACTIVE) if each.isEnabled()]:
        frame = widget.parentWidget() if isinstance(widget, QLineEdit) else widget
        other = window.keyboard if widget is not window.keyboard else window.generate
        other.setFocus()
        QTest.qWait(1)
        without = frame.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.qWait(1)
        assert QApplication.focusWidget() is widget
        changed = differences(without, frame.grab().toImage())
        assert changed >= 20 or isinstance(widget, QListView), f"{widget.accessibleName()}: {changed} pixels"


def differences(first, second):
    """How many pixels of two pictures of one size differ."""
    return sum(first.pixel(x, y) != second.pixel(x, y) for x in range(first.width()) for y in range(first.height()))


@pytest.mark.parametrize("size", [QSize(900, 560), QSize(1280, 800)])
@pytest.mark.parametrize("name", STATES)
def test_no_label_and_no_button_is_smaller_than_its_text(window, session, name, size):
    window.resize(size)
    window.render_state(state_named(session.state, name))
    QTest.qWait(1)
    for page in open_pages(window):
        for widget in shown(page, (QLabel, QAbstractButton)):
            if isinstance(widget, (ElidedLabel, Choice)):  # these shorten, and keep the whole in the tooltip
                assert widget.height() >= widget.fontMetrics().height(), widget.text()
                continue
            if isinstance(widget, QLabel) and widget.wordWrap():
                room = QRect(0, 0, widget.width(), 10_000)
                flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft)
                needed = widget.fontMetrics().boundingRect(room, flags, widget.text()).height()
                if widget is not window.message._text or len(widget.text()) < 150:  # its tooltip has what is longer
                    assert widget.height() >= needed, widget.text()
                continue
            wanted = widget.minimumSizeHint()
            assert widget.width() >= wanted.width(), widget.text()
            assert widget.height() >= wanted.height(), widget.text()


def test_what_is_on_or_off_says_so_to_a_screen_reader(window, session):
    from PySide6.QtGui import QAccessible

    def state_of(widget):
        return QAccessible.queryAccessibleInterface(widget).state()

    assert state_of(window.controls.seed.lock).checkable
    assert not state_of(window.controls.seed.lock).checked
    session.toggle_seed_lock()
    assert state_of(window.controls.seed.lock).checked
    assert QAccessible.queryAccessibleInterface(window.controls.steps.slider).valueInterface().currentValue() == 8
