"""Chunks as other programs read them. wavinfo is the oracle for layouts, libsndfile for the sound beside them."""

import io
import struct
from datetime import datetime

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from arc_instrument.audio.chunks import bext, info, ixml, places, read_chunks, read_info, riff
from arc_instrument.domain import RATE_HZ

TEXT = st.text(max_size=300)
LETTERS = st.binary(min_size=4, max_size=4)
NOW = datetime(2026, 11, 22, 1, 2, 3)


def plain_wav(frames: int = 100) -> tuple[bytes, np.ndarray]:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, (frames, 2)).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE_HZ, subtype="PCM_16", format="WAV")
    return buffer.getvalue(), samples


def with_chunks(*added) -> bytes:
    wav, _ = plain_wav()
    return riff([*read_chunks(io.BytesIO(wav), frozenset()), *added])


@given(st.lists(st.tuples(LETTERS, st.binary(max_size=50))))
def test_chunks_come_back_as_they_were_written(chunks):
    assert read_chunks(io.BytesIO(riff(chunks)), frozenset()) == chunks


@given(st.lists(st.tuples(LETTERS, st.binary(max_size=50)), min_size=1), st.data())
def test_of_a_file_that_was_cut_off_the_whole_chunks_come_back(chunks, data):
    wav = riff(chunks)
    cut = wav[: data.draw(st.integers(0, len(wav)))]
    found = read_chunks(io.BytesIO(cut), frozenset())
    assert found == chunks[: len(found)]
    assert len(found) == sum(place.start + place.size <= len(cut) for place in places(io.BytesIO(wav)))


@given(st.binary(max_size=300))
def test_bytes_that_are_no_wav_have_no_chunks_and_a_damaged_one_never_fails(data):
    assert read_chunks(io.BytesIO(data)) == []
    read_info(read_chunks(io.BytesIO(b"RIFF\0\0\0\0WAVE" + data)))
    read_info([(b"LIST", b"INFO" + data)])


@given(title=TEXT, comment=TEXT)
def test_texts_of_info_come_back_whatever_they_say(title, comment):
    def kept(text: str) -> str:
        return text.encode("utf-8", "replace").decode().replace("\0", " ")

    found = read_info([info({b"INAM": title, b"ICMT": comment})])
    assert found == {b"INAM": kept(title), b"ICMT": kept(comment)}


@given(text=TEXT, fields=st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.lists(TEXT))))
def test_wavinfo_and_libsndfile_read_a_file_with_any_texts_in_it(tmp_path_factory, text, fields):
    path = tmp_path_factory.getbasetemp() / "any.wav"
    added = [bext(text, text, NOW, text, -14.5, -1.2), ixml(text, text, fields), info({b"INAM": text})]
    path.write_bytes(with_chunks(*added))
    read = WavInfoReader(str(path), info_encoding="utf-8")
    assert read.info.title == read_info(added)[b"INAM"]
    assert read.ixml.parsed.findtext("IXML_VERSION") == "3.01"
    assert np.array_equal(soundfile.read(path, dtype="int16")[0], plain_wav()[1])


def test_bext_says_the_loudness_in_hundredths_and_what_is_unknown():
    _, data = bext("", "", NOW, "", -14.237, -1.5)
    assert len(data) == 604  # 602 of EBU Tech 3285, and the line end of the coding history
    assert struct.unpack_from("<H", data, 346) == (2,)
    assert struct.unpack_from("<5h", data, 412) == (-1424, 0x7FFF, -150, 0x7FFF, 0x7FFF)
    assert struct.unpack_from("<h", bext("", "", NOW, "", -120.0)[1], 412) == (0x7FFF,)


def test_wavinfo_reads_the_loudness_of_bext(tmp_path):
    (tmp_path / "a.wav").write_bytes(with_chunks(bext("kick", "us", NOW, "", -14.237, -1.5)))
    read = WavInfoReader(str(tmp_path / "a.wav")).bext
    assert (read.loudness_value, read.max_true_peak) == (-14.24, -1.5)
