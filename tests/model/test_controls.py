"""Control signals against what they are said to be: ends, notes and beats in closed form, and whose word counts."""

from math import pi

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from model.config import ARC_MINI, SpectralConfig
from model.contour import LEVELS, ONSETS, PARTS, PHASE, PITCH, ROWS
from model.controls import (
    BEAT,
    BEAT_TURNS,
    CONTOUR,
    HIGHEST_PARTIAL_HZ,
    INSIDE,
    NOTE,
    PARTIALS,
    PITCH_CLASS_TURNS,
    REGISTER_TURNS,
    SIGNALS,
    control_signals,
    named_bpm,
    named_note,
    note_of,
    phase_ahead,
)

FRAMES = 128
PHASES = 1 + 2 * (len(PITCH_CLASS_TURNS) + len(REGISTER_TURNS))  # where they begin among the signals of a note
FRAME_SECONDS = ARC_MINI.autoencoder.frame_samples / ARC_MINI.sample_rate
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def name_of(midi: int) -> str:
    return f"{NAMES[midi % 12]}{midi // 12 - 1}"


def signals(prompt: str, seconds: float = 5.0, contour_st: np.ndarray | None = None, frames: int = FRAMES, **more):
    return control_signals(ARC_MINI, frames, seconds, prompt, contour_st, **more)


def note(prompt: str, contour_st: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The parts of a note's signals, their circles as complex numbers (turns, t): cosine + i·sine."""
    found = signals(prompt, contour_st=contour_st)[NOTE]
    counts = {"class": len(PITCH_CLASS_TURNS), "register": len(REGISTER_TURNS), "partials": len(PARTIALS)}
    parts, place = {"there": found[0]}, 1
    for name, count in counts.items():
        pairs = found[place : place + 2 * count].reshape(count, 2, -1)
        parts[name], place = pairs[:, 1] + 1j * pairs[:, 0], place + 2 * count
    assert place == len(found)
    return parts


def beat(prompt: str) -> np.ndarray:
    """The circles of the bar and of each of `BEAT_TURNS`, complex (turns, t)."""
    found = signals(prompt)[BEAT]
    assert (found[0] == 1).all()
    pairs = found[1:].reshape(1 + len(BEAT_TURNS), 2, -1)
    return pairs[:, 1] + 1j * pairs[:, 0]


def contour(frames: int = FRAMES, pitch: float = 57.0) -> np.ndarray:
    rows_st = np.random.default_rng(0).random((ROWS, frames), np.float32)
    rows_st[PITCH] = pitch
    return rows_st


def test_captions_name_notes_and_tempos() -> None:
    assert named_note("tuba F#3, staccato") == 54
    assert named_note("pad in C4 with reverb") == 60
    assert named_note("Bb2 bass") == 46
    assert named_note("Yamaha CP80 electric grand") is None
    assert named_note("from C3 to C4") is None
    assert named_bpm("drum loop, 120 BPM") == 120
    assert named_bpm("house beat at 97.5bpm") == 97.5
    assert named_bpm("drum machine 808") is None


@given(midi=st.integers(0, 119))
def test_every_note_is_named_by_its_name_and_by_its_other_name(midi: int) -> None:
    above, below = (NAMES[(midi + step) % 12] for step in (1, -1))
    assert named_note(f"marimba {name_of(midi)}, soft") == midi
    if len(above) == 1 and midi % 12 != 11:
        assert named_note(f"{above}b{midi // 12 - 1}") == midi
    if len(below) == 1 and midi % 12 != 0:
        assert named_note(f"{below}♯{midi // 12 - 1}") == midi
    assert named_note(f"{name_of(midi)} and again {name_of(midi)}") == midi


@given(seconds=st.floats(0.01, ARC_MINI.max_seconds), frames=st.sampled_from([32, 128]))
def test_the_signal_of_the_end_adds_up_to_the_length_and_falls_from_one_to_zero(seconds: float, frames: int) -> None:
    assume(seconds <= frames * FRAME_SECONDS)
    inside = signals("", seconds, frames=frames)[INSIDE].astype(np.float64)
    assert inside.sum() == pytest.approx(seconds / FRAME_SECONDS, abs=1e-4)
    assert (np.diff(inside) <= 0).all()
    assert np.count_nonzero((inside > 0) & (inside < 1)) <= 1


@given(prompt=st.sampled_from(["", "dusty snare", "CP80 grand", "from C3 to C4", "3/4 waltz", "808"]))
def test_where_nothing_is_named_only_the_end_is_told(prompt: str) -> None:
    found = signals(prompt)
    assert found.shape == (SIGNALS, FRAMES)
    assert found.dtype == np.float32
    assert found[INSIDE].any()
    assert not np.delete(found, INSIDE, axis=0).any()


def test_a_note_alone_tells_no_beat_and_a_tempo_alone_no_note() -> None:
    named = {"bass A1": NOTE, "loop, 90 BPM": BEAT}
    for prompt, own in named.items():
        found = signals(prompt)
        assert found[own].any(axis=0).all()
        found[own] = 0
        np.testing.assert_array_equal(found, signals(""))
    both = signals("bass A1 loop, 90 BPM")
    for prompt, own in named.items():
        np.testing.assert_array_equal(both[own], signals(prompt)[own])


@given(midi=st.integers(1, 107))
def test_a_note_and_the_one_an_octave_above_share_their_class_and_differ_in_register(midi: int) -> None:
    low, high = note(name_of(midi)), note(name_of(midi + 12))
    np.testing.assert_allclose(low["class"], high["class"], atol=1e-5)
    assert (np.abs(low["register"] - high["register"]).max(0) > 0.1).all()


@given(midi=st.integers(1, 119))
def test_the_register_tells_all_notes_apart_and_the_class_all_within_an_octave(midi: int) -> None:
    own = note(name_of(midi))
    assert (own["there"] == 1).all()
    for name, period in (("register", 128), ("class", 12)):
        others = [n for n in range(max(1, midi - 11), min(119, midi + 11) + 1) if (n - midi) % period]
        nearest = min(np.abs(own[name] - note(name_of(n))[name]).max() for n in others)
        assert nearest > {"register": 0.15, "class": 1.0}[name]
    first = own["class"][0, 0]
    assert np.angle(first * np.exp(-2j * pi * midi / 12)) == pytest.approx(0, abs=1e-4)


def frequency(midi: float) -> float:
    return 440 * 2 ** ((midi - 69) / 12)


def middles() -> np.ndarray:
    return (np.arange(FRAMES) + 0.5) * FRAME_SECONDS


@given(midi=st.integers(1, 108))
def test_partials_turn_as_a_synthesizers_do_up_to_the_highest_whose_waveform_is_kept(midi: int) -> None:
    hz = frequency(midi)
    for k, circle in zip(PARTIALS, note(name_of(midi))["partials"], strict=True):
        if k * hz < HIGHEST_PARTIAL_HZ:
            np.testing.assert_allclose(circle, np.exp(2j * pi * k * hz * middles()), atol=2e-4)
        else:
            assert not circle.any()


@given(midi=st.integers(24, 60), ahead=st.floats(0, 1, exclude_max=True), other=st.integers(24, 60))
def test_a_named_note_is_as_far_ahead_as_a_recording_and_keeps_that_where_the_recording_has_it_not(
    midi: int, ahead: float, other: int
) -> None:
    own = np.exp(2j * pi * (frequency(midi) * middles() + ahead))
    rows_st = contour(pitch=midi)
    rows_st[PHASE] = (np.angle(own) / (2 * pi)) % 1
    lacking = np.arange(FRAMES) % 5 > 1  # and the others are of another note, or of none
    rows_st[PITCH, lacking] = np.where(np.arange(FRAMES) % 2, midi + 7, 0)[lacking]
    rows_st[PHASE, lacking] = 0.25
    ahead_t = phase_ahead(ARC_MINI, rows_st, midi)
    for said in (midi, other):  # the wrong prompts of ARC's discriminator name others
        found = signals(f"organ {name_of(said)}", ahead_t=ahead_t)[NOTE][PHASES:]
        expected = np.exp(2j * pi * (frequency(said) * middles() + ahead))
        np.testing.assert_allclose(found[1] + 1j * found[0], expected, atol=2e-3)
    assert not phase_ahead(ARC_MINI, rows_st, midi + 2).any()
    np.testing.assert_array_equal(signals("organ", ahead_t=ahead_t), signals("organ"))


@given(note=st.floats(24, 60))
def test_another_note_sounds_in_place_of_a_named_one_and_of_no_other(note: float) -> None:
    partials = signals("organ C3", note=note)[NOTE][PHASES:]
    np.testing.assert_allclose(partials[1] + 1j * partials[0], np.exp(2j * pi * frequency(note) * middles()), atol=2e-4)
    np.testing.assert_array_equal(signals("organ C3", note=48), signals("organ C3"))
    np.testing.assert_array_equal(signals("organ", note=note), signals("organ"))


def test_the_partials_that_are_told_are_those_whose_waveform_the_autoencoder_keeps() -> None:
    assert isinstance(ARC_MINI.autoencoder, SpectralConfig)
    bin_hz = ARC_MINI.sample_rate / 2 / ARC_MINI.autoencoder.hop
    assert pytest.approx(ARC_MINI.autoencoder.linear_bins * bin_hz, abs=1) == HIGHEST_PARTIAL_HZ


def test_the_note_of_a_clip_is_the_one_its_captions_agree_on() -> None:
    assert note_of(["cello", "cello A3", "long cello note in A3"]) == 57
    assert note_of(["cello", "a long note"]) is None
    assert note_of(["cello A3", "cello A4"]) is None


BARS = {"": 4, " 4/4": 4, " 5/4": 4, " 3/4": 3, " 6/8": 2}


@pytest.mark.parametrize("metre", BARS)
@pytest.mark.parametrize("frames_of_a_beat", [8, 10, 16])
def test_a_beat_and_its_bar_turn_once_from_beginning_to_beginning(metre: str, frames_of_a_beat: int) -> None:
    bpm, starts = 60 / (frames_of_a_beat * FRAME_SECONDS), np.arange(FRAMES)
    bar, once, twice, thrice, four_times = beat(f"loop{metre}, {bpm:.12f} BPM")
    for circle, period in ((bar, BARS[metre] * frames_of_a_beat), (once, frames_of_a_beat)):
        begins, half = starts % period == 0, starts % period == period // 2
        assert begins[0]
        np.testing.assert_allclose(circle[begins], 1, atol=1e-3)  # sine 0 and cosine 1, on the beat
        np.testing.assert_allclose(circle[half], -1, atol=1e-3)
        assert (np.abs(circle[~begins] - 1) > 0.05).all()
    for turn, circle in ((2, twice), (3, thrice), (4, four_times)):
        np.testing.assert_allclose(circle, once**turn, atol=1e-4)
    np.testing.assert_allclose(bar ** BARS[metre], once, atol=1e-4)


@given(bpm=st.floats(30, 300))
def test_the_phase_of_a_beat_is_its_tempo_times_the_time_in_every_frame(bpm: float) -> None:
    named = float(f"{bpm:.2f}")
    beats = np.arange(FRAMES) * FRAME_SECONDS * named / 60
    expected = np.exp(2j * pi * np.multiply.outer((1 / 4, *BEAT_TURNS), beats))
    np.testing.assert_allclose(beat(f"{named:.2f} BPM"), expected, atol=1e-4)


def test_the_note_of_a_prompt_wins_over_the_pitch_of_a_recording() -> None:
    rows_st = contour(pitch=57)
    named, followed = signals("flute C5", contour_st=rows_st), signals("flute", contour_st=rows_st)
    np.testing.assert_array_equal(named[NOTE], signals("flute C5")[NOTE])
    np.testing.assert_allclose(followed[NOTE][:PHASES], signals(name_of(57))[NOTE][:PHASES], atol=1e-4)  # float32 pitch
    np.testing.assert_array_equal(named[CONTOUR], followed[CONTOUR])


def test_a_followed_pitch_has_the_phases_of_its_recording() -> None:
    rows_st = contour(pitch=57.3)
    partials = note("voice", rows_st)["partials"]
    for k, circle in zip(PARTIALS, partials, strict=True):
        if k * frequency(57.3) < HIGHEST_PARTIAL_HZ:
            np.testing.assert_allclose(circle, np.exp(2j * pi * k * rows_st[PHASE]), atol=1e-4)


def test_a_followed_pitch_is_told_where_it_is_and_nothing_where_it_is_not() -> None:
    rows_st = contour()
    rows_st[PITCH, ::3] = 0
    rows_st[PITCH, 1::3] = 40.5
    found, own = signals("voice", contour_st=rows_st), {n: note("", contour(pitch=n)) for n in (40.0, 40.5, 41.0)}
    assert not found[NOTE, ::3].any()
    assert (found[NOTE.start, 1::3] == 1).all()
    classes = {n: parts["class"][0, 0] for n, parts in own.items()}
    between = classes[40.0] + classes[41.0]  # a pitch between the keys lies between them
    assert classes[40.5] == pytest.approx(between / abs(between), abs=1e-5)


def test_levels_and_onsets_are_told_as_they_are_with_a_signal_that_there_are_any() -> None:
    rows_st = contour()
    found = signals("voice", contour_st=rows_st)[CONTOUR]
    np.testing.assert_array_equal(found[LEVELS], rows_st[LEVELS])
    np.testing.assert_array_equal(found[ONSETS], rows_st[ONSETS])
    assert (found[2 * PARTS :] == 1).all()
    assert len(found) == 2 * PARTS + 1


def test_a_contour_of_pitch_alone_is_a_note_and_one_without_pitch_is_no_note() -> None:
    pitched, unpitched = contour(), contour(pitch=0)
    pitched[:PITCH] = 0
    np.testing.assert_array_equal(signals("", contour_st=pitched)[NOTE], signals("", contour_st=contour())[NOTE])
    assert not signals("", contour_st=pitched)[CONTOUR].any()
    assert not signals("", contour_st=unpitched)[NOTE].any()
    assert signals("", contour_st=unpitched)[CONTOUR].any()
    np.testing.assert_array_equal(signals("", contour_st=np.zeros((ROWS, FRAMES), np.float32)), signals(""))


@given(
    prompt=st.sampled_from(["", "C-1", "G8 lead", "A4, 999 BPM, 3/4", "10 BPM"]),
    seconds=st.floats(0.01, ARC_MINI.max_seconds),
    pitch=st.floats(0, 127),
    follows=st.booleans(),
)
def test_every_signal_is_finite_and_at_most_one(prompt: str, seconds: float, pitch: float, follows: bool) -> None:
    found = signals(prompt, seconds, contour(pitch=pitch) if follows else None)
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1
