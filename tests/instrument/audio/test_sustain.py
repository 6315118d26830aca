"""Sustain of the app: only the app lifts it. What is played as a whole is stopped alone."""

from types import SimpleNamespace

import numpy as np
import pytest

from arc_instrument.audio.mixer import Mixer
from arc_instrument.audio.protocol import AudioSettings
from arc_instrument.audio.server import AudioServer
from arc_instrument.domain import RATE_HZ
from arc_instrument.shape import Shape

GATE = Shape(mode="gate")


class Unheard:
    """An outbox that nobody reads."""

    def put(self, kind, **fields):
        pass


@pytest.fixture
def server(tmp_path):
    """A server that plays a sound of a second into a mixer without a sound card, as long as its keys are held."""
    made = AudioServer(AudioSettings(), tmp_path, Unheard())
    mixer = Mixer(RATE_HZ)
    made._sound = SimpleNamespace(mixer=mixer, input_problem="", booth=SimpleNamespace(start_calibration=lambda: None))
    made._rack.plug(made._sound)
    mixer.arm(np.full((RATE_HZ, 2), 0.1, np.float32))
    mixer.set_shape(0, GATE)
    return made


def key(server, velocity: int) -> None:
    kind = "note_on" if velocity else "note_off"
    server._obey(kind, {"note": 60, "part": 0} | ({"velocity": velocity} if velocity else {}))


def voices(server) -> int:
    """Voices that sound 12 ms later."""
    for _ in range(4):
        server._sound.mixer.process(np.zeros((128, 2), np.float32))
    return server._sound.mixer.voices


def test_stop_ends_what_is_played_as_a_whole_and_neither_notes_nor_a_held_pedal(server):
    server._obey("pedal", {"down": True, "part": 0})
    server._obey("play", {})
    key(server, 100)
    assert voices(server) == 2
    server._obey("stop", {})
    assert voices(server) == 1
    key(server, 0)
    assert voices(server) == 1
    server._obey("pedal", {"down": False, "part": 0})
    assert voices(server) == 0


@pytest.mark.parametrize("happens", ["midi_lost", "_calibrate"])
def test_a_pedal_of_the_app_stays_down_when_a_keyboard_is_unplugged_or_the_round_trip_is_measured(server, happens):
    server._obey("pedal", {"down": True, "part": 0})
    getattr(server, happens)()
    key(server, 100)
    assert voices(server) == 1
    key(server, 0)
    assert voices(server) == 1


def test_a_pedal_that_was_never_down_is_up_after_a_keyboard_was_unplugged(server):
    server.midi_control(1, 64, 127, "keyboard")
    server.midi_lost()
    key(server, 100)
    assert voices(server) == 1
    key(server, 0)
    assert voices(server) == 0


def test_panic_forgets_a_held_pedal_for_good(server):
    server._obey("pedal", {"down": True, "part": 0})
    server._obey("panic", {})
    server.midi_lost()
    key(server, 100)
    assert voices(server) == 1
    key(server, 0)
    assert voices(server) == 0
