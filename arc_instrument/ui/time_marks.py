"""Onsets of the recording and of the result, and the beats of a tempo, over the picture of a sound."""

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from arc_instrument.ui.palette import colour

MATCH_S = 0.05  # the tolerance of onset detection's usual score (MIREX)
CLOSEST_LINES_PX = 7  # nearer beats are a grey area, not a grid
TICK_PX, MATCHED_PX = 5, 8


@dataclass(frozen=True)
class TimeMarks:
    """Seconds of the unedited sound, ascending. `bpm` 0: no beats."""

    recording: tuple[float, ...] = ()
    result: tuple[float, ...] = ()
    bpm: float = 0.0
    beats_per_bar: int = 4


def matched(recording: tuple[float, ...], result: tuple[float, ...]) -> list[tuple[int, int]]:
    """Pairs of indices of onsets at most MATCH_S apart, as many as possible, none used twice; both ascending."""
    pairs, first, second = [], 0, 0
    while first < len(recording) and second < len(result):
        distance = result[second] - recording[first]
        if abs(distance) <= MATCH_S:
            pairs.append((first, second))
            first, second = first + 1, second + 1
        elif distance > 0:
            first += 1
        else:
            second += 1
    return pairs


def beats(bpm: float, seconds: float) -> list[float]:
    """Times of the beats from 0 up to `seconds`."""
    if bpm <= 0:
        return []
    return [beat * 60 / bpm for beat in range(int(seconds * bpm / 60 + 1e-9) + 1)]


def paint_beats(painter: QPainter, area: QRectF, first_x: float, beat_px: float, beats_per_bar: int, last_x: float):
    """Lines from `first_x` every `beat_px` to `last_x`, bars stronger; only bars, or nothing, where beats are dense."""
    bar = max(1, beats_per_bar)
    step = 1 if beat_px >= CLOSEST_LINES_PX else bar
    if beat_px * step < CLOSEST_LINES_PX:
        return
    count = int((last_x - first_x) / beat_px + 1e-6) + 1
    for beat in range(0, count, step):
        x = round(first_x + beat * beat_px) + 0.5
        is_bar = beat % bar == 0
        line = colour("line_strong")
        line.setAlphaF(0.85 if is_bar else 0.35)
        painter.setPen(QPen(line, 1))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))


def paint_onsets(painter: QPainter, area: QRectF, recording_x: list[float], result_x: list[float], pairs) -> None:
    """Ticks that hang from the top edge (recording) and stand on the bottom edge (result); matched ones stand out.

    A matched tick is longer, in the accent, and has a head, so that colour alone tells nothing.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    rows = (
        (recording_x, {pair[0] for pair in pairs}, area.top(), 1),
        (result_x, {pair[1] for pair in pairs}, area.bottom(), -1),
    )
    for places, hits, edge, down in rows:
        for index, x in enumerate(places):
            is_hit = index in hits
            length = MATCHED_PX if is_hit else TICK_PX
            painter.setPen(QPen(colour("accent" if is_hit else "muted"), 1.5))
            painter.drawLine(QPointF(x, edge), QPointF(x, edge + down * length))
            if is_hit:
                head = QPolygonF([QPointF(x - 3, edge), QPointF(x + 3, edge), QPointF(x, edge + down * 4)])
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour("accent"))
                painter.drawPolygon(head)
