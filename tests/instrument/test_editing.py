"""Edits as properties: what they keep, what they undo, and that a loop's seam is heard by nobody."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthesis import RATE_HZ

from arc_instrument.domain import Clip, UserError
from arc_instrument.editing import (
    FADES,
    MAX_GAIN_DB,
    MIN_GAIN_DB,
    Edit,
    edited,
    heard_span,
    made_span,
    without_silence,
)

FRAMES = 2_000
CLIP = Clip(np.random.default_rng(0).uniform(-0.9, 0.9, (FRAMES, 2)).astype(np.float32))
CUTS = st.tuples(st.integers(0, FRAMES - 1), st.integers(1, FRAMES)).filter(lambda ends: ends[0] < ends[1])
EDITS = st.builds(
    lambda ends, *rest: Edit(*ends, *rest),
    CUTS,
    st.floats(0, 100),
    st.floats(0, 100),
    st.sampled_from(FADES),
    st.booleans(),
    st.floats(MIN_GAIN_DB, MAX_GAIN_DB),
)


def test_an_edit_that_asks_for_nothing_changes_nothing():
    assert np.array_equal(edited(CLIP, Edit()).samples, CLIP.samples)


@given(EDITS)
def test_an_edit_has_the_length_of_its_cut_stays_finite_and_leaves_the_clip_alone(edit):
    before = CLIP.samples.copy()
    made = edited(CLIP, edit).samples
    assert made.shape == (edit.end - edit.start, 2)
    assert made.dtype == np.float32
    assert np.abs(made).max() <= 0.9 * 10 ** (edit.gain_db / 20) * (1 + 1e-6)
    assert np.array_equal(CLIP.samples, before)


@given(CUTS)
def test_a_cut_is_exactly_those_frames_and_reversing_twice_is_nothing(ends):
    cut = edited(CLIP, Edit(*ends))
    assert np.array_equal(cut.samples, CLIP.samples[slice(*ends)])
    assert np.array_equal(edited(edited(cut, Edit(reverse=True)), Edit(reverse=True)).samples, cut.samples)


@given(st.floats(MIN_GAIN_DB, MAX_GAIN_DB))
def test_a_gain_is_its_decibels(gain_db):
    ratio = edited(CLIP, Edit(gain_db=gain_db)).samples / CLIP.samples
    np.testing.assert_allclose(20 * np.log10(ratio), gain_db, atol=1e-3)


@given(st.floats(0.5, 40), st.sampled_from(FADES))
def test_fades_rise_from_nothing_to_one_and_mirror_each_other(fade_ms, fade):
    ones = Clip(np.ones((4_000, 2), np.float32))
    rise = edited(ones, Edit(fade_in_ms=fade_ms, fade=fade)).samples[:, 0]
    fall = edited(ones, Edit(fade_out_ms=fade_ms, fade=fade)).samples[:, 0]
    assert np.array_equal(rise, fall[::-1])
    frames = round(fade_ms * RATE_HZ / 1000)
    assert rise[0] < 0.08
    assert (np.diff(rise[:frames]) > 0).all()
    assert (rise[frames:] == 1).all()
    both = rise[:frames] ** (2 if fade == "equal power" else 1)
    np.testing.assert_allclose(both + both[::-1], 1, atol=1e-6)


def test_a_raised_cosine_begins_and_ends_level_so_that_it_never_clicks():
    ones = Clip(np.ones((4_410, 2), np.float32))
    rise = edited(ones, Edit(fade_in_ms=10)).samples[:441, 0]
    steepest = np.pi / 2 / 441  # of sin² over 441 frames
    assert np.abs(np.diff(np.concatenate([[0], rise, [1]]))).max() <= steepest * 1.001
    assert max(rise[0], 1 - rise[-1]) < steepest / 100


def test_fades_longer_than_the_sound_share_it():
    made = edited(Clip(np.ones((900, 2), np.float32)), Edit(fade_in_ms=2_000, fade_out_ms=1_000)).samples[:, 0]
    assert made.argmax() in (599, 600)
    assert made[-1] < 1e-4


@pytest.mark.parametrize(
    "edit",
    [
        Edit(5, 5),
        Edit(-1, 5),
        Edit(0, FRAMES + 1),
        Edit(FRAMES),
        Edit(gain_db=99),
        Edit(gain_db=float("nan")),
        Edit(fade_in_ms=-1),
        Edit(fade_out_ms=float("inf")),
        Edit(fade="linear"),
    ],
)
def test_an_edit_that_cannot_be_made_is_one_sentence(edit):
    with pytest.raises(UserError, match=r"^[^\n]*$"):
        edited(CLIP, edit)


@given(
    frames=st.integers(2, 500),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    span=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    reverse=st.booleans(),
)
def test_a_span_of_the_edited_sound_has_the_samples_of_its_place_in_the_sound_as_it_was_made(
    frames, cut, span, reverse
):
    first, last = sorted(round(part * frames) for part in cut)
    edit = Edit(start=min(first, frames - 1), end=max(last, min(first, frames - 1) + 1), reverse=reverse)
    clip = Clip(np.arange(frames, dtype=np.float32)[:, None].repeat(2, 1))
    heard = edited(clip, edit).samples[:, 0].tolist()
    start, end = sorted(round(part * len(heard)) for part in span)
    made_start, made_end = made_span(start, end, edit, frames)
    assert list(range(made_start, made_end)) == sorted(heard[start:end])
    assert heard_span(made_start, made_end, edit, frames) == (start, end)


def test_a_span_that_was_partly_cut_off_is_what_remains_of_it():
    assert heard_span(0, 100, Edit(start=20, end=60), 100) == (0, 40)
    assert heard_span(50, 100, Edit(start=20, end=60, reverse=True), 100) == (0, 10)
    assert made_span(30, 1_000, Edit(start=20, end=60, reverse=True), 100) == (20, 30)


@given(
    before=st.integers(0, 3_000),
    after=st.integers(0, 3_000),
    reverse=st.booleans(),
    fade_ms=st.sampled_from([0.0, 10.0]),
)
def test_without_silence_a_sound_begins_and_ends_within_3_ms_of_what_sounds(before, after, reverse, fade_ms):
    samples = np.zeros((before + 2_000 + after, 2), np.float32)
    samples[before : before + 2_000] = 0.5
    clip, wish = Clip(samples), Edit(reverse=reverse, fade_in_ms=fade_ms, gain_db=-3)
    edit = without_silence(clip, wish)
    margin = round(0.003 * 44_100)
    assert edit.start == max(before - margin, 0)
    assert (len(samples) if edit.end is None else edit.end) == min(before + 2_000 + margin, len(samples))
    assert (edit.reverse, edit.gain_db) == (reverse, -3)
    at_start, at_end = (edit.fade_out_ms, edit.fade_in_ms) if reverse else (edit.fade_in_ms, edit.fade_out_ms)
    assert at_start >= 3 or before <= margin
    assert at_end >= 3 or after <= margin
    assert edit.fade_in_ms >= fade_ms
    assert without_silence(clip, edit) == edit  # nothing is left to trim
    heard = edited(clip, replace(edit, fade_in_ms=0.0, fade_out_ms=0.0)).samples
    assert np.count_nonzero(heard[:, 0]) == 2_000  # and nothing that sounds was lost


def test_without_silence_a_trim_that_a_person_made_is_never_widened():
    clip = Clip(np.full((4_000, 2), 0.5, np.float32))
    assert without_silence(clip, Edit(start=1_000, end=2_000)) == Edit(start=1_000, end=2_000)
