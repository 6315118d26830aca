"""A FLAC that carries the chunks of its WAV: the reference decoder and wavinfo are asked what they find in it."""

import io
import subprocess

import numpy as np
import pytest
import soundfile
import wavinfo
from doubles import tone
from hypothesis import given
from hypothesis import strategies as st
from programs import require

from arc_instrument.audio.chunks import places
from arc_instrument.audio.flac_blocks import read_chunks, with_chunks
from arc_instrument.audio.sampler_chunks import read_marks
from arc_instrument.audio.wavfile import chunks_of, read_clip, read_comment, write_clip

COMMENT = {
    "prompt": "glass bell", "seed": "7", "loop": [1_000, 9_000],
    "facts": {"root_note": 69.25, "onsets": [10, 5_000], "loudness_lufs": -14.0},
}  # fmt: skip


@pytest.fixture
def flac(tmp_path):
    write_clip(tmp_path / "a.flac", tone(0.5, 1), COMMENT, "flac")
    return tmp_path / "a.flac"


def test_root_loop_onsets_and_settings_are_read_back_and_the_sound_is_what_it_was(flac):
    marks = read_marks(chunks_of(flac))
    assert marks.root_note == pytest.approx(69.25)
    assert (marks.loop.start, marks.loop.end) == (1_000, 9_000)
    assert [marker.frame for marker in marks.markers] == [10, 5_000]
    assert read_comment(flac) == COMMENT
    np.testing.assert_allclose(read_clip(flac).samples, tone(0.5, 1).samples, atol=2**-24)


def test_the_comment_stands_where_players_look_for_it_and_without_our_blocks(flac):
    with soundfile.SoundFile(flac) as file:
        assert file.title == "glass bell"
        assert file.software.startswith("ARC Instrument")
        assert '"seed": "7"' in file.comment


def test_the_reference_decoder_gives_the_wav_back_with_every_chunk(flac, tmp_path):
    require("flac", packages="flac")
    subprocess.run(["flac", "--test", "--silent", flac], check=True)
    out = tmp_path / "back.wav"
    subprocess.run(["flac", "-d", "--silent", "--keep-foreign-metadata", flac, "-o", out], check=True)
    write_clip(tmp_path / "a.wav", tone(0.5, 1), COMMENT)
    found = wavinfo.WavInfoReader(str(out))
    (loop,) = found.smpl.sample_loops
    assert (loop.start, loop.end) == (1_000, 8_999)
    assert found.smpl.midi_note == 69
    assert found.info.title == "glass bell"
    assert len(found.cues.cues) == 2
    assert out.read_bytes()[:4] == b"RIFF"
    with open(out, "rb") as back, open(tmp_path / "a.wav", "rb") as wav:
        names = [{place.name for place in places(file)} for file in (back, wav)]
    assert names[0] == names[1]
    np.testing.assert_array_equal(read_clip(out).samples, read_clip(tmp_path / "a.wav").samples)


@given(
    st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=99)), max_size=9), st.integers(0, 3_000)
)
def test_what_goes_in_comes_out_and_a_file_that_is_cut_anywhere_raises_nothing(chunks, cut):
    chunks = [(name, data) for name, data in chunks if name not in (b"RIFF", b"data")]
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((100, 2)), 44_100, format="FLAC", subtype="PCM_24")
    made = with_chunks(buffer.getvalue(), chunks, 2, 44_100, 24, 100)
    found = read_chunks(io.BytesIO(made))
    assert found[0][0] == b"fmt "
    assert found[1:] == chunks
    assert soundfile.read(io.BytesIO(made))[0].shape == (100, 2)
    read_chunks(io.BytesIO(made[:cut]))


def test_a_wav_and_rubbish_hold_no_such_blocks(tmp_path):
    for data in (b"", b"fLaC", b"RIFF\0\0\0\0WAVE", b"fLaC" + b"\x02\xff\xff\xff" + b"riff"):
        assert read_chunks(io.BytesIO(data)) == []
