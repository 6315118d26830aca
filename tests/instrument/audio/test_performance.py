"""From MIDI messages to what is heard: controllers, pads, lost keyboards. Oracles are the rules of MIDI."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio import performance
from arc_instrument.audio.mixer import RELEASE_MS, Mixer
from arc_instrument.domain import PARTS
from arc_instrument.shape import Shape

RATE_HZ = 44_100
SETTLED = RATE_HZ // 10


def mixer(*parts: int, shape: Shape | None = None, hz: float = 0.0) -> Mixer:
    """Its parts sound 10 s of a constant 0.25, or of a sine of that frequency."""
    made = Mixer(RATE_HZ)
    wave = 0.25 * (np.sin(2 * np.pi * hz * np.arange(10 * RATE_HZ) / RATE_HZ) if hz else np.ones(10 * RATE_HZ))
    for part in parts:
        made.set_shape(part, shape or Shape(mode="gate"))
        made.arm(np.repeat(wave[:, None], 2, axis=1).astype(np.float32), part=part)
    return made


def render(made: Mixer, frames: int) -> np.ndarray:
    out = np.full((frames, 2), np.nan, np.float32)
    for start in range(0, frames, 128):
        made.process(out[start : start + 128])
    return out


def frequency(samples: np.ndarray) -> float:
    """By the phase of rising zero crossings, the first to the last."""
    wave = samples[:, 0].astype(float)
    before = np.flatnonzero((wave[:-1] < 0) & (wave[1:] >= 0))
    at = before + wave[before] / (wave[before] - wave[before + 1])
    return (len(at) - 1) * RATE_HZ / (at[-1] - at[0])


@given(value=st.integers(-8192, 8191), semitones=st.sampled_from([0, 1, 2, 12, 24]))
def test_the_bend_wheel_moves_the_pitch_by_its_range_within_3_cents(value, semitones):
    made = mixer(0, shape=Shape(mode="gate", bend_semitones=semitones), hz=440)
    performance.play_note(made, 1, 60, 127)
    performance.bend(made, 1, value)
    render(made, SETTLED)
    wanted_cents = 100 * semitones * value / 8192
    assert 1200 * np.log2(frequency(render(made, RATE_HZ // 4)) / 440) == pytest.approx(wanted_cents, abs=3)


@pytest.mark.parametrize("move", ["wheel", "aftertouch"])
def test_wheel_and_aftertouch_shake_the_pitch_as_deep_and_as_often_as_the_shape_says(move):
    made = mixer(0, shape=Shape(mode="gate", vibrato_cents=100, vibrato_hz=4), hz=2_000)
    performance.play_note(made, 1, 60, 127)
    if move == "wheel":
        performance.turn(made, 1, performance.WHEEL, 127)
    else:
        performance.press(made, 1, 127)
    render(made, SETTLED)
    pieces = render(made, RATE_HZ).reshape(-1, 441, 2)
    cents = 1200 * np.log2(np.array([frequency(piece) for piece in pieces]) / 2_000)
    assert cents.max() == pytest.approx(100, abs=8)
    assert cents.min() == pytest.approx(-100, abs=8)
    spectrum = np.abs(np.fft.rfft(cents))
    assert spectrum[1:].argmax() + 1 == 4


@given(volume=st.integers(0, 127), expression=st.integers(0, 127))
def test_volume_and_expression_are_squared_and_multiply(volume, expression):
    made = mixer(0)
    performance.play_note(made, 1, 60, 127)
    performance.turn(made, 1, performance.VOLUME, volume)
    performance.turn(made, 1, performance.EXPRESSION, expression)
    render(made, 2 * SETTLED)
    wanted = 0.25 * (volume / 127) ** 2 * (expression / 127) ** 2
    assert render(made, 128)[-1] == pytest.approx([wanted, wanted], abs=1e-5)


@pytest.mark.parametrize(
    ("value", "left", "right"), [(0, 1, 0), (64, 1, 1), (127, 0, 1), (32, 1, np.cos(np.pi * 16 / 63))]
)
def test_balance_leaves_one_side_and_fades_the_other(value, left, right):
    made = mixer(0)
    performance.play_note(made, 1, 60, 127)
    performance.turn(made, 1, performance.BALANCE, value)
    render(made, 2 * SETTLED)
    assert render(made, 128)[-1] == pytest.approx([0.25 * left, 0.25 * right], abs=1e-4)


@given(
    moves=st.lists(
        st.tuples(st.sampled_from([1, 7, 10, 11, "bend", "press"]), st.integers(0, 127), st.integers(1, 700)),
        min_size=1,
        max_size=12,
    )
)
def test_no_controller_clicks_however_it_jumps(moves):
    made = mixer(0)
    performance.play_note(made, 1, 60, 127)
    heard = [render(made, 600)]
    for kind, value, frames in moves:
        if kind == "bend":
            performance.bend(made, 1, 129 * value - 8192)
        elif kind == "press":
            performance.press(made, 1, value)
        else:
            performance.turn(made, 1, kind, value)
        heard.append(render(made, frames))
    smoothing_frames = 5e-3 * RATE_HZ  # the time constant: the steepest of an exponential is its height by that
    assert np.abs(np.diff(np.concatenate(heard)[300:], axis=0)).max() <= 1.1 * 3 * 0.25 / smoothing_frames


def test_the_pedal_is_down_from_64_and_a_reset_lifts_it_and_straightens_the_wheel():
    made = mixer(0, hz=440)
    performance.bend(made, 1, 8191)
    performance.turn(made, 1, performance.PEDAL, 64)
    performance.play_note(made, 1, 60, 127)
    performance.play_note(made, 1, 60, 0)
    assert frequency(render(made, SETTLED)) == pytest.approx(440 * 2 ** (2 / 12), rel=1e-3)
    performance.turn(made, 1, performance.RESET_CONTROLLERS, 0)
    render(made, SETTLED)
    assert made.voices == 0
    performance.turn(made, 1, performance.PEDAL, 63)
    performance.play_note(made, 1, 60, 127)
    assert frequency(render(made, SETTLED)[1_000:]) == pytest.approx(440, rel=1e-3)


@pytest.mark.parametrize("controller", [120, 123, 124, 127])
@pytest.mark.parametrize("channel", [1, 10])
def test_all_sound_off_and_all_notes_off_silence_the_parts_of_their_channel_and_no_other(controller, channel):
    made = mixer(0, 1, shape=Shape(mode="one-shot"))
    performance.play_note(made, 1, 60, 127)
    performance.play_note(made, 10, 36, 127)
    render(made, 512)
    performance.turn(made, channel, controller, 0)
    render(made, round(RELEASE_MS * RATE_HZ / 1000) + 130)
    assert made.voices == 1
    assert made._voices["part"][made._voices["stage"] != 0].tolist() == [1 if channel == 1 else 0]


def test_channel_10_plays_pad_1_to_16_at_their_own_pitch_and_nothing_beside_them():
    made = mixer(*range(1, PARTS), hz=440)
    for pad in range(1, PARTS):
        performance.play_note(made, 10, 35 + pad, 127)
        assert frequency(render(made, 4_410)) == pytest.approx(440, rel=1e-3)
        performance.play_note(made, 10, 35 + pad, 0)
        render(made, 512)
        assert [hit.part for hit in made.take_hits()] == [pad]
    for note in (0, 35, 52, 127):
        performance.play_note(made, 10, note, 127)
        assert performance.part_of(10, note) is None
    assert not render(made, 512).any()


@given(notes=st.lists(st.tuples(st.integers(1, 16), st.integers(0, 127)), max_size=20), pedal=st.booleans())
def test_an_unplugged_keyboard_leaves_no_note_and_no_pedal_behind(notes, pedal):
    made = mixer(*range(PARTS), shape=Shape(mode="loop"))
    for channel, note in notes:
        performance.turn(made, channel, performance.PEDAL, 127 * pedal)
        performance.play_note(made, channel, note, 100)
    render(made, 700)
    performance.lift_all(made)
    render(made, 700)
    assert made.voices == 0
    assert not made._parts["pedal"].any()
