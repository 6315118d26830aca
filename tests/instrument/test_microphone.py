"""What a person does with the microphone beside recording, on the real session with the audio process doubled."""

from dataclasses import replace

import pytest
from doubles import RUNNING

from arc_instrument.session.microphone import Microphone

PAIR = "JACK: system → system, 44100 Hz"


@pytest.fixture
def microphone(session, audio) -> Microphone:
    audio.stateChanged.emit(replace(RUNNING, device_pair=PAIR))
    return session.microphone


def test_the_monitor_is_off_until_asked_and_off_again_on_other_devices_or_a_howl(microphone, session, audio):
    assert not session.state.monitoring
    microphone.toggle_monitor()
    assert session.state.monitoring
    assert audio.calls[-1] == ("set_monitor", 1.0)
    audio.stateChanged.emit(replace(RUNNING, device_pair=PAIR, midi_inputs=("pads",)))
    assert session.state.monitoring
    audio.stateChanged.emit(replace(RUNNING, device_pair="another pair"))
    assert not session.state.monitoring
    assert audio.calls[-1] == ("set_monitor", 0.0)
    microphone.toggle_monitor()
    audio.howled.emit()
    assert not session.state.monitoring
    assert "headphones" in session.state.message.text


def test_a_stream_that_was_opened_anew_on_the_same_devices_is_heard_as_the_button_says(microphone, session, audio):
    microphone.toggle_monitor()
    session.player.change_devices(block_frames=512)  # the audio process's handle forgets the gain with other settings
    audio.calls.clear()
    audio.stateChanged.emit(replace(RUNNING, running=False, device_pair=""))
    audio.stateChanged.emit(replace(RUNNING, device_pair=PAIR))
    assert session.state.monitoring
    assert ("set_monitor", 1.0) in audio.calls


def test_the_round_trip_is_measured_once_for_each_pair_of_devices(microphone, session, audio):
    microphone.calibrate()
    assert session.state.calibrating
    assert audio.names()[-1] == "calibrate"
    audio.calibrated.emit(11.5)
    assert not session.state.calibrating
    assert session.state.calibration_ms == 11.5
    assert "11.5 ms" in session.state.message.text
    audio.stateChanged.emit(replace(RUNNING, device_pair="another pair"))
    assert session.state.calibration_ms is None
    audio.stateChanged.emit(replace(RUNNING, device_pair=PAIR))
    assert session.state.calibration_ms == 11.5
    audio.calibrated.emit(None)
    assert session.state.calibration_ms == 11.5
    assert session.state.message.action == "calibrate"
