"""MIDI learn as a person meets it: arm a target, move a control, and from then on that control drives it."""

import pytest

from arc_instrument import settings
from arc_instrument.actions import ACTIONS
from arc_instrument.domain import OWN_MIDI_PORT, ControlEvent, NoteEvent, ProgramEvent
from arc_instrument.midi_bindings import Binding, Trigger
from arc_instrument.parameters import PARAMETERS
from arc_instrument.settings import MidiBindingSettings, Settings

KNOB = Trigger("nano", "controller", 21, 1)


@pytest.fixture
def midi(qtbot, session, audio):
    """Moves a controller, and waits until what it set is written."""

    def move(value, controller=21, channel=1, source="nano"):
        audio.controlReceived.emit(ControlEvent(channel, controller, value, source))
        qtbot.waitUntil(lambda: not session.controls._writing.isActive())

    return move


def test_a_knob_learns_a_parameter_and_says_so(session, midi):
    session.midi_map.learn("param/strength")
    assert session.state.learning == "param/strength"
    midi(50)
    assert session.state.bindings == (Binding(KNOB, "param/strength"),)
    assert session.state.learning == ""
    assert session.state.message.text == "Strength is driven by CC 21 channel 1 of nano now."
    assert session.state.strength_percent == 40  # learning moves nothing


def test_a_learned_knob_waits_until_it_passes_the_value(session, midi):
    session.midi_map.learn("param/strength")
    for value, wanted in ((0, 40), (20, 40), (45, 40), (70, 55), (127, 100), (0, 0)):
        midi(value)
        assert session.state.strength_percent == wanted
    session.set_strength(60)
    midi(2)
    assert session.state.strength_percent == 60
    midi(80)
    assert session.state.strength_percent == 63


def test_an_endless_encoder_moves_the_value_from_where_it_is(session, midi):
    session.midi_map.learn("param/steps")
    midi(1)
    session.midi_map.set_relative(KNOB, True)
    for value, wanted in ((1, 9), (1, 10), (127, 9), (126, 7), (63, 16), (64, 1)):
        midi(value)
        assert session.state.steps == wanted


def test_a_button_runs_its_action_once_a_press(session, midi, audio):
    session.midi_map.learn("lock_seed")
    midi(30)
    assert session.state.learning  # too soft to mean it
    midi(127)
    assert not session.state.seed_locked  # the press that taught it does nothing else
    midi(127)
    midi(0)
    assert not session.state.seed_locked
    midi(64)
    midi(127)
    assert session.state.seed_locked


def test_a_note_and_a_program_may_run_actions_but_never_turn_a_parameter(session, midi, audio):
    session.midi_map.learn("param/steps")
    audio.noteReceived.emit(NoteEvent(36, 100, "pads"))
    audio.programReceived.emit(ProgramEvent(1, 5, "pads"))
    assert session.state.learning == "param/steps"
    session.midi_map.learn("lock_seed")
    audio.noteReceived.emit(NoteEvent(36, 100, "pads"))
    audio.noteReceived.emit(NoteEvent(36, 0, "pads"))
    audio.noteReceived.emit(NoteEvent(36, 1, "pads"))
    assert session.state.seed_locked
    session.midi_map.learn("toggle_fresh")
    audio.programReceived.emit(ProgramEvent(1, 5, "pads"))
    audio.programReceived.emit(ProgramEvent(1, 5, "pads"))
    assert session.state.fresh


def test_escape_cancels_learning_and_the_next_control_is_not_learned(session, midi):
    session.midi_map.learn("generate")
    session.midi_map.cancel_learn()
    midi(127)
    assert (session.state.learning, session.state.bindings, session.state.message) == ("", (), None)


def test_all_notes_off_is_never_learned(session, midi):
    session.midi_map.learn("param/steps")
    for controller in range(120, 128):
        midi(127, controller)
    assert session.state.learning


def test_the_same_controller_of_another_channel_or_device_is_another_control(session, midi):
    session.midi_map.learn("toggle_fresh")
    midi(127)
    midi(0)
    midi(127, channel=2)
    midi(127, source="other")
    assert not session.state.fresh


def test_a_program_that_comes_by_our_port_or_by_its_own_is_one_control(session, midi):
    session.midi_map.learn("toggle_fresh")
    midi(127, source=OWN_MIDI_PORT)
    midi(0, source="sequencer:out")
    midi(127, source="sequencer:out")
    assert session.state.fresh
    session.midi_map.learn("lock_seed")
    midi(127, source="sequencer:out")
    midi(0, source=OWN_MIDI_PORT)
    midi(127, source=OWN_MIDI_PORT)  # learned for the first of both
    assert not session.state.fresh
    midi(0, source="sequencer:out")
    midi(127, source="sequencer:out")
    assert session.state.seed_locked


def test_what_is_unlearned_drives_nothing(session, midi):
    for target in ("toggle_fresh", "lock_seed"):
        session.midi_map.learn(target)
        midi(127, 30 + len(session.state.bindings))
    session.midi_map.unlearn(session.state.bindings[0].trigger)
    session.midi_map.unlearn_target("lock_seed")
    assert session.state.bindings == ()
    for controller in (30, 31):
        midi(0, controller)
        midi(127, controller)
    assert not session.state.fresh
    assert not session.state.seed_locked


def test_a_knob_that_floods_is_obeyed_without_a_rendering_for_each_value(qtbot, session, audio):
    session.midi_map.learn("param/strength")
    audio.controlReceived.emit(ControlEvent(1, 21, 51, "nano"))
    drawn = []
    session.stateChanged.connect(drawn.append)
    for count in range(10_000):
        audio.controlReceived.emit(ControlEvent(1, 21, 51 + count % 50, "nano"))
    qtbot.waitUntil(lambda: session.state.strength_percent == round(100 * 100 / 127))
    assert len(drawn) <= 3


def test_every_action_that_one_press_can_do_and_every_parameter_can_be_learned(session):
    targets = [action.id for action in ACTIONS if action.runnable] + [f"param/{each.id}" for each in PARAMETERS]
    for target in targets:
        session.midi_map.learn(target)
        assert session.state.learning == target
    for target in ("typed_notes", "param/volume", "nothing", ""):
        with pytest.raises(ValueError, match="neither"):
            session.midi_map.learn(target)


def test_an_action_of_the_window_is_handed_to_the_window(qtbot, session):
    with qtbot.waitSignal(session.controls.windowActionRequested) as asked:
        assert session.controls.run("shortcuts")
    assert asked.args == ["shortcuts"]


def test_an_action_that_has_nothing_to_work_on_is_not_run(session):
    assert not session.controls.run("clear_init")
    assert not session.controls.run("typed_notes")


def test_learned_controls_are_kept_in_the_settings_file_also_those_of_a_newer_version(tmp_path, session, audio):
    kept = [
        MidiBindingSettings.of(Binding(KNOB, "param/strength", True)),
        MidiBindingSettings.of(Binding(Trigger("pads", "note", 36), "not_known_yet")),
    ]
    for midi_controls in (kept, kept[:1], []):
        settings.save(Settings(midi_controls=midi_controls), tmp_path / "settings.toml")
        assert settings.load(tmp_path / "settings.toml").midi_controls == midi_controls
    session.update(bindings=tuple(each.binding() for each in kept))
    audio.noteReceived.emit(NoteEvent(36, 100, "pads"))  # an unknown target does nothing
    session.midi_map.learn("generate")
    audio.controlReceived.emit(ControlEvent(2, 9, 127, "nano"))
    assert [each.target for each in session.state.bindings] == ["param/strength", "not_known_yet", "generate"]


def test_what_was_turned_counts_for_the_sound_that_is_ordered_next(session, synth, qtbot):
    session.set_prompt("bell")
    session.controls.set_value("steps", 4)
    session.controls.set_value("steps", 2)  # waits for its turn
    session.controls.run("generate")
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    assert synth.requests[-1].steps == 2


def silenced(audio):
    return [call[1] for call in audio.calls if call[0] == "silence_notes"]


def test_a_note_that_was_learned_makes_no_sound_until_that_is_undone_or_forgotten(session, audio):
    session.midi_map.learn("lock_seed")
    audio.noteReceived.emit(NoteEvent(36, 100, "pads"))
    assert silenced(audio) == [(("pads", 36),)]
    session.history.undo()
    session.history.redo()
    session.midi_map.unlearn_target("lock_seed")
    assert silenced(audio)[1:] == [(), (("pads", 36),), ()]
    session.midi_map.learn("generate")
    audio.controlReceived.emit(ControlEvent(1, 9, 127, "nano"))
    assert len(silenced(audio)) == 4  # a controller sounds nothing anyway


def test_learning_forgetting_and_the_kind_of_a_knob_are_each_undone_and_redone(session, midi):
    states = [session.state.bindings]
    session.midi_map.learn("param/strength")
    midi(50)
    states.append(session.state.bindings)
    session.midi_map.set_relative(KNOB, True)
    states.append(session.state.bindings)
    session.midi_map.learn("param/steps")
    midi(50)  # the same knob: it drives one thing
    states.append(session.state.bindings)
    session.midi_map.unlearn(KNOB)
    states.append(session.state.bindings)
    assert [len(each) for each in states] == [0, 1, 1, 1, 0]
    for wanted in reversed(states[:-1]):
        session.history.undo()
        assert session.state.bindings == wanted
    for wanted in states[1:]:
        session.history.redo()
        assert session.state.bindings == wanted


def test_a_silent_note_lights_no_key_and_starts_no_fresh_sound(session, audio, qtbot):
    before = session.live._last_note
    with qtbot.waitSignal(session.player.notePlayed) as told:
        audio.noteReceived.emit(NoteEvent(36, 99, "pads", None))
    assert told.args[0].part is None
    assert session.live._last_note == before
