"""What a person does with takes, each seen in the state and on the disk."""

from pathlib import Path

import pytest
from inline_session import make_session, session_of_three

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.library import Library


@pytest.fixture
def session(qapp, tmp_path):
    """A session with three takes, the last one current: bell, snare, kick."""
    made = session_of_three(tmp_path / "takes", refuge=Library(tmp_path / "refuge"))
    yield made
    made.shutdown()


def prompts(session):
    return [take.prompt for take in session.state.visible_takes]


def named(session, *wanted):
    return [take for take in session.state.takes if take.prompt in wanted]


def test_a_search_shows_the_takes_with_its_words_and_follows_what_is_added(session):
    session.takes.find("ki")
    assert prompts(session) == ["kick"]
    session.set_prompt("kind bell")
    session.maker.generate()
    assert prompts(session) == ["kind bell", "kick"]
    session.takes.find("  ")
    assert len(prompts(session)) == 4


def test_favourites_and_tags_filter_what_the_search_found(session):
    session.selection.toggle_favourite(named(session, "kick", "snare"))
    session.takes.toggle_favourites_only()
    assert sorted(prompts(session)) == ["kick", "snare"]
    session.selection.set_tags(("dry", "808"), named(session, "kick"))
    session.takes.show_tag("Dry")
    assert prompts(session) == ["kick"]
    session.takes.find("#808")
    assert prompts(session) == ["kick"]
    session.selection.toggle_favourite(named(session, "kick"))
    assert prompts(session) == []
    session.takes.toggle_favourites_only()
    session.takes.show_tag("Dry")
    session.takes.find("")
    assert len(prompts(session)) == 3


@pytest.mark.parametrize("hide", ["search", "tag", "favourites"])
def test_what_a_filter_hides_is_selected_no_longer_and_neither_deleted_nor_marked(session, hide):
    session.selection.set_tags(("dry",), named(session, "bell"))
    session.selection.toggle_favourite(named(session, "bell"))
    session.selection.select(named(session, "bell", "kick"))
    if hide == "search":
        session.takes.find("bell")
    elif hide == "tag":
        session.takes.show_tag("dry")
    else:
        session.takes.toggle_favourites_only()
    assert session.state.selection == (named(session, "bell")[0].path,)
    session.selection.delete()
    session.takes.find("")
    session.takes.show_tag("")
    assert sorted(take.prompt for take in session.state.takes) == ["kick", "snare"]


def test_takes_that_a_mark_or_an_undone_delete_puts_out_of_sight_are_not_selected(session):
    session.selection.toggle_favourite(named(session, "kick", "snare"))
    session.takes.toggle_favourites_only()
    session.selection.select(named(session, "kick", "snare"))
    session.selection.toggle_favourite(named(session, "kick"))
    assert session.state.selection == (named(session, "snare")[0].path,)
    session.takes.toggle_favourites_only()
    session.selection.delete(named(session, "kick"))
    session.takes.toggle_favourites_only()
    session.history.undo()
    assert prompts(session) == ["snare"]
    assert session.state.selection == ()


def test_takes_that_another_instance_puts_out_of_sight_are_not_selected(session):
    session.selection.toggle_favourite(named(session, "kick"))
    session.takes.toggle_favourites_only()
    session.selection.select(named(session, "kick"))
    other = make_session(session.takes.folder)
    other.takes.load()
    other.selection.toggle_favourite(named(other, "kick"))
    session.takes.look()
    assert session.state.selection == ()
    other.shutdown()


def test_the_favourite_key_favours_all_that_are_selected_then_none(session):
    session.selection.select(session.state.takes)
    session.selection.toggle_favourite(named(session, "kick"))
    session.selection.toggle_favourite()
    assert [take.favourite for take in Library(session.takes.folder).takes()] == [True] * 3
    session.selection.toggle_favourite()
    assert [take.favourite for take in Library(session.takes.folder).takes()] == [False] * 3
    assert session.state.undo_label == "no favourite 3 takes"


def test_a_mark_leaves_what_else_was_marked_meanwhile(session):
    take = session.state.takes[0]
    session.selection.toggle_favourite([take])
    session.selection.set_tags(("dry",), [take])
    assert [(found.favourite, found.tags) for found in named(session, "bell")] == [(True, ("dry",))]
    session.history.undo()
    assert [(found.favourite, found.tags) for found in named(session, "bell")] == [(True, ())]


def test_who_comes_back_to_the_current_take_keeps_it_though_another_is_still_being_read(session, monkeypatch):
    bell, snare, _ = session.state.takes
    read, waiting = session._shelf.read, []
    monkeypatch.setattr(session._shelf, "read", lambda *asked: waiting.append(asked))
    session.auditions.audition(snare)
    session.auditions.audition(bell)
    assert len(waiting) == 1
    read(*waiting[0])
    assert session.state.current.prompt == "bell"


def test_a_copy_tells_the_tempo_and_key_of_its_take_whatever_the_row_says_now(session):
    session.tempo.set_bpm(140)
    session.tempo.set_bars(1)
    session.tempo.set_key("A minor")
    session.maker.generate()
    bars = session.state.takes[0]
    assert {"bpm", "bars", "key"} <= set(bars.settings)
    session.auditions.audition(named(session, "kick")[0])
    session.takes.duplicate_current()
    assert session.state.takes[0].settings == {}
    session.tempo.set_bars(0)
    session.tempo.set_key("")
    session.auditions.audition(bars)
    session.takes.duplicate_current()
    assert session.state.takes[0].settings == bars.settings


def test_variations_of_a_take_have_its_bars_and_not_those_of_the_row(session):
    kick = named(session, "kick")[0]
    session.tempo.set_bars(1)
    session.auditions.audition(kick)
    assert session.state.current.request.settings == {}
    session.maker.generate()
    bars = session.state.takes[0]
    session.tempo.set_bars(0)
    session.auditions.audition(kick)
    session.auditions.audition(bars)
    assert session.state.current.request.settings == bars.settings


def test_a_new_take_under_the_name_of_a_deleted_one_is_not_deleted(session):
    session.set_seed(5)
    session.maker.generate()
    deleted = session.state.current
    session.selection.delete()
    session.maker.generate()
    made = session.state.current
    assert made.take.path == deleted.take.path
    session.history.undo()
    assert session.state.current.take is None
    session.history.redo()
    assert session.state.current.take == made.take


def test_without_a_selection_the_current_take_is_meant(session):
    session.selection.delete()
    assert prompts(session) == ["snare", "kick"]
    assert session.state.current.prompt == "bell"  # it is still heard
    assert session.state.current_path is None
    assert session.state.message.action == "undo"
    session.history.undo()
    assert session.state.current_path == session.state.takes[0].path


def test_several_are_deleted_and_come_back_at_once_with_the_step_named(session):
    session.selection.select(session.state.takes[1:])
    session.selection.delete()
    assert session.state.undo_label == "delete 2 takes"
    assert prompts(session) == ["bell"]
    assert session.state.selection == (session.state.takes[0].path,)
    assert len(list(session.takes.folder.glob("*/*.wav"))) == 1
    session.history.undo()
    assert prompts(session) == ["bell", "snare", "kick"]
    assert session.state.redo_label == "delete 2 takes"
    assert all(take.path.exists() for take in session.state.takes)


def test_undo_of_the_trashs_message_is_offered_only_while_it_undoes_that(session):
    session.selection.delete(named(session, "kick"))
    session.selection.delete(named(session, "snare"))
    assert session.state.message.action == "undo"
    session.history.undo()
    assert session.state.message is None  # what is left to undo is another delete
    session.history.redo()
    assert prompts(session) == ["bell"]
    session.history.undo()
    session.selection.delete(named(session, "snare"))
    session.auditions.audition(named(session, "bell")[0])
    assert session.state.message.action == "undo"  # it was current already: no step
    session.set_steps(3)
    assert session.state.message is None


def test_a_message_that_offers_something_else_stays_when_a_step_is_done(session, tmp_path):
    session.takes.set_folder(tmp_path / "new")
    session.set_steps(3)
    assert session.state.message.action == "move_takes"


def test_keys_walk_through_what_the_filter_shows_and_stop_at_its_ends(session):
    session.selection.toggle_favourite(named(session, "bell", "kick"))
    session.takes.toggle_favourites_only()
    heard = []
    for command in (
        session.auditions.next,
        session.auditions.next,
        session.auditions.previous,
        session.auditions.previous,
    ):
        command()
        heard.append(session.state.current.prompt)
    assert heard == ["kick", "kick", "bell", "bell"]


def test_after_a_delete_the_keys_go_on_at_its_neighbour(session):
    session.auditions.audition(session.state.takes[1])
    session.selection.delete()
    session.auditions.next()
    assert session.state.current.prompt == "kick"


def test_a_delete_that_fails_is_a_sentence_and_the_take_stays(session):
    take = session.state.takes[1]
    content = take.path.read_bytes()
    (session.takes.folder / ".trash").write_text("a file where the trash should be")
    session.selection.delete([take])
    assert "cannot be moved to the trash" in session.state.message.text
    assert prompts(session) == ["bell", "snare", "kick"]
    assert take.path.read_bytes() == content
    session.auditions.audition(take)
    assert session.state.current.take == take  # it can be edited and exported as before


def test_marks_that_cannot_be_written_do_not_seem_to_be(session):
    (session.takes.folder / ".marks.jsonl").mkdir()
    session.selection.toggle_favourite()
    assert "Favourites and tags cannot be written" in session.state.message.text
    assert not any(take.favourite for take in session.state.takes)


def test_a_take_whose_folder_is_away_finds_refuge_and_comes_home_when_it_is_back(session, tmp_path):
    folder, away = tmp_path / "takes", tmp_path / "unplugged"
    folder.rename(away)
    session.set_prompt("glass")
    session.maker.generate()
    assert "until" in session.state.message.text
    assert session.state.current_path.is_relative_to(tmp_path / "refuge")
    session.takes.look()
    assert "is away: connect its disk" in session.state.folder_problem
    assert len(prompts(session)) == 4  # still shown, and the current one heard
    session.selection.toggle_favourite(named(session, "glass"))

    away.rename(folder)
    session.takes.look()
    assert session.state.folder_problem == ""
    assert prompts(session) == ["glass", "bell", "snare", "kick"]
    glass = session.state.takes[0]
    assert glass.path == session.state.current_path
    assert glass.path.is_relative_to(folder)
    assert glass.favourite
    assert len(read_clip(glass.path).samples) == 441
    assert list((tmp_path / "refuge").rglob("*.wav")) == []
    session.selection.delete([glass])  # and what is done with it later finds it
    session.history.undo()
    assert session.state.takes[0].path.exists()


def test_what_another_instance_does_is_shown(session):
    other = make_session(session.takes.folder)
    other.takes.load()
    other.set_prompt("glass")
    other.maker.generate()
    other.selection.toggle_favourite(named(other, "glass"))
    other.selection.delete(named(other, "kick"))
    session.takes.look()
    assert [(take.prompt, take.favourite) for take in session.state.takes] == [
        ("glass", True), ("bell", False), ("snare", False)
    ]  # fmt: skip
    other.shutdown()


def test_another_folder_offers_to_bring_the_takes_along(session, tmp_path):
    old = session.takes.folder
    session.selection.toggle_favourite(named(session, "kick"))
    session.selection.delete(named(session, "snare"))
    session.takes.set_folder(tmp_path / "new")
    assert prompts(session) == []
    assert (session.state.message.action, session.state.previous_folder) == ("move_takes", old)
    session.takes.move_along()
    assert [(take.prompt, take.favourite) for take in session.state.takes] == [("bell", False), ("kick", True)]
    assert all(take.path.is_relative_to(tmp_path / "new") for take in session.state.takes)
    assert len(list(old.glob("*/*.wav"))) == 2  # the originals, until the settings are surely saved
    session.shutdown()
    assert list(old.rglob("*.wav")) == []
    assert len(list((tmp_path / "new" / ".trash").rglob("*.wav"))) == 1
    assert session.takes.folder == Path(tmp_path / "new")


def test_undoing_a_change_of_folder_shows_the_takes_of_before(session, tmp_path):
    session.takes.set_folder(tmp_path / "new")
    session.history.undo()
    assert prompts(session) == ["bell", "snare", "kick"]
    session.history.redo()
    assert prompts(session) == []


def test_the_neighbouring_takes_are_actions_for_pedals_and_buttons(session):
    session.selection.select(session.state.takes[:1])
    session.controls.run("take_down")
    assert session.state.current.prompt == session.state.takes[1].prompt
    session.controls.run("take_up")
    assert session.state.current.prompt == session.state.takes[0].prompt
