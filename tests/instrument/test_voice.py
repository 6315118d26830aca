"""What a person does to start from a recording, on the real session with the audio process doubled."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from doubles import RUNNING, tone

from arc_instrument import onsets
from arc_instrument.actions import ACTIONS
from arc_instrument.audio.protocol import AudioLevels, AudioState, RecordingPlan
from arc_instrument.domain import RATE_HZ, Clip
from arc_instrument.session import comparison
from arc_instrument.session.voice import Voice
from arc_instrument.settings import Settings, load, save

PAIR = "JACK: system → system, 44100 Hz"


@pytest.fixture
def folder(home) -> Path:
    return home / "recordings"


@pytest.fixture
def voice(session, audio, folder) -> Voice:
    """The session's own voice, with a folder for recordings."""
    session.voice._folder = folder
    audio.stateChanged.emit(replace(RUNNING, device_pair=PAIR))
    return session.voice


def plan(audio) -> RecordingPlan:
    return next(call[1] for call in reversed(audio.calls) if call[0] == "start_recording")


def silence() -> Clip:
    return Clip(np.zeros((0, 2), np.float32))


def write_part(path: Path, clip: Clip, age_s: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, clip.samples, RATE_HZ, format="WAV", subtype="FLOAT")
    os.utime(path, (time.time() - age_s,) * 2)


def test_every_command_of_the_registry_is_there(session):
    for action in ACTIONS:
        if action.command.startswith("voice."):
            assert callable(getattr(session.voice, action.command.removeprefix("voice.")))
            assert not action.checked_by or hasattr(session.state, action.checked_by)


def test_a_recording_goes_as_the_controls_say_and_nowhere_else(voice, session, audio, folder):
    voice.toggle_record()
    assert replace(plan(audio), path="") == RecordingPlan()
    assert Path(plan(audio).path).parent == folder
    audio.recorded.emit(tone(1.0, 3))
    voice.toggle_count_in()
    voice.toggle_metronome()
    voice.set_count_in_beats(3)
    voice.set_beats_per_bar(3)
    session.tempo.set_bpm(90)
    voice.set_record_bars(2)
    audio.calibrated.emit(7.25)
    voice.toggle_record()
    assert replace(plan(audio), path="") == RecordingPlan("", 90, 3, 3, True, 2, 7.25)


def test_a_kept_recording_lies_in_the_folder_and_its_part_is_gone(qtbot, voice, session, audio, folder):
    voice.toggle_record()
    part = Path(plan(audio).path)
    write_part(part, tone(1.0, 3), 0)
    audio.recorded.emit(tone(1.0, 3))
    assert session.state.init.clip.seconds == 1.0
    qtbot.waitUntil(lambda: folder.exists() and [path.suffix for path in folder.iterdir()] == [".wav"])
    assert soundfile.info(next(folder.iterdir())).duration == 1.0


def test_what_was_just_played_becomes_the_init_and_is_kept(qtbot, voice, session, audio, folder):
    voice.keep_last()
    assert audio.names()[-1] == "keep_last"
    audio.kept.emit(tone(0.7, 3))
    assert session.state.init.clip.seconds == 0.7
    assert session.state.init.name.startswith("Kept")
    qtbot.waitUntil(lambda: folder.exists() and len(list(folder.glob("*.wav"))) == 1)
    before = session.state.init
    audio.kept.emit(silence())
    assert session.state.init is before
    assert "last 12 seconds were silent" in session.state.message.text


def test_the_count_in_is_shown_beat_by_beat_and_a_recording_ended_in_it_needs_no_words(voice, session, audio):
    voice.toggle_count_in()
    voice.toggle_record()
    for beat in (1, 1, 2, 3):
        audio.levelsChanged.emit(AudioLevels(count_in_beat=beat))
        assert session.state.count_in_beat == beat
    voice.toggle_record()
    audio.recorded.emit(silence())
    assert session.state.count_in_beat == 0
    assert session.state.message is None
    audio.levelsChanged.emit(AudioLevels(count_in_beat=4))  # a late one
    assert session.state.count_in_beat == 0


def test_controls_stay_in_their_ranges_and_come_back_from_the_settings_file(qtbot, voice, session, tmp_path):
    session.tempo.set_bpm(1e9)
    voice.set_count_in_beats(-1)
    voice.set_beats_per_bar(99)
    voice.set_record_bars(-3)
    with qtbot.waitSignal(session.settingsChanged):
        session.microphone.set_monitor_gain(9)
    session.microphone.round_trips_ms[PAIR] = 5.5
    kept = voice.settings()
    assert (kept.metronome_bpm, kept.count_in_beats, kept.beats_per_bar, kept.record_bars) == (300, 1, 16, 0)
    save(Settings(voice=kept), tmp_path / "settings.toml")
    assert load(tmp_path / "settings.toml").voice == kept


def test_nothing_is_recorded_measured_or_monitored_without_an_input(voice, session, audio):
    audio.stateChanged.emit(replace(RUNNING, recording_sentence="No microphone found: connect one."))
    audio.calls.clear()
    for command in (
        voice.toggle_record,
        voice.keep_last,
        session.microphone.toggle_monitor,
        session.microphone.calibrate,
    ):
        session.dismiss_message()
        command()
        assert session.state.message.text == "No microphone found: connect one."
    assert audio.calls == []
    assert not any((session.state.recording, session.state.monitoring, session.state.calibrating))


def test_a_recording_cut_off_with_the_audio_process_goes_on_from_its_part(qtbot, voice, session, audio):
    voice.toggle_record()
    write_part(Path(plan(audio).path), tone(1.5, 3), 0)
    audio.recordingCut.emit()
    audio.stateChanged.emit(AudioState(sentence="The audio process ended (killed): it is starting again."))
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert not session.state.recording
    assert session.state.init.clip.seconds == 1.5
    assert session.state.message.text == "The sound stopped while you recorded: the first 1.5 s are kept."


def test_what_a_crash_left_is_offered_at_the_next_start_and_used_on_a_click(qtbot, voice, session, folder):
    write_part(folder / "a.part", tone(0.5, 1), 60)
    write_part(folder / "b.part", tone(1.2, 2), 60)
    voice.recover()
    qtbot.waitUntil(lambda: session.state.recovered is not None)
    assert session.state.init is None
    assert session.state.message.text.startswith("A recording of 1.2 s was cut off")
    assert session.state.message.action == "use_recovered"
    assert len(list(folder.glob("*.wav"))) == 2
    voice.use_recovered()
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert session.state.init.clip.seconds == pytest.approx(1.2)
    assert session.state.recovered is None


def test_one_part_that_cannot_be_read_keeps_no_other_from_being_offered(qtbot, voice, session, folder):
    for name in ("a", "b", "c"):
        write_part(folder / f"{name}.part", tone(0.5, 1), 60)
    for name in ("a", "c"):
        with open(folder / f"{name}.part", "r+b") as file:
            file.write(b"rubbish")
        os.utime(folder / f"{name}.part", (0, 0))
    voice.recover()
    qtbot.waitUntil(lambda: session.state.recovered is not None)
    assert len(list(folder.glob("*.wav"))) == 1
    assert len(list(folder.glob("*.part"))) == 2


def test_a_recording_that_another_instrument_runs_is_not_taken_from_it(qtbot, voice, session, folder):
    write_part(folder / "a.part", tone(0.5, 1), 0)
    voice.recover(is_retry=True)
    voice._shelf.run(lambda: None, lambda _: session.say("done"), session.say)
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert session.state.message.text == "done"
    assert [path.name for path in folder.iterdir()] == ["a.part"]


def test_a_folder_that_cannot_be_written_is_a_sentence_and_the_recording_is_used(qtbot, voice, session, audio, folder):
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    voice.toggle_record()
    audio.recorded.emit(tone(1.0, 3))
    assert session.state.init.clip.seconds == 1.0
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "not kept on disk" in session.state.message.text


# --- comparison ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(qtbot, voice, session, audio):
    """A soft recording, and a sound made from it."""
    session.set_prompt("kick")
    session.set_seconds(1.0)
    audio.recorded.emit(Clip(0.1 * tone(1.0, 3).samples))
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.onset_f1 is not None and session.state.current.take is not None)
    audio.calls.clear()
    return session


def test_the_recording_and_the_result_take_turns_equally_loud_and_the_keys_keep_the_result(qtbot, pair, audio):
    from arc_instrument.loudness import TARGET_LUFS, loudness_lufs

    heard = []
    arm = audio.arm
    audio.arm = lambda clip, root_note=60, **rest: (heard.append(clip), arm(clip, root_note, **rest))
    for side in ("recording", "result", "recording"):
        heard.clear()
        pair.voice.toggle_ab()
        qtbot.waitUntil(lambda side=side: pair.state.ab == side and len(heard) == 2, timeout=20_000)
        assert audio.names()[-3:] == ["arm", "play", "arm"]
        assert audio.armed is pair.state.current.clip
        original = (pair.state.init if side == "recording" else pair.state.current).clip
        assert heard[0].seconds == original.seconds
        assert loudness_lufs(heard[0]) == pytest.approx(TARGET_LUFS, abs=0.1)
    pair.player.toggle_play()
    assert pair.state.ab == ""


def test_there_is_nothing_to_compare_without_a_recording_or_a_result(voice, session, audio):
    voice.toggle_ab()
    assert "a recording" in session.state.message.text
    audio.recorded.emit(tone(1.0, 3))
    voice.toggle_ab()
    assert "made from it" in session.state.message.text


def test_onsets_of_both_are_shown_with_their_agreement_and_go_with_the_recording(qtbot, pair):
    assert pair.state.init_onsets == (0.0,)
    assert pair.state.result_onsets == (0.0,)
    assert pair.state.onset_f1 == 1.0
    pair.clear_init()
    assert (pair.state.init_onsets, pair.state.result_onsets, pair.state.onset_f1) == ((), (), None)


def test_onsets_that_cannot_be_found_leave_no_grid_and_the_next_recording_is_measured(qtbot, pair, audio, monkeypatch):
    broken = tone(1.0, 5)

    def onset_times(clip):
        if clip is broken:
            raise RuntimeError("no onsets")
        return onsets.onset_times(clip)

    monkeypatch.setattr(comparison, "onset_times", onset_times)
    audio.recorded.emit(broken)
    qtbot.waitUntil(lambda: pair.state.init_onsets == ())
    assert pair.state.onset_f1 is None
    audio.recorded.emit(tone(1.0, 6))
    qtbot.waitUntil(lambda: pair.state.onset_f1 == 1.0)
    assert pair.state.init_onsets == (0.0,)


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_two_hour_file_gives_its_first_sounding_seconds_and_a_note(qtbot, voice, session, tmp_path):
    path = tmp_path / "concert.wav"
    with soundfile.SoundFile(path, "w", 8_000, 1, subtype="PCM_U8") as file:
        file.write(np.zeros(5 * 8_000))
        file.write(0.5 * np.sin(np.arange(8_000) / 3))
        minute = np.zeros(60 * 8_000)
        for _ in range(120):
            file.write(minute)
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.init is not None)
    clip = session.state.init.clip
    assert clip.seconds == pytest.approx(12, abs=0.01)
    assert np.abs(clip.samples[: RATE_HZ // 100]).max() < 0.05
    assert np.abs(clip.samples[RATE_HZ // 20 : RATE_HZ]).max() > 0.4
    assert session.state.message.text.startswith("concert.wav lasts 2:00:06: the 12.0 s from 0:04 on are taken")


@pytest.mark.parametrize("samples", [np.zeros((0, 2), np.float32), np.zeros((4_410, 2), np.float32)])
def test_a_silent_recording_is_refused_and_keeps_the_init_before_it(session, audio, samples):
    audio.recorded.emit(tone(0.5, 3))
    before = session.state.init
    audio.recorded.emit(Clip(samples))
    assert session.state.init is before
    assert "silent" in session.state.message.text


def test_recording_without_an_input_says_why(session, audio):
    audio.stateChanged.emit(replace(RUNNING, recording_sentence="No microphone found: connect one."))
    session.voice.toggle_record()
    assert not session.state.recording
    assert session.state.message.text == "No microphone found: connect one."
    assert "start_recording" not in audio.names()


def test_a_recording_whose_input_went_away_says_so_and_not_that_it_is_silent(session, audio):
    session.voice.toggle_record()
    audio.stateChanged.emit(replace(RUNNING, recording_sentence="No microphone found: connect one."))
    audio.recorded.emit(Clip(np.zeros((0, 2), np.float32)))
    assert not session.state.recording
    assert session.state.message.text == "No microphone found: connect one."
