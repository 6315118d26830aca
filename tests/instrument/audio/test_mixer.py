"""The mixer against closed forms and properties. `process` here is what the audio callback runs."""

import gc
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.mixer import (
    ATTACK_MS,
    CEILING,
    CLIP_SLOTS,
    EVENTS,
    KNEE,
    MAX_VOICES,
    RELEASE_MS,
    RESERVED_EVENTS,
    ROWS,
    Mixer,
)
from arc_instrument.shape import Shape

RATE_HZ = 44_100
ATTACK, RELEASE = (round(ms * RATE_HZ / 1000) for ms in (ATTACK_MS, RELEASE_MS))


def sine(hz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def constant(seconds: float, level: float = 0.5) -> np.ndarray:
    return np.full((round(seconds * RATE_HZ), 2), level, np.float32)


def armed(samples: np.ndarray, root_note: int = 60) -> Mixer:
    mixer = Mixer(RATE_HZ)
    assert mixer.arm(samples, root_note)
    return mixer


def render(mixer: Mixer, frames: int, block_frames: int = 128) -> np.ndarray:
    out = np.full((frames, 2), np.nan, np.float32)
    for start in range(0, frames, block_frames):
        mixer.process(out[start : start + block_frames])
    return out


def largest_step(samples: np.ndarray) -> float:
    """max |Δsample|, the jump from and to silence at the ends included."""
    return float(np.abs(np.diff(samples, axis=0, prepend=np.zeros((1, 2)))).max())


def fade_slope(level: float, fade_ms: float) -> float:
    """Largest step of a raised cosine, 5 % over the mixer's own curve, from 0 to `level`: π/2 · level / frames."""
    return np.pi / 2 * level / (fade_ms * RATE_HZ / 1000)


def test_a_clip_played_as_it_is_comes_out_bit_identical_between_its_fades():
    clip = sine(440, 0.5)
    out = render(armed_and_playing(clip), 22_050)
    assert np.array_equal(out[ATTACK : -RELEASE - 1], clip[ATTACK : -RELEASE - 1])


def armed_and_playing(clip: np.ndarray) -> Mixer:
    mixer = armed(clip)
    mixer.play()
    return mixer


def test_the_first_sample_of_the_block_after_a_note_on_sounds():
    mixer = armed(constant(0.1))
    assert not render(mixer, 128).any()
    mixer.note_on(60, 127)
    assert (render(mixer, 128) != 0).all()


@given(
    notes=st.lists(st.tuples(st.integers(36, 84), st.integers(1, 127)), min_size=1, max_size=6),
    blocks=st.lists(st.integers(1, 700), min_size=1, max_size=12),
)
def test_a_voice_split_over_blocks_equals_one_block(notes, blocks):
    whole, split = (armed(sine(220, 0.05)) for _ in range(2))
    for note, velocity in notes:
        whole.note_on(note, velocity)
        split.note_on(note, velocity)
    one = render(whole, sum(blocks), sum(blocks))
    parts = [render(split, frames, frames) for frames in blocks]
    assert np.array_equal(one, np.concatenate(parts))


@pytest.mark.parametrize(("note", "root_note"), [(72, 60), (48, 60), (67, 60), (60, 72), (61, 60)])
def test_the_pitch_of_a_note_is_the_roots_times_its_interval_within_3_cents(note, root_note):
    mixer = armed(sine(440, 2), root_note)
    mixer.note_on(note, 127)
    out = render(mixer, RATE_HZ // 2)[:, 0]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)), n=2**21))
    heard_hz = spectrum.argmax() * RATE_HZ / 2**21
    assert abs(1200 * np.log2(heard_hz / (440 * 2 ** ((note - root_note) / 12)))) < 3


@given(velocity=st.integers(1, 127))
def test_the_gain_is_the_square_of_the_velocity(velocity):
    mixer = armed(constant(0.05))
    mixer.note_on(60, velocity)
    assert render(mixer, 500)[400, 0] == pytest.approx(0.5 * (velocity / 127) ** 2, rel=1e-6)


def test_start_and_natural_end_are_bell_shaped_fades():
    out = render(armed_and_playing(constant(0.05)), 3_000)
    assert out[round(ATTACK / 2) - 1, 0] == pytest.approx(0.25, abs=0.005)
    assert largest_step(out) <= 1.01 * fade_slope(0.5, ATTACK_MS)
    assert not out[2_205:].any()


@given(wait=st.integers(0, 600), frames=st.integers(1, 2_000))
def test_clips_shorter_than_their_fades_never_click(wait, frames):
    mixer = armed(constant(frames / RATE_HZ))
    render(mixer, wait, max(1, wait))
    mixer.play()
    assert largest_step(render(mixer, 4_000)) <= 1.01 * fade_slope(0.5, ATTACK_MS)


@given(at=st.integers(1, 1_500))
def test_panic_and_retrigger_fade_wherever_they_fall(at):
    mixer = armed(constant(1, 0.3))
    mixer.note_on(60, 127)
    before = render(mixer, at, at)
    mixer.note_on(60, 127)
    during = render(mixer, 137, 137)
    mixer.panic()
    after = render(mixer, 1_000)
    bound = fade_slope(0.3, ATTACK_MS) + fade_slope(0.3, RELEASE_MS)
    assert largest_step(np.concatenate([before, during, after])) <= 1.01 * bound
    assert not after[RELEASE + 2 :].any()
    assert mixer.voices == 0


def test_stealing_the_oldest_of_32_voices_fades_it():
    mixer = armed(constant(2, 0.01))
    for note in range(MAX_VOICES):
        mixer.note_on(note, 127)
    before = render(mixer, 1_024)
    assert mixer.voices == MAX_VOICES
    mixer.note_on(100, 127)
    after = render(mixer, 1_024)
    assert mixer.voices == MAX_VOICES
    steps = np.abs(np.diff(np.concatenate([before[-1:], after]), axis=0))
    assert steps.max() <= 1.01 * (fade_slope(0.01, ATTACK_MS) + fade_slope(0.01, RELEASE_MS))


def test_a_flood_of_notes_neither_blocks_nor_clicks_nor_hangs():
    mixer = armed(sine(100, 0.3, 0.1))
    taken = sum(mixer.note_on(note % 128, 100) for note in range(20 * EVENTS))
    assert taken == EVENTS - RESERVED_EVENTS - 1
    out = render(mixer, RATE_HZ)
    assert mixer.started + mixer.dropped == taken
    assert mixer.started <= ROWS
    assert np.abs(out).max() <= np.float32(CEILING)
    mixer.panic()
    render(mixer, RELEASE + 128)
    assert not render(mixer, 1_000).any()


@given(level=st.floats(0.01, 50), voices=st.integers(1, 20), seed=st.integers(0, 99))
def test_nothing_ever_exceeds_minus_1_dbfs(level, voices, seed):
    noise = np.random.default_rng(seed).standard_normal((4_000, 2)).astype(np.float32) * np.float32(level)
    mixer = armed(noise)
    for note in range(voices):
        mixer.note_on(60 + note, 127)
    out = render(mixer, 4_000)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= np.float32(10 ** (-1 / 20))


def test_the_limiter_leaves_everything_below_its_knee_alone_and_recovers():
    loud, quiet = constant(0.1, 3.0), constant(1.0, 0.9 * KNEE)
    mixer = armed(np.concatenate([loud, quiet]))
    mixer.play()
    out = render(mixer, RATE_HZ)
    assert out[len(loud) + 10, 0] < 0.5 * KNEE
    assert np.all(out[-RATE_HZ // 10 : -RELEASE - 1] <= quiet[0])
    assert out[RATE_HZ - RATE_HZ // 20, 0] == pytest.approx(0.9 * KNEE, rel=1e-3)


def test_a_new_clip_sounds_from_the_next_hit_and_old_voices_keep_theirs():
    mixer = armed(constant(1, 0.2))
    mixer.note_on(60, 127)
    render(mixer, 1_000)
    mixer.arm(constant(1, 0.1))
    assert render(mixer, 256)[-1, 0] == np.float32(0.2)
    mixer.note_on(62, 127)
    assert render(mixer, 512)[-1, 0] == pytest.approx(0.3)


def test_clips_may_be_armed_without_end_while_the_stream_runs_and_are_refused_once_it_stands_still():
    mixer = Mixer(RATE_HZ)
    for serial in range(2 * CLIP_SLOTS):
        assert mixer.arm(constant(1, 0.01))
        mixer.note_on(serial % 128, 127)
        render(mixer, 16, 16)
    assert len(mixer._clips) <= ROWS + 3
    taken = 0
    while taken <= CLIP_SLOTS and mixer.arm(constant(0.001)):
        taken += 1
    assert CLIP_SLOTS - ROWS - 3 <= taken < CLIP_SLOTS


def test_a_one_shot_plays_through_its_note_off_and_a_gated_note_ends_with_it():
    for gate, sounds in ((False, True), (True, False)):
        mixer = armed(constant(1))
        mixer.set_shape(0, Shape(mode="gate" if gate else "one-shot"))
        mixer.note_on(60, 127)
        render(mixer, 512)
        mixer.note_on(60, 0)
        render(mixer, RELEASE + 2)
        assert bool(render(mixer, 128).any()) is sounds


def test_the_pedal_holds_gated_notes_until_it_comes_up():
    mixer = armed(constant(1))
    mixer.set_shape(0, Shape(mode="gate"))
    mixer.pedal(True)
    mixer.note_on(60, 127)
    mixer.note_off(60)
    assert render(mixer, 2_000)[-1].any()
    mixer.pedal(False)
    assert not render(mixer, 2_000)[-1].any()


def test_a_note_without_an_armed_clip_is_silence():
    mixer = Mixer(RATE_HZ)
    mixer.note_on(60, 127)
    assert not render(mixer, 512).any()


def test_samples_that_are_not_numbers_become_silence():
    clip = constant(0.1)
    clip[100:200] = np.nan
    clip[300] = np.inf
    assert np.isfinite(render(armed_and_playing(clip), 5_000)).all()


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["note_on", "note_off", "panic", "pedal", "process"]), st.integers(0, 127)),
        max_size=60,
    )
)
def test_every_stream_of_events_ends_in_silence_after_panic(events):
    mixer = armed(sine(300, 0.2))
    mixer.set_shape(0, Shape(mode="gate"))
    for kind, value in events:
        if kind == "note_on":
            mixer.note_on(value, value)
        elif kind == "note_off":
            mixer.note_off(value)
        elif kind == "panic":
            mixer.panic()
        elif kind == "pedal":
            mixer.pedal(value >= 64)
        else:
            assert np.isfinite(render(mixer, 1 + value)).all()
    mixer.panic()
    render(mixer, RELEASE + 2)
    assert not render(mixer, 64).any()
    assert mixer.voices == 0


def test_the_callback_allocates_nothing():
    mixer = armed(sine(300, 60, 0.01))
    for note in range(MAX_VOICES):
        mixer.note_on(note + 20, 100)
    out = np.zeros((128, 2), np.float32)
    for _ in range(100):
        mixer.process(out)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(5_000):
        mixer.process(out)
    assert sys.getallocatedblocks() - before < 20
