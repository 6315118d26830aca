"""Live: what a person hears and what is kept while the controls change."""

import pytest

from arc_instrument.domain import Phase


@pytest.fixture
def live(session):
    """A session that follows its controls, quick enough for a test."""
    session.set_seconds(0.2)
    session.live._changed.setInterval(10)
    session.live._rest.setInterval(60_000)
    session.live.toggle()
    return session


def steps_of(synth) -> list[tuple[str, int]]:
    return [(request.prompt, request.steps) for request in synth.requests]


def test_a_draft_plays_at_once_and_the_whole_sound_takes_its_place_for_the_next_hit(qtbot, live, synth, audio):
    drafts = []
    live.stateChanged.connect(lambda state: drafts.append(state.is_draft))
    live.set_prompt("kick")
    qtbot.waitUntil(lambda: live.state.current is not None and not live.state.is_draft)
    assert steps_of(synth) == [("kick", 1), ("kick", 8)]
    assert len({request.seed for request in synth.requests}) == 1
    assert True in drafts
    assert audio.names() == ["arm", "play", "arm"]
    assert live.state.takes == ()


def test_of_what_is_typed_quickly_only_the_last_is_made(qtbot, live, synth):
    for end in range(1, 5):
        live.set_prompt("kick"[:end])
    qtbot.waitUntil(lambda: live.state.current is not None and not live.state.is_draft)
    assert steps_of(synth) == [("kick", 1), ("kick", 8)]


def test_a_change_while_a_sound_is_refined_ends_it_between_two_steps(qtbot, live, synth, audio):
    hold = live.stateChanged.connect(lambda state: synth.gate.clear() if state.is_draft else None)
    live.set_prompt("kick")
    qtbot.waitUntil(lambda: bool(synth.requests) and synth.requests[-1].steps == 8)
    live.stateChanged.disconnect(hold)
    live.set_prompt("flute")
    qtbot.waitUntil(lambda: not live.live._changed.isActive())
    synth.gate.set()
    qtbot.waitUntil(lambda: live.state.current.prompt == "flute" and not live.state.is_draft)
    assert steps_of(synth) == [("kick", 1), ("kick", 8), ("flute", 1), ("flute", 8)]
    assert audio.names().count("arm") == 3


def test_bars_tempo_and_key_make_the_sound_anew_and_a_tempo_without_bars_does_not(qtbot, live, synth):
    live.set_prompt("kick")
    live.tempo.set_key("A minor")
    qtbot.waitUntil(lambda: live.state.current is not None and not live.state.is_draft)
    live.tempo.set_bpm(150)
    assert not live.live._changed.isActive()
    live.tempo.set_bars(1)
    qtbot.waitUntil(lambda: synth.requests[-1].settings.get("bars") == 1 and not live.state.is_draft)
    live.tempo.set_bpm(200)
    qtbot.waitUntil(lambda: synth.requests[-1].settings.get("bpm") == 200)


def test_what_is_played_or_rested_on_is_kept_once_and_nothing_else(qtbot, live, synth):
    for prompt in ("kick", "snare"):
        live.set_prompt(prompt)
        qtbot.waitUntil(lambda prompt=prompt: live.state.current is not None and live.state.current.prompt == prompt)
        qtbot.waitUntil(lambda: not live.state.is_draft)
    live.player.note_on(60)
    live.player.note_on(60)
    qtbot.waitUntil(lambda: len(live.state.takes) == 1)
    assert (live.state.takes[0].prompt, live.state.takes[0].steps) == ("snare", 8)
    live.live._rest.setInterval(10)
    live.set_prompt("bell")
    qtbot.waitUntil(lambda: len(live.state.takes) == 2)
    assert live.state.current.take is live.state.takes[0]
    assert live.state.takes[0].prompt == "bell"


def test_while_a_person_plays_a_draft_waits_for_their_next_hit(qtbot, live, audio):
    live.player.note_on(60)
    live.set_prompt("kick")
    qtbot.waitUntil(lambda: live.state.current is not None and not live.state.is_draft)
    assert "play" not in audio.names()


def test_a_sound_that_is_asked_for_plainly_is_made_once(qtbot, live, synth):
    live.set_prompt("kick")
    live.maker.generate()
    qtbot.waitUntil(lambda: len(live.state.takes) == 1)
    qtbot.wait(30)
    assert [request.origin for request in synth.requests] == ["user"]


def test_what_is_typed_while_the_model_is_loaded_is_made_once_it_is_ready(qtbot, live, synth):
    live.update(phase=Phase.LOADING)
    live.set_prompt("kick")
    qtbot.waitUntil(lambda: live.live._awaits_model)
    assert synth.requests == []
    live.update(phase=Phase.READY)
    qtbot.waitUntil(lambda: live.state.current is not None and not live.state.is_draft)
    assert steps_of(synth) == [("kick", 1), ("kick", 8)]


def test_one_step_is_no_draft(qtbot, live, synth):
    live.set_steps(1)
    live.set_prompt("kick")
    qtbot.waitUntil(lambda: live.state.current is not None)
    qtbot.wait(30)
    assert steps_of(synth) == [("kick", 1)]
    assert not live.state.is_draft


def test_switched_off_nothing_follows_and_what_was_stopped_at_is_kept(qtbot, live, synth):
    live.set_prompt("kick")
    qtbot.waitUntil(lambda: live.state.current is not None and not live.state.is_draft)
    live.live.toggle()
    qtbot.waitUntil(lambda: len(live.state.takes) == 1)
    live.history.undo()
    assert live.state.live
    live.history.redo()
    live.set_prompt("snare")
    qtbot.wait(30)
    assert len(synth.requests) == 2
