"""What can be checked of the look without eyes: nothing overlaps or is cut, everything has a name and contrast."""

import re
from dataclasses import replace

import pytest
from doubles import tone
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QListView,
    QScrollBar,
    QSlider,
    QWidget,
)

from arc_instrument.assets import instrument_asset
from arc_instrument.domain import Phase, Progress
from arc_instrument.session.state import CurrentSound, InitSound, Message
from arc_instrument.ui import palette
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.waveform import peaks

INTERACTIVE = (QAbstractButton, QLineEdit, QSlider, QListView)
STATES = ("empty", "generating", "take", "recording", "init", "failure")


def state_named(state, name):
    clip = tone(1, 1)
    sound = CurrentSound(
        clip, peaks(clip.samples), "rain on a tin roof, distant thunder, slowly moving away", 493021, 142
    )
    shown = replace(state, prompt=sound.prompt, current=sound, estimate_ms=1_234.0, press_to_sound_ms=163.0)
    return {
        "empty": state,
        "generating": replace(shown, generating=True, phase=Phase.GENERATING, progress=Progress(1, 13, 16, 60)),
        "take": shown,
        "recording": replace(shown, recording=True),
        "init": replace(shown, init=InitSound("a long name of a dropped recording.wav", clip, sound.peaks), fresh=True),
        "failure": replace(shown, message=Message("What is wrong, and what to do. " * 6, True, "record", "Again")),
    }[name]  # fmt: skip


def leaves(widget):
    """Visible widgets that show something themselves."""
    children = widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    visible = [child for child in children if child.isVisible() and not child.isWindow()]
    if isinstance(widget, (QLineEdit, QListView, QSlider, QAbstractButton, QAbstractSpinBox, QComboBox)) or not visible:
        return [widget]
    return [leaf for child in visible for leaf in leaves(child)]


def area_in(window, widget):
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("size", [QSize(900, 560), QSize(1280, 800), QSize(1920, 1080)])
@pytest.mark.parametrize("name", STATES)
def test_no_widget_overlaps_another_leaves_the_window_or_is_cut(qtbot, window, session, name, size):
    window.resize(size)
    window.render_state(state_named(session.state, name))
    QTest.qWait(1)
    assert window.size() == size
    shown = leaves(window.centralWidget())
    assert len(shown) > 25
    areas = {widget: area_in(window, widget) for widget in shown}
    for widget, area in areas.items():
        label = f"{type(widget).__name__} {widget.accessibleName() or getattr(widget, 'text', str)()}"
        assert window.rect().contains(area), label
        parent = widget.parentWidget()
        assert parent.rect().contains(widget.geometry()), f"{label} is cut by {type(parent).__name__}"
        wanted = widget.minimumSizeHint()
        if isinstance(widget, (QLabel, QAbstractButton)) and not isinstance(widget, ElidedLabel):
            assert widget.width() >= wanted.width(), label
            assert widget.height() >= wanted.height(), label
    placed = list(areas.items())
    for i, (first, area) in enumerate(placed):
        for second, other in placed[i + 1 :]:
            assert not area.intersects(other), f"{first.accessibleName()} {second.accessibleName()} {area} {other}"


@pytest.mark.parametrize("name", STATES)
def test_nothing_jumps_when_the_state_changes(window, session, name):
    controls = window.controls
    fixed = (window.prompt, window.generate, controls.steps, controls.length, controls.seed, window.waveform,
             window.takes, window.voice.record, window.voice.init_slot, window.voice.strength, window.surface,
             window.status)  # fmt: skip
    window.render_state(session.state)
    QTest.qWait(1)
    before = [widget.geometry() for widget in fixed]
    window.render_state(state_named(session.state, name))
    QTest.qWait(1)
    assert [widget.geometry() for widget in fixed] == before


def test_a_sentence_too_long_for_its_label_keeps_its_first_clause_whole_and_the_rest_in_the_tooltip(application):
    sentence = "No sound card: takes are still saved."
    label = ElidedLabel("status")
    label.setText(sentence)
    width = label.fontMetrics().horizontalAdvance
    for wide, shown in (
        (width(sentence) + 1, sentence),
        (width(sentence) - 1, "No sound card…"),
        (width("No sound card…") + 1, "No sound card…"),
    ):
        label.resize(wide, 20)
        assert label.shown_text() == shown
    label.resize(width("No sound"), 20)
    assert label.shown_text().endswith("…")
    assert "card" not in label.shown_text()
    assert label.toolTip() == sentence


def test_a_message_of_any_length_is_cut_after_its_second_line_and_whole_in_the_tooltip(window, session):
    label, sentence = window.message._text, "The model cannot be loaded: " + "a long reason, " * 30
    session.say("A short sentence.")
    assert label.shown_lines() == ["A short sentence."]
    session.say(sentence)
    first, second = label.shown_lines()
    assert sentence.startswith(first)
    assert second.endswith("…")
    assert second.rstrip("… ") in sentence
    assert 2 * label.fontMetrics().lineSpacing() <= label.height()
    assert label.toolTip() == sentence
    for width in range(40, 600, 7):
        label.resize(width, 34)
        assert all(label.fontMetrics().horizontalAdvance(line) <= width for line in label.shown_lines())


def test_the_main_view_has_no_scroll_bars(window, session):
    window.render_state(replace(session.state, takes=tuple(range(0))))
    assert [bar for bar in window.findChildren(QScrollBar) if bar.isVisible()] == []


def test_the_window_cannot_be_made_smaller_than_what_it_needs(window):
    window.resize(100, 100)
    assert window.size() == QSize(900, 560)
    needed = window.centralWidget().minimumSizeHint()
    assert needed.width() <= 900
    assert needed.height() <= 560


def test_every_interactive_widget_has_a_name_and_is_large_enough_to_hit(window, session):
    window.render_state(state_named(session.state, "init"))
    QTest.qWait(1)
    found = [
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, INTERACTIVE)
        and widget.isVisible()
        and not isinstance(widget.parentWidget(), QAbstractSpinBox)
    ]
    assert len(found) >= 15
    for widget in found:
        assert widget.accessibleName(), widget
        assert min(widget.width(), widget.height()) >= 24 or isinstance(widget, QLineEdit), widget.accessibleName()


def test_tab_walks_every_interactive_widget_from_top_to_bottom(window, session):
    window.render_state(state_named(session.state, "init"))
    window.prompt.line.setFocus()
    walked = []
    while QApplication.focusWidget() not in walked:
        walked.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    header = window.keys_header
    expected = [
        window.prompt.line, window.prompt.dice, window.generate, window.live, window.menu_button,
        *window.controls.tab_order(),
        *[each for each in window.waveform.tab_order() if each.isEnabled() and each.isVisible()],
        *window.deck.tabs.values(), *[each for each in window.voice.tab_order() if each.isEnabled()],
        *header.surface.buttons.values(), header.keys, header.fresh, window.keyboard,
    ]  # fmt: skip
    assert [widget for widget in walked if widget is not window.takes.list] == expected


@pytest.mark.parametrize("theme", palette.THEMES)
@pytest.mark.parametrize(("text", "surface"), sorted(set(palette.TEXT_PAIRS)))
def test_text_has_a_contrast_of_at_least_four_and_a_half(text, surface, theme):
    colours = palette.THEMES[theme]
    assert palette.contrast(colours[text], colours[surface]) >= 4.5


@pytest.mark.parametrize("theme", palette.THEMES)
@pytest.mark.parametrize("surface", ["window", "surface", "raised"])
def test_frames_and_the_ring_of_the_focus_have_a_contrast_of_at_least_three(surface, theme):
    colours = palette.THEMES[theme]
    assert palette.contrast(colours["line_strong"], colours[surface]) >= 3
    assert palette.contrast(colours["accent"], colours[surface]) >= 3


def test_both_themes_have_the_same_colours_by_name():
    assert palette.DARK.keys() == palette.LIGHT.keys()


def test_contrast_is_that_of_the_guideline():
    assert palette.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert palette.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_text_colour_of_the_style_sheet_is_one_whose_contrast_is_checked():
    style = instrument_asset("style.qss").read_text()
    used = set(re.findall(r"(?<![-\w])color: @(\w+)", style))
    assert used <= {text for text, _ in palette.TEXT_PAIRS}
    assert "@" not in palette.style_sheet().split("*/", 1)[1]


def test_the_fonts_are_shipped_and_used(application):
    assert "Inter" in QFontDatabase.families()
    assert application.font().family() == "Inter"
    assert (instrument_asset("fonts") / "OFL.txt").is_file()


def test_tooltips_and_menu_come_from_the_registry_of_actions(window):
    from arc_instrument.actions import BY_ID, tooltip

    def entries(menu):
        return [entry for each in menu.actions() for entry in (entries(each.menu()) if each.menu() else [each])]

    listed = [entry for entry in entries(window.menu_button.menu()) if entry in window.actions_by_id.values()]
    assert len(listed) == len(window.actions_by_id)
    titles = {action.title for action in BY_ID.values() if action.id in window.actions_by_id}
    assert {entry.text() for entry in listed} == titles
    assert window.voice.record.button.toolTip() == tooltip("record") == "Record a voice or a beat to start from  (R)"


def test_no_two_actions_share_a_key():
    from arc_instrument.actions import ACTIONS

    keys = [key for action in ACTIONS for key in action.shortcuts]
    assert len(keys) == len(set(keys))


def test_the_window_comes_back_where_it_was(qtbot, window, session, home):
    from PySide6.QtCore import QSettings

    from arc_instrument.ui.window import MainWindow

    window.resize(900, 590)  # within the offscreen display, which is 600 high
    window.close()
    again = MainWindow(session, QSettings(str(home / "window.ini"), QSettings.Format.IniFormat))
    assert again.size() == QSize(900, 590)
    again.close()
    again.message.render_state(session.state)
    again.deleteLater()


def test_double_click_brings_a_slider_back_to_its_default(window, session):
    window.controls.steps.slider.setValue(2)
    QTest.mouseDClick(window.controls.steps.slider, Qt.MouseButton.LeftButton)
    assert session.state.steps == 8


def test_the_guard_sees_what_a_test_leaves_running(qtbot):
    from leaks import still_running
    from PySide6.QtCore import QThread, QTimer

    timer, thread = QTimer(), QThread()
    timer.start(1_000)
    thread.start()
    assert len(still_running([timer, thread])) == 2
    timer.stop()
    thread.quit()
    thread.wait()
    assert still_running([timer, thread]) == []
