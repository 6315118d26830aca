"""What voices do under every shape, rate and block: fades, loops, filters, glides, pools."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arc_instrument.audio.kernel import ATTACK_MS, DECAY_MS, RELEASE_MS
from arc_instrument.audio.mixer import EVENTS, Hit, Mixer
from arc_instrument.domain import POOL_CLIPS
from arc_instrument.musical_time import MusicalLength
from arc_instrument.shape import LOOP_FADE_MS, MODES, Shape

RATE_HZ = 44_100
RATES_HZ = (44_100, 48_000, 96_000)
BLOCKS = (1, 16, 64, 127, 128, 441, 512)


def constant(frames: int, level: float = 0.1) -> np.ndarray:
    return np.full((frames, 2), level, np.float32)


def sine(hz: float, frames: int, level: float = 0.25) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hz * np.arange(frames) / RATE_HZ)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def mixer(samples: np.ndarray, shape: Shape, rate_hz: float = RATE_HZ) -> Mixer:
    made = Mixer(rate_hz)
    made.set_shape(0, shape)
    assert made.arm(samples)
    return made


def render(made: Mixer, frames: int, block_frames: int = 128) -> np.ndarray:
    out = np.full((frames, 2), np.nan, np.float32)
    for start in range(0, frames, block_frames):
        made.process(out[start : start + block_frames])
    return out


def played(samples: np.ndarray, shape: Shape, frames: int, note: int = 60, velocity: int = 127) -> np.ndarray:
    made = mixer(samples, shape)
    made.note_on(note, velocity)
    return render(made, frames)


def largest_step(samples: np.ndarray) -> float:
    return float(np.abs(np.diff(samples.astype(float), axis=0)).max())


SHAPES = st.builds(
    Shape,
    mode=st.sampled_from(MODES),
    attack_ms=st.floats(0, 30),
    decay_ms=st.floats(0, 30),
    sustain=st.floats(0, 1),
    release_ms=st.floats(0, 30),
    gain_db=st.floats(-20, 0),
    pan=st.floats(-1, 1),
    low_pass_hz=st.floats(20, 20_000),
    high_pass_hz=st.sampled_from([20.0, 100.0, 2_000.0]),
    resonance=st.floats(0, 0.3),
    glide_ms=st.sampled_from([0.0, 0.0, 50.0]),
    tune_semitones=st.floats(-5, 5),
    root_note=st.sampled_from([None, 50.5]),
    loop_start=st.integers(0, 5_000),
    loop_end=st.integers(0, 5_000),
    crossfade_ms=st.sampled_from([0.0, 3.0, 20.0]),
    velocity_to_brightness=st.floats(0, 1),
    voices=st.integers(1, 32),
)
EVENT_LISTS = st.lists(
    st.one_of(
        st.tuples(st.just("note_on"), st.integers(52, 68), st.sampled_from([1, 64, 127])),
        st.tuples(st.just("note_off"), st.integers(52, 68)),
        st.tuples(st.just("pedal"), st.booleans()),
        st.tuples(st.just("bend"), st.floats(-1, 1)),
        st.tuples(st.just("wheel"), st.floats(0, 1)),
        st.tuples(st.just("set_shape"), SHAPES),
        st.tuples(st.just("panic")),
        st.tuples(st.just("process"), st.integers(1, 700)),
    ),
    max_size=30,
)


def do(made: Mixer, kind: str, *values) -> None:
    if kind == "set_shape":
        made.set_shape(0, *values)
    elif kind in ("bend", "wheel"):
        made.control(0, kind, *values)
    else:
        getattr(made, kind)(*values)


@given(shape=SHAPES, events=EVENT_LISTS, rate_hz=st.sampled_from(RATES_HZ), block_frames=st.sampled_from(BLOCKS))
def test_nothing_clicks_and_every_note_let_go_ends_whatever_is_played_at_any_rate_and_block(
    shape, events, rate_hz, block_frames
):
    level = 0.02
    made = mixer(constant(20_000, level), shape, rate_hz)
    heard = [np.zeros((1, 2), np.float32)]
    most_voices = 1
    for kind, *values in events:
        if kind == "process":
            heard.append(render(made, values[0], block_frames))
            most_voices = max(most_voices, made.voices)
        else:
            do(made, kind, *values)
            heard.append(render(made, 1))
            most_voices = max(most_voices, made.voices)
    made.set_shape(0, Shape(mode="gate"))
    made.pedal(False)
    for note in range(52, 69):
        made.note_off(note)
    heard.append(render(made, 40_000, 512))
    out = np.concatenate(heard)
    assert np.isfinite(out).all()
    assert made.voices == 0
    assert not out[-100:].any()
    # A voice may at once begin, end, turn a corner of its loop (3 ms of 12 semitones up) and be filtered; a click is 1.
    slope = 4 * (math.pi / 2) / (ATTACK_MS * 44.1)
    assert largest_step(out) <= slope * level * most_voices


@given(shape=SHAPES, events=EVENT_LISTS, cuts=st.lists(st.integers(1, 600), min_size=1, max_size=20))
def test_the_driver_may_cut_time_into_any_blocks(shape, events, cuts):
    whole, split = (mixer(sine(300, 20_000), shape) for _ in range(2))
    for kind, *values in events:
        if kind != "process":
            do(whole, kind, *values)
            do(split, kind, *values)
    one = render(whole, sum(cuts), sum(cuts))
    parts = np.concatenate([render(split, frames, frames) for frames in cuts])
    assert np.array_equal(one, parts)


@given(shape=SHAPES, wait=st.integers(0, 300), block_frames=st.sampled_from(BLOCKS), rate_hz=st.sampled_from(RATES_HZ))
def test_the_first_sample_of_the_block_after_a_note_on_sounds_in_every_shape(shape, wait, block_frames, rate_hz):
    made = mixer(constant(5_000, 0.5), shape, rate_hz)
    render(made, wait, max(1, wait))
    made.note_on(60, 127)
    side = 0 if shape.pan < 0.5 else 1
    assert render(made, block_frames, block_frames)[0, side] != 0


# --- envelope ---------------------------------------------------------------------------------------------------------


@given(attack_ms=st.floats(0, 200), decay_ms=st.floats(0, 200), sustain=st.floats(0, 1), release_ms=st.floats(0, 200))
def test_attack_decay_and_release_last_as_long_as_they_are_set_but_never_click(
    attack_ms, decay_ms, sustain, release_ms
):
    made = mixer(
        constant(60_000),
        Shape(mode="gate", attack_ms=attack_ms, decay_ms=decay_ms, sustain=sustain, release_ms=release_ms),
    )
    made.note_on(60, 127)
    attack, decay, release = (
        math.ceil(max(least, ms) * RATE_HZ / 1000)
        for least, ms in ((ATTACK_MS, attack_ms), (DECAY_MS, decay_ms), (RELEASE_MS, release_ms))
    )
    out = render(made, attack + decay + 128)[:, 0] / 0.1
    assert out[attack // 2] == pytest.approx(0.5, abs=0.02)
    assert out[: attack + 1].max() == pytest.approx(1, abs=1e-3)
    assert out[attack + decay + 1] == pytest.approx(sustain, abs=2e-3)
    made.note_off(60)
    out = render(made, release + 130)[:, 0] / 0.1
    assert out[release // 2] == pytest.approx(sustain / 2, abs=0.02)
    assert not out[release + 1 :].any()


@given(amount=st.floats(0, 1), velocity=st.integers(1, 127))
def test_velocity_drives_the_level_as_far_as_the_shape_lets_it(amount, velocity):
    out = played(constant(2_000), Shape(velocity_to_level=amount), 1_000, velocity=velocity)
    assert out[-1, 0] == pytest.approx(0.1 * (velocity / 127) ** (2 * amount), rel=1e-5)


# --- pitch ------------------------------------------------------------------------------------------------------------


def cents(samples: np.ndarray, root_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples)), n=2**21))
    return 1200 * math.log2(spectrum.argmax() * RATE_HZ / 2**21 / root_hz)


@pytest.mark.parametrize(
    ("note", "tune", "root"), [(72, 0, None), (60, -0.25, None), (64, 7, 57.37), (48, 0.01, 60), (95, 0, None)]
)
def test_note_root_and_tuning_add_up_within_3_cents(note, tune, root):
    out = played(sine(220, 400_000), Shape(tune_semitones=tune, root_note=root), RATE_HZ, note)
    wanted = 100 * (note - (60 if root is None else root) + tune)
    assert cents(out, 220) == pytest.approx(wanted, abs=3)


def test_a_key_struck_while_another_is_held_glides_there_in_its_time_without_a_new_attack():
    made = mixer(sine(220, 10 * RATE_HZ), Shape(mode="gate", glide_ms=100))
    made.note_on(60, 127)
    render(made, 4_410)
    made.note_on(72, 127)
    on_its_way = render(made, 4_410)
    assert made.started == 1
    assert made.voices == 1
    assert 100 < cents(on_its_way[1_000:-1_000], 220) < 1_100
    assert cents(render(made, RATE_HZ // 2), 220) == pytest.approx(1200, abs=3)
    made.note_off(72)  # back to the key still held
    render(made, 4_500)
    assert cents(render(made, RATE_HZ // 2), 220) == pytest.approx(0, abs=3)
    made.note_off(60)
    render(made, 512)
    assert made.voices == 0


def test_a_part_has_no_more_voices_than_its_shape_allows():
    made = mixer(constant(40_000, 0.01), Shape(voices=3))
    for note in range(50, 60):
        made.note_on(note, 127)
        render(made, 512)
    assert made.voices == 3
    assert sorted(made._voices["note"][made._voices["stage"] != 0].tolist()) == [57, 58, 59]


# --- loop -------------------------------------------------------------------------------------------------------------


@given(
    start=st.integers(0, 6_000),
    length=st.integers(400, 12_000),
    crossfade_ms=st.floats(0, 50),
    note=st.integers(48, 72),
)
def test_the_seam_of_a_looped_sine_does_not_click(start, length, crossfade_ms, note):
    shape = Shape(mode="loop", loop_start=start, loop_end=start + length, crossfade_ms=crossfade_ms)
    out = played(sine(441, 18_000), shape, 60_000, note)
    # √2 where both sides are in phase; the weights themselves change in at least 3 ms, or in a quarter of the loop.
    pitch = 2 ** ((note - 60) / 12)
    fade_frames = min(LOOP_FADE_MS * 44.1, length / 4 - 1) / pitch
    slope = 0.25 * (math.sqrt(2) * 2 * math.pi * 441 * pitch / RATE_HZ + math.pi / fade_frames)
    assert largest_step(out) <= 1.05 * slope


@pytest.mark.parametrize(("start", "end"), [(10_000, 50_000), (0, 50_000), (0, 0)])
def test_the_seam_of_looped_noise_keeps_its_power(start, end):
    noise = (0.05 * np.random.default_rng(3).standard_normal((60_000, 2))).astype(np.float32)
    out = played(noise, Shape(mode="loop", loop_start=start, loop_end=end, crossfade_ms=30), 2_000_000)[5_000:]
    power = (out.astype(float) ** 2).mean(axis=1)
    window = np.convolve(power, np.ones(1_323) / 1_323, "valid")
    assert 10 * np.log10(window.max() / np.median(window)) < 1
    assert 10 * np.log10(window.min() / np.median(window)) > -1


@given(start=st.integers(0, 4_000), length=st.integers(2_000, 10_000), crossfade_ms=st.sampled_from([0, 5, 20]))
def test_a_loop_with_material_around_it_lasts_exactly_as_long_as_it_is_set(start, length, crossfade_ms):
    noise = (0.05 * np.random.default_rng(5).standard_normal((16_000, 2))).astype(np.float32)
    shape = Shape(mode="loop", loop_start=start, loop_end=start + length, crossfade_ms=crossfade_ms)
    out = played(noise, shape, start + 4 * length + 4_000)
    settled = out[start + length + 2_000 :]
    assert np.array_equal(settled[: len(settled) - length], settled[length:])


def test_a_whole_clip_looped_without_crossfade_keeps_its_length_and_passes_through_silence():
    out = played(constant(8_820), Shape(mode="loop", crossfade_ms=0), 50_000)[:, 0]
    quiet = np.flatnonzero(out[1_000:] < 1e-4) + 1_000
    assert [int(frame) for frame in quiet if frame % 8_820 == 0] == [8_820, 17_640, 26_460, 35_280, 44_100]
    fade = LOOP_FADE_MS * RATE_HZ / 1000
    assert np.all(np.minimum(quiet % 8_820, 8_820 - quiet % 8_820) < fade / 10)
    assert largest_step(out[200:, None]) <= 1.05 * 0.1 * 1.5 / (fade - 1)


@given(
    turns=st.integers(0, 2), at=st.integers(0, 8_000), start=st.integers(0, 8_000), note=st.sampled_from([53, 60, 67])
)
@example(turns=1, at=1_000, start=4_000, note=60)
@example(turns=1, at=1_000, start=950, note=60)
def test_a_loop_through_silence_whose_start_is_moved_neither_clicks_nor_falls_silent(turns, at, start, note):
    level, period = 0.1, 8_820
    shape = Shape(mode="loop", crossfade_ms=0)
    made = mixer(constant(period, level), shape)
    made.note_on(note, 127)
    pitch = 2 ** ((note - 60) / 12)
    before = render(made, round((turns * period + at) / pitch))
    made.set_shape(0, replace(shape, loop_start=start))
    after = render(made, 20_000)
    fade_frames = LOOP_FADE_MS * 44.1 / pitch
    assert largest_step(np.concatenate([before, after])[200:]) <= 1.1 * 1.5 * level / (fade_frames - 1)
    quiet = np.flatnonzero(after[:, 0] < level / 2)
    assert len(quiet) <= (1 + 20_000 * pitch / (period - start)) * 2 * fade_frames


def test_a_loop_whose_start_was_moved_past_the_playhead_can_be_moved_again_before_it_gets_there():
    shape = Shape(mode="loop", crossfade_ms=0)
    made = mixer(constant(8_820), shape)
    made.note_on(60, 127)
    render(made, 8_820 + 1_000)
    for start in (6_000, 3_000):
        made.set_shape(0, replace(shape, loop_start=start))
        render(made, 64)
    sounding = made._voices[made._voices["stage"] != 0][0]
    assert sounding["loop_length"] == 5_820


def test_a_loop_ends_with_its_key():
    made = mixer(constant(3_000), Shape(mode="loop"))
    made.note_on(60, 127)
    assert render(made, RATE_HZ)[-1].all()
    made.note_off(60)
    render(made, 512)
    assert made.voices == 0


# --- filter -----------------------------------------------------------------------------------------------------------


def response_db(shape: Shape, frames: int = 16_384) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, and the gain that one short impulse shows there once the attack is over."""
    clip = np.zeros((frames + 2_000, 2), np.float32)
    clip[1_000] = 0.5
    out = played(clip, shape, frames + 1_000)[1_000:, 0] / 0.5
    return np.fft.rfftfreq(frames, 1 / RATE_HZ)[1:], 20 * np.log10(np.abs(np.fft.rfft(out, frames))[1:] + 1e-9)


def analogue_db(hz: np.ndarray, cutoff_hz: float, q: float, kind: str) -> np.ndarray:
    """|H| of the two-pole prototype at frequencies bent by the bilinear transform, as the trapezoidal rule does."""
    s = 1j * np.tan(np.pi * hz / RATE_HZ) / math.tan(math.pi * cutoff_hz / RATE_HZ)
    return 20 * np.log10(np.abs((s**2 if kind == "high" else 1) / (s**2 + s / q + 1)) + 1e-9)


@pytest.mark.parametrize(("cutoff_hz", "resonance"), [(200, 0), (1_000, 0), (1_000, 0.6), (9_000, 0.2)])
def test_the_low_pass_is_its_transfer_function(cutoff_hz, resonance):
    hz, db = response_db(Shape(low_pass_hz=cutoff_hz, resonance=resonance))
    expected = analogue_db(hz, cutoff_hz, 10 ** ((27 * resonance - 3.0103) / 20), "low")
    heard = (hz > 20) & (expected > -80)
    assert np.abs(db - expected)[heard].max() < 0.1
    if resonance == 0:
        assert np.interp(cutoff_hz, hz, db) == pytest.approx(-3.01, abs=0.1)
        octave = np.interp([4 * cutoff_hz, 8 * cutoff_hz], hz, db)
        assert cutoff_hz > 1_000 or octave[0] - octave[1] == pytest.approx(12, abs=2)


@pytest.mark.parametrize("cutoff_hz", [100, 1_000, 5_000])
def test_the_high_pass_is_its_transfer_function(cutoff_hz):
    hz, db = response_db(Shape(high_pass_hz=cutoff_hz))
    expected = analogue_db(hz, cutoff_hz, math.sqrt(0.5), "high")
    heard = expected > -60
    assert np.abs(db - expected)[heard].max() < 0.1
    assert np.interp(cutoff_hz, hz, db) == pytest.approx(-3.01, abs=0.1)


def test_soft_notes_are_duller_where_velocity_drives_brightness():
    noise = (0.05 * np.random.default_rng(1).standard_normal((40_000, 2))).astype(np.float32)

    def brightness(velocity: int) -> float:
        shape = Shape(velocity_to_level=0, velocity_to_brightness=1)
        spectrum = np.abs(np.fft.rfft(played(noise, shape, 30_000, velocity=velocity)[:, 0])) ** 2
        return float(spectrum[len(spectrum) // 4 :].sum() / spectrum.sum())

    assert brightness(127) == pytest.approx(0.75, abs=0.02)
    assert brightness(1) < brightness(64) / 10 < brightness(127) / 10


@given(
    bpm=st.floats(120, 300),
    bars=st.integers(1, 2),
    crossfade_ms=st.sampled_from([0, 20, 500]),
    block=st.sampled_from([64, 441, 512]),
)
@settings(max_examples=10)
def test_bars_repeat_to_the_sample_at_their_own_length_whatever_the_crossfade(bpm, bars, crossfade_ms, block):
    frames = MusicalLength(bpm, bars).frames()
    noise = (0.05 * np.random.default_rng(8).standard_normal((frames, 2))).astype(np.float32)
    made = Mixer(RATE_HZ)
    made.set_shape(0, Shape(mode="loop", crossfade_ms=crossfade_ms))
    made.arm(noise, keeps_length=True)
    made.note_on(60, 127)
    out = np.concatenate([render(made, block) for _ in range(3 * frames // block + 1)])
    assert np.array_equal(out[frames : 2 * frames], out[2 * frames : 3 * frames])
    inside = slice(frames + 200, 2 * frames - 200)  # but for 3 ms at both ends it is the clip itself
    assert np.array_equal(out[inside], noise[200:-200])


# --- pools and floods -------------------------------------------------------------------------------------------------


@given(
    steps=st.lists(st.sampled_from(["hit", "stock", "arm", "clear"]), max_size=60),
)
def test_every_hit_takes_the_next_clip_stocked_and_the_last_one_sounds_again_when_none_is_left(steps):
    made = Mixer(RATE_HZ)
    pool: list[int] = []
    last, serial, expected, told = None, 0, [], []
    for step in steps:
        if step == "hit":
            made.note_on(60, 127, part=3)
            if pool:
                last = pool.pop(0)
            if last is not None:
                expected.append(Hit(3, last, len(pool)))
        elif step == "clear":
            made.clear_stock(3)
            pool.clear()
        else:
            serial += 1
            put = made.arm if step == "arm" else made.stock
            assert put(constant(400, serial / 1000), part=3, clip_id=serial)
            if step == "arm":
                last, pool = serial, []
            else:
                pool = [*pool, serial][-POOL_CLIPS:]
        out = render(made, 128)
        told += made.take_hits()
        if step == "hit":
            assert out.any() == (last is not None)
    assert told == expected


@given(
    ranges=st.lists(st.tuples(st.integers(1, 127), st.integers(1, 127)).map(sorted), min_size=1, max_size=POOL_CLIPS),
    velocities=st.lists(st.integers(1, 127), min_size=1, max_size=20),
)
def test_every_hit_takes_the_first_clip_whose_velocities_are_nearest_to_its_own(ranges, velocities):
    made = Mixer(RATE_HZ)
    pool = {serial: (softest, hardest) for serial, (softest, hardest) in enumerate(ranges, 1)}
    for serial, (softest, hardest) in pool.items():
        assert made.stock(constant(400, 0.1), part=3, clip_id=serial, velocities=(softest, hardest))
    last = None
    for velocity in velocities:
        made.note_on(60, velocity, part=3)
        render(made, 64)
        if pool:
            last = min(pool, key=lambda serial: max(0, pool[serial][0] - velocity, velocity - pool[serial][1]))
            del pool[last]
        assert made.take_hits() == [Hit(3, last, len(pool))]


def test_a_clip_that_sounds_is_neither_freed_nor_changed_by_all_that_come_after():
    made = Mixer(RATE_HZ)
    clip = constant(400_000, 0.05)
    made.stock(clip)
    clip[:] = 1.0  # the caller's own array is the caller's
    made.note_on(60, 127)
    render(made, 512)
    for serial in range(2_000):
        made.arm(constant(100, 0.5), clip_id=serial)
        assert render(made, 32)[-1, 0] == np.float32(0.05)


@given(notes=st.lists(st.integers(0, 127), min_size=1, max_size=30), mode=st.sampled_from(["gate", "loop"]))
def test_note_offs_that_found_no_room_end_every_note_instead(notes, mode):
    made = mixer(constant(400_000, 0.001), Shape(mode=mode))
    made.pedal(True)
    for note in notes:
        made.note_on(note, 100)
    render(made, 512)
    lost = 0
    for index in range(3 * EVENTS):
        lost += not made.note_off(notes[index % len(notes)])
        made.note_on(index % 128, 0)
    assert lost
    render(made, 700)
    assert made.voices == 0


def test_notes_that_begin_leave_room_for_those_that_end():
    made = mixer(constant(400_000, 0.001), Shape(mode="gate"))
    while made.note_on(60, 100):
        pass
    assert made.note_off(60)
    assert made.pedal(False)
    assert made.panic()


def test_pan_turns_down_the_side_that_a_sound_leaves_and_a_centred_one_is_as_it_was():
    for pan, left, right in ((-1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.0, 1.0, 1.0), (0.5, math.sqrt(0.5), 1.0)):
        out = played(constant(8_000), Shape(pan=pan), 4_000)[2_000:]
        np.testing.assert_allclose(out.mean(axis=0), (0.1 * left, 0.1 * right), atol=1e-5)


@given(pans=st.lists(st.floats(-1, 1), min_size=1, max_size=8), block=st.sampled_from(BLOCKS))
@settings(max_examples=20)
def test_pan_that_jumps_while_a_sound_plays_does_not_click(pans, block):
    made = mixer(constant(60_000), Shape())
    made.note_on(60, 127)
    parts = [render(made, 4_000, block)]
    for pan in pans:
        made.set_shape(0, Shape(pan=pan))
        parts.append(render(made, 2_000, block))
    out = np.concatenate(parts)[1_000:]
    # A change of all of it falls by 12 % a tick at first (SMOOTH_MS), spread over the 32 frames of that tick.
    assert largest_step(out) <= 0.1 * 0.14 / 32
    assert out[-1, 0] == pytest.approx(0.1 * math.cos(math.pi / 2 * max(0.0, pans[-1])), abs=2e-5)
    assert out[-1, 1] == pytest.approx(0.1 * math.cos(math.pi / 2 * max(0.0, -pans[-1])), abs=2e-5)
