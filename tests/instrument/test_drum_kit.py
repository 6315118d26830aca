"""The prompts of a kit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.drum_kit import KIT, PAD_NAMES, kit_prompts


@pytest.mark.parametrize("words", ["dusty lo-fi", "dusty lo-fi kit", "dusty lo-fi Drum Kit", "dusty, lo-fi drums"])
def test_words_come_before_each_sound_and_those_for_the_kit_itself_go(words):
    prompts = kit_prompts(words)
    assert prompts[0] == "dusty lo-fi kick drum"
    assert prompts[4] == "dusty lo-fi closed hi-hat"


def test_without_words_the_sounds_stand_alone():
    assert kit_prompts(" ") == kit_prompts("drum kit") == tuple(sound for _, sound in KIT)


@given(words=st.text(max_size=60))
def test_there_are_sixteen_different_prompts_whatever_the_words(words):
    assert len(set(kit_prompts(words))) == len(set(PAD_NAMES)) == 16
