from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.domain import RATE_HZ, UserError
from arc_instrument.musical_time import (
    KEYS,
    MAX_BPM,
    MIN_BPM,
    Metre,
    MusicalLength,
    TapTempo,
    beat_frames,
    key_named,
    longest_bars,
    worded,
)


@pytest.mark.parametrize(
    ("bpm", "bars", "metre", "frames"),
    [
        (120, 1, (4, 4), 88_200),
        (120, 2, (3, 4), 132_300),
        (120, 1, (6, 8), 66_150),
        (90, 1, (4, 4), 117_600),
        (97, 1, (4, 4), 109_113),  # 109 113.4
    ],
)
def test_bars_last_exactly_so_many_frames(bpm, bars, metre, frames):
    assert MusicalLength(bpm, bars, Metre(*metre)).frames() == frames


@given(st.integers(30, 300), st.integers(1, 64), st.sampled_from([44_100, 48_000, 96_000]))
def test_a_length_is_the_exact_one_rounded_to_a_frame(bpm, bars, rate_hz):
    exact = Fraction(60 * 4 * bars * rate_hz, bpm)
    assert abs(MusicalLength(bpm, bars).frames(rate_hz) - exact) <= Fraction(1, 2) + Fraction(1, 10**6)


@given(st.floats(MIN_BPM, MAX_BPM), st.integers(0, 5_000))
def test_beats_never_drift(bpm, beat):
    assert abs(beat_frames(bpm, beat) - beat * 60 / bpm * RATE_HZ) <= 0.5 + 1e-6


@given(st.floats(MIN_BPM, MAX_BPM), st.floats(0.1, 12))
def test_the_longest_whole_bars_fit_and_one_more_does_not(bpm, seconds):
    bars = longest_bars(bpm, seconds)
    assert bars * 240 / bpm <= seconds * (1 + 1e-6)
    assert (bars + 1) * 240 / bpm > seconds


@pytest.mark.parametrize(
    "length",
    [
        lambda: MusicalLength(0, 1),
        lambda: MusicalLength(float("nan"), 1),
        lambda: MusicalLength(120, 0),
        lambda: MusicalLength(120, 65),
        lambda: MusicalLength(120, 1, Metre(4, 3)),
        lambda: MusicalLength(120, 1, Metre(0, 4)),
    ],
)
def test_what_no_music_has_is_refused_with_a_sentence(length):
    with pytest.raises(UserError, match="choose"):
        length()


def test_a_prompt_is_told_tempo_and_key():
    assert worded("deep techno loop", 128, "A minor") == "deep techno loop, 128 BPM, in A minor"
    assert worded("deep techno loop, ", 127.5) == "deep techno loop, 127.5 BPM"


@pytest.mark.parametrize("prompt", ["loop, 90 bpm", "loop 90BPM in F# minor", "C major chord", "pad in Eb min"])
def test_what_a_prompt_says_itself_is_not_said_again(prompt):
    made = worded(prompt, 128, "A minor")
    assert made.startswith(prompt)
    assert ("128" in made) == ("bpm" not in prompt.lower())
    assert ("A minor" in made) == (prompt == "loop, 90 bpm")


@given(st.text(max_size=60), st.floats(MIN_BPM, MAX_BPM), st.sampled_from(KEYS))
def test_telling_a_prompt_twice_is_telling_it_once(prompt, bpm, key):
    once = worded(prompt, round(bpm), key)
    assert worded(once, round(bpm), key) == once
    assert worded(prompt) == prompt


def test_there_are_twelve_major_and_twelve_minor_keys():
    assert len(set(KEYS)) == 24
    assert "F sharp minor" in KEYS


@given(st.floats(MIN_BPM, MAX_BPM), st.integers(2, 30))
def test_steady_taps_are_their_tempo(bpm, taps):
    tap = TapTempo()
    found = [tap.tap(100 + n * 60 / bpm) for n in range(taps)]
    assert found[0] is None
    assert found[1:] == pytest.approx([bpm] * (taps - 1), abs=0.06)


def test_one_late_tap_of_many_changes_nothing():
    tap = TapTempo()
    times = [0, 0.5, 1.0, 1.7, 2.0, 2.5, 3.0]
    assert [tap.tap(at) for at in times][-1] == 120


def test_after_two_seconds_of_silence_it_begins_anew():
    tap = TapTempo()
    for at in (0, 0.5, 1.0):
        tap.tap(at)
    assert tap.tap(3.01) is None
    assert tap.tap(3.01 + 60 / 90) == 90


def test_taps_that_change_their_tempo_are_followed_within_nine():
    tap = TapTempo()
    for n in range(20):
        tap.tap(n * 0.5)
    assert [tap.tap(9.5 + n * 0.4) for n in range(1, 10)][-1] == 150


@given(st.lists(st.floats(0, 20)))
def test_whatever_a_clock_says_the_tempo_is_possible(times):
    tap = TapTempo()
    assert all(bpm is None or MIN_BPM <= bpm <= MAX_BPM for bpm in map(tap.tap, times))


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_known_by_its_own_name_whatever_its_spaces(key):
    assert key_named(f" {key.replace(' ', '  ')} ") == key


@pytest.mark.parametrize(
    ("text", "key"),
    [("Am", "A minor"), ("a min", "A minor"), ("F#m", "F sharp minor"), ("G♭", "F sharp major"), ("Cb", "B major"),
     ("E#maj", "F major"), ("B sharp minor", "C minor"), ("bb", "B flat major"), ("D# minor", "E flat minor")],
)  # fmt: skip
def test_a_key_is_known_as_musicians_write_it(text, key):
    assert key_named(text) == key


@pytest.mark.parametrize("text", ["H", "A dorian", "", "##", "Amm"])
def test_what_names_no_key_is_one_sentence(text):
    with pytest.raises(UserError, match="is not known"):
        key_named(text)
