"""The bench of the window, with the real one in processes of its own."""

from dataclasses import asdict

import pytest

from arc_instrument.domain import UserError
from arc_instrument.window_bench import Spread, from_dict, measure_window, spread


def test_the_spread_is_the_median_the_95th_percentile_and_the_longest():
    assert spread([float(value) for value in range(101)]) == Spread(50.0, 95.0, 100.0)


@pytest.mark.slow
def test_the_real_window_is_measured_from_its_start_to_its_frames_while_sounds_are_made():
    times = measure_window(starts=1, inputs=6)
    assert times.first_frame.median > 100  # an interpreter with Qt takes longer
    answers = {"typing", "dragging", "notes", "any of them"}
    assert times.while_generating.keys() == answers | {"event loop", "painting"}
    for each in times.while_generating.values():
        assert 0 <= each.median <= each.p95 <= each.max
    assert from_dict(asdict(times)) == times


def test_a_window_that_cannot_be_opened_is_one_sentence(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "no such platform")
    with pytest.raises(UserError, match=r"^The window could not be opened \(.*\): arc-instrument doctor"):
        measure_window(starts=1, inputs=0)
