"""The XY pad's weights against their closed form, and blends through their words and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.morph import blend_of, corner_weights, pad_blend, prompt_of

unit = st.floats(0, 1)
prompts = st.text("abc ,:é", min_size=1, max_size=12).filter(lambda text: text.strip(" :"))


@given(x=unit, y=unit)
def test_weights_add_up_to_one_and_their_centre_is_the_point(x, y):
    weights = corner_weights(x, y)
    assert sum(weights) == pytest.approx(1)
    assert weights[1] + weights[3] == pytest.approx(x)
    assert weights[2] + weights[3] == pytest.approx(y)


@pytest.mark.parametrize(("point", "corner"), [((0, 0), 0), ((1, 0), 1), ((0, 1), 2), ((1, 1), 3), ((-2, 9), 2)])
def test_a_corner_is_its_prompt_alone(point, corner):
    words = ["kick drum", "flute", "rain", "bell"]
    assert pad_blend(words, *point) == ((words[corner], 1.0),)
    assert prompt_of(pad_blend(words, *point)) == words[corner]


def test_a_corner_without_words_leaves_its_share_to_the_others():
    assert pad_blend(["kick", "", " ", ""], 0.9, 0.9) == (("kick", 1.0),)
    assert pad_blend(["kick", "flute", "", ""], 0.5, 0.9) == (
        ("kick", pytest.approx(0.5)),
        ("flute", pytest.approx(0.5)),
    )
    assert pad_blend(["", "", "", ""], 0.5, 0.5) == ()
    assert pad_blend(["kick", "flute"], 0.25, 0.0) == (("kick", 0.75), ("flute", 0.25))


@given(words=st.lists(prompts, min_size=4, max_size=4), x=unit, y=unit)
def test_a_blend_in_words_says_the_same_blend_within_its_digits(words, x, y):
    blend = pad_blend(words, x, y)
    said = blend_of(prompt_of(blend)) or ((prompt_of(blend), 1.0),)
    expected: dict[str, float] = {}
    for text, weight in blend:
        plain = " ".join(text.replace("::", ":").split())
        expected[plain] = expected.get(plain, 0) + weight
    for text, weight in said:
        assert weight == pytest.approx(expected[text], abs=0.01)


@pytest.mark.parametrize("prompt", ["kick drum", "C::", "a::b", "::40", "kick::40 flute", "kick::0 flute::0", ""])
def test_what_says_no_weights_is_an_ordinary_prompt(prompt):
    assert blend_of(prompt) == ()


def test_typed_weights_need_not_add_up():
    assert blend_of("kick drum::3 flute::1") == (("kick drum", 0.75), ("flute", 0.25))
