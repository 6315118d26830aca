"""Ordering the sound that the controls describe: what is refused, what wins, what is told, and what becomes of it."""

from dataclasses import replace

import doubles
import numpy as np
import pytest
import soundfile
from doubles import tone
from waiting import wait_for_takes

from arc_instrument.domain import Clip, Phase, UserError
from arc_instrument.session.state import init_noise


def test_generate_makes_arms_plays_shows_and_keeps_the_sound(made, audio):
    state = made.state
    assert audio.calls[:2] == [("arm", 60), ("play",)]
    assert audio.armed is state.current.clip
    assert state.current.take is state.takes[0]
    assert soundfile.info(state.current_path).duration == pytest.approx(0.3)
    assert not state.generating
    assert state.playing
    assert state.press_to_sound_ms > 0
    assert state.estimate_ms == pytest.approx(45)


@pytest.mark.parametrize(
    ("prompt", "seconds", "words"),
    [
        ("  ", 1.0, "The prompt is empty"),
        ("x" * 10_000, 1.0, "10,000 characters"),
        ("kick", 0.0, "length of 0 s"),
        ("kick", -1.0, "length of -1 s"),
        ("kick", 4.5, "length of 4.5 s"),
    ],
)
def test_a_request_that_cannot_be_made_is_refused_before_the_worker(session, synth, prompt, seconds, words):
    session.state = replace(session.state, prompt=prompt, seconds=seconds)
    session.maker.generate()
    assert words in session.state.message.text
    assert "\n" not in session.state.message.text
    assert not session.state.generating
    assert synth.requests == []


def test_an_unlocked_seed_changes_after_each_sound_and_a_locked_one_stays(qtbot, made, synth):
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    made.toggle_seed_lock()
    made.maker.generate()
    wait_for_takes(qtbot, made, 3)
    first, second, third = (request.seed for request in synth.requests)
    assert first != second
    assert second == third == made.state.seed


def test_a_typed_seed_is_used_for_the_next_sound(qtbot, made, synth):
    made.set_seed(42)
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    assert synth.requests[-1].seed == 42


def test_a_newer_order_replaces_an_older_one(qtbot, session, synth, audio):
    session.set_prompt("first")
    session.set_seconds(0.2)
    synth.gate.clear()
    session.maker.generate()
    assert synth.step_begun.acquire(timeout=5)
    session.set_prompt("second")
    session.maker.generate()
    synth.gate.set()
    wait_for_takes(qtbot, session, 1)
    assert session.state.current.prompt == "second"
    assert not session.state.generating
    assert audio.names().count("play") == 1


def test_cancel_leaves_the_current_sound_as_it_was(qtbot, made, synth, audio):
    before = made.state.current
    synth.gate.clear()
    made.maker.generate()
    qtbot.waitUntil(lambda: made.state.phase is Phase.GENERATING)
    assert made.state.generating
    made.maker.cancel()
    assert not made.state.generating
    synth.gate.set()
    qtbot.waitUntil(lambda: made.state.phase is Phase.READY)
    assert made.state.current is before
    assert audio.names().count("play") == 1


def test_progress_is_shown_while_the_sound_is_made(qtbot, session, synth):
    session.set_prompt("kick")
    shown = []
    session.stateChanged.connect(lambda state: shown.append(state.progress.step if state.progress else 0))
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current is not None)
    assert [step for step in dict.fromkeys(shown) if step] == list(range(1, 9))
    assert session.state.progress is None


def test_a_failure_of_the_model_is_a_sentence_with_one_remedy(qtbot, session, synth):
    session.set_prompt("kick")
    synth.failure = UserError("The words are too strange: choose others.")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert session.state.message.text == "The words are too strange: choose others."
    assert session.state.message.action == "generate"
    assert not session.state.generating


def test_too_little_memory_is_a_sentence_and_the_takes_stay_playable(qtbot, made, synth, audio):
    synth.failure = MemoryError()
    before = made.state
    made.maker.generate()
    qtbot.waitUntil(lambda: made.state.message is not None)
    assert made.state.message.text.startswith("There is not enough memory for this sound")
    assert made.state.takes is before.takes
    assert made.state.current is before.current
    assert made.state.phase is Phase.READY
    made.auditions.audition(made.state.takes[0])
    assert audio.names()[-1] == "play"


def test_a_recording_becomes_the_init_and_strength_decides_how_much_of_it_stays(qtbot, session, synth, audio):
    session.voice.toggle_record()
    assert session.state.recording
    session.voice.toggle_record()
    assert audio.names() == ["start_recording", "stop_recording"]
    audio.recorded.emit(tone(1.0, 3))
    assert not session.state.recording
    assert session.state.init.clip.seconds == 1.0
    session.set_strength(75)
    session.set_prompt("kick")
    session.set_seconds(0.5)
    session.maker.generate()
    wait_for_takes(qtbot, session, 1)
    request = synth.requests[0]
    np.testing.assert_array_equal(request.init.samples, tone(1.0, 3).samples[:22_050])
    assert request.init_noise == init_noise(75)


def test_an_init_longer_than_the_sound_is_cropped_with_a_note(qtbot, session, audio):
    audio.recorded.emit(tone(2.0, 3))
    session.set_prompt("kick")
    session.set_seconds(0.5)
    session.maker.generate()
    assert "first 0.50 s are used" in session.state.message.text
    assert not session.state.message.is_error
    wait_for_takes(qtbot, session, 1)


def test_a_silent_result_is_reported_and_not_passed_off_as_a_success(qtbot, session, synth, monkeypatch):
    def silence(seconds, seed):
        return Clip(np.zeros((round(seconds * 44_100), 2), np.float32))

    monkeypatch.setattr(doubles, "tone", silence)
    session.set_prompt("nothing")
    session.maker.generate()
    wait_for_takes(qtbot, session, 1)
    assert "silent" in session.state.message.text
