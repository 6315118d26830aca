"""The controls: held to what is possible, brought back from a take, kept as settings."""

from dataclasses import replace


def test_the_length_is_held_to_what_the_loaded_model_makes(session):
    session.set_seconds(99)
    assert session.state.seconds == session.state.max_seconds == 4.0


def test_restore_brings_back_what_made_the_take(qtbot, made):
    take = made.state.takes[0]
    made.set_prompt("something else")
    made.set_steps(1)
    made.set_seconds(2)
    made.restore(take)
    state = made.state
    assert (state.prompt, state.steps, state.seconds, state.seed) == ("kick", take.steps, 0.3, take.seed)
    assert state.seed_locked


def test_controls_are_kept_as_settings(session):
    session.set_prompt("kick")
    session.set_seed(9)
    session.set_strength(10)
    kept = session.sound_settings()
    assert (kept.prompt, kept.seed, kept.seed_locked, kept.strength_percent) == ("kick", 9, True, 10)


def test_a_take_that_brings_its_tempo_back_changes_what_the_settings_file_keeps_and_so_does_undoing_it(session, made):
    take = replace(made.state.takes[0], settings={"bpm": 87.0, "bars": 1})
    kept = []
    session.settingsChanged.connect(lambda: kept.append(session.voice.settings().metronome_bpm))
    session.restore(take)
    session.history.undo()
    session.history.redo()
    assert kept == [87.0, 120.0, 87.0]
    session.set_prompt("the settings file keeps no words")
    assert len(kept) == 3
