"""Files at the border. wavinfo and libsndfile are the oracles for what we write."""

import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from arc_instrument.audio.wavfile import FORMATS, dithered, read_clip, read_comment, read_opening, write_clip
from arc_instrument.domain import RATE_HZ, Clip, UserError

COMMENT = {"prompt": "punchy kick", "seed": "7", "steps": "8"}


def noise(frames: int = 1_000, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


def test_a_written_clip_is_24_bit_pcm_and_comes_back_within_half_a_step(tmp_path):
    clip = Clip(noise())
    write_clip(tmp_path / "a.wav", clip, COMMENT)
    info = WavInfoReader(str(tmp_path / "a.wav"))
    assert (info.fmt.bits_per_sample, info.fmt.channel_count, info.fmt.sample_rate) == (24, 2, RATE_HZ)
    assert info.data.frame_count == 1_000
    assert np.abs(read_clip(tmp_path / "a.wav").samples - clip.samples).max() <= 2**-23


def test_other_programs_read_title_software_and_comment(tmp_path):
    write_clip(tmp_path / "a.wav", Clip(noise()), COMMENT)
    info = WavInfoReader(str(tmp_path / "a.wav")).info
    assert info.title == "punchy kick"
    assert info.software.startswith("ARC Instrument")
    assert json.loads(info.comment) == COMMENT


def test_other_programs_read_bext_and_ixml_too(tmp_path):
    comment = COMMENT | {"created": "2026-11-22T01:02:03.000", "model_name": "ARC Mini", "digital_source_type": "x/ai"}
    write_clip(tmp_path / "a.wav", Clip(noise(frames=777)), comment)
    info = WavInfoReader(str(tmp_path / "a.wav"))
    assert (info.bext.description, info.bext.originator) == ("punchy kick", "ARC Instrument")
    assert (info.bext.originator_date, info.bext.originator_time) == ("2026-11-22", "01:02:03")
    assert info.bext.coding_history.startswith("A=PCM,F=44100,W=24,M=stereo,T=ARC Instrument; ARC Mini; x/ai")
    assert info.ixml.project == "ARC Instrument"
    assert info.ixml.parsed.findtext("NOTE") == "punchy kick"
    own = info.ixml.parsed.find("ARC_INSTRUMENT")
    assert {field.tag.lower(): field.text for field in own} == comment
    assert info.data.frame_count == 777


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(max_size=2_000))
def test_every_prompt_survives_in_the_comment(tmp_path, prompt):
    write_clip(tmp_path / "a.wav", Clip(noise(10)), {"prompt": prompt})
    assert read_comment(tmp_path / "a.wav") == {"prompt": prompt}
    WavInfoReader(str(tmp_path / "a.wav"))  # its XML is well formed whatever the prompt


def test_samples_beyond_full_scale_are_clipped_not_wrapped(tmp_path):
    write_clip(tmp_path / "a.wav", Clip(np.array([[2.0, -2.0]] * 10, np.float32)), {})
    assert read_clip(tmp_path / "a.wav").samples[5] == pytest.approx([1.0, -1.0], abs=1e-6)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac", "a.ogg", "a.mp3"])
def test_the_usual_formats_are_read(tmp_path, name):
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    soundfile.write(tmp_path / name, np.stack([wave, wave], axis=1), RATE_HZ)
    clip = read_clip(tmp_path / name)
    assert clip.samples.dtype == np.float32
    assert clip.seconds == pytest.approx(1, abs=0.06)
    assert np.abs(clip.samples).max() == pytest.approx(0.5, abs=0.03)


def test_mono_is_doubled_and_channels_beyond_two_are_left_out(tmp_path):
    for channels, expected in ((1, [0, 0]), (2, [0, 1]), (6, [0, 1])):
        samples = noise(channels=channels)
        soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="FLOAT")
        assert np.array_equal(read_clip(tmp_path / "a.wav").samples, samples[:, expected])


@pytest.mark.parametrize("rate_hz", [8_000, 48_000, 96_000])
def test_other_rates_become_44_1_khz_with_pitch_and_length_kept(tmp_path, rate_hz):
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz), rate_hz)
    clip = read_clip(tmp_path / "a.wav")
    assert clip.rate_hz == RATE_HZ
    assert len(clip.samples) == pytest.approx(RATE_HZ, abs=2)
    spectrum = np.abs(np.fft.rfft(clip.samples[:, 0] * np.hanning(len(clip.samples))))
    assert spectrum.argmax() == pytest.approx(440, abs=1)


def bad_file(folder, kind: str):
    path = folder / ("x" * 300 if kind == "long name" else "bad.wav")
    if kind == "missing":
        pass
    elif kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("this is no sound")
    elif kind == "nothing":
        path.write_bytes(b"")
    elif kind == "no samples":
        soundfile.write(path, np.zeros((0, 2)), RATE_HZ)
    elif kind == "nan":
        soundfile.write(path, np.full((10, 2), np.nan), RATE_HZ, subtype="FLOAT")
    elif kind == "long":
        soundfile.write(path, np.zeros(8_000 * 601, np.int16), 8_000, subtype="PCM_U8")
    return path


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "is not a file"),
        ("long name", "too long"),
        ("folder", "is not a file"),
        ("text", "is not readable audio"),
        ("nothing", "is not readable audio"),
        ("no samples", "has no samples"),
        ("nan", "not numbers"),
        ("long", "lasts 10 minutes"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_name(tmp_path, kind, says):
    path = bad_file(tmp_path, kind)
    with pytest.raises(UserError, match=says) as caught:
        read_clip(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(data=st.binary(max_size=400), keep=st.integers(0, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_never_raise_anything_but_a_sentence(tmp_path, data, keep):
    write_clip(tmp_path / "good.wav", Clip(noise(20)), COMMENT)
    (tmp_path / "damaged.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:keep] + data)
    said = []
    for read in (read_clip, read_comment):
        try:
            read(tmp_path / "damaged.wav")
        except UserError as error:
            said.append(str(error))
    assert all(str(tmp_path / "damaged.wav") in sentence and "\n" not in sentence for sentence in said)


def test_a_file_of_another_program_has_no_settings(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(), RATE_HZ)
    assert read_comment(tmp_path / "a.wav") == {}


def test_a_missing_folder_is_a_sentence_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match="choose another folder"):
        write_clip(tmp_path / "nowhere" / "a.wav", Clip(noise()), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("letter", ["x", "鼓", "\N{DRUM WITH DRUMSTICKS}"])
def test_a_name_as_long_as_the_disk_allows_is_written_and_a_longer_one_is_a_sentence(tmp_path, letter):
    letters = (255 - len(".wav")) // len(letter.encode())
    write_clip(tmp_path / (letter * letters + ".wav"), Clip(noise(10)), {})
    before = list(tmp_path.iterdir())
    assert len(before) == 1
    with pytest.raises(UserError, match="too long"):
        write_clip(tmp_path / (letter * (letters + 1) + ".wav"), Clip(noise(10)), {})
    assert list(tmp_path.iterdir()) == before


def test_a_clip_with_nan_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="not numbers"):
        write_clip(tmp_path / "a.wav", Clip(np.full((5, 2), np.nan, np.float32)), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file size limit to set")
def test_a_disk_that_fills_up_keeps_the_old_file_and_leaves_no_half_written_one(tmp_path):
    path = tmp_path / "a.wav"
    write_clip(path, Clip(noise(10)), COMMENT)
    before = path.read_bytes()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(UserError, match="make room on the disk"):
            write_clip(path, Clip(noise(50_000)), COMMENT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_program_killed_while_it_writes_leaves_only_whole_wavs(tmp_path):
    script = (
        "import itertools, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from arc_instrument.audio.wavfile import write_clip\n"
        "from arc_instrument.domain import Clip\n"
        "for n in itertools.count():\n"
        "    write_clip(Path(sys.argv[1]) / f'{n}.wav', Clip(np.zeros((200_000, 2), np.float32)), {})\n"
        "    print(n, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(3):
            writer.stdout.readline()
        writer.kill()
    wavs = list(tmp_path.glob("*.wav"))
    assert len(wavs) >= 3
    assert all(len(read_clip(path).samples) == 200_000 for path in wavs)
    assert all(path.name.startswith(".") for path in tmp_path.iterdir() if path not in wavs)


def test_written_files_have_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    write_clip(tmp_path / "a.wav", Clip(noise(10)), {})
    assert os.stat(tmp_path / "a.wav").st_mode == os.stat(tmp_path / "other").st_mode


def test_a_file_no_longer_than_asked_is_taken_whole_and_without_a_note(tmp_path):
    samples = np.concatenate([np.zeros((RATE_HZ, 2), np.float32), noise(RATE_HZ)])
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="FLOAT")
    opening = read_opening(tmp_path / "a.wav", 2.0)
    assert np.array_equal(opening.clip.samples, samples)
    assert opening.note == ""


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_a_longer_file_begins_20_ms_before_its_first_sound(tmp_path, suffix):
    samples = np.concatenate([noise(3 * RATE_HZ) * 1e-3, noise(5 * RATE_HZ)])
    soundfile.write(tmp_path / f"a.{suffix}", samples, RATE_HZ)
    opening = read_opening(tmp_path / f"a.{suffix}", 2.0)
    assert opening.clip.seconds == pytest.approx(2.0, abs=0.001)
    first = int(np.argmax(np.abs(opening.clip.samples[:, 0]) > 0.1)) / RATE_HZ
    assert first == pytest.approx(0.02, abs=0.015)  # a lossy format smears a few milliseconds
    assert "0:08: the 2.0 s from 0:02 on are taken" in opening.note


def test_a_long_file_without_a_sound_is_a_sentence(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((700 * 8_000, 1), np.float32), 8_000, subtype="PCM_U8")
    with pytest.raises(UserError, match="silent for its first 10 minutes"):
        read_opening(tmp_path / "a.wav", 2.0)


@pytest.mark.parametrize("kind", ["folder", "vanished", "text", "video"])
def test_what_is_no_audio_file_is_a_sentence_however_it_is_called(tmp_path, kind):
    path = tmp_path / "a.wav"
    content = {"text": b"once upon a time" * 99, "video": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(9_999)}
    if kind == "folder":
        path.mkdir()
    elif kind in content:
        path.write_bytes(content[kind])
    with pytest.raises(UserError, match=r"a\.wav") as caught:
        read_opening(path, 2.0)
    assert "\n" not in str(caught.value)


def test_a_long_prompt_comes_back_though_libsndfile_leaves_it_out(tmp_path):
    write_clip(tmp_path / "a.wav", Clip(noise(10)), {"prompt": "鼓" * 2_000})
    assert read_comment(tmp_path / "a.wav") == {"prompt": "鼓" * 2_000}
    with soundfile.SoundFile(tmp_path / "a.wav") as file:
        assert file.comment == ""


@pytest.mark.parametrize("format", ["wav24", "wav32f", "flac"])
def test_what_is_read_and_written_again_is_the_same_file(tmp_path, format):
    samples = np.array([[1.0, -1.0], [0.999, -0.999], [0.7, 0.3]] * 99, np.float32)
    comment = COMMENT | {"created": "2026-11-22T01:02:03.000", "shape": {"attack_ms": 3.5, "unknown": [1, None, "x"]}}
    first, again = (tmp_path / f"{name}{FORMATS[format].suffix}" for name in "ab")
    write_clip(first, Clip(samples), comment, format)
    write_clip(again, read_clip(first), read_comment(first), format)
    assert again.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_has_its_resolution_and_tells_the_settings(tmp_path, format):
    path, kind = tmp_path / f"a{FORMATS[format].suffix}", FORMATS[format]
    clip = Clip(noise())
    write_clip(path, clip, COMMENT, format)
    found = soundfile.info(path)
    assert (found.format, found.subtype, found.frames) == (kind.container, kind.subtype, 1_000)
    step = {"wav16": 1.5 * 2**-15, "wav24": 0.5 * 2**-23, "wav32f": 0, "flac": 0.5 * 2**-23}[format]
    assert np.abs(soundfile.read(path)[0] - clip.samples).max() <= step
    assert read_comment(path) == COMMENT
    with soundfile.SoundFile(path) as file:
        assert file.title == "punchy kick"
        assert file.software.startswith("ARC Instrument")


def test_a_float_file_keeps_what_is_beyond_full_scale(tmp_path):
    write_clip(tmp_path / "a.wav", Clip(np.array([[2.0, -2.0]] * 10, np.float32)), {}, "wav32f")
    assert np.array_equal(read_clip(tmp_path / "a.wav").samples, np.array([[2.0, -2.0]] * 10, np.float32))


@pytest.mark.parametrize("level", [0.0, 0.3, 1 / 7, 100.49])
def test_dither_makes_an_error_of_the_theoretical_mean_and_variance_at_every_level(level):
    """Non-subtractive triangular dither: error mean 0 and variance 3/12 squared steps, whatever the signal."""
    frames = 200_000
    error = dithered(np.full((frames, 2), level * 2.0**-15), 16) - level
    deviation = error.std() / np.sqrt(error.size)
    assert abs(error.mean()) < 5 * deviation
    assert error.var() == pytest.approx(3 / 12, rel=0.02)
    assert abs(np.corrcoef(error[:, 0], error[:, 1])[0, 1]) < 5 / np.sqrt(frames)


def test_the_error_of_dither_is_white_and_knows_nothing_of_the_sound():
    frames = 1 << 17
    sine = 3 * np.sin(2 * np.pi * 1_000 * np.arange(frames) / RATE_HZ)[:, None] * 2.0**-15
    error = (dithered(sine, 16) - sine * 2**15)[:, 0]
    spectrum = error.var() * frames
    power = (np.abs(np.fft.rfft(error))[1:] ** 2)[: frames // 2 // 512 * 512].reshape(-1, 512).mean(1) / spectrum
    assert np.abs(power - 1).max() < 6 / np.sqrt(512)  # each mean of 512 exponentials is 1 ± 1/√512
    assert abs(np.corrcoef(error, sine[:, 0])[0, 1]) < 5 / np.sqrt(frames)
