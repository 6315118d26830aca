"""The figures of a session's speed, against quantiles worked out by hand."""

import pytest

from arc_instrument.domain import Generated, GenerationRequest, Phase, Timing


def test_the_median_and_the_95th_percentile_are_those_of_the_last_hundred_presses(session):
    for _ in range(50):
        session.player.answered.emit(9_000.0)  # these are of the past after a hundred more
    for milliseconds in range(100, 200):
        session.player.answered.emit(float(milliseconds))
    state = session.state
    assert state.press_to_sound_p50_ms == pytest.approx(149.5)
    assert state.press_to_sound_p95_ms == pytest.approx(100 + 0.95 * 99)
    assert (state.press_to_sound_ms, state.presses) == (199.0, 100)


def test_each_press_that_is_heard_counts_once(qtbot, made):
    assert made.state.presses == 1
    assert made.state.press_to_sound_p50_ms == made.state.press_to_sound_p95_ms == made.state.press_to_sound_ms > 0
    made.player.play()  # heard again, but not ordered
    assert made.state.presses == 1
    made.maker.generate()
    qtbot.waitUntil(lambda: made.state.presses == 2)


def test_a_press_that_was_cancelled_counts_nothing(qtbot, session, synth):
    session.set_prompt("kick")
    synth.gate.clear()
    session.maker.generate()
    assert synth.step_begun.acquire(timeout=5)
    session.maker.cancel()
    synth.gate.set()
    qtbot.waitUntil(lambda: session.state.phase.value == "ready")
    assert session.state.presses == 0


def test_a_press_that_waits_for_the_model_to_load_counts_nothing(qtbot, session, generation):
    session.set_prompt("kick")
    generation.phaseChanged.emit(Phase.WARMING, "")
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    assert session.state.presses == 0
    assert session.state.press_to_sound_ms is None


@pytest.mark.parametrize(("together", "step_ms"), [(1, 12.0), (4, 5.0)])
def test_the_time_of_a_step_is_that_of_the_last_sound_that_was_made_alone(made, generation, together, step_ms):
    assert made.state.step_ms == 5.0  # what the double says
    request = GenerationRequest(999, "kick", 1.0, 4, 0, origin="fresh")
    timing = Timing(1, 48.0, 1, 1, 50, together)
    generation.generated.emit(Generated(request, made.state.current.clip, timing, "tone"))
    assert made.state.step_ms == step_ms
