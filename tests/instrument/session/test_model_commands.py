"""Choosing the model that makes the sounds: what goes on meanwhile, and what happens if it cannot be loaded."""

from doubles import LONG, ToneSynth
from waiting import wait_for_takes

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import Phase, UserError
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.session import Session
from arc_instrument.settings import SoundSettings


def switched(qtbot, session, model):
    """Choose a model and wait until it, or the one before it, is ready."""
    before = session.state.model
    session.model.choose(model)
    qtbot.waitUntil(lambda: session.state.model is not before and session.state.phase is Phase.READY)


def test_weights_that_cannot_be_loaded_are_a_sentence_whose_remedy_loads_them_again(qtbot, synth, audio, home):
    damage = [UserError("The weights are damaged: fetch them again.")]

    def load(*_):
        if damage:
            raise damage.pop()
        return synth

    service = GenerationService(load)
    session = Session(service, audio, Library(home / "takes"), read_clip)
    session.set_prompt("kick")
    session.set_seconds(0.2)
    session.maker.generate()
    service.start()
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert session.state.message.text == "The weights are damaged: fetch them again."
    assert session.state.message.action == "retry_model"
    assert not session.state.generating
    session.dismiss_message()
    session.maker.generate()
    assert session.state.message.text == "The weights are damaged: fetch them again."
    session.model.load_again()
    qtbot.waitUntil(lambda: session.state.phase is Phase.READY)
    session.maker.generate()
    wait_for_takes(qtbot, session, 1)
    assert service.shutdown()
    session.shutdown()


def test_another_model_makes_the_next_sound_while_the_current_one_plays_on(qtbot, made, synths, audio, models):
    synths[LONG.path] = ToneSynth("long", 9.0)
    models.append(LONG)
    before, calls = made.state.current, len(audio.calls)
    switched(qtbot, made, LONG)
    assert made.state.current is before
    assert audio.calls[calls:] == []  # nothing stopped it, and nothing started it again
    assert made.model.installed() == (tuple(models), LONG.path)
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    assert [take.model_name for take in made.state.takes] == ["long", "tone"]
    assert {take.weights_licence for take in made.state.takes} == {ToneSynth.licence}


def test_a_sound_ordered_while_a_model_loads_is_made_by_it(qtbot, made, synths):
    synths[LONG.path] = ToneSynth("long", 9.0)
    made.model.choose(LONG)
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    assert made.state.takes[0].model_name == "long"


def test_a_wish_for_a_longer_sound_survives_a_model_that_makes_only_shorter_ones(qtbot, session, synths, models):
    synths[LONG.path] = ToneSynth("long", 9.0)
    switched(qtbot, session, LONG)
    session.set_seconds(8.0)
    switched(qtbot, session, models[0])
    assert (session.state.seconds, session.state.max_seconds) == (4.0, 4.0)
    assert session.sound_settings().seconds == 8.0
    switched(qtbot, session, LONG)
    assert (session.state.seconds, session.state.max_seconds) == (8.0, 9.0)


def test_a_wish_for_a_longer_sound_survives_the_start(generation, audio, home):
    settings = SoundSettings(seconds=8.0)
    session = Session(generation, audio, Library(home / "takes"), read_clip, settings, max_seconds=4.0)
    assert session.state.seconds == 4.0
    assert session.sound_settings().seconds == 8.0
    session.shutdown()


def test_a_model_that_cannot_be_loaded_leaves_everything_as_it_was_and_says_why(qtbot, made, synths, audio):
    synths[LONG.path] = UserError("The weights are damaged: fetch them again.")
    before = made.state
    made.model.choose(LONG)
    qtbot.waitUntil(lambda: made.state.message is not None)
    assert made.state.message.text == "The weights are damaged: fetch them again. The model in use is tone again."
    assert made.model.chosen is None
    assert made.model.installed()[1] is None
    assert made.state.takes is before.takes
    assert made.state.current is before.current
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    assert made.state.takes[0].model_name == "tone"


def test_the_remedy_of_a_failed_switch_tries_once_more(qtbot, session, synths):
    synths[LONG.path] = UserError("The weights are damaged: fetch them again.")
    session.model.choose(LONG)
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert session.state.message.action == "retry_switch"
    synths[LONG.path] = ToneSynth("long", 9.0)
    session.model.retry()
    assert session.state.message is None
    qtbot.waitUntil(lambda: session.model.chosen is LONG)


def test_a_choice_is_kept_once_its_model_is_loaded(qtbot, session, synths, models):
    synths[LONG.path] = ToneSynth("long", 9.0)
    changes = []
    session.settingsChanged.connect(lambda: changes.append(session.model.chosen))
    switched(qtbot, session, LONG)
    assert session.model.chosen is LONG
    assert LONG in changes
    switched(qtbot, session, models[0])
    assert session.model.chosen is models[0]


def test_each_model_has_an_estimate_of_its_own(qtbot, made, synths, models):
    synths[LONG.path] = ToneSynth("long", 9.0)
    learned = made.state.estimate_ms
    assert learned is not None
    switched(qtbot, made, LONG)
    assert made.state.estimate_ms is None
    switched(qtbot, made, models[0])
    assert made.state.estimate_ms == learned


def test_the_estimate_grows_with_steps_and_length(made):
    at_eight = made.state.estimate_ms
    made.set_steps(16)
    at_sixteen = made.state.estimate_ms
    made.set_seconds(3)
    assert at_eight < at_sixteen < made.state.estimate_ms
