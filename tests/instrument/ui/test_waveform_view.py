"""What of the picture can be checked without eyes: where it is drawn, in which colour, and how much is repainted."""

from types import SimpleNamespace

import numpy as np
import pytest
from editing import FRAMES, Edit, sound_of
from PySide6.QtCore import QThreadPool
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from arc_instrument.domain import RATE_HZ
from arc_instrument.spectrogram import height_of
from arc_instrument.ui import spectrogram_worker, waveform_view
from arc_instrument.ui.palette import COLOURS
from arc_instrument.ui.waveform_view import REDUCED_FRAME_MS, WaveformView


class Watched(WaveformView):
    """Notes what is repainted."""

    def __init__(self):
        super().__init__()
        self.painted = []

    def paintEvent(self, event):
        self.painted.append(event.region().boundingRect())
        super().paintEvent(event)


def buzz(level):
    """The same extremes in every column."""
    return sound_of(np.tile([level, -level], FRAMES // 2))


@pytest.fixture
def view(qtbot, application):
    made = Watched()
    qtbot.addWidget(made)
    made.resize(614, 116)  # 600 px of time, 100 px of level
    made.show_sound(buzz(0.5), "")
    made.show_edit(Edit())
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.stop()


@pytest.fixture
def clock(monkeypatch):
    """The playhead's: stands still at `now` seconds."""
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr(waveform_view, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


def heights(view, colour_name="accent"):
    """How many pixels of each column have that colour."""
    image = view.grab().toImage()
    wanted = QColor(COLOURS[colour_name])
    return np.array(
        [
            sum(image.pixelColor(x, y) == wanted for y in range(image.height()))
            for x in range(int(view.time_area().left()), int(view.time_area().right()), 3)
        ]
    )


def test_gain_and_fades_shape_what_is_drawn(view):
    half = heights(view)[130]
    assert 46 <= half <= 50  # level 0.5 of 100 px, less the round ends
    view.show_edit(Edit(gain_db=-6.02))
    assert heights(view)[20] == pytest.approx(half / 2, abs=3)
    view.show_edit(Edit(fade_in_ms=1_000))
    drawn = heights(view)
    assert drawn[20] < drawn[50] < drawn[70] < half


def test_what_is_cut_away_stays_visible_in_another_colour(view):
    whole = view.grab().toImage()
    view.show_edit(Edit(start=FRAMES // 2))
    cut = view.grab().toImage()
    assert heights(view)[:95].sum() == 0
    assert heights(view)[110] > 20
    x, y = 100, int(view.time_area().top() + 40)
    x = next(x for x in range(100, 103) if whole.pixelColor(x, y) == QColor(COLOURS["accent"]))
    background = cut.pixelColor(x, 12)
    assert cut.pixelColor(x, y) not in (background, QColor(COLOURS["accent"]))


def test_a_reversed_sound_is_drawn_reversed(view):
    rising = np.linspace(0, 0.9, FRAMES) * np.tile([1, -1], FRAMES // 2)
    view.show_sound(sound_of(rising), "")
    forwards = heights(view)
    view.show_edit(Edit(reverse=True))
    assert forwards[150] > 10
    away = np.r_[5:85, 115:195]  # from the handles at the ends and in the middle
    np.testing.assert_allclose(heights(view)[away], forwards[::-1][away], atol=3)


def test_what_is_louder_than_full_scale_ends_in_the_alarm_colour(view):
    assert heights(view, "alarm").sum() == 0
    view.show_edit(Edit(gain_db=9))
    assert heights(view, "alarm")[130] >= 2


def test_a_draft_is_paler_and_its_refined_sound_takes_its_place(view):
    draft = buzz(0.5)
    view.show_sound(draft, "", draft=True)
    assert heights(view).sum() == 0
    view.show_sound(draft, "", draft=False)
    assert heights(view)[130] > 20


def test_the_playhead_runs_on_while_a_draft_gives_way_and_stops_for_another_sound(view):
    view.show_sound(buzz(0.5), "", draft=True)
    view.start(100)
    view.show_sound(buzz(0.4), "")
    assert view.played_fraction() > 0
    view.show_sound(buzz(0.3), "")
    assert view.played_fraction() == 0


def test_an_edit_is_not_carried_over_to_a_sound_of_another_length(view):
    view.show_edit(Edit(start=1_000, end=80_000, gain_db=-3))
    view.show_sound(sound_of(np.zeros(30_000)), "")
    assert view.span() == (0, 30_000)


def test_the_playhead_runs_over_what_is_heard_and_repaints_only_a_strip(qtbot, view, clock):
    view.show_edit(Edit(start=FRAMES // 4, end=FRAMES // 2))
    view.start(FRAMES / 4 / RATE_HZ)
    clock.now += FRAMES / 8 / RATE_HZ
    qtbot.waitUntil(lambda: len(view.painted) >= 3)  # the whole, and from its start to where the head is by now
    view.painted.clear()
    qtbot.waitUntil(lambda: len(view.painted) >= 3)
    head = view.painted[-1]
    assert all(area.width() <= 16 for area in view.painted)
    assert head.contains(int(view.x_of(FRAMES * 0.375)), 10)
    clock.now += FRAMES / 8 / RATE_HZ
    qtbot.waitUntil(lambda: view.played_fraction() == 0)


def test_the_playhead_is_at_the_time_that_is_heard_also_of_a_recording_longer_than_the_sound(view, clock):
    view.start(2 * FRAMES / RATE_HZ)
    for seconds in (0.5, 1.0, 1.5):
        clock.now = seconds
        assert view._head_x(view.played_fraction()) == pytest.approx(view.x_of(seconds * RATE_HZ))
    clock.now = 3.0
    assert view._head_x(view.played_fraction()) == view.x_of(FRAMES)


def test_a_first_frame_that_comes_late_leaves_no_second_playhead_behind(view, clock):
    view.start(FRAMES / RATE_HZ)
    for seconds in (0.1, 0.9):
        clock.now = seconds
        view.repaint()
    view.start(FRAMES / RATE_HZ)
    clock.now += 0.1
    view.repaint()
    early = view._head_x(view.played_fraction())
    clock.now += 0.8
    view.painted.clear()
    view._on_frame()
    QTest.qWait(1)
    assert any(area.contains(int(early), 10) for area in view.painted)


def test_reduced_motion_moves_the_playhead_four_times_a_second(view):
    view.set_reduced_motion(True)
    assert view._frames.interval() == REDUCED_FRAME_MS == 250


def test_the_spectrogram_shows_where_a_tone_lies_and_where_it_was_cut(qtbot, view):
    tone = 0.9 * np.sin(2 * np.pi * 1_000 * np.arange(FRAMES) / RATE_HZ)
    view.show_sound(sound_of(tone), "")
    view.show_edit(Edit(start=FRAMES // 2))
    view.show_spectrogram(True)
    ready = view._spectrograms.ready
    with qtbot.waitSignal(ready):
        view.grab()
    QThreadPool.globalInstance().waitForDone()
    image = view.grab().toImage()

    def lightness(x):
        return [image.pixelColor(x, y).lightness() for y in range(image.height())]

    heard, cut = lightness(500), lightness(150)
    y = view.time_area().bottom() - height_of(1_000) * view.time_area().height()
    assert abs(int(np.argmax(heard)) - y) <= 3
    assert 0 < max(cut) < 0.7 * max(heard)


def test_a_sound_s_spectrogram_is_computed_once(qtbot, view, monkeypatch):
    computed = []
    original = spectrogram_worker.spectrogram
    monkeypatch.setattr(
        spectrogram_worker, "spectrogram", lambda *arguments: (computed.append(1), original(*arguments))[1]
    )
    view.show_spectrogram(True)
    with qtbot.waitSignal(view._spectrograms.ready):
        view.grab()
    view.show_spectrogram(False)
    view.show_spectrogram(True)
    view.show_edit(Edit(gain_db=-3))
    view.grab()
    assert computed == [1]


def test_onsets_and_beats_are_drawn_over_both_pictures(view):
    before = view.grab().toImage()
    view.show_onsets((0.5,), (0.52, 1.5))
    view.show_beats(60)
    after = view.grab().toImage()
    for time_s, y in ((0.5, 2), (0.52, 113), (1.5, 113)):
        x = round(view.x_of(time_s * RATE_HZ))
        assert any(before.pixelColor(x + d, y) != after.pixelColor(x + d, y) for d in (-1, 0, 1)), time_s
    x = round(view.x_of(RATE_HZ))
    assert before.pixelColor(x, 105) != after.pixelColor(x, 105)


def test_without_a_sound_it_invites(view):
    view.show_sound(None, "Describe a sound")
    image = view.grab().toImage()
    assert len({image.pixelColor(x, y).name() for x in range(200, 400) for y in range(50, 66)}) > 2
