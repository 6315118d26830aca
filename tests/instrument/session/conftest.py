"""What tests of the session share: one that begins as the program does, again and again on the same files."""

import pytest
from inline_session import InlineExecutor, make_session

from arc_instrument.audio.wavfile import read_clip, write_clip
from arc_instrument.session.autosave import Autosave


@pytest.fixture
def path(tmp_path):
    """The session file."""
    return tmp_path / "session" / "session.json"


@pytest.fixture
def begin(qapp, tmp_path, path):
    """Starts a session as the program does; every one is ended at the end."""
    begun = []

    def start(prepare=lambda autosave: None, folder="takes"):
        session = make_session(tmp_path / folder)
        autosave = Autosave(session, path, write_clip, read_clip, InlineExecutor())
        prepare(autosave)
        autosave.restore()
        session.takes.load()
        begun.append((session, autosave))
        return session, autosave

    yield start
    for session, autosave in begun:
        autosave._save_soon.stop()
        session.shutdown()
