import shutil
from dataclasses import replace
from itertools import pairwise

import doubles
import numpy as np
import pytest
import soundfile
from doubles import LONG, RUNNING, ToneSynth, tone

from arc_instrument.audio.protocol import AudioState
from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import Clip, Phase, UserError
from arc_instrument.generation import GenerationService
from arc_instrument.library import Library
from arc_instrument.session import Session
from arc_instrument.session.state import init_noise, strength_percent
from arc_instrument.settings import SoundSettings


@pytest.fixture
def made(qtbot, session):
    """A session with one take, saved."""
    session.set_prompt("kick")
    session.set_seconds(0.3)
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    return session


def wait_for_takes(qtbot, session, count):
    qtbot.waitUntil(lambda: len(session.state.takes) == count)


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


def test_without_a_sound_card_nothing_seems_to_play(made, audio):
    made.player.toggle_play()
    audio.stateChanged.emit(AudioState(False, "No sound card found: takes are still saved."))
    made.player.play()
    assert not made.state.playing


def test_the_estimate_grows_with_steps_and_length(made):
    at_eight = made.state.estimate_ms
    made.set_steps(16)
    at_sixteen = made.state.estimate_ms
    made.set_seconds(3)
    assert at_eight < at_sixteen < made.state.estimate_ms


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


def test_the_length_is_held_to_what_the_loaded_model_makes(session):
    session.set_seconds(99)
    assert session.state.seconds == session.state.max_seconds == 4.0


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


def test_a_take_that_cannot_be_written_stays_playable_and_is_written_elsewhere(qtbot, session, audio, home, tmp_path):
    home.mkdir()
    (home / "takes").write_text("a file where the folder should be")
    session.set_prompt("kick")
    session.set_seconds(0.2)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "not saved" in session.state.message.text
    assert session.state.message.action == "choose_folder"
    assert session.state.current.take is None
    session.player.toggle_play()
    session.player.toggle_play()
    assert audio.names().count("play") == 2

    session.takes.set_folder(tmp_path / "elsewhere")
    wait_for_takes(qtbot, session, 1)
    assert session.state.current_path.is_relative_to(tmp_path / "elsewhere")
    assert session.state.current_path.stat().st_size > 0


def test_retry_writes_every_take_that_waits(qtbot, session, home):
    home.mkdir()
    (home / "takes").write_text("")
    session.set_prompt("kick")
    session.set_seconds(0.2)
    for _ in range(2):
        session.dismiss_message()
        session.maker.generate()
        qtbot.waitUntil(lambda: session.state.message is not None)
    (home / "takes").unlink()
    session.takes.retry()
    wait_for_takes(qtbot, session, 2)
    assert session.state.message is None


def test_a_take_that_never_found_its_folder_is_on_the_list_of_the_next_start(qtbot, generation, audio, home):
    home.mkdir()
    (home / "takes").write_text("a file, where the folder should be")
    refuge = Library(home / "refuge")
    session = Session(generation, audio, Library(home / "takes"), read_clip, refuge=refuge)
    generation.start()
    session.set_prompt("kick")
    session.set_seconds(0.2)
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.message is not None and "not saved" in session.state.message.text)
    session.shutdown()

    (home / "takes").unlink()
    after = Session(generation, audio, Library(home / "takes"), read_clip, refuge=refuge)
    after.takes.load()
    wait_for_takes(qtbot, after, 1)
    assert after.state.takes[0].path.is_relative_to(home / "refuge")
    assert len(read_clip(after.state.takes[0].path).samples) == round(0.2 * 44_100)
    after.shutdown()


def test_a_take_survives_a_failure_that_nobody_foresaw(qtbot, session, monkeypatch, caplog):
    session.set_prompt("kick")
    session.set_seconds(0.2)
    with monkeypatch.context() as broken:
        broken.setattr(Library, "add", lambda *_: 1 / 0)
        session.maker.generate()
        qtbot.waitUntil(lambda: session.state.message is not None)
    assert "not saved" in session.state.message.text
    assert "ZeroDivisionError" in session.state.message.text
    assert "ZeroDivisionError" in caplog.text
    session.takes.retry()
    wait_for_takes(qtbot, session, 1)


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


def switched(qtbot, session, model):
    """Choose a model and wait until it, or the one before it, is ready."""
    before = session.state.model
    session.model.choose(model)
    qtbot.waitUntil(lambda: session.state.model is not before and session.state.phase is Phase.READY)


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


def test_restore_brings_back_what_made_the_take(qtbot, made):
    take = made.state.takes[0]
    made.set_prompt("something else")
    made.set_steps(1)
    made.set_seconds(2)
    made.restore(take)
    state = made.state
    assert (state.prompt, state.steps, state.seconds, state.seed) == ("kick", take.steps, 0.3, take.seed)
    assert state.seed_locked


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


@pytest.mark.parametrize("samples", [np.zeros((0, 2), np.float32), np.zeros((4_410, 2), np.float32)])
def test_a_silent_recording_is_refused_and_keeps_the_init_before_it(session, audio, samples):
    audio.recorded.emit(tone(0.5, 3))
    before = session.state.init
    audio.recorded.emit(Clip(samples))
    assert session.state.init is before
    assert "silent" in session.state.message.text


def test_recording_without_an_input_says_why(session, audio):
    audio.stateChanged.emit(replace(RUNNING, recording_sentence="No microphone found: connect one."))
    session.voice.toggle_record()
    assert not session.state.recording
    assert session.state.message.text == "No microphone found: connect one."
    assert "start_recording" not in audio.names()


def test_a_recording_whose_input_went_away_says_so_and_not_that_it_is_silent(session, audio):
    session.voice.toggle_record()
    audio.stateChanged.emit(replace(RUNNING, recording_sentence="No microphone found: connect one."))
    audio.recorded.emit(Clip(np.zeros((0, 2), np.float32)))
    assert not session.state.recording
    assert session.state.message.text == "No microphone found: connect one."


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "ogg", "mp3"])
def test_a_dropped_audio_file_becomes_the_init(qtbot, session, tmp_path, suffix):
    path = tmp_path / f"beat.{suffix}"
    soundfile.write(path, tone(0.5, 1).samples, 44_100)
    session.drops.restore_or_start_from([path])
    qtbot.waitUntil(lambda: session.state.init is not None)
    assert session.state.init.name == path.name
    assert session.state.init.clip.seconds == pytest.approx(0.5, abs=0.06)
    session.clear_init()
    assert session.state.init is None


@pytest.mark.parametrize("content", [b"", b"not audio"])
def test_a_dropped_file_that_is_no_audio_is_one_sentence(qtbot, session, tmp_path, content):
    (tmp_path / "bad.wav").write_bytes(content)
    session.drops.restore_or_start_from([tmp_path / "bad.wav"])
    qtbot.waitUntil(lambda: session.state.message is not None)
    assert "bad.wav" in session.state.message.text


def test_a_dropped_file_of_another_kind_or_several_are_one_sentence(session, tmp_path):
    session.drops.restore_or_start_from([tmp_path / "notes.txt"])
    assert "notes.txt" in session.state.message.text
    session.drops.restore_or_start_from([tmp_path / "a.wav", tmp_path / "b.wav"])
    assert "2 files" in session.state.message.text


def test_a_take_can_be_kept_twice(qtbot, made):
    made.takes.duplicate_current()
    wait_for_takes(qtbot, made, 2)
    first, second = made.state.takes
    assert (first.prompt, first.seed, first.generation_ms) == (second.prompt, second.seed, second.generation_ms)
    assert first.path != second.path
    np.testing.assert_array_equal(read_clip(first.path).samples, read_clip(second.path).samples)


def test_typed_notes_sound_with_the_typed_velocity_and_out_of_range_ones_do_not(session, audio):
    session.player.shift_velocity(-1)
    session.player.note_on(60)
    session.player.note_off(60)
    session.player.note_on(128)
    assert audio.calls == [("note_on", 60, 80), ("note_off", 60)]


def test_octave_and_velocity_stop_at_their_ends(session):
    for _ in range(20):
        session.player.shift_octave(1)
        session.player.shift_velocity(1)
    assert (session.state.octave, session.state.velocity) == (7, 127)
    for _ in range(20):
        session.player.shift_octave(-1)
        session.player.shift_velocity(-1)
    assert (session.state.octave, session.state.velocity) == (1, 1)


def test_play_stops_what_plays(made, audio):
    assert made.state.playing
    made.player.toggle_play()
    assert audio.names()[-1] == "stop"
    assert not made.state.playing


def test_playing_ends_by_itself_after_the_length_of_the_sound(qtbot, made):
    with qtbot.waitSignal(made.player.playbackStopped):
        made.player.play()
    assert not made.state.playing


def test_a_missing_sound_card_is_a_sentence_and_sounds_are_still_made_and_kept(qtbot, session, audio):
    audio.stateChanged.emit(AudioState(sentence="No sound card found: takes are still saved."))
    assert session.state.message.text == "No sound card found: takes are still saved."
    assert session.state.message.action == "restart_audio"
    session.set_prompt("kick")
    session.maker.generate()
    wait_for_takes(qtbot, session, 1)
    session.player.restart_audio()
    assert "restart" in audio.names()


def test_a_sound_card_that_comes_back_takes_its_sentence_away(session, audio):
    audio.stateChanged.emit(AudioState(sentence="The sound card is gone."))
    audio.stateChanged.emit(RUNNING)
    assert session.state.message is None


def test_a_silent_result_is_reported_and_not_passed_off_as_a_success(qtbot, session, synth, monkeypatch):
    def silence(seconds, seed):
        return Clip(np.zeros((round(seconds * 44_100), 2), np.float32))

    monkeypatch.setattr(doubles, "tone", silence)
    session.set_prompt("nothing")
    session.maker.generate()
    wait_for_takes(qtbot, session, 1)
    assert "silent" in session.state.message.text


def test_controls_are_kept_as_settings(session):
    session.set_prompt("kick")
    session.set_seed(9)
    session.set_strength(10)
    kept = session.sound_settings()
    assert (kept.prompt, kept.seed, kept.seed_locked, kept.strength_percent) == ("kick", 9, True, 10)


def test_takes_made_before_the_list_was_read_are_not_listed_twice(qtbot, made):
    made.takes.load()
    made.takes.load()
    made.maker.generate()
    wait_for_takes(qtbot, made, 2)
    assert len({take.path for take in made.state.takes}) == 2


def test_more_strength_means_less_noise_from_all_to_nearly_none():
    noises = [init_noise(percent) for percent in range(101)]
    assert noises[0] == 1.0
    assert noises[100] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(noises))
    assert [strength_percent(noise) for noise in noises] == list(range(101))


def test_shutdown_waits_for_a_take_that_is_being_written(qtbot, generation, synth, audio, home):
    from arc_instrument.audio.wavfile import read_clip
    from arc_instrument.library import Library
    from arc_instrument.session import Session

    session = Session(generation, audio, Library(home / "takes"), read_clip)
    session.set_prompt("kick")
    session.maker.generate()
    with qtbot.waitSignal(generation.generated):
        generation.start()
    session.shutdown()
    assert len(list((home / "takes").rglob("*.wav"))) == 1
    shutil.rmtree(home)


def test_a_chosen_device_is_used_at_once_and_only_when_it_is_another(session, audio):
    changes = []
    session.settingsChanged.connect(lambda: changes.append(session.player.devices))
    session.player.choose_output("Scarlett 2i2")
    session.player.choose_output("Scarlett 2i2")
    session.player.choose_input("Built-in microphone")
    (_, first), (_, second) = audio.calls
    assert (first.device, first.input_device) == ("Scarlett 2i2", "")
    assert (second.device, second.input_device) == ("Scarlett 2i2", "Built-in microphone")
    assert changes == [first, second]
