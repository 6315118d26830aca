"""The XY pad writes the prompt."""

from arc_instrument.morph import blend_of


def test_a_move_between_corners_is_a_blend_in_the_prompt_and_a_corner_its_own_words(session):
    session.morph.set_corner(0, "kick drum")
    session.morph.set_corner(1, "flute")
    session.morph.move(0.25, 0.0)
    assert session.state.prompt == "kick drum::75 flute::25"
    session.morph.move(5.0, 0.0)
    assert session.state.prompt == "flute"
    assert session.state.morph_x == 1.0


def test_the_prompt_becomes_a_corner_and_of_a_blend_its_strongest_part(session):
    session.set_prompt("kick::20 flute::80")
    session.morph.set_corner_here(0)
    assert session.state.morph_prompts[0] == session.state.prompt == "flute"


def test_an_empty_pad_leaves_the_prompt_alone(session):
    session.set_prompt("rain")
    session.morph.move(0.5, 0.5)
    assert session.state.prompt == "rain"
    session.morph.set_corner(3, "bell")
    session.morph.clear()
    assert session.state.prompt == "bell"
    assert session.state.morph_prompts == ("", "", "", "")


def test_a_blend_is_made_kept_and_told_by_its_take(qtbot, session):
    session.set_seconds(0.2)
    session.morph.set_corner(0, "kick")
    session.morph.set_corner(3, "bell")
    session.morph.move(0.5, 0.5)
    session.maker.generate()
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    assert blend_of(session.state.takes[0].prompt) == (("kick", 0.5), ("bell", 0.5))


def test_a_corner_and_a_drag_are_a_step_each_that_takes_the_prompt_back_too(session):
    session.update(prompt="rain")
    session.morph.set_corner(0, "kick")
    session.morph.set_corner(3, "bell")
    for x in (0.2, 0.4, 0.5):
        session.morph.move(x, x)
    assert session.state.prompt == "kick::50 bell::50"
    session.history.undo()
    assert (session.state.prompt, session.state.morph_x) == ("kick", 0.0)
    session.history.undo()
    assert session.state.morph_prompts == ("kick", "", "", "")
    session.history.undo()
    assert (session.state.prompt, session.state.morph_prompts) == ("rain", ("", "", "", ""))
    session.history.redo()
    assert session.state.prompt == "kick"
