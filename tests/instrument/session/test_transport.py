"""A sequencer's clock, start and stop, as the audio process tells them."""

from arc_instrument.musical_time import MAX_BPM


def test_the_tempo_follows_the_clock_within_its_range_and_is_nothing_to_undo(session, audio):
    audio.tempoReceived.emit(121.4967)
    assert session.state.metronome_bpm == 121.5
    assert session.state.message.text == "The tempo follows the MIDI clock: 121.5 BPM."
    assert session.state.undo_label == ""
    session.dismiss_message()
    audio.tempoReceived.emit(9_000.0)
    assert session.state.metronome_bpm == MAX_BPM
    assert session.state.message is None  # said once


def test_bars_of_a_sound_are_those_of_the_clock(session, audio):
    audio.tempoReceived.emit(150.0)
    session.tempo.set_bars(1)
    assert session.maker.new_request("user", 1).settings["bpm"] == 150.0
    assert session.maker.new_request("user", 1).seconds == 4 * 60 / 150


def test_start_and_continue_play_the_current_sound_and_stop_ends_it(made, audio):
    made.player.stop()
    for command, playing, calls in (("start", True, ["play"]), ("stop", False, ["stop"]), ("stop", False, []),
                                    ("continue", True, ["play"])):  # fmt: skip
        audio.calls.clear()
        audio.transportReceived.emit(command)
        assert made.state.playing is playing
        assert audio.names() == calls


def test_a_start_before_there_is_a_sound_is_nothing(session, audio):
    audio.calls.clear()
    audio.transportReceived.emit("start")
    assert audio.names() == []
    assert not session.state.playing
