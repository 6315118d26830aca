"""Eight variations of the current sound, as a person chooses among them."""

import numpy as np
import pytest

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import UserError


@pytest.fixture
def eight(qtbot, made, synth):
    """A session with eight variations at 25 %."""
    made.variations.set_distance(25)
    made.variations.make()
    qtbot.waitUntil(lambda: all(variation.clip for variation in made.state.variations))
    return made


def test_eight_sounds_at_the_distance_from_the_current_one_are_made_in_one_order(eight, synth):
    first, *others = synth.requests
    assert len(others) == len(eight.state.variations) == 8
    assert {(request.prompt, request.seed, request.steps, request.origin) for request in others} == {
        ("kick", first.seed, first.steps, "variation")
    }
    assert {request.walk[0][1] for request in others} == {0.25}
    assert len({request.walk[0][0] for request in others}) == 8
    assert eight.state.variations_ms is None


def test_the_time_until_the_last_is_shown_and_falls(qtbot, made, synth):
    synth.gate.clear()
    shown = []
    made.stateChanged.connect(lambda state: shown.append(state.variations_ms))
    made.variations.make()
    assert made.state.variations_ms == 8 * made.state.estimate_ms
    synth.gate.set()
    qtbot.waitUntil(lambda: made.state.variations_ms is None)
    known = [ms for ms in shown if ms is not None]
    assert known == sorted(known, reverse=True)


def test_choosing_plays_keeps_once_and_is_what_the_next_eight_start_from(qtbot, eight, synth, audio):
    plays = audio.names().count("play")
    eight.variations.choose(3)
    eight.variations.choose(3)
    qtbot.waitUntil(lambda: len(eight.state.takes) == 2)
    assert audio.armed is eight.state.variations[3].clip is eight.state.current.clip
    assert audio.names().count("play") == plays + 2
    np.testing.assert_allclose(read_clip(eight.state.current_path).samples, audio.armed.samples, atol=2**-22)
    chosen = eight.state.current.request
    eight.variations.make()
    qtbot.waitUntil(lambda: len(synth.requests) == 17)
    assert all(request.walk[:1] == chosen.walk and len(request.walk) == 2 for request in synth.requests[9:])
    assert len(eight.state.takes) == 2


def test_a_choice_that_is_undone_shows_the_one_of_before(eight):
    first = eight.state.current.clip
    eight.variations.choose(2)
    eight.history.undo()
    assert (eight.state.current.clip, eight.state.chosen_variation) == (first, None)
    eight.history.redo()
    assert eight.state.current.clip is eight.state.variations[2].clip
    assert eight.state.chosen_variation == 2


def test_variations_that_were_put_away_or_replaced_come_back_with_the_chosen_one(qtbot, eight, synth):
    eight.variations.choose(4)
    before = eight.state.variations
    eight.variations.clear()
    assert eight.state.variations == ()
    assert eight.state.undo_label == "put variations away"
    eight.history.undo()
    assert (eight.state.variations, eight.state.chosen_variation) == (before, 4)
    eight.variations.make()
    qtbot.waitUntil(lambda: all(variation.clip for variation in eight.state.variations))
    after = eight.state.variations
    eight.history.undo()
    assert (eight.state.variations, eight.state.chosen_variation) == (before, 4)
    eight.history.undo()
    assert (eight.state.variations, eight.state.chosen_variation) == (before, None)
    eight.history.redo()
    eight.history.redo()
    assert eight.state.variations == after
    assert len(synth.requests) == 17  # nothing was made twice
    eight.variations.choose(0)
    assert eight.state.current.clip is after[0].clip


def test_variations_that_are_undone_while_they_are_made_stop_and_the_missing_are_made_when_redone(qtbot, made, synth):
    synth.gate.clear()
    made.variations.make()
    walks = [variation.request.walk for variation in made.state.variations]
    assert synth.step_begun.acquire(timeout=5)
    made.history.undo()
    assert (made.state.variations, made.state.variations_ms) == ((), None)
    made.history.redo()
    synth.gate.set()
    qtbot.waitUntil(lambda: len(made.state.variations) == 8 and all(each.clip for each in made.state.variations))
    assert [variation.request.walk for variation in made.state.variations] == walks


def test_one_that_is_not_there_is_not_chosen(eight, audio):
    calls = len(audio.calls)
    eight.variations.choose(8)
    assert eight.state.chosen_variation is None
    assert audio.calls[calls:] == []


def test_without_a_sound_there_is_nothing_to_vary(session, synth):
    session.variations.make()
    assert "no sound to vary" in session.state.message.text
    assert synth.requests == []


def test_a_take_from_disk_varies_too(qtbot, made, synth):
    take = made.state.takes[0]
    made.set_prompt("flute")
    made.maker.generate()
    qtbot.waitUntil(lambda: len(made.state.takes) == 2)
    made.auditions.audition(take)
    qtbot.waitUntil(lambda: made.state.current_path == take.path)
    made.variations.make()
    qtbot.waitUntil(lambda: len(synth.requests) == 10)
    assert {(request.prompt, request.seed) for request in synth.requests[2:]} == {("kick", take.seed)}


def test_those_that_fail_or_are_cancelled_are_gone_and_the_others_can_be_chosen(qtbot, made, synth):
    synth.bad_ids = {request.id + 3 for request in synth.requests}
    made.variations.make()
    qtbot.waitUntil(lambda: made.state.message is not None and all(v.clip for v in made.state.variations))
    assert len(made.state.variations) == 7
    made.variations.choose(6)
    assert made.state.current.clip is made.state.variations[6].clip
    made.variations.choose(7)
    assert made.state.chosen_variation == 6
    synth.failure = UserError("no")
    made.variations.clear()
    assert made.state.variations == ()


def test_a_variation_whose_settings_are_restored_is_made_again_and_a_new_seed_leaves_it(qtbot, made, synth):
    made.variations.make()
    qtbot.waitUntil(lambda: all(variation.clip for variation in made.state.variations))
    made.variations.choose(2)
    qtbot.waitUntil(lambda: made.state.current.take is not None and len(made.state.takes) == 2)
    walk = made.state.current.take.walk
    assert len(walk) == 1
    made.restore_current()
    made.maker.generate()
    qtbot.waitUntil(lambda: len(made.state.takes) == 3)
    assert (synth.requests[-1].seed, synth.requests[-1].walk) == (made.state.takes[1].seed, walk)
    made.new_seed()
    made.maker.generate()
    qtbot.waitUntil(lambda: len(made.state.takes) == 4)
    assert synth.requests[-1].walk == ()
    for _ in range(2):
        made.history.undo()  # the sound, the seed
    assert made.state.walk == walk
