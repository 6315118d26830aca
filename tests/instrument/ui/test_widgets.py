"""The controls themselves: hand, keys and wheel in, values out."""

import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from arc_instrument.parameters import Parameter
from arc_instrument.ui.deck import Deck
from arc_instrument.ui.knob import PX_FOR_RANGE, Knob, number_in
from arc_instrument.ui.pad_grid import SOFTEST, PadGrid, PadPicture
from arc_instrument.ui.segments import Segments
from arc_instrument.ui.variation_row import VariationRow
from arc_instrument.ui.xy_pad import XyPad

PEAKS = np.array([[-0.5, 0.5], [-0.2, 0.1]], np.float32)


@pytest.fixture
def show(qtbot, application):
    holder = QWidget()
    qtbot.addWidget(holder)
    holder.resize(900, 300)
    holder.show()
    qtbot.waitExposed(holder)

    def shown(widget):
        widget.setParent(holder)
        widget.show()
        return widget

    return shown


@pytest.fixture
def cutoff(show) -> Knob:
    cutoff = Parameter("cutoff", "Cutoff", "Low-pass", "Hz", 20, 20_000, 20_000, "set", "field", scale="log")
    return show(Knob(cutoff))


@pytest.fixture
def gain(show) -> Knob:
    gain = Parameter("gain", "Gain", "Level", "dB", -24, 24, 0, "set", "field", decimals=1)
    return show(Knob(gain, centred=True))


def moved(widget: QWidget, to: QPoint, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    start = QPointF(widget.rect().center())
    end = start + QPointF(to)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, place, button, held in (
        (QEvent.Type.MouseButtonPress, start, left, left),
        (QEvent.Type.MouseMove, end, none, left),
        (QEvent.Type.MouseButtonRelease, end, left, none),
    ):
        event = QMouseEvent(kind, place, widget.mapToGlobal(place), button, held, modifier)
        QApplication.sendEvent(widget, event)


def test_a_drag_upwards_turns_a_knob_up_and_shift_makes_it_ten_times_finer(gain):
    values = []
    gain.valueEdited.connect(values.append)
    moved(gain, QPoint(0, -PX_FOR_RANGE // 4))
    assert gain.exact_value == pytest.approx(12)
    gain.set_value(0)
    moved(gain, QPoint(0, -PX_FOR_RANGE // 4), Qt.KeyboardModifier.ShiftModifier)
    assert gain.exact_value == pytest.approx(1.2)
    assert values == [pytest.approx(12), pytest.approx(1.2)]


def test_a_knob_stops_at_its_ends_and_a_double_click_gives_its_default(gain):
    moved(gain, QPoint(0, -5_000))
    assert gain.exact_value == 24
    QTest.mouseDClick(gain, Qt.MouseButton.LeftButton)
    assert gain.exact_value == 0


def test_a_knob_that_is_dragged_ignores_what_the_session_says_and_hears_it_after(gain):
    QTest.mousePress(gain, Qt.MouseButton.LeftButton)
    gain.set_value(10)
    assert gain.exact_value == 0
    QTest.mouseRelease(gain, Qt.MouseButton.LeftButton)
    gain.set_value(10)
    assert gain.exact_value == 10


def test_small_moves_of_a_fine_drag_add_up_though_each_is_below_the_parameters_step(show):
    steps = show(Knob(Parameter("steps", "Steps", "", "", 1, 16, 8, "set", "field")))
    for _ in range(40):
        moved(steps, QPoint(0, -1))
    assert steps.exact_value == 12  # 8 + 15 · 40 / 160, rounded


def test_showing_a_value_tells_nobody(gain):
    values = []
    gain.valueEdited.connect(values.append)
    gain.set_value(7)
    assert values == []


def test_arrow_keys_and_the_wheel_turn_a_knob_by_a_hundredth(gain):
    QTest.keyClick(gain, Qt.Key.Key_Up)
    assert gain.exact_value == 0.5
    where, nothing = QPointF(gain.rect().center()), QPoint()
    wheel = QWheelEvent(
        where, gain.mapToGlobal(where), nothing, QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(gain, wheel)
    assert gain.exact_value == pytest.approx(0, abs=1e-9)


def test_enter_opens_a_field_in_which_a_value_is_typed(cutoff, qtbot):
    QTest.keyClick(cutoff, Qt.Key.Key_Return)
    assert cutoff._editor is not None
    QTest.keyClicks(cutoff._editor, "1.5k")
    QTest.keyClick(cutoff._editor, Qt.Key.Key_Return)
    assert cutoff.exact_value == pytest.approx(1_500)
    assert cutoff._editor is None


def test_leaving_the_field_changes_nothing(cutoff):
    QTest.keyClick(cutoff, Qt.Key.Key_Return)
    QTest.keyClicks(cutoff._editor, "100")
    cutoff._close_editor()
    assert cutoff.exact_value == 20_000


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("-3 dB", -3), ("−3,5 dB", -3.5), ("4.5 kHz", 4500), ("12 k", 12_000), ("250ms", 250),
     ("1.5 s", 1_500), ("", None),
     ("loud", None), ("+-", None)],
)  # fmt: skip
def test_a_typed_value_may_carry_its_unit(text, value):
    assert number_in(text) == value


def test_a_screen_reader_hears_a_knobs_value_in_its_unit(gain):
    gain.set_value(-6)
    assert gain.accessibleName() == "Gain"
    assert "-6.0 dB" in gain.accessibleDescription()


def test_one_segment_is_chosen_at_a_time_and_only_a_persons_choice_is_told(show):
    chosen = []
    modes = show(Segments("Mode", [("gate", "Gate", ""), ("loop", "Loop", "")]))
    modes.chosen.connect(chosen.append)
    modes.set_choice("gate")
    assert chosen == []
    modes.buttons["loop"].click()
    assert chosen == ["loop"]
    assert not modes.buttons["gate"].isChecked()


def test_the_xy_pad_tells_where_it_was_pressed_and_stays_inside(show):
    pad = show(XyPad())
    pad.resize(220, 100)
    places = []
    pad.moved.connect(lambda x, y: places.append((x, y)))
    QTest.mousePress(pad, Qt.MouseButton.LeftButton, pos=pad.field().center().toPoint())
    assert places[-1] == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))
    QTest.mouseRelease(pad, Qt.MouseButton.LeftButton)
    moved(pad, QPoint(9_000, 9_000))
    assert places[-1] == (1.0, 0.0)


def test_arrow_keys_move_the_point_of_the_xy_pad(show):
    pad = show(XyPad())
    places = []
    pad.moved.connect(lambda x, y: places.append((x, y)))
    QTest.keyClick(pad, Qt.Key.Key_Right)
    QTest.keyClick(pad, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert places == [(pytest.approx(0.05), 0), (pytest.approx(0.05), pytest.approx(0.01))]


def test_a_deck_shows_one_page_and_keeps_its_height(show):
    pages = [(name, name.title(), "", QWidget()) for name in ("voice", "shape")]
    pages[1][3].setMinimumHeight(10)
    deck = show(Deck("Deck", pages))
    height, told = deck.height(), []
    deck.pageChanged.connect(told.append)
    deck.tabs["shape"].click()
    assert (deck.page, told) == ("shape", ["shape"])
    assert deck.height() == height
    assert pages[1][3].isVisible()
    assert not pages[0][3].isVisible()


@pytest.fixture
def pads(show) -> PadGrid:
    grid = show(PadGrid())
    grid.resize(868, 68)
    return grid


def test_a_pad_hit_near_its_upper_edge_is_louder_than_near_its_lower_one(pads):
    hits = []
    pads.padPressed.connect(lambda pad, velocity: hits.append((pad, velocity)))
    area = pads.area(9)
    QTest.mouseClick(pads, Qt.MouseButton.LeftButton, pos=QPoint(round(area.center().x()), math.ceil(area.top())))
    QTest.mouseClick(pads, Qt.MouseButton.LeftButton, pos=QPoint(round(area.center().x()), int(area.bottom()) - 1))
    assert [pad for pad, _ in hits] == [9, 9]
    assert hits[0][1] >= 122
    assert hits[1][1] <= SOFTEST + 8


def test_every_press_of_a_pad_is_released_also_when_the_focus_goes(pads, qtbot):
    ended = []
    pads.padReleased.connect(ended.append)
    QTest.mousePress(pads, Qt.MouseButton.LeftButton, pos=pads.area(3).center().toPoint())
    pads.clearFocus()
    pads.setFocus()
    pads.clearFocus()
    assert ended == [3]
    QTest.mouseRelease(pads, Qt.MouseButton.LeftButton)
    assert ended == [3]


def test_arrow_keys_walk_over_the_pads_and_enter_hits_one(pads):
    hits = []
    pads.padPressed.connect(lambda pad, velocity: hits.append(pad))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(pads, key)
    QTest.keyClick(pads, Qt.Key.Key_Up)
    QTest.keyClick(pads, Qt.Key.Key_Up)  # there is no row above
    QTest.keyClick(pads, Qt.Key.Key_Return)
    assert hits == [9, 1]


def test_a_file_dropped_on_a_pad_is_told_with_its_number(pads, tmp_path):
    dropped = []
    pads.pathDropped.connect(lambda pad, path: dropped.append((pad, path)))
    what = QMimeData()
    what.setUrls([QUrl.fromLocalFile(str(tmp_path / "snare.wav"))])
    place, copy, left = pads.area(5).center(), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    nothing = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(pads, QDragEnterEvent(place.toPoint(), copy, what, left, nothing))
    QApplication.sendEvent(pads, QDropEvent(place, copy, what, left, nothing))
    assert dropped == [(5, Path(tmp_path / "snare.wav"))]


def test_the_drag_of_a_pad_is_its_file(pads, tmp_path):
    (tmp_path / "kick.wav").touch()
    pads.show_pads([PadPicture("kick", peaks=PEAKS, path=tmp_path / "kick.wav")] + [PadPicture()] * 15)
    assert [url.toLocalFile() for url in pads.make_drag(0).mimeData().urls()] == [str(tmp_path / "kick.wav")]


@pytest.fixture
def tiles(show) -> tuple[VariationRow, list[int]]:
    row, heard = show(VariationRow()), []
    row.resize(400, 60)
    row.heard.connect(heard.append)
    return row, heard


def test_a_tile_is_heard_with_a_click_but_an_empty_one_is_not(tiles):
    row, heard = tiles
    row.show_variations((PEAKS, PEAKS), None, 6)
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.area(1).center().toPoint())
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.area(4).center().toPoint())
    assert heard == [1]


def test_arrow_keys_hear_the_neighbouring_variation_and_pass_over_one_that_is_not_there_yet(tiles):
    row, heard = tiles
    row.show_variations((PEAKS, None, PEAKS), 0, 1)
    QTest.keyClick(row, Qt.Key.Key_Right)
    QTest.keyClick(row, Qt.Key.Key_Left)
    assert heard == [2]
