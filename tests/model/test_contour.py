"""The contour of signals made for the purpose: its pitch, onsets and levels against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.contour import LEVELS, LOWEST_HZ, ONSETS, PARTS, PHASE, PITCH, PITCHED_DB, RANGE_DB, ROWS, contour

RATE_HZ, FRAME = 44_100, 2048
PART = FRAME // PARTS
LOWEST_NOTE, HIGHEST_NOTE = 24, 96  # C1 to C7


def stereo(mono_n: np.ndarray) -> np.ndarray:
    return np.repeat(mono_n.astype(np.float32)[:, None], 2, axis=1)


def tone(midi: float, frames: int = 6, harmonics: int = 1, start: float = 0.0) -> np.ndarray:
    """A note (n,) whose k-th harmonic has 1/k of the amplitude of the first, and a phase of its own."""
    hz, t = 440 * 2 ** ((midi - 69) / 12), np.arange(frames * FRAME) / RATE_HZ
    below_nyquist = (k for k in range(1, harmonics + 1) if k * hz < 18_000)
    return 0.3 * sum(np.sin(2 * np.pi * k * hz * t + start * k * k) / k for k in below_nyquist)


def noise(frames: int, seed: int, channels: int = 2) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((frames * FRAME, channels)).astype(np.float32)
    return 0.2 * np.broadcast_to(drawn, (frames * FRAME, 2))


def flat(frames: int, seed: int) -> np.ndarray:
    """White noise (n,) that has the same power in every part, whatever chance says."""
    return 0.5 * np.random.default_rng(seed).choice([-1.0, 1.0], frames * FRAME)


def clicks(*samples: int, frames: int = 8) -> np.ndarray:
    canvas = np.zeros((frames * FRAME, 2), np.float32)
    canvas[list(samples)] = 0.5
    return canvas


def rows(samples: np.ndarray, frames: int | None = None) -> np.ndarray:
    return contour(samples, frames or len(samples) // FRAME, FRAME, RATE_HZ)


def levels(samples: np.ndarray) -> np.ndarray:
    """The level of each part (p,), in their order."""
    return rows(samples)[LEVELS].T.ravel()


def onsets(samples: np.ndarray) -> np.ndarray:
    """The onset of each part (p,), in their order."""
    return rows(samples)[ONSETS].T.ravel()


@pytest.mark.parametrize("harmonics", [1, 2, 5, 10])
def test_the_pitch_of_a_tone_is_its_midi_number_within_ten_cents_from_c1_to_c7(harmonics: int) -> None:
    for midi in range(LOWEST_NOTE, HIGHEST_NOTE + 1):
        found = rows(stereo(tone(midi, harmonics=harmonics)))[PITCH]
        inner = found[1:-1]  # the analysis of the first and the last frame reaches into the silence around them
        assert np.abs(inner - midi).max() < 0.1, midi


@given(midi=st.floats(LOWEST_NOTE, HIGHEST_NOTE), start=st.floats(0, 6))
def test_the_pitch_of_any_frequency_and_phase_is_found_between_the_keys_too(midi: float, start: float) -> None:
    found = rows(stereo(tone(midi, harmonics=5, start=start)))[PITCH][1:-1]
    assert np.abs(found - midi).max() < 0.1


def test_the_pitch_follows_a_glide() -> None:
    frames, t = 16, np.arange(16 * FRAME) / RATE_HZ
    hz = 220 * 2 ** (t / t[-1])  # an octave
    samples = stereo(0.3 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ))
    centre = 57 + 12 * (np.arange(frames) + 0.5) / frames
    assert np.abs(rows(samples)[PITCH] - centre)[1:-1].max() < 0.5


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_pitch(channels: int, seed: int) -> None:
    assert not rows(noise(16, seed, channels))[PITCH].any()


@given(length=st.integers(0, 3 * FRAME), frames=st.integers(1, 4), level=st.sampled_from([0.0, 1e-6]))
def test_silence_and_nothing_at_all_are_zero_in_every_row(length: int, frames: int, level: float) -> None:
    found = contour(np.full((length, 2), level, np.float32), frames, FRAME, RATE_HZ)
    assert found.shape == (ROWS, frames)
    assert found.dtype == np.float32
    assert not found.any()


def test_a_frame_far_below_the_loudest_has_no_pitch_and_one_less_far_below_has() -> None:
    for decibels, pitched in ((PITCHED_DB + 5, True), (PITCHED_DB - 5, False)):
        quiet = 10 ** (decibels / 20) * tone(60, 8)
        found = rows(stereo(np.concatenate([tone(60, 8), quiet])))[PITCH]
        assert np.abs(found[1:7] - 60).max() < 0.1
        assert (found[9:-1] > 0).all() == pitched
        assert (found[9:-1] > 0).any() == pitched


def test_a_tone_below_the_lowest_pitch_is_not_heard_an_octave_too_high() -> None:
    midi = 69 + 12 * np.log2(0.9 * LOWEST_HZ / 440)
    assert not rows(stereo(tone(midi, 8, harmonics=3)))[PITCH].any()


@given(midi=st.floats(LOWEST_NOTE, 84), start=st.floats(0, 1, exclude_max=True))
def test_the_phase_is_that_of_the_fundamental_in_the_middle_of_each_frame(midi: float, start: float) -> None:
    """As the wave was made, whatever harmonics it has; the pitch itself is estimated."""
    hz = 440 * 2 ** ((midi - 69) / 12)
    wave = sum(np.cos(2 * np.pi * k * (hz * np.arange(8 * FRAME) / RATE_HZ + start)) / k for k in range(1, 5))
    found = rows(stereo(0.2 * wave))
    expected = hz * (np.arange(8) + 0.5) * FRAME / RATE_HZ + start
    assert found[PITCH, 1:-1].all()
    turns = (found[PHASE] - expected)[1:-1]
    assert np.abs(turns - turns.round()).max() < 0.02


def test_a_known_note_is_the_pitch_where_it_sounds_in_any_octave_or_without_one_and_nowhere_else() -> None:
    noisy, octave_above, fifth = flat(4, 0)[:, None].repeat(2, 1), stereo(tone(60, 4)), stereo(tone(55, 4))
    silence = np.zeros((4 * FRAME, 2), np.float32)
    samples = np.concatenate([noisy, octave_above, fifth, silence]).astype(np.float32)
    found = contour(samples, 16, FRAME, RATE_HZ, 48)[PITCH]
    assert (found[1:3] == 48).all()
    assert (found[5:7] == 48).all()
    assert np.abs(found[9:11] - 55).max() < 0.1
    assert not found[13:].any()
    np.testing.assert_array_equal(contour(samples, 16, FRAME, RATE_HZ, 0), contour(samples, 16, FRAME, RATE_HZ))


def test_the_phase_of_a_known_note_is_its_own_where_another_octave_seemed_to_sound() -> None:
    """A fundamental 26 dB below its octave, which an estimate takes for the pitch."""
    octave = stereo(tone(60, 8) + 0.05 * tone(48, 8, start=1.0))
    assert np.abs(rows(octave)[PITCH, 1:-1] - 60).max() < 0.1
    found, alone = contour(octave, 8, FRAME, RATE_HZ, 48), rows(stereo(tone(48, 8, start=1.0)))
    turns = (found[PHASE] - alone[PHASE])[1:-1]
    assert np.abs(turns - turns.round()).max() < 0.02


@given(part=st.integers(0, 31), inside=st.integers(0, int(0.8 * PART)))
def test_the_onset_of_a_click_is_strongest_in_the_part_in_which_it_lies_and_none_is_before(
    part: int, inside: int
) -> None:
    """But for a click in the last of a part, where its window closes: that may count for the next one."""
    found = onsets(clicks(part * PART + inside))
    assert found.argmax() == part
    assert found[part] == 1
    assert not found[:part].any()
    assert not found[part + 2 :].any()


@pytest.mark.parametrize("part", [0, 5])
@pytest.mark.parametrize("kind", ["click", "tone", "noise", "decay"])
def test_a_sound_that_begins_with_a_part_has_its_onset_there(kind: str, part: int) -> None:
    """Most recordings begin at once: their first onset is no weaker than one in the midst of silence."""
    t = np.arange(6 * FRAME) / RATE_HZ
    sound = {
        "click": clicks(0, frames=6),
        "tone": stereo(0.3 * np.sin(2 * np.pi * 1_000 * t)),
        "noise": noise(6, 0),
        "decay": noise(6, 1) * np.exp(-20 * t)[:, None].astype(np.float32),
    }[kind]
    found = onsets(np.concatenate([np.zeros((part * PART, 2), np.float32), sound])[: 6 * FRAME])
    assert found[part] > 0.9
    assert not found[:part].any()
    assert found[part + 2 :].max() < 0.3


def test_several_clicks_have_an_onset_each_and_what_is_steady_has_none() -> None:
    parts = [3, 9, 20]
    found = onsets(clicks(*(part * PART + PART // 2 for part in parts)))
    assert np.flatnonzero(found > 0.5).tolist() == parts
    assert onsets(stereo(tone(60, 8, harmonics=10)))[2:].max() < 0.05


@given(gain_db=st.floats(-90, 0))
def test_the_level_of_a_steady_sound_is_one_and_of_the_same_turned_down_lower_by_the_gain(gain_db: float) -> None:
    steady = flat(4, 0)
    found = levels(stereo(np.concatenate([steady, 10 ** (gain_db / 20) * steady])))
    assert found[: 4 * PARTS] == pytest.approx(1, abs=1e-4)
    assert found[4 * PARTS :] == pytest.approx(max(1 + gain_db / RANGE_DB, 0), abs=1e-4)


@given(decay=st.floats(5, 100), seed=st.integers(0, 99))
def test_an_exponential_decay_falls_by_a_sixtieth_for_each_decibel(decay: float, seed: int) -> None:
    t = np.arange(12 * FRAME) / RATE_HZ
    found = levels(stereo(flat(12, seed) * 10 ** (-decay * t / 20)))
    expected = 1 - decay * np.arange(12 * PARTS) * PART / RATE_HZ / RANGE_DB
    assert found == pytest.approx(expected.clip(0, 1), abs=1e-4)


@given(gain_db=st.floats(-40, 6), seed=st.integers(0, 20))
def test_a_contour_does_not_change_with_the_gain(gain_db: float, seed: int) -> None:
    t = np.arange(6 * FRAME) / RATE_HZ
    samples = stereo(tone(50 + seed, 6, harmonics=4) * np.exp(-4 * t)) + 0.05 * noise(6, seed)
    gained = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    np.testing.assert_allclose(rows(gained), rows(samples), atol=1e-3)


@given(more=st.integers(1, 3 * FRAME), frames=st.integers(1, 5))
def test_a_contour_of_more_samples_than_fit_is_that_of_those_that_fit(more: int, frames: int) -> None:
    fitting = noise(frames, frames) + stereo(tone(48, frames))
    longer = np.concatenate([fitting, np.ones((more, 2), np.float32)])
    np.testing.assert_array_equal(rows(longer, frames), rows(fitting, frames))


@given(samples=st.integers(1, 4 * FRAME))
def test_a_shorter_recording_is_one_followed_by_silence(samples: int) -> None:
    short = noise(4, 3)[:samples]
    padded = np.concatenate([short, np.zeros((4 * FRAME - samples, 2), np.float32)])
    np.testing.assert_array_equal(rows(short, 4), rows(padded, 4))


def test_swapped_channels_have_the_same_contour() -> None:
    samples = noise(4, 0) + stereo(tone(60, 4))
    np.testing.assert_allclose(rows(samples[:, ::-1]), rows(samples), atol=1e-6)


@given(seed=st.integers(0, 200))
def test_levels_and_onsets_lie_between_zero_and_one_and_the_loudest_part_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = rng.uniform(0, 1, (6 * PARTS, 1)) ** rng.uniform(1, 20)
    samples = noise(6, seed) * np.repeat(parts, PART, axis=0).astype(np.float32)
    found = rows(samples)
    assert found[:PITCH].min() >= 0
    assert found[:PITCH].max() <= 1
    assert found[LEVELS].max() == 1
    power = np.square(samples).mean(1).reshape(-1, PART).mean(1)
    assert found[LEVELS].T.ravel().argmax() == power.argmax()
