"""Real sound servers and a client of the audio process that always ends it."""

import pytest
from hypothesis import settings
from jackd import jack_server, own_jack_server, shared_jack_server

from arc_instrument.audio.client import AudioClient

__all__ = ["jack_server", "own_jack_server", "shared_jack_server"]

settings.register_profile("audio", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("audio")


@pytest.fixture
def client(qtbot):
    made = AudioClient()
    yield made
    made.shutdown()
