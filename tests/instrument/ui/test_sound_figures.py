import pytest
from editing import constant

from arc_instrument.ui.sound_figures import SoundFigures, figures_of, note_name


@pytest.mark.parametrize(
    ("note", "name"), [(60, "C4"), (69, "A4"), (61.05, "C♯4"), (57.2, "A3 +20 ct"), (68.8, "A4 −20 ct"), (0, "C-1")]
)
def test_a_note_is_named_with_the_cents_that_are_heard(note, name):
    assert note_name(note) == name


def test_figures_stand_in_the_order_in_which_they_are_wanted():
    told = figures_of(
        constant(),
        heard_seconds=1.5,
        in_time=0.874,
        root_note=57,
        detected_bpm=119.6,
        asked_bpm=118,
        loudness_lufs=-14.24,
    )
    assert told.split("  ·  ") == [
        "1.50 s", "not saved", "87 % in time", "A3", "120 BPM (asked 118)", "−14.2 LUFS", "seed 7", "made in 12 ms",
    ]  # fmt: skip
    assert figures_of(constant()).startswith("2.00 s")


def test_figures_that_do_not_fit_are_left_out_whole(application):
    label = SoundFigures()
    label.setText("3.00 s  ·  A3  ·  seed 493021")
    width = label.fontMetrics().horizontalAdvance
    for shown in ("3.00 s  ·  A3  ·  seed 493021", "3.00 s  ·  A3", "3.00 s"):
        label.resize(width(shown) + 1, 20)
        assert label.shown_text() == shown
    assert label.toolTip() == label.text()
