"""The loop that is told is the one that the mixer plays: the oracle is the sound itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arc_instrument.audio.mixer import Mixer
from arc_instrument.looping import PlayedLoop, played_loop
from arc_instrument.shape import Shape

RATE_HZ = 44_100
FRAMES = 9_000
NOISE = (0.05 * np.random.default_rng(11).standard_normal((FRAMES, 2))).astype(np.float32)


def played(shape: Shape, frames: int, **armed) -> np.ndarray:
    mixer = Mixer(RATE_HZ)
    mixer.set_shape(0, shape)
    assert mixer.arm(NOISE, **armed)
    mixer.note_on(60, 127)
    out = np.zeros((frames, 2), np.float32)
    for at in range(0, frames, 512):
        mixer.process(out[at : at + 512])
    return out


@settings(max_examples=60)
@given(
    start=st.one_of(st.just(0), st.integers(0, 2 * FRAMES)),
    end=st.one_of(st.just(0), st.integers(1, 2 * FRAMES)),
    own_end=st.one_of(st.just(FRAMES), st.integers(600, FRAMES)),
    crossfade_ms=st.sampled_from([0, 1, 20, 60]),
    keeps_length=st.booleans(),
)
def test_the_loop_that_is_told_is_the_one_that_is_heard(start, end, own_end, crossfade_ms, keeps_length):
    shape = Shape(mode="loop", loop_start=start, loop_end=end, crossfade_ms=crossfade_ms)
    loop = played_loop(shape, FRAMES, own_end, keeps_length=keeps_length)
    assert loop is not None
    assert 0 <= loop.start < loop.end <= FRAMES
    period = loop.end - loop.start
    out = played(shape, FRAMES + 3_000 + 2 * period, keeps_length=keeps_length, loop_end=own_end)
    settled = out[FRAMES + 3_000 :]
    assert np.array_equal(settled[:period], settled[period : 2 * period])  # it repeats after exactly so long
    middle = slice(loop.start + loop.crossfade + 140, loop.end - loop.crossfade - 140)  # untouched by any seam
    if middle.start < middle.stop:
        heard = inside_of(settled, loop)[middle.start - loop.start : middle.stop - loop.start]
        np.testing.assert_array_equal(heard, NOISE[middle])
    if loop.crossfade == 0:
        assert np.abs(inside_of(settled, loop)[0]).max() < 1e-3  # through silence


def inside_of(settled: np.ndarray, loop: PlayedLoop) -> np.ndarray:
    """One round of the loop, from its start."""
    period = loop.end - loop.start
    return np.roll(settled[:period], FRAMES + 3_000 - loop.start, axis=0)


def test_a_sound_that_has_died_away_is_repeated_without_its_silence_and_with_its_attack():
    loop = played_loop(Shape(mode="loop"), 132_300, 17_400, keeps_length=False)
    assert loop == PlayedLoop(0, 17_400)
    out = played(Shape(mode="loop"), 4 * 3_000, loop_end=3_000)
    attack = slice(200, 1_000)  # the seam is over after 3 ms
    for round_number in (1, 2, 3):
        begun = round_number * 3_000
        np.testing.assert_array_equal(out[begun + 200 : begun + 1_000], NOISE[attack])


def test_bars_keep_their_silence():
    assert played_loop(Shape(mode="loop"), 88_200, 88_200, keeps_length=True) == PlayedLoop(0, 88_200)


def test_a_sound_that_goes_on_to_its_end_is_shortened_by_its_crossfade():
    loop = played_loop(Shape(mode="loop", crossfade_ms=20), 88_200, 88_200, keeps_length=False)
    assert loop == PlayedLoop(882, 88_200, 882)


def test_points_of_a_longer_sound_loop_all_of_a_shorter_one():
    shape = Shape(mode="loop", loop_start=50_000, loop_end=90_000)
    assert played_loop(shape, 30_000, 20_000, keeps_length=False) == PlayedLoop(0, 20_000)


def test_a_sound_of_no_length_has_no_loop():
    assert played_loop(Shape(mode="loop"), 5, 5, keeps_length=False) is None


@pytest.mark.parametrize("rate_hz", [48_000, 96_000])
def test_points_are_those_of_44_1_khz_at_every_rate(rate_hz):
    shape = Shape(mode="loop", loop_start=4_410, loop_end=22_050)
    scale = rate_hz / RATE_HZ
    loop = played_loop(shape, round(44_100 * scale), round(44_100 * scale), keeps_length=False, rate_hz=rate_hz)
    assert loop is not None
    assert (loop.start, loop.end) == (round(4_410 * scale), round(22_050 * scale))
