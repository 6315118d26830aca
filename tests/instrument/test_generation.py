import os
import sys
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from doubles import ToneSynth
from PySide6.QtCore import QTimer

from arc_instrument.domain import GenerationRequest, LoadedModel, Phase, UserError
from arc_instrument.generation import GenerationService

OTHER = Path("models/other")
REQUEST = GenerationRequest(1, "kick", 0.2, 3, 5)


@pytest.fixture
def log(generation):
    """Every signal of the service in order: (name, what it carries that identifies it)."""
    seen = []
    generation.phaseChanged.connect(lambda phase, _: seen.append(("phase", phase)))
    generation.modelLoaded.connect(lambda model: seen.append(("model", model.name, model.max_seconds)))
    generation.progressed.connect(lambda progress: seen.append(("step", progress.request_id, progress.step)))
    generation.generated.connect(lambda made: seen.append(("generated", made.request.id)))
    generation.switchFailed.connect(lambda sentence: seen.append(("switch failed", sentence)))
    generation.failed.connect(lambda number, sentence: seen.append(("failed", number, sentence)))
    generation.cancelled.connect(lambda number: seen.append(("cancelled", number)))
    return seen


def load(qtbot, generation):
    with qtbot.waitSignal(generation.modelLoaded):
        generation.start()


def test_the_model_loads_in_a_thread_of_its_own_and_says_how_far_it_is(qtbot, generation, synth, log):
    load(qtbot, generation)
    qtbot.waitUntil(lambda: ("phase", Phase.READY) in log)
    assert log == [("phase", Phase.LOADING), ("phase", Phase.WARMING), ("model", "tone", 4.0), ("phase", Phase.READY)]
    assert synth.threads == {"generation"}


def test_a_request_reports_each_step_and_then_its_sound(qtbot, generation, log):
    load(qtbot, generation)
    with qtbot.waitSignal(generation.generated):
        generation.submit(REQUEST)
    assert [entry for entry in log if entry[0] in ("step", "generated")] == [
        ("step", 1, 1),
        ("step", 1, 2),
        ("step", 1, 3),
        ("generated", 1),
    ]


def test_a_request_made_before_the_model_is_there_runs_when_it_is(qtbot, generation):
    generation.submit(REQUEST)
    with qtbot.waitSignal(generation.generated):
        generation.start()


def test_the_latest_request_wins(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(REQUEST)
    assert synth.step_begun.acquire(timeout=5)
    generation.submit(replace(REQUEST, id=2))
    generation.submit(replace(REQUEST, id=3))
    with qtbot.waitSignal(generation.generated):
        synth.gate.set()
    assert [entry for entry in log if entry[0] == "generated"] == [("generated", 3)]
    assert {entry for entry in log if entry[0] == "cancelled"} == {("cancelled", 1), ("cancelled", 2)}
    assert [request.id for request in synth.requests] == [1, 3]


def test_cancel_ends_a_request_between_two_steps(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(replace(REQUEST, steps=16))
    assert synth.step_begun.acquire(timeout=5)
    generation.cancel()
    with qtbot.waitSignal(generation.cancelled):
        synth.gate.set()
    assert not synth.step_begun.acquire(blocking=False)
    assert not [entry for entry in log if entry[0] == "generated"]
    with qtbot.waitSignal(generation.generated):
        generation.submit(replace(REQUEST, id=2))


def test_a_fresh_request_waits_its_turn_and_only_the_last_of_them_waits(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(REQUEST)
    assert synth.step_begun.acquire(timeout=5)
    for number in (2, 3, 4):
        generation.submit(replace(REQUEST, id=number, origin="fresh"))
    synth.gate.set()
    qtbot.waitUntil(lambda: ("generated", 4) in log)
    assert [entry for entry in log if entry[0] == "generated"] == [("generated", 1), ("generated", 4)]
    assert {entry for entry in log if entry[0] == "cancelled"} == {("cancelled", 2), ("cancelled", 3)}


def test_a_request_of_the_person_overtakes_a_fresh_one_that_runs(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(replace(REQUEST, origin="fresh"))
    assert synth.step_begun.acquire(timeout=5)
    generation.submit(replace(REQUEST, id=2))
    with qtbot.waitSignal(generation.generated):
        synth.gate.set()
    assert ("cancelled", 1) in log
    assert ("generated", 2) in log


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (UserError("The words are too long: shorten them."), "The words are too long: shorten them."),
        (RuntimeError("shape\nmismatch"), "The model failed on this request (RuntimeError: shape): try again."),
    ],
)
def test_a_failure_is_one_sentence_and_the_next_request_runs(qtbot, generation, synth, log, caplog, failure, sentence):
    load(qtbot, generation)
    synth.failure = failure
    with qtbot.waitSignal(generation.failed):
        generation.submit(REQUEST)
    assert ("failed", 1, sentence) in log
    synth.failure = None
    with qtbot.waitSignal(generation.generated):
        generation.submit(replace(REQUEST, id=2))


def test_a_model_that_does_not_load_says_why_and_can_be_tried_again(qtbot, synth):
    attempts = []

    def make(*_):
        attempts.append(1)
        if len(attempts) == 1:
            raise UserError("The weights are damaged: install again.")
        return synth

    service = GenerationService(make)
    with qtbot.waitSignal(service.phaseChanged, check_params_cb=lambda phase, _: phase is Phase.FAILED) as failed:
        service.start()
    assert failed.args[1] == "The weights are damaged: install again."
    with qtbot.waitSignal(service.modelLoaded):
        service.start()
    assert service.shutdown()


def test_a_switch_frees_the_old_model_and_then_loads_the_new_one(qtbot):
    made, in_memory = [], []

    def make(weights, _precision):
        in_memory.append(sum(synth() is not None for synth in made))
        synth = ToneSynth("tone" if weights is None else "other", 4.0 if weights is None else 9.0)
        made.append(weakref.ref(synth))
        return synth

    service = GenerationService(make)
    loaded, phases = [], []
    service.modelLoaded.connect(loaded.append)
    service.phaseChanged.connect(lambda phase, _: phases.append(phase))
    service.start()
    qtbot.waitUntil(lambda: phases.count(Phase.READY) == 1)
    service.switch(OTHER)
    qtbot.waitUntil(lambda: phases.count(Phase.READY) == 2)
    assert phases == [Phase.LOADING, Phase.WARMING, Phase.READY] * 2
    assert loaded[1] == LoadedModel("other", 9.0, ToneSynth.licence, ToneSynth.licence_link, OTHER)
    assert in_memory == [0, 0]
    assert service.shutdown()


def test_the_running_sound_is_finished_and_what_is_ordered_meanwhile_is_made_by_the_new_model(
    qtbot, generation, synth, synths, log
):
    synths[OTHER] = ToneSynth("other")
    load(qtbot, generation)
    made = []
    generation.generated.connect(lambda generated: made.append((generated.request.id, generated.model_name)))
    synth.gate.clear()
    generation.submit(replace(REQUEST, origin="fresh"))
    assert synth.step_begun.acquire(timeout=5)
    generation.submit(replace(REQUEST, id=2, origin="fresh"))
    generation.switch(OTHER)
    synth.gate.set()
    qtbot.waitUntil(lambda: len(made) == 2)
    assert made == [(1, "tone"), (2, "other")]
    assert log.index(("generated", 1)) < log.index(("model", "other", 4.0)) < log.index(("generated", 2))


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (UserError("The weights are damaged: fetch them again."), "The weights are damaged: fetch them again."),
        (RuntimeError("no such\nfile"), "The model could not be loaded (RuntimeError: no such)."),
        (
            MemoryError(),
            "There is not enough memory for this model: close other programs, or choose a smaller model.",
        ),
    ],
)
def test_a_model_that_cannot_be_loaded_brings_the_one_before_it_back(
    qtbot, generation, synths, log, caplog, failure, sentence
):
    synths[OTHER] = failure
    load(qtbot, generation)
    generation.switch(OTHER)
    with qtbot.waitSignal(generation.generated) as made:
        generation.submit(REQUEST)
    assert made.args[0].model_name == "tone"
    assert generation.weights is None
    assert [entry for entry in log if entry[0] in ("model", "switch failed")] == [
        ("model", "tone", 4.0),
        ("model", "tone", 4.0),
        ("switch failed", sentence),
    ]
    assert ("phase", Phase.FAILED) not in log


def test_without_a_model_before_it_the_embedded_one_is_loaded(qtbot, synth):
    def make(weights, _precision):
        if weights is not None:
            raise UserError(f"{weights} is damaged: fetch it again.")
        return synth

    service = GenerationService(make, OTHER)
    with qtbot.waitSignals([service.modelLoaded, service.switchFailed]):
        service.start()
    assert service.weights is None
    assert service.shutdown()


@pytest.fixture
def picky(qtbot):
    """A service whose models compute in anything but int8, and the precisions that were tried."""
    tried = []

    def make(_weights, precision):
        tried.append(precision)
        if precision == "int8":
            raise UserError("int8 needs torchao.")
        return ToneSynth()

    def service(precision):
        made.append(GenerationService(make, precision=precision))
        return made[0]

    made = []
    yield service, tried
    assert made[0].shutdown()


def test_a_precision_that_cannot_be_had_brings_the_one_before_it_back_and_what_was_ordered_is_made(qtbot, picky):
    make_service, tried = picky
    service = make_service("float32")
    load(qtbot, service)
    failed, phases = [], []
    service.precisionFailed.connect(lambda *told: failed.append(told))
    service.phaseChanged.connect(lambda phase, _: phases.append(phase))
    service.compute_in("int8")
    with qtbot.waitSignal(service.generated):
        service.submit(REQUEST)
    assert tried == ["float32", "int8", "float32"]
    assert failed == [("int8", "float32", "int8 needs torchao.")]
    assert Phase.FAILED not in phases
    with qtbot.waitSignal(service.modelLoaded):
        service.compute_in("bfloat16")
    assert tried[3:] == ["bfloat16"]


def test_a_precision_that_fails_after_another_was_chosen_is_no_news(qtbot):
    tried, chosen_again = [], threading.Event()

    def make(_weights, precision):
        tried.append(precision)
        if precision == "int8":
            assert chosen_again.wait(10)
            raise UserError("int8 needs torchao.")
        return ToneSynth()

    service = GenerationService(make, precision="float32")
    failed = []
    service.precisionFailed.connect(lambda *told: failed.append(told))
    load(qtbot, service)
    service.compute_in("int8")
    qtbot.waitUntil(lambda: tried[-1] == "int8")
    service.compute_in("bfloat16")
    chosen_again.set()
    qtbot.waitUntil(lambda: tried[-1] == "bfloat16")
    assert service.shutdown()
    qtbot.wait(0)
    assert failed == []


def test_a_kept_precision_that_cannot_be_had_any_more_gives_way_to_the_faster_float(qtbot, picky):
    make_service, tried = picky
    service = make_service("int8")
    with qtbot.waitSignal(service.precisionFailed) as failed:
        service.start()
    assert failed.args == ["int8", "", "int8 needs torchao."]
    assert tried == ["int8", ""]


def test_where_no_model_can_be_loaded_the_first_reason_is_told_and_another_can_be_chosen(qtbot, generation, synths):
    synths[None], synths[OTHER] = UserError("This is damaged."), UserError("That is damaged.")
    synths[Path("third")] = ToneSynth("third")
    failures = []
    generation.phaseChanged.connect(lambda phase, sentence: phase is Phase.FAILED and failures.append(sentence))
    generation.switch(OTHER)
    generation.start()
    qtbot.waitUntil(lambda: failures != [])
    assert set(failures) == {"That is damaged."}
    with qtbot.waitSignal(generation.modelLoaded) as loaded:
        generation.switch(Path("third"))
    assert loaded.args[0].name == "third"


def test_of_several_choices_the_last_one_wins(qtbot, generation, synth, synths, log):
    names = ("second", "third", "fourth")
    synths.update({Path(name): ToneSynth(name) for name in names})
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(replace(REQUEST, origin="fresh"))
    assert synth.step_begun.acquire(timeout=5)
    for name in names:
        generation.switch(Path(name))
    with qtbot.waitSignal(generation.modelLoaded):
        synth.gate.set()
    with qtbot.waitSignal(generation.generated) as made:
        generation.submit(replace(REQUEST, id=2))
    assert made.args[0].model_name == "fourth"
    assert {entry[1] for entry in log if entry[0] == "model"} == {"tone", "fourth"}


def test_a_choice_that_fails_after_another_was_made_loads_nothing_in_its_place(qtbot):
    third, fails = Path("models/third"), threading.Event()
    tried, loading = [], threading.Semaphore(0)

    def make(weights, _precision):
        tried.append(weights)
        loading.release()
        if weights == OTHER:
            assert fails.wait(10)
            raise UserError("That is damaged.")
        if weights == third:
            raise UserError("That is damaged too.")
        return ToneSynth("before" if weights == Path("before") else "tone")

    service = GenerationService(make, Path("before"))
    load(qtbot, service)
    assert loading.acquire(timeout=5)
    service.switch(OTHER)
    assert loading.acquire(timeout=5)
    service.switch(third)
    fails.set()
    with qtbot.waitSignal(service.switchFailed) as failed:
        pass
    assert failed.args == ["That is damaged too."]
    assert tried == [Path("before"), OTHER, third, Path("before")]
    assert service.weights == Path("before")
    assert service.shutdown()


def test_a_sound_ordered_for_a_model_of_longer_sounds_is_cut_with_a_note(qtbot, generation, synths):
    synths[OTHER] = ToneSynth("other", max_seconds=0.1)
    load(qtbot, generation)
    generation.switch(OTHER)
    with qtbot.waitSignal(generation.generated) as made:
        generation.submit(replace(REQUEST, settings={"bpm": 120, "bars": 1}))
    (generated,) = made.args
    assert generated.request.seconds == generated.clip.seconds == 0.1
    assert generated.request.settings == {"bpm": 120}
    assert generated.notes == ("other makes at most 0.1 s: the sound is as long as that.",)


def test_too_little_memory_for_a_sound_is_a_sentence_and_the_next_one_is_made(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.failure = MemoryError()
    with qtbot.waitSignal(generation.failed) as failed:
        generation.submit(REQUEST)
    assert failed.args == [
        1,
        "There is not enough memory for this sound: make a shorter one, or choose a smaller model.",
    ]
    synth.failure = None
    with qtbot.waitSignal(generation.generated):
        generation.submit(replace(REQUEST, id=2))


def test_the_window_thread_goes_on_while_the_worker_works(qtbot, generation, synth):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(REQUEST)
    assert synth.step_begun.acquire(timeout=5)
    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(1)
    qtbot.waitUntil(lambda: len(ticks) > 20)
    timer.stop()
    synth.gate.set()


def test_the_same_seed_gives_the_same_samples_through_the_service(qtbot, generation):
    load(qtbot, generation)
    made = []
    generation.generated.connect(made.append)
    for number in (1, 2):
        with qtbot.waitSignal(generation.generated):
            generation.submit(replace(REQUEST, id=number))
    np.testing.assert_array_equal(made[0].clip.samples, made[1].clip.samples)


def test_shutdown_ends_a_running_request(qtbot, synth):
    service = GenerationService(lambda *_: synth)
    with qtbot.waitSignal(service.modelLoaded):
        service.start()
    synth.gate.clear()
    service.submit(replace(REQUEST, steps=16))
    assert synth.step_begun.acquire(timeout=5)
    synth.gate.set()
    assert service.shutdown()
    assert len(synth.requests) == 1


def test_signals_lose_no_reference_of_true(generation):
    """PySide6 6.12.0 loses one in every emit, and Python 3.11 aborts when none is left."""
    before = sys.getrefcount(True)
    for _ in range(50):
        generation.cancelled.emit(1)
    assert sys.getrefcount(True) > before - 25


def kit(*numbers: int) -> list[GenerationRequest]:
    return [replace(REQUEST, id=number, origin="kit", steps=1) for number in numbers]


def ids(log, kind: str) -> list[int]:
    return [entry[1] for entry in log if entry[0] == kind]


def test_a_batch_is_made_in_its_order(qtbot, generation, log):
    load(qtbot, generation)
    generation.submit_batch(kit(1, 2, 3))
    qtbot.waitUntil(lambda: len(ids(log, "generated")) == 3)
    assert ids(log, "generated") == [1, 2, 3]
    assert log.count(("phase", Phase.GENERATING)) == 1


def test_what_differs_in_length_is_ordered_together_and_made_apart(qtbot, generation, log):
    load(qtbot, generation)
    generation.submit_batch([*kit(1, 2), replace(kit(3)[0], seconds=0.1)])
    qtbot.waitUntil(lambda: len(ids(log, "generated")) == 3)
    assert log.count(("phase", Phase.GENERATING)) == 2


def test_the_person_interrupts_a_kit_and_the_rest_of_it_is_made_afterwards(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit_batch(kit(1, 2, 3))
    assert synth.step_begun.acquire(timeout=5)
    generation.submit(replace(REQUEST, id=9))
    synth.gate.set()
    qtbot.waitUntil(lambda: len(ids(log, "generated")) == 4)
    assert ids(log, "generated") == [9, 1, 2, 3]
    assert ids(log, "cancelled") == []


def test_a_newer_batch_replaces_one_of_its_origin_and_cancel_ends_all(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit_batch(kit(1, 2))
    assert synth.step_begun.acquire(timeout=5)
    generation.submit_batch(kit(3, 4))
    synth.gate.set()
    qtbot.waitUntil(lambda: len(ids(log, "generated")) == 2)
    assert ids(log, "generated") == [3, 4]
    synth.gate.clear()
    generation.submit_batch(kit(5, 6))
    qtbot.waitUntil(lambda: synth.requests[-1].id == 5)
    generation.submit_batch([replace(request, origin="variation") for request in kit(7, 8)])
    generation.cancel()
    synth.gate.set()
    qtbot.waitUntil(lambda: set(ids(log, "cancelled")) == {1, 2, 5, 6, 7, 8})
    assert ids(log, "generated") == [3, 4]


def test_urgency_is_user_draft_variation_kit_fresh(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.gate.clear()
    generation.submit(replace(REQUEST, id=1))
    assert synth.step_begun.acquire(timeout=5)
    for number, origin in ((5, "fresh"), (4, "kit"), (3, "variation"), (2, "draft")):
        generation.submit(replace(REQUEST, id=number, origin=origin))
    synth.gate.set()
    qtbot.waitUntil(lambda: len(ids(log, "generated")) == 5)
    assert ids(log, "generated") == [1, 2, 3, 4, 5]


def test_a_sound_that_fails_takes_no_other_of_its_batch_with_it(qtbot, generation, synth, log):
    load(qtbot, generation)
    synth.bad_ids = {2}
    generation.submit_batch(kit(1, 2, 3))
    qtbot.waitUntil(lambda: len(ids(log, "generated")) == 2)
    assert ids(log, "generated") == [1, 3]
    assert ids(log, "failed") == [2]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness for each thread")
def test_the_window_goes_before_the_model(qtbot, synth, generation):
    niceness = []
    synth.warm_up = lambda: niceness.append(os.getpriority(os.PRIO_PROCESS, 0))  # of the thread that asks
    with qtbot.waitSignal(generation.modelLoaded):
        generation.start()
    assert niceness == [min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)]
