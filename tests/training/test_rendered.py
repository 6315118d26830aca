"""Rendered sound: what the captions say is measured on the sound, by the same measures as the model card's."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model.contour import frequency
from training.evaluation.levels import centroid_hz, decay_seconds, faults
from training.evaluation.onsets import same_tempo, tempo_bpm
from training.evaluation.pitch import cents_off, pitch
from training.render import render
from training.synthesis import soundfonts
from training.synthesis.dsp import RATE_HZ, modes, place, sine, unison
from training.synthesis.effects import bursts
from training.synthesis.patterns import LOOPS
from training.synthesis.voices import KINDS, clip, measured_words, play, side_of_split, thirds
from training.synthesis.wording import Draw, Kind, captions, note_name

KIND = {kind.name: kind for kind in (*KINDS, *LOOPS)}


def sounds(name: str, count: int) -> list[tuple[np.ndarray, Draw]]:
    return [play(KIND[name], np.random.default_rng((5, i))) for i in range(count)]


def cents_from(x: np.ndarray, f: float) -> float:
    """How far the strongest of the first six partials lies from its multiple of `f`."""
    spectrum = np.abs(np.fft.rfft(x.mean(1)[: 2 * RATE_HZ] * np.hanning(min(len(x), 2 * RATE_HZ)), 2**19))
    step, best = RATE_HZ / 2**19, (0.0, 0.0)
    for k in range(1, 7):
        low, high = int(k * f * 0.97 / step), int(k * f * 1.03 / step)
        at = low + int(spectrum[low:high].argmax())
        best = max(best, (float(spectrum[at]), 1200 * np.log2(at * step / (k * f))))
    return best[1]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    render(folder, 10 / 3600, seed=3, jobs=1, shard_clips=8)
    return folder


def members(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]


def test_the_shards_do_not_depend_on_the_number_of_processes(shards: Path, tmp_path: Path) -> None:
    render(tmp_path, 10 / 3600, seed=3, jobs=2, shard_clips=8)
    assert [p.name for p in sorted(tmp_path.iterdir())] == [p.name for p in sorted(shards.iterdir())]
    for path in shards.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_a_stopped_run_goes_on_after_its_last_whole_shard(shards: Path, tmp_path: Path) -> None:
    first = sorted(shards.iterdir())[0]
    shutil.copy(first, tmp_path / first.name)
    (tmp_path / "rendered-000001.part").write_bytes(b"half a shard")
    os.utime(tmp_path / first.name, (1, 1))
    seconds = sum(json.loads(data)["seconds"] for name, data in members(first) if name.endswith("json"))
    render(tmp_path, (seconds + 0.1) / 3600, seed=3, jobs=1, shard_clips=8)
    assert (tmp_path / first.name).stat().st_mtime == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rendered-000000.tar", "rendered-000001.tar"]


def test_with_names_of_kinds_these_alone_are_rendered_and_a_folder_goes_on_with_them_only(tmp_path: Path) -> None:
    render(tmp_path, 5 / 3600, seed=3, shard_clips=8, kinds=["riser", "coin"])
    path = tmp_path / "rendered-000000.tar"
    found = {json.loads(data)["kind"] for name, data in members(path) if name.endswith("json")}
    assert found == {"riser", "coin"}
    before = path.read_bytes()
    with pytest.raises(ValueError, match="other kinds"):
        render(tmp_path, 5 / 3600, seed=3, shard_clips=8, kinds=["riser"])
    with pytest.raises(ValueError, match="no kind of sound is called gong!; there are: kick 808"):
        render(tmp_path, 5 / 3600, seed=3, shard_clips=8, kinds=["riser", "gong!"])
    assert path.read_bytes() == before


def test_risers_are_short_and_long_and_loudest_at_their_end() -> None:
    found = [x for x, _ in sounds("riser", 24)]
    seconds = [len(x) / RATE_HZ for x in found]
    assert min(seconds) < 0.6
    assert max(seconds) > 3
    dry = [x for x in found if np.abs(x[: len(x) // 4]).max() < 0.25 * np.abs(x).max()]
    assert len(dry) > 12


def test_half_of_the_bursts_of_a_zap_are_silence_and_they_have_no_offset() -> None:
    x = bursts(np.random.default_rng(0), RATE_HZ)
    assert np.mean(x == 0) == pytest.approx(0.5, abs=0.1)
    assert abs(x.mean()) < 0.05 * x.std()


def test_a_shard_holds_sound_and_words_with_the_fields_of_the_corpus(shards: Path) -> None:
    files = members(sorted(shards.iterdir())[0])
    for (sound, flac), (words, about_json) in zip(files[::2], files[1::2], strict=True):
        about = json.loads(about_json)
        x, rate_hz = soundfile.read(io.BytesIO(flac), always_2d=True)
        assert sound.removesuffix(".flac") == words.removesuffix(".json")
        assert (rate_hz, x.shape[1]) == (RATE_HZ, about["channels"])
        assert abs(len(x) / RATE_HZ - about["seconds"]) < 1e-3
        assert set(about) >= {"caption", "captions_alt", "category", "tags", "note", "bpm", "source", "source_path"}
        assert about["licence"] == "CC0-1.0"
        assert about["split"] in {"train", "test"}
        assert about["source"] == f"rendered/{about['kind']}"


def test_the_corpus_reads_rendered_shards(shards: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.corpus", *map(str, sorted(shards.iterdir())), "--out", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "train" in run.stdout


def test_clips_neither_click_nor_carry_dc_and_keep_below_minus_one_decibel() -> None:
    for name in ("kick 808", "closed hat", "snare", "sub bass", "guitar", "fm bell", "laser", "click", "wood hit"):
        for x, _ in sounds(name, 3):
            assert set(faults(x)) <= {"true peak"}, name
            assert 10 ** (-6.01 / 20) <= np.abs(x).max() <= 10 ** (-0.99 / 20)
            assert len(x) <= 5.9 * RATE_HZ + 1


BRIGHT_DARK = ("bright", "dark", centroid_hz)
LONG_SHORT = ("long", "short", decay_seconds)


@pytest.mark.parametrize(
    ("name", "more", "less", "measure"),
    [
        *[(name, *BRIGHT_DARK) for name in ("snare", "closed hat", "square bass", "laser")],
        *[(name, *LONG_SHORT) for name in ("kick 909", "snare", "marimba", "coin")],
    ],
)
def test_clips_of_a_word_measure_more_than_those_of_its_opposite(
    name: str, more: str, less: str, measure: Callable[[np.ndarray], float]
) -> None:
    found: dict[str, list[float]] = {more: [], less: []}
    for x, _ in sounds(name, 24):
        for word in set(measured_words(KIND[name], x)) & set(found):
            found[word].append(measure(x.mean(1)))
    assert min(map(len, found.values())) >= 2
    assert np.mean([high > low for high in found[more] for low in found[less]]) >= 0.9


@pytest.mark.parametrize(
    "name",
    ["square bass", "guitar", "harp", "marimba", "electric piano", "piano", "clavinet", "supersaw", "synth pluck"],
)
def test_a_named_note_is_the_measured_fundamental(name: str) -> None:
    for note in (43, 52):
        x = KIND[name].play(Draw(np.random.default_rng(2), note=note, fixed={"length": 1.2, "muted": 0}))
        x = x if x.ndim == 2 else x[:, None]
        assert abs(cents_from(x, frequency(note))) <= 3, note_name(note)
        found = pitch(x.mean(1))
        assert found is not None
        assert abs(cents_off(found, note)) <= 20, note_name(note)  # rules out the octave


def test_mirrored_pairs_of_detuned_saws_stay_on_the_note() -> None:
    x = unison(np.random.default_rng(0), 220.0, 2 * RATE_HZ, 7, 30.0, 0.8)
    assert abs(cents_from(x, 220.0)) < 1


def test_a_mode_is_a_decaying_sine() -> None:
    t = np.arange(5000) / RATE_HZ
    expected = 0.7 * np.exp(-np.log(1000) * t / 0.5) * sine(440.0, 5000)
    np.testing.assert_allclose(modes(5000, np.array([440.0]), np.array([0.5]), np.array([0.7])), expected, atol=1e-9)


def test_a_loop_is_whole_bars_and_its_onsets_repeat_at_the_stated_tempo() -> None:
    right = []
    for x, draw in sounds("drum loop", 10):
        beats = {"4/4": 4, "3/4": 3, "6/8": 2}[str(draw.parameters["metre"])]
        bpm, bars = float(draw.parameters["bpm"]), float(draw.parameters["bars"])
        assert len(x) == round(bars * beats * 60 / bpm * RATE_HZ)
        assert len(x) < 5.94 * RATE_HZ
        found = tempo_bpm(x.mean(1))
        if found is not None and draw.parameters["metre"] == "4/4":
            right.append(any(same_tempo(found, bpm * ratio) for ratio in (1, 2 / 3, 4 / 3)))
    assert np.mean(right) >= 0.7


def test_captions_differ_in_length_keep_and_drop_the_note_and_claim_nothing_else() -> None:
    for kind in KINDS:
        draw = Draw(np.random.default_rng(1), note=57)
        draw.pitch(40, 60)
        draw.say("soft")
        draw.say("with reverb")
        found = [captions(np.random.default_rng(i), kind, draw, ["bright"]) for i in range(4)]
        for phrases in found:
            assert 3 <= len(phrases) <= 5
            assert len(set(phrases)) == len(phrases)
            assert any(len(p.split()) <= 3 for p in phrases), phrases
            assert any("A3" in p for p in phrases)
            assert any("A3" not in p for p in phrases)
            allowed = " ".join(kind.names).lower().replace(",", "").split()
            spare = {"a3", "in", "note", "soft", "bright", "with", "reverb", "sound", "sample", "single", *allowed}
            assert {word for p in phrases for word in p.lower().replace(",", "").split()} <= spare


def test_words_of_a_range_are_said_in_its_outer_thirds_only() -> None:
    for i in range(60):
        draw = Draw(np.random.default_rng(i))
        value = draw.number("pitch_hz", 100, 800, "low", "high")
        assert draw.before == (["low"] if value < 200 else ["high"] if value > 400 else [])


def test_a_combination_of_words_is_on_one_side_of_the_split_and_four_percent_are_test() -> None:
    sides = [side_of_split("snare", word, str(i)) for word in ("bright", "dark") for i in range(2000)]
    assert 0.03 < sides.count("test") / len(sides) < 0.05
    assert side_of_split("snare", "bright", "7") == side_of_split("snare", "bright", "7")


def test_every_kind_has_its_measured_thirds_and_a_short_name() -> None:
    assert set(thirds()) == {kind.name for kind in KINDS}
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert min(len(name.split()) for name in kind.names) <= 3


def test_a_clip_is_the_same_at_every_call() -> None:
    one, two = clip(9, 4), clip(9, 4)
    np.testing.assert_array_equal(one.samples, two.samples)
    assert one.about == two.about


def test_a_score_places_every_part_where_it_is_cut(tmp_path: Path) -> None:
    import mido

    rng = np.random.default_rng(0)
    parts = [soundfonts.compose(rng) for _ in range(5)]
    starts = soundfonts.midi_file(parts, tmp_path / "score.mid")
    now, on = 0.0, []
    for message in mido.MidiFile(tmp_path / "score.mid"):
        now += message.time
        if message.type == "note_on":
            on.append(now)
    first = [start / RATE_HZ + soundfonts.LEAD_S for start in starts]
    assert all(min(abs(t - f) for t in on) < 0.002 for f in first)
    gaps = np.diff(starts) / RATE_HZ
    assert all(gap > part.seconds for gap, part in zip(gaps, parts, strict=False))


def test_fluidsynth_plays_the_note_that_is_named_or_its_absence_is_said() -> None:
    soundfont = soundfonts.find()
    if why := soundfonts.missing(soundfont):
        assert "own synthesis only" in why
        return
    assert soundfont is not None
    parts = []
    for program, note in ((12, 60), (73, 72), (42, 48)):  # marimba, flute, cello
        kind = Kind(f"gm {program}", "instrument", ("note",), soundfonts.unvoiced)
        parts.append(soundfonts.Part(kind, Draw(np.random.default_rng(0)), program, ((0.0, 1.0, note, 90),), 1.5))
    for part, x in zip(parts, soundfonts.played(parts, soundfont), strict=True):
        found = pitch(x.mean(1))
        assert found is not None
        assert abs(cents_off(found, part.notes[0][2])) < 30


def test_a_missing_soundfont_is_one_sentence(tmp_path: Path) -> None:
    why = soundfonts.missing(tmp_path / "none.sf2")
    assert why.endswith(".")
    assert "own synthesis only" in why


def test_bad_options_are_refused_in_a_sentence() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "training.render", "--hours", "1"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "--out FOLDER" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_glitch_of_nothing_but_rests_is_drawn_again() -> None:
    assert np.abs(clip(1, 24757).samples).max() > 0.4


def test_a_single_footstep_that_comes_early_is_heard() -> None:
    early = clip(1, 6_630)  # its jitter set it before the clip's beginning, and nothing was left to trim
    assert early.about["kind"] == "footsteps"
    assert np.abs(early.samples).max() > 0.4


def test_what_is_placed_across_an_edge_loses_only_what_lies_outside() -> None:
    for at, wanted in ((-1, [2, 3, 0]), (-3, [0, 0, 0]), (2, [0, 0, 1]), (3, [0, 0, 0]), (0, [1, 2, 3])):
        out = np.zeros(3)
        place(out, np.array([1.0, 2.0, 3.0]), at)
        assert out.tolist() == wanted
