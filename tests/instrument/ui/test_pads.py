"""The names on the pads: sixteen that a musician tells apart at a glance, at the smallest size of the window too."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtTest import QTest

from arc_instrument.drum_kit import KIT, kit_prompts
from arc_instrument.ui.play_surface import pad_titles

SOUNDS = [sound for _, sound in KIT]


@pytest.mark.parametrize(
    "style", ["", "808", "dusty lo-fi", "very long words, of a style that nobody would read twice"]
)
def test_of_a_kit_from_one_prompt_the_pads_say_what_is_theirs(style):
    assert pad_titles(kit_prompts(style)) == SOUNDS


def test_a_few_other_takes_among_a_kit_change_none_of_its_names():
    prompts = [*kit_prompts("dusty lo-fi")[:13], "deep bass, slow attack", "", "glass breaking"]
    assert pad_titles(prompts) == [*SOUNDS[:13], "deep bass, slow attack", "", "glass breaking"]


@pytest.mark.parametrize(
    "prompts",
    [
        ["punchy kick", "punchy snare"],  # two are no kit
        ["kick", "kick", "kick"],  # nothing would be left
        ["", "", ""],
        ["dusty kick", "glass bell", "warm pad"],
    ],
)
def test_words_that_tell_nothing_of_a_kit_stay(prompts):
    assert pad_titles(prompts) == prompts


def test_what_is_left_of_a_sentence_begins_and_ends_with_a_word():
    assert pad_titles(["Kick, 120 BPM, dry", "snare, 120 bpm, dry", "tom: 120 BPM; dry"]) == ["Kick", "snare", "tom"]


def test_every_name_of_a_kit_is_read_whole_at_the_smallest_size(qtbot, window, session):
    window.show_pads(True)
    session.kit.fill("dusty lo-fi")
    qtbot.waitUntil(lambda: all(pad.clip is not None for pad in session.state.pads))
    window.resize(QSize(900, 560))
    QTest.qWait(1)
    assert window.width() == 900
    assert [window.surface.pads.shown_title(pad)[0] for pad in range(16)] == SOUNDS


def test_a_name_too_long_for_its_pad_keeps_its_beginning_and_its_end(window, session):
    window.show_pads(True)
    session.kit.regenerate(0, "flute, one long soft note with a slow attack")
    QTest.qWait(1)
    shown, _ = window.surface.pads.shown_title(0)
    assert shown.startswith("flute")
    assert shown.endswith("attack")
    assert "…" in shown
