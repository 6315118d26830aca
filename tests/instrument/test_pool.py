"""Fresh notes: sounds rendered ahead, one a hit, as the audio process asks for them."""

import pytest

from arc_instrument.domain import Clip, HitEvent, NoteEvent
from arc_instrument.session import pool
from arc_instrument.session.pool import SIZE


@pytest.fixture
def fresh(qtbot, made, monkeypatch):
    """A session in fresh mode with a full pool."""
    made.pool._settled.setInterval(0)
    made.toggle_fresh()
    qtbot.waitUntil(lambda: made.state.stocked == SIZE)
    return made


def stocked(audio) -> list[tuple]:
    return [call for call in audio.calls if call[0] == "stock"]


def test_variations_of_the_current_sound_are_rendered_ahead_and_none_is_a_take_yet(fresh, synth, audio):
    first, *ahead = synth.requests
    assert {(request.origin, request.prompt, request.seed) for request in ahead} == {("fresh", "kick", first.seed)}
    assert len({request.walk for request in ahead}) == SIZE
    assert [call[-1] for call in stocked(audio)] == [request.id for request in ahead]
    assert len(fresh.state.takes) == 1


def test_a_hit_takes_one_shows_it_keeps_it_and_another_is_made(qtbot, fresh, synth, audio):
    number = synth.requests[1].id
    arms = audio.names().count("arm")
    audio.clipHit.emit(HitEvent(0, number, SIZE - 1))
    assert fresh.state.current.request.id == number
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE and len(fresh.state.takes) == 2)
    assert len(synth.requests) == 1 + SIZE + 1
    assert len(synth.requests[-1].walk) == 1  # near the sound it began with, not near the hit
    assert audio.names().count("arm") == arms  # arming would empty the pool
    audio.clipHit.emit(HitEvent(0, number, 0))
    assert len(fresh.state.takes) == 2


def test_what_arms_the_keys_meanwhile_does_not_cost_the_pool_its_sounds(fresh, audio):
    waiting = [call for call in audio.calls if call[0] == "stock"]
    assert fresh.player.audition(fresh.state.current.clip)
    last_arm = max(i for i, call in enumerate(audio.calls) if call[0] == "arm")
    assert [call for call in audio.calls[last_arm:] if call[0] == "stock"] == waiting


def test_another_prompt_empties_the_pool_and_fills_it_anew(qtbot, fresh, synth, audio):
    fresh.set_prompt("snare")
    assert fresh.state.stocked == 0
    assert audio.names()[-1] == "clear_stock"
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    assert {request.prompt for request in synth.requests[-SIZE:]} == {"snare"}


def test_a_sound_that_is_asked_for_goes_first_and_the_pool_follows_it(qtbot, fresh, synth, audio):
    synth.gate.clear()
    fresh.set_prompt("bell")
    qtbot.waitUntil(lambda: synth.requests[-1].prompt == "bell")
    fresh.generate()
    synth.gate.set()
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    assert [request.origin for request in synth.requests[-SIZE - 1 :]] == ["user", *["fresh"] * SIZE]
    assert {request.seed for request in synth.requests[-SIZE:]} == {fresh.state.current.seed}


def test_switched_off_it_makes_nothing_more(qtbot, fresh, synth, audio):
    fresh.toggle_fresh()
    assert fresh.state.stocked == 0
    made = len(synth.requests)
    fresh.set_prompt("snare")
    qtbot.wait(20)
    assert len(synth.requests) == made


def test_a_prompt_that_cannot_be_made_is_said_once(qtbot, fresh):
    said = []
    fresh.stateChanged.connect(lambda state: state.message and said.append(state.message.text))
    fresh.set_prompt("x" * 3_000)
    qtbot.waitUntil(lambda: bool(said))
    fresh.dismiss_message()
    count = len(said)
    fresh.player.shift_octave(1)
    assert len(said) == count


def test_with_a_recording_the_pool_holds_three_strengths_and_a_soft_hit_keeps_more_of_it(qtbot, fresh, synth, audio):
    fresh._set_init("beat", Clip(made_noise()))
    fresh.pool.set_velocity_drives("strength")
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    ahead = synth.requests[-SIZE:]
    levels = sorted({request.init_noise for request in ahead})
    assert len(levels) == 3
    audio.noteReceived.emit(NoteEvent(60, 10, "nanoKEY"))
    audio.clipHit.emit(HitEvent(0, ahead[0].id, SIZE - 1))
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    assert synth.requests[-1].init_noise == levels[0]
    audio.noteReceived.emit(NoteEvent(60, 127, "nanoKEY"))
    audio.clipHit.emit(HitEvent(0, ahead[1].id, SIZE - 1))
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    assert synth.requests[-1].init_noise == levels[-1]


def made_noise():
    from doubles import tone

    return tone(0.3, 1).samples


def test_the_pool_fits_into_that_of_the_audio_process():
    assert pool.SIZE <= 16


def test_that_velocity_drives_strength_is_an_action_that_is_undone(session):
    assert session.controls.run("velocity_strength")
    assert session.state.velocity_drives == "strength"
    session.history.undo()
    assert session.state.velocity_drives == ""
