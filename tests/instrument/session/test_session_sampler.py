"""The shape of the keys as a person sets it."""

import pytest

from arc_instrument.shape import DEFAULT_SHAPE, Shape


def test_gate_and_loop_exclude_each_other_and_keep_the_rest_of_the_shape(session):
    sampler = session.sampler
    sampler.set_gain(-6)
    sampler.toggle_gate()
    assert (session.state.gated, session.state.looped) == (True, False)
    sampler.toggle_loop()
    assert (session.state.gated, session.state.looped) == (False, True)
    sampler.toggle_loop()
    assert session.state.shape == Shape(gain_db=-6)


def test_a_drag_and_each_press_is_a_step_to_undo_that_the_audio_process_follows(session, audio):
    for gain_db in range(10):
        session.sampler.set_gain(gain_db)
    session.sampler.toggle_gate()
    session.sampler.toggle_loop()
    for expected in (Shape("gate", gain_db=9), Shape(gain_db=9), DEFAULT_SHAPE):
        session.history.undo()
        assert session.state.shape == expected
        assert audio.calls[-1] == ("set_shape", 0, expected)
    assert session.state.undo_label == ""


def test_a_value_out_of_its_range_changes_nothing(session):
    with pytest.raises(ValueError, match="gain_db"):
        session.sampler.set_gain(99)
    assert session.state.shape == DEFAULT_SHAPE
    assert session.state.undo_label == ""
