import errno
import json
import os
import re
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from arc_instrument.audio.wavfile import read_clip, read_comment, write_clip
from arc_instrument.domain import Clip, Generated, GenerationRequest, Timing, UserError
from arc_instrument.library import SLUG_CHARACTERS, Library, slug
from arc_instrument.waveform import peaks


def generated(prompt="Punchy Kick!", seed=7, seconds=0.25):
    samples = np.random.default_rng(seed).uniform(-0.9, 0.9, (round(seconds * 44_100), 2)).astype(np.float32)
    request = GenerationRequest(1, prompt, seconds, 5, seed, init_noise=0.6)
    return Generated(request, Clip(samples), Timing(1, 2, 3, 4, 123.44), "arc-mini", "Apache-2.0")


def same(first, second):
    plain = {"peaks": None}
    return replace(first, **plain).__dict__ == replace(second, **plain).__dict__ and np.array_equal(
        first.peaks, second.peaks
    )


def test_a_take_is_a_24_bit_wav_with_its_samples_in_a_folder_of_its_month(tmp_path):
    made = generated()
    take = Library(tmp_path).add(made)
    assert soundfile.info(take.path).subtype == "PCM_24"
    read, rate_hz = soundfile.read(take.path, dtype="float32")
    assert rate_hz == 44_100
    np.testing.assert_allclose(read, made.clip.samples, atol=2**-23)
    assert take.path.parent == tmp_path / f"{datetime.now():%Y-%m}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_punchy-kick_s7\.wav", take.path.name)


@given(st.text(max_size=200))
@example("CON")
@example("../../etc/passwd")
@example("鼓")
def test_a_slug_is_a_safe_file_name_whatever_the_prompt(prompt):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(prompt))
    assert len(slug(prompt)) <= SLUG_CHARACTERS
    assert slug(prompt) not in ("con", "nul", "com1")


def test_the_same_prompt_and_seed_twice_are_two_files(tmp_path):
    library = Library(tmp_path)
    first, second = library.add(generated()), library.add(generated())
    assert first.path != second.path
    assert second.path.stem.endswith("_s7-2")


def test_takes_come_back_newest_first_from_a_new_library(tmp_path):
    added = []
    for seed in range(3):
        added.append(Library(tmp_path).add(generated(seed=seed)))
        time.sleep(0.002)
    found = Library(tmp_path).takes()
    assert [take.seed for take in found] == [2, 1, 0]
    assert all(same(a, b) for a, b in zip(found, reversed(added), strict=True))


@pytest.mark.parametrize("damage", ["missing", "garbage", "older version"])
def test_the_index_is_rebuilt_from_the_files_themselves(tmp_path, damage):
    library = Library(tmp_path)
    take = library.add(generated())
    index = tmp_path / ".takes.sqlite3"
    if damage == "missing":
        index.unlink()
    elif damage == "garbage":
        index.write_bytes(b"not a database at all" * 100)
    else:
        with sqlite3.connect(index) as old:
            old.execute("DROP TABLE takes")
            old.execute("PRAGMA user_version = 0")
        old.close()
    (found,) = Library(tmp_path).takes()
    assert same(replace(found, peaks=take.peaks), take)
    np.testing.assert_allclose(found.peaks, take.peaks, atol=2**-23)
    assert same(Library(tmp_path).takes()[0], found)


def damage_index(folder, how):
    index = folder / ".takes.sqlite3"
    if how == "page":
        size = index.stat().st_size
        with open(index, "r+b") as file:
            file.seek(4_096)  # what is opened is whole: the first page
            file.write(b"\xff" * (size - 4_096))
        return
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute(f"UPDATE takes SET {how}")


DAMAGES = ["page", "fields = '{'", "fields = json_set(fields, '$.tags', 3)", "fields = CAST(x'FF' AS TEXT)"]
DAMAGES += ["peaks = x'00'", "peaks = NULL"]


@pytest.mark.parametrize("how", DAMAGES)
def test_an_index_that_opens_but_holds_what_cannot_be_read_loses_no_take_and_is_made_anew(tmp_path, monkeypatch, how):
    paths = {Library(tmp_path).add(generated(seed=seed)).path for seed in range(3)}
    damage_index(tmp_path, how)
    assert {take.path for take in Library(tmp_path).takes()} == paths
    monkeypatch.setattr("arc_instrument.library.read_take", lambda _: pytest.fail("a file was read again"))
    assert {take.path for take in Library(tmp_path).takes()} == paths


@pytest.mark.parametrize("use", ["search", "mark", "delete"])
def test_an_index_that_is_damaged_while_it_is_used_is_made_anew_at_once(tmp_path, monkeypatch, use):
    library = Library(tmp_path)
    kick, *bells = (library.add(generated(prompt, seed)) for seed, prompt in enumerate(["Kick", "Bell", "Bell"]))
    library.takes()
    damage_index(tmp_path, "page")
    if use == "search":
        assert library.search("bell") == {bell.path for bell in bells}
    elif use == "mark":
        library.mark([kick])
    else:
        library.delete([kick], lambda _: None)
    assert library.search("be") == {bell.path for bell in bells}
    monkeypatch.setattr("arc_instrument.library.read_take", lambda _: pytest.fail("a file was read again"))
    assert len(Library(tmp_path).takes()) == (2 if use == "delete" else 3)


def test_an_index_that_is_only_in_use_is_left_as_it_is(tmp_path, monkeypatch):
    Library(tmp_path).add(generated())
    index = tmp_path / ".takes.sqlite3"
    before = index.stat().st_ino
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0.01))
    with closing(sqlite3.connect(index)) as other:
        other.execute("BEGIN IMMEDIATE")
        Library(tmp_path).add(generated(seed=8))
    assert index.stat().st_ino == before
    assert len(Library(tmp_path).takes()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_whose_name_is_no_unicode_costs_no_other_take(tmp_path):
    library = Library(tmp_path)
    kept, other = library.add(generated(seed=1)), library.add(generated(seed=2))
    os.rename(other.path, os.fsencode(other.path.parent) + b"/gl\xfcck.wav")
    assert [take.path for take in Library(tmp_path).takes()] == [kept.path]


def test_files_that_are_gone_foreign_or_damaged_are_left_out(tmp_path):
    library = Library(tmp_path)
    kept, gone = library.add(generated(seed=1)), library.add(generated(seed=2))
    gone.path.unlink()
    soundfile.write(kept.path.with_name("foreign.wav"), np.zeros((100, 2)), 44_100)
    kept.path.with_name("damaged.wav").write_bytes(kept.path.read_bytes()[:50])
    assert [take.path for take in Library(tmp_path).takes()] == [kept.path]


def test_a_take_keeps_what_makes_it_again(tmp_path):
    Library(tmp_path).add(generated(prompt="Ein Wort, zwei “Wörter”"))
    (tmp_path / ".takes.sqlite3").unlink()
    (take,) = Library(tmp_path).takes()
    assert (take.prompt, take.steps, take.seed, take.init_noise) == ("Ein Wort, zwei “Wörter”", 5, 7, 0.6)
    assert take.generation_ms == pytest.approx(123.4)


def test_other_programs_read_the_model_and_the_licence_of_its_weights_in_the_file(tmp_path):
    take = Library(tmp_path).add(generated())
    comment = json.loads(WavInfoReader(str(take.path)).info.comment)
    assert (comment["model_name"], comment["weights_licence"]) == ("arc-mini", "Apache-2.0")
    assert comment["digital_source_type"].endswith("/trainedAlgorithmicMedia")
    (tmp_path / ".takes.sqlite3").unlink()
    for _ in ("from the file", "from the index"):
        (found,) = Library(tmp_path).takes()
        assert (found.model_name, found.weights_licence) == ("arc-mini", "Apache-2.0")


def test_a_take_of_before_its_licence_was_kept_is_listed_without_one(tmp_path):
    library = Library(tmp_path)
    take = library.add(generated())
    clip, comment = read_clip(take.path), read_comment(take.path)
    del comment["weights_licence"]
    write_clip(take.path.with_name("older.wav"), clip, comment)
    older = next(found for found in library.takes() if found.path.name == "older.wav")
    assert (older.prompt, older.seed, older.model_name, older.weights_licence) == ("Punchy Kick!", 7, "arc-mini", "")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another folder"):
        Library(tmp_path / "file").add(generated())


def test_a_full_disk_is_one_sentence_and_leaves_no_half_written_file(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        Library(tmp_path).add(generated())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@given(frames=st.integers(0, 3_000), columns=st.integers(1, 900))
def test_peaks_hold_every_extreme_of_the_sound(frames, columns):
    samples = np.random.default_rng(frames).standard_normal((frames, 2)).astype(np.float32)
    made = peaks(samples, columns)
    assert made.shape == (min(columns, frames), 2)
    if frames:
        assert made[:, 0].min() == samples.min()
        assert made[:, 1].max() == samples.max()


def test_marks_survive_the_loss_of_the_index_the_moving_of_the_folder_and_the_renaming_of_a_file(tmp_path):
    library = Library(tmp_path / "takes")
    take = library.add(generated())
    library.mark([replace(take, favourite=True, tags=("dry", "808"))])
    take.path.rename(take.path.with_name("my kick.wav"))
    (tmp_path / "takes").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / ".takes.sqlite3").unlink()
    moved = Library(tmp_path / "elsewhere")
    (found,) = moved.takes()
    assert (found.path.name, found.favourite, found.tags) == ("my kick.wav", True, ("dry", "808"))
    assert moved.search("#808") == {found.path}


def test_marks_survive_the_loss_of_their_journal(tmp_path):
    library = Library(tmp_path)
    library.mark([replace(library.add(generated()), favourite=True)])
    (tmp_path / ".marks.jsonl").unlink()
    assert Library(tmp_path).takes()[0].favourite
    (tmp_path / ".takes.sqlite3").unlink()
    assert Library(tmp_path).takes()[0].favourite


def test_what_another_instance_adds_marks_or_deletes_is_noticed(tmp_path):
    one, other = Library(tmp_path), Library(tmp_path)
    one.takes()
    take = other.add(generated())
    assert one.is_stale()
    assert [found.path for found in one.takes()] == [take.path]
    assert one.search("kick") == {take.path}
    other.mark([replace(take, tags=("dry",))])
    assert one.is_stale()
    assert one.takes()[0].tags == ("dry",)
    other.delete([take], lambda _: None)
    assert one.is_stale()
    assert one.takes() == []


def test_a_library_that_rests_is_not_stale(tmp_path, monkeypatch):
    library = Library(tmp_path)
    library.add(generated())
    monkeypatch.setattr("arc_instrument.library.SETTLED_S", -1)
    library.takes()
    assert not library.is_stale()
    monkeypatch.setattr("arc_instrument.library.read_take", lambda _: pytest.fail("a file was read again"))
    assert len(library.takes()) == 1


def test_two_instances_that_make_the_same_sound_at_once_keep_both(tmp_path):
    import threading

    barrier = threading.Barrier(8)

    def add():
        barrier.wait()
        Library(tmp_path).add(generated())

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = list(tmp_path.glob("*/*.wav"))
    assert len(files) == 8
    assert {soundfile.info(file).frames for file in files} == {round(0.25 * 44_100)}


def test_a_folder_that_vanished_is_a_sentence_and_is_not_made_anew_on_the_disk_below(tmp_path):
    library = Library(tmp_path / "takes")
    take = library.add(generated())
    (tmp_path / "takes").rename(tmp_path / "unmounted")
    for job in (library.takes, library.is_stale, lambda: library.add(generated()), lambda: library.mark([take])):
        with pytest.raises(UserError, match="is away: connect its disk"):
            job()
    with pytest.raises(UserError, match="is away"):
        Library(tmp_path / "takes", must_exist=True).takes()
    assert not (tmp_path / "takes").exists()
    (tmp_path / "unmounted").rename(tmp_path / "takes")
    assert [found.path for found in library.takes()] == [take.path]


def test_what_a_crash_left_unfinished_is_removed_once_nobody_can_be_writing_it_and_nothing_else_is(tmp_path):
    library = Library(tmp_path)
    take = library.add(generated())
    theirs, old, new = (take.path.with_name(name) for name in ("theirs.wav", ".x.wav.1.part", ".y.wav.1.part"))
    for path in (theirs, old, new):
        path.touch()
    for path in (theirs, old):
        os.utime(path, (0, 0))
    assert [found.path for found in library.takes()] == [take.path]
    assert sorted(path.name for path in take.path.parent.iterdir()) == sorted([take.path.name, theirs.name, new.name])


def test_a_take_is_never_seen_before_it_is_whole_and_two_at_once_have_names_of_their_own(tmp_path, monkeypatch):
    from arc_instrument.audio import wavfile

    first, second = Library(tmp_path), Library(tmp_path)
    write, seen, takes = wavfile.write_clip, [], []

    def write_slowly(path, *rest):
        seen.append(path.exists())
        if len(seen) == 1:  # the other instance keeps a take of the same name meanwhile
            takes.append(second.add(generated()))
        write(path, *rest)

    monkeypatch.setattr(wavfile, "write_clip", write_slowly)
    takes.append(first.add(generated()))
    assert seen == [False, False]
    assert len({take.path for take in takes}) == 2
    assert sorted(path.name for path in takes[0].path.parent.iterdir()) == sorted(take.path.name for take in takes)
