"""Notes that were learned as controls: the app hears them, the loudspeaker does not."""

from types import SimpleNamespace

import numpy as np
import pytest

from arc_instrument.audio.mixer import Mixer
from arc_instrument.audio.protocol import AudioSettings
from arc_instrument.audio.server import AudioServer
from arc_instrument.domain import OWN_MIDI_PORT, RATE_HZ
from arc_instrument.shape import Shape

BLOCK = np.zeros((256, 2), np.float32)


class Told:
    """What the audio process tells the app."""

    def __init__(self):
        self.notes = []

    def put(self, kind, **fields):
        if kind == "note":
            self.notes.append((fields["note"], fields["velocity"], fields["part"]))


@pytest.fixture
def server(tmp_path):
    """A server that plays a sound of a second into a mixer without a sound card."""
    made = AudioServer(AudioSettings(), tmp_path, Told())
    mixer = Mixer(RATE_HZ)
    mixer.arm(np.full((RATE_HZ, 2), 0.5, np.float32))
    made._sound = SimpleNamespace(mixer=mixer)
    return made


def peak(server) -> float:
    """Of the next 6 ms."""
    out = BLOCK.copy()
    server._sound.mixer.process(out)
    return float(np.abs(out).max())


def test_a_silent_note_is_silent_by_our_own_port_too(server):
    server._obey("silence_notes", {"notes": [["sequencer:out", 60]]})
    server.midi_note(1, 60, 100, OWN_MIDI_PORT)
    assert peak(server) == 0


def test_a_silent_note_is_told_and_not_played_on_its_own_port_only(server):
    server._obey("silence_notes", {"notes": [["pads", 60]]})
    server.midi_note(1, 60, 100, "pads")
    assert peak(server) == 0
    server.midi_note(1, 60, 0, "pads")
    assert server._outbox.notes == [(60, 100, None), (60, 0, None)]
    server.midi_note(1, 61, 100, "pads")
    assert peak(server) > 0.01
    server._sound.mixer.panic()
    for _ in range(4):
        peak(server)
    server.midi_note(1, 60, 100, "keyboard")
    assert peak(server) > 0.01
    assert server._outbox.notes[2:] == [(61, 100, 0), (60, 100, 0)]


def test_a_note_that_sounds_when_it_is_learned_is_still_let_go(server):
    server._sound.mixer.set_shape(0, Shape(mode="gate"))
    server.midi_note(1, 60, 100, "pads")
    assert peak(server) > 0.01
    server._obey("silence_notes", {"notes": [["pads", 60]]})
    server.midi_note(1, 60, 0, "pads")
    assert server._outbox.notes == [(60, 100, 0), (60, 0, 0)]
    for _ in range(8):
        peak(server)
    assert peak(server) == 0


def test_a_control_that_is_forgotten_plays_again(server):
    server._obey("silence_notes", {"notes": [["pads", 60]]})
    server._obey("silence_notes", {"notes": []})
    server.midi_note(1, 60, 100, "pads")
    assert peak(server) > 0.01
