"""What samplers read. wavinfo reads smpl and cue, libsndfile opens the file, and our reader takes all of it back."""

import io
import math
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from arc_instrument.audio.chunks import read_chunks, riff
from arc_instrument.audio.sampler_chunks import Loop, Marker, SamplerMarks, Tempo, marks_of, read_marks, sampler_chunks
from arc_instrument.audio.wavfile import encoded
from arc_instrument.domain import RATE_HZ, Clip

FRAMES = 4_000
CLIP = Clip(np.random.default_rng(0).uniform(-0.9, 0.9, (FRAMES, 2)).astype(np.float32))
LOOPS = st.tuples(st.integers(0, FRAMES - 1), st.integers(1, FRAMES)).filter(lambda ends: ends[0] < ends[1])
TEMPOS = st.builds(
    Tempo,
    st.floats(1, 999, width=32),
    st.integers(1, 10_000),
    st.tuples(st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 16])),
)
MARKS = st.builds(
    SamplerMarks,
    st.none() | st.floats(0, 127),
    st.none() | LOOPS.map(lambda ends: Loop(*ends)),
    st.none() | TEMPOS,
    st.lists(st.builds(Marker, st.integers(0, FRAMES), st.text(max_size=40)), max_size=20).map(tuple),
)


def marked(marks: SamplerMarks) -> bytes:
    wav = io.BytesIO(encoded(CLIP, {}))
    return riff([*read_chunks(wav, frozenset()), *sampler_chunks(marks, RATE_HZ)])


def kept(label: str) -> str:
    return label.encode("utf-8", "replace").decode().replace("\0", " ")


@given(MARKS)
def test_every_mark_comes_back_and_the_sound_beside_it_is_untouched(tmp_path_factory, marks):
    path = tmp_path_factory.getbasetemp() / "marks.wav"
    path.write_bytes(marked(marks))
    found = read_marks(read_chunks(io.BytesIO(path.read_bytes())))
    assert found.root_note == pytest.approx(marks.root_note, abs=2**-31)
    assert (found.loop, found.tempo) == (marks.loop, marks.tempo)
    assert found.markers == tuple(Marker(marker.frame, kept(marker.label)) for marker in marks.markers)
    assert np.abs(soundfile.read(path)[0] - CLIP.samples).max() <= 2**-24
    wavinfo = WavInfoReader(str(path), info_encoding="utf-8")
    assert [cue.sample_offset for cue in wavinfo.cues.cues] == [marker.frame for marker in marks.markers]
    assert [label.text for label in wavinfo.cues.labels] == [
        kept(marker.label).rstrip("\0") for marker in marks.markers
    ]


def test_wavinfo_reads_root_key_pitch_fraction_sample_period_and_loop(tmp_path):
    marks = SamplerMarks(root_note=57.25, loop=Loop(100, 3_900))
    (tmp_path / "a.wav").write_bytes(marked(marks))
    smpl = WavInfoReader(str(tmp_path / "a.wav")).smpl
    assert (smpl.midi_note, smpl.midi_pitch_detune_cents, smpl.sample_period_ns) == (57, 2**30, 22_676)
    (loop,) = smpl.sample_loops
    assert (loop.start, loop.end, loop.loop_type, loop.repetition_count) == (100, 3_899, 0, 0)  # the end is inclusive


def test_acid_says_a_loop_of_eight_beats_at_120_bpm_on_a():
    chunks = dict(sampler_chunks(SamplerMarks(57.4, tempo=Tempo(120.0, 8, (3, 4))), RATE_HZ))
    assert len(chunks[b"acid"]) == 24
    flags, note, _, _, beats, lower, upper, bpm = struct.unpack("<IHHfIHHf", chunks[b"acid"])
    assert (flags, note, beats, (upper, lower), bpm) == (0x02 | 0x04, 57, 8, (3, 4), 120.0)


def test_acid_says_a_one_shot_when_there_is_no_tempo():
    (flags,) = struct.unpack_from("<I", dict(sampler_chunks(SamplerMarks(60.0), RATE_HZ))[b"acid"])
    assert flags == 0x01 | 0x02


def test_a_sound_of_which_nothing_is_known_has_no_marks():
    assert sampler_chunks(SamplerMarks(), RATE_HZ) == []


@given(st.lists(st.tuples(st.sampled_from([b"smpl", b"acid", b"cue ", b"LIST"]), st.binary(max_size=90))))
def test_damaged_marks_never_fail(chunks):
    marks = read_marks([(name, b"adtl" + data if name == b"LIST" else data) for name, data in chunks])
    assert marks.root_note is None or math.isfinite(marks.root_note)


FACTS = {"root_note": 57.25, "onsets": [0, 2_000, 3_999, 4_000]}


def test_asked_bars_become_a_loop_with_its_tempo_and_beats():
    marks = marks_of({"bpm": 120, "bars": 1, "metre": [3, 4], "facts": FACTS}, 2 * RATE_HZ, RATE_HZ)
    assert marks.loop == Loop(0, 66_150)
    assert marks.tempo == Tempo(120, 3, (3, 4))
    assert marks.root_note == 57.25


def test_a_chosen_loop_stands_before_the_bars_and_what_lies_outside_of_the_sound_is_left_out():
    assert marks_of({"loop": [10, 3_000], "bpm": 120, "bars": 1}, FRAMES, RATE_HZ).loop == Loop(10, 3_000)
    for loop in ([10, FRAMES + 1], [20, 20], [-1, 5]):
        assert marks_of({"loop": loop}, FRAMES, RATE_HZ).loop is None
    marks = marks_of({"facts": FACTS}, FRAMES, RATE_HZ)
    assert marks.markers == (Marker(0, "Onset 1"), Marker(2_000, "Onset 2"), Marker(3_999, "Onset 3"))


def test_a_tempo_that_no_music_has_marks_nothing():
    for said in (
        {"bpm": 9_999, "bars": 1},
        {"bpm": "fast", "bars": 1},
        {"bpm": 120, "bars": 1, "metre": 3},
        {"loop": "x"},
    ):
        assert marks_of(said, FRAMES, RATE_HZ) == SamplerMarks()
