import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arc_instrument import library_bench
from arc_instrument.domain import Take
from arc_instrument.library import Library
from arc_instrument.take_index import INDEX_NAME, SCHEMA_VERSION, TakeIndex, match_expression

PEAKS = np.array([[-0.5, 0.5]], np.float32)


def take(folder, name="a", prompt="kick", **said):
    path = folder / "2026-11" / f"{name}.wav"
    return Take(path, prompt, 1.0, 8, 1, 1.0, "arc-mini", "", "2026-11-22T10:00:00.000", 1.0, PEAKS, **said)


def indexed(folder, *prompts, **said):
    index = TakeIndex(folder)
    index.put([(prompt, 4, take(folder, prompt=prompt, **said)) for prompt in prompts])
    return index


def test_every_field_of_a_take_comes_back_whatever_fields_a_take_has(tmp_path):
    kept = take(tmp_path, favourite=True, tags=("dry", "808"))
    TakeIndex(tmp_path).put([("2026-11/a.wav", 77, kept)])
    ((file, size, read),) = TakeIndex(tmp_path).rows()
    assert (file, size) == ("2026-11/a.wav", 77)
    for field in fields(Take):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(kept, field.name), field.name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"warm analog kick", "Warme Glocke", "kick-drum, dry", "ÉCLAT de verre"}),
        ("k", {"warm analog kick", "kick-drum, dry"}),
        ("kick warm", {"warm analog kick"}),
        ("WARM", {"warm analog kick", "Warme Glocke"}),
        ("eclat", {"ÉCLAT de verre"}),
        ('"analog kick"', {"warm analog kick"}),
        ('"kick analog"', set()),
        ('"analog ki', {"warm analog kick"}),
        ("kick-dr", {"kick-drum, dry"}),
        ("arc", {"warm analog kick", "Warme Glocke", "kick-drum, dry", "ÉCLAT de verre"}),
        ("* kick -", {"warm analog kick", "kick-drum, dry"}),
        ("NOT kick", set()),
        ("ick", set()),
    ],
)
def test_a_search_finds_the_takes_with_every_word_as_it_is_typed(tmp_path, text, found):
    index = indexed(tmp_path, "warm analog kick", "Warme Glocke", "kick-drum, dry", "ÉCLAT de verre")
    assert set(index.search(text)) == found


def test_tags_are_searched_too_and_alone_with_a_hash(tmp_path):
    index = indexed(tmp_path, "kick")
    index.put([("b", 4, take(tmp_path, prompt="bell", tags=("kick layer", "dry")))])
    assert set(index.search("kick")) == {"kick", "b"}
    assert index.search("#kick") == ["b"]
    assert index.search("#dry #kick") == ["b"]


@given(st.text(max_size=30))
@example('"')
@example('a"b" *')
@example("kick AND (")
@example("{prompt} : ^x NEAR(a b)")
@example("\0")
@example("\ud800")
def test_no_text_is_ever_an_error(tmp_path_factory, text):
    index = indexed(tmp_path_factory.mktemp("words"), "kick")
    assert index.search(text) in (["kick"], [])
    assert (match_expression(text) is None) == (not any(character.isalnum() for character in text))


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), st.data())
def test_every_beginning_of_a_word_finds_it(tmp_path_factory, word, data):
    index = TakeIndex(tmp_path_factory.mktemp("words"))
    index.put([("it", 4, take(tmp_path_factory.getbasetemp(), prompt=word))])
    assert index.search(word) == ["it"]


def test_a_replaced_or_removed_take_is_not_found_by_its_old_words(tmp_path):
    index = indexed(tmp_path, "kick", "bell")
    index.put([("kick", 4, take(tmp_path, prompt="snare"))])
    index.remove(["bell"])
    assert index.search("kick") == index.search("bell") == []
    assert index.search("snare") == ["kick"]
    assert len(index.rows()) == 1


def index_of_version_2(folder):
    with closing(sqlite3.connect(folder / INDEX_NAME)) as old, old:
        old.execute(
            "CREATE TABLE takes (file TEXT PRIMARY KEY, bytes INTEGER, prompt TEXT, seconds REAL, steps INTEGER, "
            "seed INTEGER, init_noise REAL, model_name TEXT, weights_licence TEXT, created TEXT, "
            "generation_ms REAL, peaks BLOB)"
        )
        row = ("2026-11/a.wav", 4, "kick", 1.0, 8, 1, 1.0, "arc-mini", "", "2026-11-22T10:00:00.000", 1.0)
        old.execute(f"INSERT INTO takes VALUES ({','.join('?' * 12)})", (*row, np.tile(PEAKS, (800, 1)).tobytes()))
        old.execute("PRAGMA user_version = 2")


def test_an_index_of_before_is_migrated_without_reading_a_file_again(tmp_path, monkeypatch):
    index_of_version_2(tmp_path)
    kept = take(tmp_path)
    kept.path.parent.mkdir()
    kept.path.write_bytes(b"RIFF")
    monkeypatch.setattr("arc_instrument.library.read_take", lambda _: pytest.fail("a file was read"))
    (found,) = Library(tmp_path).takes()
    assert replace(found, peaks=PEAKS).__dict__ == kept.__dict__
    assert found.peaks.shape == (64, 2)
    assert TakeIndex(tmp_path).search("kick") == ["2026-11/a.wav"]


def test_an_index_is_in_wal_mode_and_of_todays_version(tmp_path):
    indexed(tmp_path, "kick")
    with closing(sqlite3.connect(tmp_path / INDEX_NAME)) as index:
        assert index.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert index.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_where_no_index_can_be_written_it_lives_in_memory(tmp_path):
    (tmp_path / INDEX_NAME).mkdir()
    index = indexed(tmp_path, "kick", "bell")
    assert index.search("bell") == ["bell"]
    assert len(index.rows()) == 2
    index.close()


def test_twenty_thousand_takes_are_listed_with_their_marks_and_found(tmp_path):
    library_bench.make(tmp_path / "takes", 20_000)
    library = Library(tmp_path / "takes")
    takes = library.takes()
    assert len(takes) == 20_000
    assert sum(found.favourite for found in takes) == len(library.search("#keeper")) == 2_000
    assert all(a.created >= b.created for a, b in pairwise(takes))
    expected = {found.path for found in takes if "warm" in found.prompt and "bell" in found.prompt}
    assert library.search("be war") == expected
    assert sum(found.peaks.nbytes for found in takes) < 12e6
