"""What a person does with parts: shapes, pads, sustain, MIDI inputs; the audio process is a double."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from doubles import RUNNING
from waiting import wait_for_takes

from arc_instrument.audio.protocol import AudioState
from arc_instrument.domain import Clip, ControlEvent, HitEvent, NoteEvent, ProgramEvent
from arc_instrument.musical_time import MusicalLength
from arc_instrument.settings import AudioDeviceSettings, Settings, load, save
from arc_instrument.shape import DEFAULT_SHAPE, Shape

CLIP = Clip(np.zeros((100, 2), np.float32))


@pytest.mark.parametrize("part", [0, 16])
def test_a_shape_is_given_to_its_part_alone_and_shown(session, audio, qtbot, part):
    wanted = Shape(low_pass_hz=900, release_ms=300)
    with qtbot.assertNotEmitted(session.settingsChanged):  # a shape is work: the session file keeps it
        session.player.set_shape(part, wanted)
    assert audio.calls[-1] == ("set_shape", part, wanted)
    assert session.state.shapes[part] == wanted
    assert session.state.shapes.count(DEFAULT_SHAPE) == 16
    calls = len(audio.calls)
    session.player.set_shape(part, replace(wanted))
    assert len(audio.calls) == calls


def test_pads_are_struck_and_let_go_by_their_number(session, audio):
    notes: list[NoteEvent] = []
    session.player.notePlayed.connect(notes.append)
    session.player.hit_pad(16, 77)
    session.player.release_pad(16)
    assert audio.calls[-2:] == [("note_on", 51, 77, 16), ("note_off", 51, 16)]
    assert notes == [NoteEvent(51, 77, "pads", 16), NoteEvent(51, 0, "pads", 16)]


def test_sustain_is_held_until_it_is_lifted_or_all_sound_goes_off(session, audio):
    session.player.toggle_sustain()
    assert audio.calls[-1] == ("pedal", True, 0)
    assert session.state.sustain
    session.player.panic()
    assert not session.state.sustain
    session.player.toggle_sustain()
    session.player.toggle_sustain()
    assert audio.calls[-1] == ("pedal", False, 0)


def test_pads_and_pools_are_filled_by_part(session, audio):
    session.player.arm(3, CLIP, root_note=57.5, clip_id=1)
    session.player.stock(3, CLIP, clip_id=2)
    session.player.clear_stock(3)
    assert audio.calls[-3] == ("arm", 57.5, 3, 1)
    assert audio.calls[-2] == ("stock", CLIP, 60, 3, 2, (1, 127), False)
    assert audio.calls[-1] == ("clear_stock", 3)


def test_what_midi_says_beside_notes_is_passed_on(session, audio, qtbot):
    for source, target, value in (
        (audio.clipHit, session.player.clipHit, HitEvent(3, 7, 1)),
        (audio.controlReceived, session.player.controlReceived, ControlEvent(1, 20, 64, "a")),
        (audio.programReceived, session.player.programReceived, ProgramEvent(1, 4, "a")),
        (audio.transportReceived, session.player.transportReceived, "start"),
        (audio.tempoReceived, session.player.tempoReceived, 121.5),
    ):
        with qtbot.waitSignal(target) as blocker:
            source.emit(value)
        assert blocker.args == [value]


def test_a_midi_input_stays_ignored_by_name_through_settings_until_it_is_wanted_again(session, audio, tmp_path):
    session.player.ignore_midi(("Keystation", "Launchpad"))
    assert audio.calls[-1] == ("ignore_midi", ("Keystation", "Launchpad"))
    save(Settings(audio=AudioDeviceSettings(**asdict(session.player.devices))), tmp_path / "settings.toml")
    assert load(tmp_path / "settings.toml").audio.ignored_midi == ("Keystation", "Launchpad")
    session.player.ignore_midi(("Keystation",))
    assert audio.calls[-1] == ("ignore_midi", ("Keystation",))


def test_a_sound_that_was_asked_for_as_bars_loops_at_exactly_their_length(qtbot, session, audio):
    session.set_prompt("beat")
    session.tempo.set_bpm(133.0)
    session.tempo.set_bars(1)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current is not None and session.state.current.take is not None)
    assert len(audio.armed.samples) == MusicalLength(133.0, 1).frames()
    assert audio.keeps_length
    session.tempo.set_bars(0)
    session.maker.generate()
    qtbot.waitUntil(lambda: not audio.keeps_length)
    session.auditions.audition(session.state.takes[-1])
    qtbot.waitUntil(lambda: audio.keeps_length)


def test_without_a_sound_card_nothing_seems_to_play(made, audio):
    made.player.toggle_play()
    audio.stateChanged.emit(AudioState(False, "No sound card: takes are still saved."))
    made.player.play()
    assert not made.state.playing


def test_typed_notes_sound_with_the_typed_velocity_and_out_of_range_ones_do_not(session, audio):
    session.player.shift_velocity(-1)
    session.player.note_on(60)
    session.player.note_off(60)
    session.player.note_on(128)
    assert audio.calls == [("note_on", 60, 80), ("note_off", 60)]


def test_octave_and_velocity_stop_at_their_ends(session):
    for _ in range(20):
        session.player.shift_octave(1)
        session.player.shift_velocity(1)
    assert (session.state.octave, session.state.velocity) == (7, 127)
    for _ in range(20):
        session.player.shift_octave(-1)
        session.player.shift_velocity(-1)
    assert (session.state.octave, session.state.velocity) == (1, 1)


def test_play_stops_what_plays(made, audio):
    assert made.state.playing
    made.player.toggle_play()
    assert audio.names()[-1] == "stop"
    assert not made.state.playing


def test_playing_ends_by_itself_after_the_length_of_the_sound(qtbot, made):
    with qtbot.waitSignal(made.player.playbackStopped):
        made.player.play()
    assert not made.state.playing


def test_a_missing_sound_card_is_a_sentence_and_sounds_are_still_made_and_kept(qtbot, session, audio):
    audio.stateChanged.emit(AudioState(sentence="No sound card: takes are still saved."))
    assert session.state.message.text == "No sound card: takes are still saved."
    assert session.state.message.action == "restart_audio"
    session.set_prompt("kick")
    session.maker.generate()
    wait_for_takes(qtbot, session, 1)
    session.player.restart_audio()
    assert "restart" in audio.names()


def test_a_sound_card_that_comes_back_takes_its_sentence_away(session, audio):
    audio.stateChanged.emit(AudioState(sentence="The sound card is gone."))
    audio.stateChanged.emit(RUNNING)
    assert session.state.message is None


def test_a_chosen_device_is_used_at_once_and_only_when_it_is_another(session, audio):
    changes = []
    session.settingsChanged.connect(lambda: changes.append(session.player.devices))
    session.player.choose_output("Scarlett 2i2")
    session.player.choose_output("Scarlett 2i2")
    session.player.choose_input("Built-in microphone")
    (_, first), (_, second) = audio.calls
    assert (first.device, first.input_device) == ("Scarlett 2i2", "")
    assert (second.device, second.input_device) == ("Scarlett 2i2", "Built-in microphone")
    assert changes == [first, second]


def test_another_output_leaves_the_chosen_driver_chosen(session, audio):
    session.player.change_devices(host_api="WASAPI")
    session.player.choose_output("Speakers")
    (_, devices) = audio.calls[-1]
    assert (devices.host_api, devices.device) == ("WASAPI", "Speakers")
