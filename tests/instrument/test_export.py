"""What other programs are given: whole, readable, with every setting in it, or a sentence and nothing at all."""

import errno
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from doubles import tone
from synthesis import saw, stereo
from test_sfz import parsed

from arc_instrument.audio.wavfile import FORMATS, read_clip
from arc_instrument.domain import Clip, Generated, GenerationRequest, Timing, UserError
from arc_instrument.editing import UNEDITED, Edit
from arc_instrument.export import Pad, as_heard, export_pads, export_sound
from arc_instrument.takefile import comment_of, read_settings, take_of


def comment(clip: Clip, prompt="glass bell", **settings) -> dict:
    request = GenerationRequest(1, prompt, clip.seconds, 8, 7, settings=settings)
    made = Generated(request, clip, Timing(1, 2, 3, 4, 5), "arc-mini", "Apache-2.0")
    return comment_of(take_of(made, Path("a.wav"), datetime.now()))


def exported(*arguments) -> Path:
    """The folder that `export_pads` writes."""
    *_, folder = export_pads(*arguments)
    assert folder is not None
    return folder


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_sounds_the_same_and_tells_every_setting(tmp_path, format):
    clip = tone(0.5, 1)
    path = export_sound(clip, comment(clip), tmp_path / "new", "bell", format)
    assert path == tmp_path / "new" / f"bell{FORMATS[format].suffix}"
    np.testing.assert_allclose(
        read_clip(path).samples, clip.samples, atol=1.5 * 2**-15 if format == "wav16" else 2**-24
    )
    told = read_settings(path)
    assert told is not None
    assert (told["prompt"], told["seed"], told["model_name"]) == ("glass bell", 7, "arc-mini")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("edit", [UNEDITED, Edit(gain_db=-6)])
def test_an_export_tells_the_loop_that_the_keys_have_and_not_that_of_the_file_it_came_from(edit):
    clip = tone(0.5, 1)
    request = GenerationRequest(1, "bell", clip.seconds, 8, 7, settings={"loop": [10, 20]})
    take = take_of(Generated(request, clip, Timing(1, 2, 3, 4, 5), "arc-mini"), Path("a.wav"), datetime.now())
    assert "loop" not in as_heard(clip, take, edit, None)[1].settings
    assert as_heard(clip, take, edit, (30, 40))[1].settings["loop"] == [30, 40]


def test_an_export_never_takes_the_place_of_another(tmp_path):
    clip = tone(0.1, 1)
    names = [export_sound(clip, {}, tmp_path, "bell").name for _ in range(3)]
    assert names == ["bell.wav", "bell-2.wav", "bell-3.wav"]


def test_pads_become_a_folder_with_an_sfz_that_names_each_sound_its_key_and_its_loop(tmp_path):
    drum, note = tone(0.3, 1), Clip(stereo(saw(45.2, 2.5)))
    pads = [
        Pad(drum, comment(drum, "Punchy Kick!"), 36),
        Pad(drum, comment(drum, "../../etc"), 38, low_velocity=1, high_velocity=63),
        Pad(note, comment(note, "bass", bpm=120, bars=1), 60, low_key=48, high_key=72),
    ]
    folder = exported(pads, tmp_path, "My Kit")
    assert folder == tmp_path / "my-kit"
    names = ["01-punchy-kick.wav", "02-etc.wav", "03-bass.wav"]
    assert sorted(entry.name for entry in folder.iterdir()) == [*names, "my-kit.sfz"]
    regions = [told for _, told in parsed((folder / "my-kit.sfz").read_text())]
    assert [told["sample"] for told in regions] == names
    assert [told.get("key") for told in regions] == ["36", "38", None]
    assert (regions[0]["pitch_keycenter"], regions[0]["loop_mode"]) == ("36", "one_shot")
    assert regions[1]["hivel"] == "63"
    assert (regions[2]["lokey"], regions[2]["hikey"], regions[2]["pitch_keycenter"]) == ("48", "72", "45")
    assert int(regions[2]["tune"]) == pytest.approx(-20, abs=2)
    assert (regions[2]["loop_start"], regions[2]["loop_end"]) == ("0", "88199")
    for told, pad in zip(regions, pads, strict=True):
        assert soundfile.info(folder / told["sample"]).frames == len(pad.clip.samples)


def test_a_second_kit_of_that_name_lies_beside_the_first_and_names_its_own_file(tmp_path):
    pads = [Pad(tone(0.1, 1), {}, 36)]
    exported(pads, tmp_path, "kit")
    assert sorted(entry.name for entry in exported(pads, tmp_path, "kit").iterdir()) == ["01-take.wav", "kit-2.sfz"]


def test_without_a_pad_there_is_nothing_to_export(tmp_path):
    with pytest.raises(UserError, match="No pad holds a sound"):
        exported([], tmp_path, "kit")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails_at", [1, 3])
def test_a_disk_that_is_full_leaves_no_half_kit(tmp_path, monkeypatch, fails_at):
    written, sync = [], os.fsync

    def fsync(file):
        written.append(file)
        if len(written) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(UserError, match="No space left"):
        exported([Pad(tone(0.1, 1), {}, key) for key in (36, 37)], tmp_path, "kit")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("export", [lambda at: export_sound(tone(0.1, 1), {}, at, "a"),
                                    lambda at: exported([Pad(tone(0.1, 1), {}, 36)], at, "kit")])  # fmt: skip
@pytest.mark.parametrize("place", ["file", "system"])
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, export, place):
    (tmp_path / "file").write_text("")
    at = tmp_path / "file" / "folder" if place == "file" else Path("/proc/nowhere")
    with pytest.raises(UserError, match=r"cannot be written .*: choose another folder"):
        export(at)


def test_the_window_exports_the_current_take_beside_the_takes_in_the_chosen_format(qtbot, session, home):
    session.exporter.export_current()
    assert "no take to export" in session.state.message.text
    session.set_prompt("bell")
    session.set_seconds(0.5)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    session.exporter.set_format("flac")
    session.exporter.export_current()
    qtbot.waitUntil(lambda: session.state.exported is not None)
    path = session.state.exported
    assert path == home / "takes exports" / f"{session.state.current_path.stem}.flac"
    assert session.state.message.text == "Exported 1 take to “takes exports”."
    assert str(path) in session.state.message.detail
    told = read_settings(path)
    assert told is not None
    assert told["prompt"] == "bell"
    assert len(session.state.takes) == 1


def test_an_export_that_fails_is_a_sentence(qtbot, session, home):
    home.mkdir(exist_ok=True)
    (home / "takes exports").write_text("in the way")
    session.exporter.export_pads([Pad(tone(0.1, 1), {}, 36)], "kit")
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "cannot be written" in session.state.message.text
