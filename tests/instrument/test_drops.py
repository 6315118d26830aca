"""Dropping a file: one of ours restores its settings and its sound, any other is something to start from."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from doubles import LONG, ToneSynth, tone

from arc_instrument.audio.wavfile import FORMATS, write_clip
from arc_instrument.domain import Generated, GenerationRequest, Timing
from arc_instrument.session.state import InitSound
from arc_instrument.takefile import comment_of, take_of


def our_file(folder: Path, name="ours.wav", model="tone", format="wav24", **request) -> Path:
    asked = GenerationRequest(1, **{"prompt": "glass bell", "seconds": 0.7, "steps": 5, "seed": 11} | request)
    made = Generated(asked, tone(0.7, 11), Timing(1, 2, 3, 4, 5), model, "CC0-1.0")
    path = folder / name
    write_clip(path, made.clip, comment_of(take_of(made, path, datetime.now())), format)
    return path


def controls(session):
    state = session.state
    return state.prompt, state.seconds, state.steps, state.seed, state.seed_locked


@pytest.mark.parametrize("format", FORMATS)
def test_a_dropped_file_of_ours_brings_back_its_settings_and_its_sound(qtbot, session, audio, tmp_path, format):
    path = our_file(tmp_path, f"ours{FORMATS[format].suffix}", format=format, settings={"bpm": 120, "later": [1]})
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.current_path == path)
    assert controls(session) == ("glass bell", 0.7, 5, 11, True)
    assert session.state.metronome_bpm == 120
    assert session.state.current.take.settings == {"bpm": 120, "later": [1]}
    assert session.state.init is None
    assert session.state.message is None
    assert audio.names()[-2:] == ["arm", "play"]
    np.testing.assert_array_equal(audio.armed.samples, soundfile.read(path, dtype="float32")[0])


def test_a_file_from_elsewhere_is_no_take_to_mark_until_it_is_duplicated(qtbot, session, tmp_path):
    assert not session.state.can_mark
    path = our_file(tmp_path)
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.current_path == path)
    assert not session.state.can_mark
    session.kit.put_file(0, path)
    assert session.state.message.text == "“ours.wav” is not among the takes: only one of the list can be dropped here."
    session.takes.duplicate_current()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    assert session.state.can_mark
    session.kit.put_file(0, session.state.takes[0].path)
    qtbot.waitUntil(lambda: session.state.pads[0].clip is not None)


def test_a_recording_that_gives_way_to_a_dropped_file_is_back_when_that_is_undone(qtbot, session, tmp_path):
    session._set_init("Recording", tone(0.5, 3))
    recording = session.state.init
    session.drops.restore_or_start_from([our_file(tmp_path)])
    qtbot.waitUntil(lambda: session.state.current is not None and session.state.init is None)
    while session.state.undo_label != "recording":
        session.history.undo()
    assert session.state.init is recording


@pytest.mark.parametrize("format", ["wav16", "flac"])
def test_bars_tempo_and_key_come_back_with_the_file_and_go_with_one_that_had_none(qtbot, session, tmp_path, format):
    settings = {"bpm": 90.5, "bars": 1, "key": "A minor"}
    loop = our_file(tmp_path, f"loop{FORMATS[format].suffix}", format=format, settings=settings, seconds=60 / 90.5 * 4)
    session.drops.restore_or_start_from([loop])
    qtbot.waitUntil(lambda: session.state.current_path == loop)
    assert (session.state.metronome_bpm, session.state.bars, session.state.key) == (90.5, 1, "A minor")
    free = our_file(tmp_path, "free.wav", settings={"bars": "many", "key": 3})
    session.drops.restore_or_start_from([free])
    qtbot.waitUntil(lambda: session.state.current_path == free)
    assert (session.state.metronome_bpm, session.state.bars, session.state.key) == (90.5, 0, "")
    session.history.undo()
    session.history.undo()
    assert (session.state.bars, session.state.key) == (1, "A minor")


def test_an_export_that_loops_loops_again_between_the_same_frames(qtbot, made, tmp_path):
    made.sampler.loop_between(1_000, 5_000)
    made.exporter.export_current()
    qtbot.waitUntil(lambda: made.state.exported is not None)
    made.sampler.set_mode("gate")
    made.sampler.set_loop(0, 0, 20.0)
    made.drops.restore_or_start_from([made.state.exported])
    qtbot.waitUntil(lambda: made.state.looped)
    assert (made.state.shape.loop_start, made.state.shape.loop_end) == (1_000, 5_000)
    made.history.undo()
    assert made.state.gated


def test_an_export_that_looped_by_itself_does_so_again_and_leaves_the_next_sound_to_its_own_loop(qtbot, made):
    made.sampler.set_mode("loop")
    loop = made.state.loop
    made.exporter.export_current()
    qtbot.waitUntil(lambda: made.state.exported is not None)
    made.sampler.set_mode("gate")
    made.drops.restore_or_start_from([made.state.exported])
    qtbot.waitUntil(lambda: made.state.looped)
    assert made.state.loop == loop
    assert (made.state.shape.loop_start, made.state.shape.loop_end) == (0, 0)


@pytest.mark.parametrize("loop", [None, [5, 5], [0, 10**9], ["a", "b"], [3], {"start": 0}])
def test_what_is_no_loop_of_the_dropped_file_changes_no_loop(qtbot, session, tmp_path, loop):
    path = our_file(tmp_path, settings={"loop": loop})
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.current_path == path)
    assert not session.state.looped


def test_the_file_of_a_take_that_was_just_made_orders_the_same_sound_again(qtbot, session, synth):
    session.set_prompt("kick")
    session.set_seconds(0.5)
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    session.set_prompt("something else")
    session.set_steps(1)
    session.new_seed()
    session.drops.restore_or_start_from([session.state.takes[0].path])
    qtbot.waitUntil(lambda: session.state.prompt == "kick")
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 2)
    first, again = synth.requests
    assert replace(first, id=0).__dict__ == replace(again, id=0).__dict__


def test_dropped_on_the_waveform_even_a_file_of_ours_is_something_to_start_from(qtbot, session, tmp_path):
    session.set_prompt("kick")
    session.drops.start_from([our_file(tmp_path)])
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert (session.state.init.name, session.state.prompt) == ("ours.wav", "kick")


def test_a_sound_that_started_from_nothing_puts_the_recording_away(qtbot, session, tmp_path):
    clip = tone(0.2, 1)
    session.update(init=InitSound("humming.wav", clip, np.zeros((0, 2))))
    session.drops.restore_or_start_from([our_file(tmp_path)])
    qtbot.waitUntil(lambda: session.state.prompt == "glass bell")
    assert session.state.init is None


@pytest.mark.parametrize("state", ["beside it", "loaded", "gone"])
def test_a_sound_that_started_from_a_recording_finds_it_or_says_its_name(qtbot, session, tmp_path, state):
    path = our_file(tmp_path, init_noise=0.5, settings={"init_name": "humming.wav"})
    if state == "beside it":
        soundfile.write(tmp_path / "humming.wav", tone(0.5, 1).samples, 44_100)
    elif state == "loaded":
        session.update(init=InitSound("humming.wav", tone(0.2, 1), np.zeros((0, 2))))
    session.drops.restore_or_start_from([path])
    if state == "gone":
        qtbot.waitUntil(lambda: session.state.message is not None)
        assert "“humming.wav”" in session.state.message.text
        assert session.state.prompt == "glass bell"
    else:
        qtbot.waitUntil(lambda: session.state.prompt == "glass bell" and session.state.init is not None)
        assert session.state.init.name == "humming.wav"
        assert session.state.init.clip.seconds == pytest.approx(0.5 if state == "beside it" else 0.2)
    assert session.state.strength_percent == 68  # noise level 0.5


def test_the_name_of_a_recording_never_leads_out_of_the_folder(qtbot, session, tmp_path):
    soundfile.write(tmp_path / "secret.wav", tone(0.5, 1).samples, 44_100)
    (tmp_path / "inner").mkdir()
    path = our_file(tmp_path / "inner", init_noise=0.5, settings={"init_name": "../secret.wav"})
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert session.state.init is None


def test_the_model_that_made_it_is_loaded_if_it_is_installed(qtbot, session, models, synths, tmp_path):
    models.append(LONG)
    synths[LONG.path] = ToneSynth("long", 9.0)
    session.drops.restore_or_start_from([our_file(tmp_path, model="long", seconds=8.0)])
    qtbot.waitUntil(lambda: session.state.model.name == "long")
    assert session.state.seconds == 8.0


def test_a_model_that_is_not_installed_is_named(qtbot, session, tmp_path):
    session.drops.restore_or_start_from([our_file(tmp_path, model="foreign")])
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "The model foreign made it, which is not installed" in session.state.message.text
    assert controls(session)[0] == "glass bell"


def test_the_keys_play_a_new_take_from_the_root_that_was_heard_in_it(qtbot, session, audio):
    session.set_prompt("bell")
    session.set_seconds(0.5)
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    facts = session.state.current.facts
    assert facts is not None
    assert facts.root_note is not None
    roots = [call[1] for call in audio.calls if call[0] == "arm"]
    assert roots == [60, facts.root_note]


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "mp3"])
def test_a_dropped_audio_file_becomes_the_init(qtbot, session, tmp_path, suffix):
    path = tmp_path / f"beat.{suffix}"
    soundfile.write(path, tone(0.5, 1).samples, 44_100)
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert session.state.init.name == path.name
    assert session.state.init.clip.seconds == pytest.approx(0.5, abs=0.06)
    session.clear_init()
    assert session.state.init is None


@pytest.mark.parametrize("content", [b"", b"not audio"])
def test_a_dropped_file_that_is_no_audio_is_one_sentence(qtbot, session, tmp_path, content):
    (tmp_path / "bad.wav").write_bytes(content)
    session.drops.restore_or_start_from([tmp_path / "bad.wav"])
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "bad.wav" in session.state.message.text


def test_a_dropped_file_of_another_kind_or_several_are_one_sentence(session, tmp_path):
    session.drops.restore_or_start_from([tmp_path / "notes.txt"])
    assert "notes.txt" in session.state.message.text
    session.drops.restore_or_start_from([tmp_path / "a.wav", tmp_path / "b.wav"])
    assert "2 files" in session.state.message.text
