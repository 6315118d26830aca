import json
from functools import partial

import pytest

from arc_instrument.editing import UNEDITED, Edit
from arc_instrument.session.kept_work import keep_work


@pytest.fixture
def begin(begin):
    return partial(begin, lambda autosave: keep_work(autosave, autosave.parent()))


def test_shape_tempo_morph_pads_keys_and_filters_are_there_again_at_the_next_start(begin):
    session, autosave = begin()
    session.set_prompt("kick")
    session.set_seed(3)
    session.maker.generate()
    session.sampler.set_mode("loop")
    session.sampler.set_release(250)
    session.tempo.set_bars(1)
    session.tempo.set_key("C minor")
    session.morph.set_corner(0, "bell")
    session.morph.move(0.25, 0.75)
    session.kit.put_take(4, session.state.takes[0])
    session.kit.regenerate(7, "a shaker")
    session.kit.toggle_lock(7)
    session.kit.set_pan(7, -0.25)
    session.kit.set_gain(15, 3.5)
    session.player.set_octave(2)
    session.player.set_velocity(64)
    session.player.toggle_keys()
    session.takes.toggle_favourites_only()
    session.takes.show_tag("drums")
    autosave.shutdown()

    state = begin()[0].state
    assert state.shapes == session.state.shapes
    assert (state.bars, state.key) == (1, "C minor")
    assert (state.octave, state.velocity, state.keys_on) == (2, 64, False)
    assert (state.favourites_only, state.tag) == (True, "drums")
    assert (state.morph_prompts, state.morph_x, state.morph_y) == (("bell", "", "", ""), 0.25, 0.75)
    assert (state.pads[7].prompt, state.pads[7].locked) == ("a shaker", True)
    assert (state.pads[4].prompt, state.pads[4].seed) == ("kick", 3)
    assert abs(state.pads[4].clip.samples - session.state.pads[4].clip.samples).max() < 2**-22
    assert state.undo_label == ""


def test_a_pad_whose_new_sound_never_came_says_what_made_its_take_at_the_next_start(begin, path):
    session, autosave = begin()
    session.set_prompt("kick")
    session.set_seed(3)
    session.maker.generate()
    session.kit.put_take(4, session.state.takes[0])
    autosave.shutdown()
    work = json.loads(path.read_text())
    work["parts"]["pads"][4] |= {"prompt": "clap", "seed": 9}  # as when the program ends while that is made
    path.write_text(json.dumps(work))
    pad = begin()[0].state.pads[4]
    assert (pad.prompt, pad.seed) == ("kick", 3)


@pytest.mark.parametrize("said", [None, [], {"mode": "backwards"}, {"unknown": 1}, "x", [{"prompt": 1}], {"x": "far"}])
@pytest.mark.parametrize("name", ["shape", "edit", "tempo", "morph", "pads", "mix", "keys", "filters"])
def test_what_is_not_understood_is_left_as_it_begins(begin, path, name, said):
    session, autosave = begin()
    before = session.state
    autosave.shutdown()
    work = json.loads(path.read_text())
    work["parts"][name] = said
    path.write_text(json.dumps(work))
    state = begin()[0].state
    assert (state.shape, state.bars, state.key, state.morph_prompts) == (
        before.shape, before.bars, before.key, before.morph_prompts,
    )  # fmt: skip
    assert [pad.clip for pad in state.pads] == [None] * 16
    assert (state.octave, state.velocity, state.keys_on, state.favourites_only, state.tag) == (4, 100, True, False, "")


def test_a_level_that_no_pad_can_have_costs_no_pad_its_sound(begin, path):
    session, autosave = begin()
    session.kit.toggle_lock(7)
    autosave.shutdown()
    work = json.loads(path.read_text())
    work["parts"]["mix"][0]["gain_db"] = 99.0
    path.write_text(json.dumps(work))
    assert begin()[0].state.pads[7].locked


def test_a_trim_is_there_again_at_the_next_start_and_kept_until_its_take_is_read(begin):
    session, autosave = begin()
    session.set_prompt("kick")
    session.maker.generate()
    whole = len(session.state.current.clip.samples)
    trim = Edit(start=100, end=300, fade_out_ms=1.0, reverse=True, gain_db=-6.0)
    session.edits.apply(trim)
    autosave.shutdown()
    after, _ = begin()
    assert after.state.current.edit == trim
    assert len(after.state.current.clip.samples) == whole
    assert len(after.player._audio.armed.samples) == 200
    assert after.state.undo_label == ""
    after.edits.apply(UNEDITED)
    assert after.auditions.edit == UNEDITED
    after.update(current=None)
    after.auditions.recall(session.state.current_path)
    after.auditions.recall_edit(trim)
    assert after.auditions.edit == trim  # so that a save before its folder is back writes it again


@pytest.mark.parametrize("said", [{"start": 10**9}, {"start": "x"}, {"gain_db": None}, {"fade": "sudden"}])
def test_a_trim_that_does_not_fit_its_take_leaves_the_take_whole(begin, path, said):
    session, autosave = begin()
    session.set_prompt("kick")
    session.maker.generate()
    autosave.shutdown()
    work = json.loads(path.read_text())
    work["parts"]["edit"] = said
    path.write_text(json.dumps(work))
    assert begin()[0].state.current.edit == UNEDITED


def test_a_pad_whose_take_is_away_at_the_start_has_it_again_once_it_is_back(begin, tmp_path):
    session, autosave = begin()
    session.set_prompt("kick")
    session.maker.generate()
    session.kit.put_take(4, session.state.takes[0])
    path = session.state.takes[0].path
    autosave.shutdown()
    path.rename(tmp_path / "away.wav")
    after, autosave = begin()
    assert after.state.pads[4].clip is None
    autosave.shutdown()
    (tmp_path / "away.wav").rename(path)
    assert begin()[0].state.pads[4].clip is not None
