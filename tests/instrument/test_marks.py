import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.domain import Take, UserError
from arc_instrument.marks import MARKS_NAME, Mark, Marks, identity


def take(path, seed=1):
    return Take(path / "a.wav", "kick", 1.0, 8, seed, 1.0, "m", "", "2026-11-22T10:00:00.000", 1.0, np.zeros((0, 2)))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.lists(st.text(max_size=9), max_size=3)), max_size=20))
def test_the_last_word_about_a_take_counts_and_a_second_reader_hears_each(tmp_path_factory, said):
    folder = tmp_path_factory.mktemp("marks")
    writer, follower = Marks(folder), Marks(folder)
    expected = {}
    for seed, favourite, tags in said:
        written = tuple(tag.encode("utf-8", "ignore").decode() for tag in tags)
        expected[seed] = Mark(favourite, written)
        writer.write({identity(take(folder, seed)): expected[seed]})
        follower.refresh()
    fresh = Marks(folder)
    fresh.refresh()
    for seed in range(6):
        for reader in (writer, follower, fresh):
            assert reader.get(take(folder, seed)) == expected.get(seed, Mark())


def test_a_line_torn_by_a_kill_costs_only_itself(tmp_path):
    Marks(tmp_path).write({"a 1": Mark(True)})
    with open(tmp_path / MARKS_NAME, "a") as journal:
        journal.write('{"take": "b 2", "favou')
    Marks(tmp_path).write({"c 3": Mark(False, ("dry",))})
    read = Marks(tmp_path)
    read.refresh()
    assert read._marks == {"a 1": Mark(True), "c 3": Mark(False, ("dry",))}


def test_two_programs_that_mark_at_once_lose_no_mark(tmp_path):
    script = (
        "import sys; from pathlib import Path; from arc_instrument.marks import Mark, Marks\n"
        "marks = Marks(Path(sys.argv[1]))\n"
        "for n in range(100): marks.write({f'{sys.argv[2]} {n}': Mark(True, (sys.argv[2],))})"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in ("one", "two")]
    assert [process.wait(60) for process in started] == [0, 0]
    read = Marks(tmp_path)
    read.refresh()
    assert read._marks == {f"{name} {n}": Mark(True, (name,)) for name in ("one", "two") for n in range(100)}


def test_marks_that_cannot_be_written_are_one_sentence_and_do_not_count(tmp_path):
    marks = Marks(tmp_path / "gone")
    with pytest.raises(UserError, match="Favourites and tags cannot be written"):
        marks.write({"a 1": Mark(True)})
    assert not marks


def test_a_take_is_the_same_under_another_name(tmp_path):
    assert identity(take(tmp_path)) == identity(replace(take(tmp_path), path=tmp_path / os.sep / "b.wav"))
