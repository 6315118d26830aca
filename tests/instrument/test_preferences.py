"""What a person chooses once is applied at once and kept in the settings file."""

from dataclasses import replace

import numpy as np
import pytest

from arc_instrument import settings
from arc_instrument.domain import RATE_HZ
from arc_instrument.session.preferences import from_settings, into_settings
from arc_instrument.session.state import Preferences
from arc_instrument.settings import Settings


@pytest.mark.parametrize(
    ("command", "argument", "field", "value"),
    [
        ("choose_host_api", "JACK", "host_api", "JACK"),
        ("choose_rate", 48_000, "rate_hz", 48_000),
        ("choose_block", 256, "block_frames", 256),
    ],
)
def test_a_choice_for_the_sound_card_opens_it_anew_once(session, audio, command, argument, field, value):
    saved = []
    session.settingsChanged.connect(lambda: saved.append(True))
    for _ in range(2):
        getattr(session.preferences, command)(argument)
    assert audio.names().count("restart") == 1
    assert audio.calls[-1][1] == session.player.devices == session.state.devices
    assert getattr(session.state.devices, field) == value
    assert saved


def test_another_host_api_forgets_the_devices_of_the_last_one(session):
    session.player.choose_output("Scarlett")
    session.player.choose_input("Mic")
    session.preferences.choose_host_api("ALSA")
    devices = session.state.devices
    assert (devices.host_api, devices.device, devices.input_device) == ("ALSA", "", "")


def test_a_midi_input_is_switched_off_and_on_while_the_sound_goes_on(session, audio):
    session.preferences.toggle_midi_input("nano")
    session.preferences.toggle_midi_input("pads")
    session.preferences.toggle_midi_input("nano")
    assert audio.calls == [("ignore_midi", ("nano",)), ("ignore_midi", ("nano", "pads")), ("ignore_midi", ("pads",))]
    assert session.state.devices.ignored_midi == ("pads",)


def test_the_test_tone_is_soft_and_begins_and_ends_in_silence(session, audio):
    session.preferences.test_sound()
    assert audio.names() == ["arm", "play"]
    samples = audio.armed.samples
    assert abs(samples).max() == pytest.approx(0.25, abs=0.01)
    assert abs(samples[[0, -1]]).max() < 0.01
    strongest = np.abs(np.fft.rfft(samples[:, 0])).argmax() * RATE_HZ / len(samples)
    assert strongest == pytest.approx(440, abs=2)


def test_after_the_test_tone_the_keys_have_their_sound_back(qtbot, session, audio):
    session.set_prompt("bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current is not None)
    session.preferences.test_sound()
    assert audio.names()[-3:] == ["arm", "play", "arm"]
    assert audio.armed is session.state.current.clip


def test_without_sound_the_test_looks_for_a_sound_card(session, audio):
    session.update(audio=replace(session.state.audio, running=False))
    session.preferences.test_sound()
    assert audio.names() == ["restart"]


def test_another_precision_is_told_once_and_an_unknown_one_never(qtbot, session):
    told = []
    session.preferences.precisionChanged.connect(told.append)
    for precision in ("float32", "float32", "float7", ""):
        session.preferences.choose_precision(precision)
    assert told == ["float32", ""]


def test_a_precision_that_cannot_be_had_is_taken_back_with_a_sentence(session):
    session.preferences.choose_precision("int8")
    session.preferences.take_back_precision("int8", "float32", "int8 needs torchao.")
    assert session.state.preferences.precision == "float32"
    assert session.state.message.text == "int8 needs torchao. The model computes in float32 instead."


def test_a_precision_of_the_command_line_that_cannot_be_had_leaves_the_chosen_one(session):
    session.preferences.choose_precision("bfloat16")
    session.preferences.take_back_precision("int8", "", "int8 needs torchao.")
    assert session.state.preferences.precision == "bfloat16"


def test_osc_opens_moves_and_closes_with_its_switches(session):
    session.preferences.choose_osc_port(70_000)
    assert session.state.preferences.osc_port == 65_535
    assert not session.state.osc.running
    session.preferences.toggle_osc()
    assert session.state.osc.running or "65535" in session.state.osc.sentence
    session.preferences.toggle_osc()
    assert session.state.osc.sentence == "OSC is off."


def test_a_theme_that_is_none_changes_nothing(session):
    for theme, wanted in (("light", "light"), ("purple", "light"), ("system", "system")):
        session.preferences.choose_theme(theme)
        assert session.state.preferences.theme == wanted
    session.preferences.toggle_theme()
    session.preferences.toggle_theme()
    assert session.state.preferences.theme == "light"


def test_preferences_come_back_from_the_settings_file(tmp_path):
    chosen = Preferences("system", True, "bfloat16", True, 9_123, True)
    kept = Settings()
    into_settings(chosen, kept)
    settings.save(kept, tmp_path / "settings.toml")
    assert from_settings(settings.load(tmp_path / "settings.toml")) == chosen
    assert from_settings(Settings()) == Preferences()
