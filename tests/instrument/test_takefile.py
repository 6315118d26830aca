"""A take, its file, and the take again: nothing is lost on the way, whoever added what."""

from dataclasses import dataclass, make_dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthesis import clicks, saw, stereo
from wavinfo import WavInfoReader

from arc_instrument.audio.chunks import read_chunks
from arc_instrument.audio.sampler_chunks import Loop, Tempo, read_marks
from arc_instrument.audio.wavfile import read_clip, read_comment, write_clip
from arc_instrument.domain import MAX_SEED, Clip, Generated, GenerationRequest, Timing
from arc_instrument.takefile import comment_of, plain, read_settings, read_take, take_of, with_settings

NOW = datetime(2026, 11, 22, 1, 2, 3, 456_000)
KEYS = st.text(max_size=20).filter(
    lambda key: key not in ("prompt", "seconds", "steps", "seed", "init_noise", "created")
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def generated(clip: Clip | None = None, **request) -> Generated:
    asked = {"prompt": "warm “bass” 鼓", "seconds": 0.5, "steps": 8, "seed": 7} | request
    made = GenerationRequest(1, **asked)
    return Generated(made, clip or Clip(stereo(saw(45))), Timing(1, 2, 3, 4, 123.44), "arc-mini", "Apache-2.0")


def written(folder: Path, made: Generated, name: str = "a.wav") -> Path:
    take = take_of(made, folder / name, NOW)
    write_clip(take.path, made.clip, comment_of(take))
    return take.path


def test_every_setting_comes_back_from_the_file(tmp_path):
    asked = {
        "init_name": "humming.wav",
        "bpm": 120.0,
        "bars": 1,
        "key": "A minor",
        "variation_of": "kick_s7.wav",
        "distance": 0.25,
        "morph": [{"prompt": "kick", "weight": 0.5}, {"prompt": "rain", "weight": 0.5}],
        "shape": {"attack_ms": 3.5, "mode": "gate"},
        "edit": {"start": 10, "reverse": True},
        "of a later version": [None, {"x": "鼓"}],
    }
    told = read_settings(written(tmp_path, generated(init_noise=0.6, settings=asked)))
    assert told is not None
    base = {
        "prompt": "warm “bass” 鼓",
        "seconds": 0.5,
        "steps": 8,
        "seed": 7,
        "init_noise": 0.6,
        "model_name": "arc-mini",
        "weights_licence": "Apache-2.0",
        "created": "2026-11-22T01:02:03.456",
        "generation_ms": 123.4,
    }
    assert {name: told[name] for name in base} == base
    assert {name: told[name] for name in asked} == asked
    assert round(told["facts"]["root_note"]) == 45


def test_the_file_says_in_four_places_that_a_model_made_it(tmp_path):
    path = written(tmp_path, generated())
    mark = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    info = WavInfoReader(str(path))
    assert read_comment(path)["digital_source_type"] == mark
    assert mark in info.info.comment
    assert mark in info.bext.coding_history
    assert info.ixml.parsed.findtext("ARC_INSTRUMENT/DIGITAL_SOURCE_TYPE") == mark


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    prompt=st.text(max_size=2_000),
    seed=st.integers(0, MAX_SEED),
    seconds=st.floats(0.05, 12),
    noise=st.floats(1e-6, 1),
    further=st.dictionaries(KEYS, JSON, max_size=5),
)
def test_a_file_read_and_written_again_is_the_same_bytes(tmp_path, prompt, seed, seconds, noise, further):
    silence = Clip(np.zeros((9, 2), np.float32))
    request = {"prompt": prompt, "seed": seed, "seconds": seconds, "init_noise": noise, "settings": further}
    first = written(tmp_path, generated(silence, **request))
    take = read_take(first)
    assert take is not None
    assert (take.prompt, take.seed, take.seconds, take.init_noise) == (prompt, seed, seconds, noise)
    write_clip(tmp_path / "b.wav", read_clip(first), comment_of(take))
    assert (tmp_path / "b.wav").read_bytes() == first.read_bytes()


def test_a_take_with_its_facts_is_the_same_bytes_too(tmp_path):
    wave, _ = clicks(120, 2)
    first = written(tmp_path, generated(Clip(stereo(wave + saw(45, 2))), settings={"bpm": 120, "bars": 1}))
    take = read_take(first)
    assert take is not None
    assert take.facts is not None
    assert take.facts.onsets
    write_clip(tmp_path / "b.wav", read_clip(first), comment_of(take))
    assert (tmp_path / "b.wav").read_bytes() == first.read_bytes()


def test_samplers_and_hosts_read_root_loop_tempo_and_loudness(tmp_path):
    path = written(tmp_path, generated(Clip(stereo(saw(45, 2.1))), settings={"bpm": 120, "bars": 1}))
    with open(path, "rb") as file:
        marks = read_marks(read_chunks(file))
    assert marks.root_note == pytest.approx(45, abs=0.05)
    assert (marks.loop, marks.tempo) == (Loop(0, 88_200), Tempo(120, 4, (4, 4)))
    wavinfo = WavInfoReader(str(path))
    assert wavinfo.smpl.midi_note in (44, 45)
    take = read_take(path)
    assert take is not None
    assert take.facts is not None
    assert wavinfo.bext.loudness_value == take.facts.loudness_lufs


def test_fields_that_another_version_gives_its_requests_are_told_and_samples_are_not(tmp_path):
    @dataclass(frozen=True)
    class Morph:
        prompt: str
        weight: float

    later = make_dataclass(
        "Later",
        [("distance", float, 0.0), ("morph", tuple, ()), ("parent", Path | None, None), ("noise", object, None)],
        bases=(GenerationRequest,),
        frozen=True,
        eq=False,
    )
    request = later(
        1, "kick", 0.5, 8, 7, distance=0.25, morph=(Morph("a", 1.0),), parent=Path("/home/me/a.wav"), noise=np.zeros(3)
    )
    path = written(tmp_path, replace(generated(), request=request))
    told = read_settings(path)
    assert told is not None
    assert (told["distance"], told["parent"]) == (0.25, "a.wav")
    assert told["morph"] == [{"prompt": "a", "weight": 1.0}]
    assert "noise" not in told
    assert b"/home/me" not in path.read_bytes()


def test_a_setting_left_alone_is_not_told():
    assert set(take_of(generated(), Path("a.wav"), NOW).settings) == set()


def test_settings_change_in_a_copy_and_none_takes_one_away():
    take = take_of(generated(settings={"bpm": 120, "key": "A minor"}), Path("a.wav"), NOW)
    changed = with_settings(take, edit={"gain_db": -3}, key=None)
    assert changed.settings == {"bpm": 120, "edit": {"gain_db": -3}}
    assert take.settings == {"bpm": 120, "key": "A minor"}


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": "-1"},
        {"seed": None},
        {"steps": "1000000"},
        {"seconds": "nan"},
        {"seconds": "1e999"},
        {"seconds": [1]},
        {"init_noise": "0"},
        {"generation_ms": "x"},
    ],
)
def test_a_file_whose_settings_nobody_can_have_made_is_not_one_of_ours(tmp_path, changes):
    path = written(tmp_path, generated())
    write_clip(tmp_path / "b.wav", read_clip(path), read_comment(path) | changes)
    assert read_settings(tmp_path / "b.wav") is None
    assert read_take(tmp_path / "b.wav") is None


def test_facts_that_are_none_are_left_out_and_the_take_stays(tmp_path):
    path = written(tmp_path, generated())
    write_clip(tmp_path / "b.wav", read_clip(path), read_comment(path) | {"facts": {"is_silent": "yes"}} | {"bpm": 120})
    take = read_take(tmp_path / "b.wav")
    assert take is not None
    assert take.facts is None
    assert take.settings == {"bpm": 120}


def test_what_json_cannot_hold_is_no_setting():
    with pytest.raises(TypeError):
        plain({"x": np.zeros(3)})
