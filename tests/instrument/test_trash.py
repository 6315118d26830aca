from datetime import date, timedelta

import pytest
from test_library import generated, same

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import UserError
from arc_instrument.library import Library
from arc_instrument.session.shelf import Shelf
from arc_instrument.trash import KEPT_DAYS, TRASH_NAME


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "takes")


def deleted(library, *takes):
    trashed = []
    library.delete(takes, trashed.append)
    return trashed


def test_a_deleted_take_is_gone_from_the_list_and_comes_back_as_it_was(library):
    first, second = library.add(generated(seed=1)), library.add(generated(seed=2))
    content = first.path.read_bytes()
    trashed = deleted(library, first)
    assert not first.path.exists()
    assert trashed[0].path.read_bytes() == content
    for fresh in (library, Library(library.folder)):
        assert [take.path for take in fresh.takes()] == [second.path]
        assert fresh.search("") == fresh.search("kick") == {second.path}
    (back,) = library.restore(trashed)
    assert back is first
    assert first.path.read_bytes() == content
    for fresh in (library, Library(library.folder)):
        assert len(fresh.takes()) == len(fresh.search("kick")) == 2


def test_favourites_and_tags_come_back_with_a_deleted_take(library):
    from dataclasses import replace

    take = replace(library.add(generated()), favourite=True, tags=("dry",))
    library.mark([take])
    library.restore(deleted(library, take))
    (found,) = Library(library.folder).takes()
    assert (found.favourite, found.tags) == (True, ("dry",))


def test_the_same_name_deleted_twice_keeps_both(library):
    first = library.add(generated())
    trashed = deleted(library, first)
    again = library.add(generated())
    assert again.path == first.path
    trashed += deleted(library, again)
    assert trashed[0].path != trashed[1].path
    one, two = library.restore(trashed)
    assert one.path == first.path
    assert two.path.name == first.path.stem + "-2.wav"
    assert len(Library(library.folder).takes()) == 2


def test_what_cannot_be_deleted_or_brought_back_is_one_sentence(library):
    take = library.add(generated())
    trashed = deleted(library, take)
    with pytest.raises(UserError, match="cannot be moved to the trash"):
        deleted(library, take)
    trashed[0].path.unlink()
    with pytest.raises(UserError, match="cannot be brought back"):
        library.restore(trashed)


def test_several_deleted_at_once_stop_at_the_first_that_fails_and_tell_which_are_gone(library):
    takes = [library.add(generated(seed=seed)) for seed in range(3)]
    takes[1].path.unlink()
    gone = []
    with pytest.raises(UserError):
        library.delete(takes, gone.append)
    assert [trashed.take for trashed in gone] == takes[:1]
    assert takes[2].path.exists()


def test_only_what_was_deleted_long_ago_is_removed_for_good(library):
    trashed = deleted(library, *[library.add(generated(seed=seed)) for seed in range(3)])
    trash = library.folder / TRASH_NAME
    for age_days, path in ((KEPT_DAYS - 1, trashed[0].path), (KEPT_DAYS + 1, trashed[1].path)):
        day = trash / f"{date.today() - timedelta(days=age_days):%Y-%m-%d}"
        day.mkdir()
        path.rename(day / path.name)
    library.empty_trash()
    left = {path.name for path in trash.rglob("*.wav")}
    assert left == {trashed[0].path.name, trashed[2].path.name}


def test_beyond_the_size_that_is_kept_the_oldest_days_go_but_never_today(library):
    from arc_instrument import trash

    deleted(library, *[library.add(generated(seed=seed)) for seed in range(2)])
    today = library.folder / TRASH_NAME / f"{date.today():%Y-%m-%d}"
    yesterday = today.with_name(f"{date.today() - timedelta(days=1):%Y-%m-%d}")
    yesterday.mkdir()
    (yesterday / "old.wav").write_bytes(bytes(1_000))
    trash.empty(library.folder, kept_bytes=10)
    assert not yesterday.exists()
    assert len(list(today.rglob("*.wav"))) == 2


def test_a_take_listed_after_its_restoring_equals_the_one_deleted(library):
    take = library.add(generated())
    library.restore(deleted(library, take))
    assert same(Library(library.folder).takes()[0], take)


def test_what_was_deleted_long_ago_goes_from_the_refuge_too(library, tmp_path):
    refuge = Library(tmp_path / "refuge")
    old = date.today() - timedelta(days=KEPT_DAYS + 1)
    for each in (library, refuge):
        (trashed,) = deleted(each, each.add(generated()))
        trashed.path.parents[1].rename(each.folder / TRASH_NAME / f"{old:%Y-%m-%d}")
    shelf = Shelf(library, read_clip, lambda callback: callback(), refuge=refuge)
    shelf.empty_trash()
    shelf.shutdown()
    assert list(tmp_path.rglob(f"{TRASH_NAME}/**/*.wav")) == []
