"""The status strip at the smallest size of the window: nothing is cut that matters, nothing moves."""

from dataclasses import replace

import pytest
from doubles import RUNNING
from PySide6.QtCore import QSize
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from arc_instrument.domain import Phase, Progress
from arc_instrument.ui.labels import ElidedLabel


def timed(state, last=150.0, p50=163.4, p95=201.0, presses=12, step_ms=14.6):
    return replace(
        state,
        press_to_sound_ms=last,
        press_to_sound_p50_ms=p50,
        press_to_sound_p95_ms=p95,
        presses=presses,
        step_ms=step_ms,
    )


def texts(strip):
    return [label.text() for label in strip.findChildren(QLabel)]


def test_what_was_never_measured_is_said_to_be_so(window, session):
    window.render_state(session.state)
    assert "Heard in –" in texts(window.status)
    assert not any("ms" in text or "step" in text for text in texts(window.status)[3:])


@pytest.mark.parametrize(
    ("p50", "p95", "shown"),
    [
        (163.4, 201.0, "Heard in 163–201 ms"),
        (163.4, 999.4, "Heard in 163–999 ms"),
        (163.4, 1_240.0, "Heard in 0.2–1.2 s"),
        (163.4, 163.2, "Heard in 163 ms"),
    ],
)
def test_press_to_sound_is_shown_in_one_unit(window, session, p50, p95, shown):
    window.render_state(timed(session.state, p50=p50, p95=p95))
    assert shown in texts(window.status)


@pytest.mark.parametrize(
    ("step_ms", "shown"), [(8.64, "8.6 ms a step"), (14.6, "15 ms a step"), (2_340.0, "2.3 s a step")]
)
def test_the_time_of_a_step_has_two_figures(window, session, step_ms, shown):
    window.render_state(timed(session.state, step_ms=step_ms))
    assert shown in texts(window.status)


def test_each_figure_says_in_a_sentence_what_it_is(window, session):
    window.render_state(timed(session.state))
    window.status.show_levels(0.5, 3, 1_234)
    said = {label.text(): label.accessibleName() for label in window.status.findChildren(QLabel)}
    assert said["Heard in 163–201 ms"] == (
        "Press to sound: half of the last 12 presses of Generate were heard within 163 ms (p50), "
        "95 in 100 within 201 ms (p95), the last after 150 ms"
    )
    assert said["15 ms a step"].startswith("The model took 14.6 ms for each step of the last sound")
    assert "1,234 dropouts (xruns)" in said["3 voices · 999+ dropouts"]
    for label in window.status.findChildren(QLabel):
        assert label.toolTip()


def test_one_press_is_not_called_half_of_one(window, session):
    window.render_state(timed(session.state, last=163.4, p50=163.4, p95=163.4, presses=1))
    names = [label.accessibleName() for label in window.status.findChildren(QLabel)]
    assert "Press to sound: the one press of Generate was heard after 163 ms" in names


def test_at_the_smallest_size_no_figure_is_cut_and_the_model_and_the_sound_card_are_read_whole(window, session):
    window.resize(QSize(900, 560))
    window.render_state(
        replace(
            timed(session.state, p50=888, p95=888, step_ms=888),
            audio=RUNNING,
        )
    )
    window.status.show_levels(1.0, 32, 2_000)
    QTest.qWait(1)
    for label in window.status.findChildren(QLabel):
        if isinstance(label, ElidedLabel):
            assert label.shown_text() == label.text()
        else:
            assert label.fontMetrics().horizontalAdvance(label.text()) <= label.contentsRect().width(), label.text()


def test_nothing_in_the_strip_moves_when_its_figures_change(window, session):
    window.render_state(replace(session.state, audio=RUNNING))
    QTest.qWait(1)
    before = [child.geometry() for child in window.status.findChildren(QWidget)]
    generating = replace(session.state, phase=Phase.GENERATING, progress=Progress(1, 13, 16, 60), audio=RUNNING)
    assert len(before) == 10
    for state in (timed(generating), timed(generating, p50=999, p95=9_999, step_ms=999), timed(session.state, p50=1)):
        window.render_state(replace(state, audio=RUNNING))
        window.status.show_levels(1.0, 32, 10_000)
        QTest.qWait(1)
        assert [child.geometry() for child in window.status.findChildren(QWidget)] == before
