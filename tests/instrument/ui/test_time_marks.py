from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from arc_instrument.ui.time_marks import MATCH_S, beats, matched, paint_beats

onsets = st.lists(st.integers(0, 40), max_size=5, unique=True).map(lambda found: tuple(sorted(t / 50 for t in found)))


def as_many_as_possible(recording, result):
    """The size of the largest matching, by trying all."""
    edges = [(i, j) for i, a in enumerate(recording) for j, b in enumerate(result) if abs(a - b) <= MATCH_S]
    for size in range(min(len(recording), len(result)), 0, -1):
        for chosen in combinations(edges, size):
            if len({i for i, _ in chosen}) == size == len({j for _, j in chosen}):
                return size
    return 0


@given(onsets, onsets)
def test_as_many_onsets_are_matched_as_can_be_none_twice(recording, result):
    pairs = matched(recording, result)
    assert len(pairs) == as_many_as_possible(recording, result)
    assert len({i for i, _ in pairs}) == len(pairs) == len({j for _, j in pairs})
    assert all(abs(recording[i] - result[j]) <= MATCH_S for i, j in pairs)


def test_beats_stand_at_multiples_of_their_length_up_to_the_end():
    assert beats(120, 2.0) == [0, 0.5, 1.0, 1.5, 2.0]
    assert beats(120, 1.99) == [0, 0.5, 1.0, 1.5]
    assert beats(0, 2.0) == []


def drawn_lines(beat_px, beats_per_bar):
    image = QImage(200, 4, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    paint_beats(painter, QRectF(0, 0, 200, 4), 10, beat_px, beats_per_bar, 190)
    painter.end()
    return {x: image.pixelColor(x, 2).alpha() for x in range(200) if image.pixelColor(x, 2).alpha()}


def test_bars_are_stronger_than_beats_and_dense_beats_leave_only_bars(qapp):
    lines = drawn_lines(20, 4)
    assert list(lines) == list(range(10, 191, 20))
    strong = [x for x, alpha in lines.items() if alpha == max(lines.values())]
    assert strong == [10, 90, 170]
    assert list(drawn_lines(5, 4)) == list(range(10, 191, 20))
    assert drawn_lines(1, 4) == {}


@pytest.mark.parametrize("beats_per_bar", [0, 1])
def test_a_bar_of_one_beat_or_none_makes_every_line_a_bar(qapp, beats_per_bar):
    assert len(set(drawn_lines(30, beats_per_bar).values())) == 1
