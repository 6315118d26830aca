"""Fresh notes: sounds rendered ahead, one a hit, as the audio process asks for them."""

from dataclasses import replace

import pytest

from arc_instrument.domain import EVERY_VELOCITY, POOL_CLIPS, Clip, HitEvent, SoundFacts
from arc_instrument.session import pool, state
from arc_instrument.session.pool import LAYER_SIZE, SIZE


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
    assert [call[4] for call in stocked(audio)] == [request.id for request in ahead]
    assert {call[5] for call in stocked(audio)} == {EVERY_VELOCITY}
    assert len(fresh.state.takes) == 1


def test_a_hit_takes_one_shows_it_keeps_it_and_another_is_made(qtbot, fresh, synth, audio):
    number = synth.requests[1].id
    arms, current = audio.names().count("arm"), fresh.state.current
    audio.clipHit.emit(HitEvent(0, number, SIZE - 1))
    assert fresh.state.heard.request.id == number
    assert fresh.state.current.clip is current.clip  # what is seen does not change under the hands
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


def test_a_hit_that_is_told_after_the_pool_was_emptied_is_a_take_too(qtbot, fresh, synth, audio):
    number = synth.requests[1].id
    sound = fresh.state.current
    fresh.set_prompt("snare")
    audio.clipHit.emit(HitEvent(0, number, SIZE - 1))  # on its way while the pool was emptied
    qtbot.waitUntil(lambda: len(fresh.state.takes) == 2)
    assert fresh.state.takes[0].settings["walk"] == [list(leg) for leg in synth.requests[1].walk]
    assert fresh.state.current.clip is sound.clip
    audio.clipHit.emit(HitEvent(0, number, 0))
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    assert len(fresh.state.takes) == 2


def test_another_key_empties_the_pool_and_fills_it_anew(qtbot, fresh, synth):
    fresh.tempo.set_key("A minor")
    assert fresh.state.stocked == 0
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE)
    assert {request.settings.get("key") for request in synth.requests[-SIZE:]} == {"A minor"}


def test_a_sound_that_is_asked_for_goes_first_and_the_pool_follows_it(qtbot, fresh, synth, audio):
    synth.gate.clear()
    fresh.set_prompt("bell")
    qtbot.waitUntil(lambda: synth.requests[-1].prompt == "bell")
    fresh.maker.generate()
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


def test_with_a_recording_the_pool_holds_three_strengths_and_soft_hits_are_given_what_keeps_more_of_it(
    qtbot, fresh, synth, audio
):
    fresh._set_init("beat", Clip(made_noise()))
    fresh.pool.set_velocity_drives("strength")
    qtbot.waitUntil(lambda: fresh.state.stocked == 3 * LAYER_SIZE)
    noise_of = {request.id: request.init_noise for request in synth.requests}
    noises = {}  # by velocities
    for call in stocked(audio)[-3 * LAYER_SIZE :]:
        noises.setdefault(call[5], []).append(noise_of[call[4]])
    kept = state.strength_percent(noises[(48, 95)][0])
    assert kept == fresh.state.strength_percent
    assert noises == {
        (1, 47): [state.init_noise(kept + 25)] * LAYER_SIZE,
        (48, 95): [state.init_noise(kept)] * LAYER_SIZE,
        (96, 127): [state.init_noise(kept - 25)] * LAYER_SIZE,
    }


def test_the_layer_that_was_hit_is_filled_again(qtbot, fresh, synth, audio):
    fresh.pool.set_velocity_drives("distance")
    qtbot.waitUntil(lambda: fresh.state.stocked == 3 * LAYER_SIZE)
    legs = {call[4]: call[5] for call in stocked(audio)[-3 * LAYER_SIZE :]}
    hard = next(number for number, velocities in legs.items() if velocities == (96, 127))
    audio.clipHit.emit(HitEvent(0, hard, 3 * LAYER_SIZE - 1))
    qtbot.waitUntil(lambda: fresh.state.stocked == 3 * LAYER_SIZE)
    assert stocked(audio)[-1][5] == (96, 127)
    (_, distance), usual = synth.requests[-1].walk[-1], fresh.state.distance_percent / 100
    assert distance == 2 * usual


def test_what_velocity_changes_is_undone(fresh):
    fresh.pool.next_velocity_drive()
    assert fresh.state.velocity_drives == "strength"
    assert "how much of the recording stays" in fresh.state.message.text
    fresh.history.undo()
    assert fresh.state.velocity_drives == ""


def test_a_fresh_note_has_its_own_root_and_one_without_a_pitch_that_of_the_sound_it_varies(
    qtbot, made, audio, synth, monkeypatch
):
    qtbot.waitUntil(lambda: made.state.current.take is not None)
    heard = iter([57.25, None, 61.5, None, None, None])
    monkeypatch.setattr(pool, "root_note_of", lambda clip: next(heard))
    facts = SoundFacts(root_note=50.0)
    made.update(current=replace(made.state.current, take=replace(made.state.current.take, facts=facts)))
    made.pool._settled.setInterval(0)
    made.toggle_fresh()
    qtbot.waitUntil(lambda: made.state.stocked == SIZE)
    assert [call[2] for call in stocked(audio)] == [57.25, 50.0, 61.5, 50.0, 50.0, 50.0]
    audio.clipHit.emit(HitEvent(0, stocked(audio)[2][4], SIZE - 1))
    assert made.state.heard.root_note == 61.5


def test_a_root_that_is_known_later_reaches_the_notes_without_a_pitch_in_the_pool(qtbot, made, audio, monkeypatch):
    monkeypatch.setattr(pool, "root_note_of", lambda clip: None)
    made.pool._settled.setInterval(0)
    made.toggle_fresh()
    qtbot.waitUntil(lambda: made.state.stocked == SIZE and made.state.current.take is not None)
    audio.calls.clear()
    made.player.tell_take(replace(made.state.current.take, facts=SoundFacts(root_note=43.5)))
    assert [call[2] for call in stocked(audio)] == [43.5] * SIZE


def made_noise():
    from doubles import tone

    return tone(0.3, 1).samples


def test_the_pool_fits_into_that_of_the_audio_process():
    assert max(SIZE, 3 * LAYER_SIZE) <= POOL_CLIPS


def hit(session, synth, audio, number: int):
    """Sound the fresh note that was ordered as that `number`, from 1; returns its request."""
    request = synth.requests[number]
    audio.clipHit.emit(HitEvent(0, request.id, session.state.stocked - 1))
    return request


def test_the_one_heard_last_is_kept_with_one_press_and_the_next_ones_are_near_it(qtbot, fresh, synth, audio):
    before = fresh.state.current
    assert not fresh.controls.run("keep_heard")
    hit(fresh, synth, audio, 1)
    kept = hit(fresh, synth, audio, 2)
    qtbot.waitUntil(lambda: len(fresh.state.takes) == 3 and fresh.state.stocked == SIZE)
    assert fresh.state.current_path == before.take.path
    assert fresh.controls.run("keep_heard")
    sound = fresh.state.current
    assert (sound.request, sound.take.settings["walk"]) == (kept, [list(leg) for leg in kept.walk])
    assert audio.armed is sound.clip
    assert fresh.state.heard is None
    made = len(synth.requests)
    qtbot.waitUntil(lambda: fresh.state.stocked == SIZE and len(synth.requests) >= made + SIZE)
    assert {request.walk[:-1] for request in synth.requests[-SIZE:]} == {kept.walk}
    fresh.history.undo()
    assert (fresh.state.current.clip, fresh.state.heard.clip) == (before.clip, sound.clip)
    fresh.history.redo()
    assert (fresh.state.current.clip, fresh.state.heard) == (sound.clip, None)


def test_another_sound_that_is_chosen_is_what_was_heard_last_and_there_is_nothing_to_keep(qtbot, fresh, synth, audio):
    hit(fresh, synth, audio, 1)
    fresh.set_prompt("bell")
    assert fresh.state.heard is not None  # words alone are not heard
    fresh.maker.generate()
    qtbot.waitUntil(lambda: fresh.state.current.prompt == "bell")
    assert fresh.state.heard is None


def test_switched_off_the_keys_play_what_is_shown_and_not_the_last_fresh_note(fresh, synth, audio):
    hit(fresh, synth, audio, 1)
    audio.armed = None
    fresh.toggle_fresh()
    assert audio.armed is fresh.state.current.clip
