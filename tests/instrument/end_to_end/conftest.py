"""The whole instrument on real servers: window, sound, MIDI, model and disk, with no doubles."""

import pytest
from desktop import desktop
from instrument import Instrument, JackRecorder
from jackd import jack_server, own_jack_server, shared_jack_server

__all__ = ["desktop", "jack_server", "own_jack_server", "shared_jack_server"]


@pytest.fixture
def instrument(desktop, jack_server, home, tmp_path):
    """Just started: its window may not be there yet. A photograph of the end stays in the test's folder."""
    made = Instrument(desktop, home)
    yield made
    desktop.photograph(tmp_path / "screen.png")
    made.close()
    assert made.process.returncode == 0, made.said()


@pytest.fixture
def recorder(instrument, jack_server, tmp_path):
    """Hears the instrument's outputs; given once its sound runs."""
    made = JackRecorder(jack_server, tmp_path / "heard.raw")
    yield made
    made.close()
