"""Hearing the takes that are on disk."""

import numpy as np
import soundfile
from waiting import wait_for_takes


def test_takes_on_disk_are_listed_and_can_be_heard_again(qtbot, made, audio):
    first = made.state.takes[0]
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    made.auditions.audition(first)
    qtbot.waitUntil(lambda: made.state.current_path == first.path)
    written, _ = soundfile.read(first.path, dtype="float32")
    np.testing.assert_array_equal(audio.armed.samples, written)
    assert first.facts is not None
    assert audio.calls[-2:] == [("arm", first.facts.root_note), ("play",)]


def test_a_take_whose_file_is_gone_is_a_sentence(qtbot, made):
    first = made.state.takes[0]
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    first.path.unlink()
    made.auditions.audition(first)
    qtbot.waitUntil(lambda: made.state.message is not None)
    assert first.path.name in made.state.message.text
