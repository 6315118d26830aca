"""The rulebook of requests: what the model cannot make gives one sentence, what it can passes unchanged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.domain import MAX_PROMPT_CHARACTERS, RATE_HZ, Clip, GenerationRequest, UserError
from arc_instrument.requests import MIN_SECONDS, check_request, crop_note

MAX_SECONDS = 5.94
GOOD = GenerationRequest(id=1, prompt="kick drum", seconds=2.0, steps=8, seed=7)


def clip_of(frames: int) -> Clip:
    ramp = np.linspace(-1, 1, frames, dtype=np.float32)
    return Clip(np.stack([ramp, -ramp], axis=1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": " \n\t"}, "prompt is empty"),
        ({"prompt": "a" * 10_000}, "10,000 characters"),
        ({"prompt": "kick \udcff"}, "cannot be read as text"),
        ({"seconds": 0.0}, "length of 0 s"),
        ({"seconds": -1.0}, "length of -1 s"),
        ({"seconds": 6.0}, "length of 6 s"),
        ({"seconds": float("nan")}, "length of nan s"),
        ({"seconds": float("inf")}, "length of inf s"),
        ({"steps": 0}, "0 steps"),
        ({"steps": 101}, "101 steps"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**32}, "seed 4294967296"),
        ({"walk": ((3, 1.5),)}, "distance 1.5 to the seed 3"),
        ({"walk": ((3, float("nan")),)}, "distance nan to the seed 3"),
        ({"walk": ((-3, 0.5),)}, "distance 0.5 to the seed -3"),
        ({"walk": ((3, 0.5),) * 65}, "65 variations away"),
        ({"init_noise": 0.0}, "init noise of 0"),
        ({"init_noise": 1.5}, "init noise of 1.5"),
        ({"init_noise": float("nan")}, "init noise of nan"),
        ({"init": clip_of(0)}, "recording is empty"),
        ({"init": Clip(np.zeros(100, np.float32))}, "shape (100,)"),
        ({"init": Clip(np.full((100, 2), np.nan, np.float32))}, "NaN"),
        ({"init": Clip(np.full((100, 2), np.inf, np.float32))}, "NaN or infinite"),
    ],
)
def test_a_request_the_model_cannot_make_gives_one_sentence_naming_what_was_got(change, words):
    with pytest.raises(UserError) as caught:
        check_request(replace(GOOD, **change), MAX_SECONDS)
    sentence = str(caught.value)
    assert words in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 200


@given(
    prompt=st.text(min_size=1, max_size=MAX_PROMPT_CHARACTERS).filter(str.strip),
    seconds=st.floats(MIN_SECONDS, MAX_SECONDS),
    steps=st.integers(1, 100),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_request_within_the_limits_passes_with_only_its_prompt_stripped(prompt, seconds, steps, seed):
    asked = GenerationRequest(id=3, prompt=prompt, seconds=seconds, steps=steps, seed=seed, origin="fresh")
    assert vars(check_request(asked, MAX_SECONDS)) == vars(replace(asked, prompt=prompt.strip()))


def test_a_longer_init_is_cropped_to_the_asked_length_and_the_note_says_so():
    asked = replace(GOOD, seconds=0.5, init=clip_of(RATE_HZ))
    checked = check_request(asked, MAX_SECONDS)
    assert checked.init is not None
    assert np.array_equal(checked.init.samples, asked.init.samples[: RATE_HZ // 2])
    assert crop_note(asked) == "The recording lasts 1.00 s: only its first 0.50 s are used, the length of the sound."


def test_an_init_that_fits_is_kept_whole_and_needs_no_note():
    asked = replace(GOOD, seconds=1.0, init=clip_of(RATE_HZ))
    checked = check_request(asked, MAX_SECONDS)
    assert checked.init is not None
    assert np.array_equal(checked.init.samples, asked.init.samples)
    assert crop_note(asked) is None
    assert crop_note(GOOD) is None
