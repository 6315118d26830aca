"""Crops straight from shards on a real web server: what each step sees, resuming, ranks, and bad input."""

import functools
import http.server
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from training.corpus import Augmentation, Corpus
from training.shards import Sample, ShardWriter
from training.stream import Stream, batches

PLAIN = Augmentation(gain_db=(0, 0), polarity=False, channel_swap=False, from_start=1, lead_samples=0)


@pytest.fixture(scope="module")
def urls(shards: list[str]) -> Iterator[list[str]]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(Path(shards[0]).parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield [f"http://127.0.0.1:{server.server_port}/{Path(shard).name}" for shard in shards]
        server.shutdown()


def steps(stream: Stream, count: int, workers: int = 0) -> list[Tensor]:
    return list(islice(batches(stream, workers), count))


def test_shards_on_a_server_give_what_local_ones_give(shards: list[str], urls: list[str]) -> None:
    local = steps(Stream(shards, 4, 4_096, seed=1), 6)
    remote = steps(Stream(urls, 4, 4_096, seed=1), 6)
    assert local[0].shape == (4, 2, 4_096)
    assert all(map(torch.equal, local, remote))
    assert not torch.equal(local[0], local[1])


def test_a_run_goes_on_at_its_step_with_what_it_would_have_seen(urls: list[str]) -> None:
    whole = steps(Stream(urls, 4, 2_048, seed=1, block_steps=3, mixed=1), 9)
    for start in (1, 3, 7):
        resumed = steps(Stream(urls, 4, 2_048, seed=1, start=start, block_steps=3, mixed=1), 9 - start)
        assert all(map(torch.equal, resumed, whole[start:]))


def test_loading_processes_keep_the_order_of_the_steps_wherever_a_run_starts(shards: list[str]) -> None:
    whole = steps(Stream(shards, 2, 2_048, seed=1, block_steps=2), 7, workers=2)
    resumed = steps(Stream(shards, 2, 2_048, seed=1, start=3, block_steps=2), 4, workers=2)
    assert all(map(torch.equal, resumed, whole[3:]))


def test_every_shard_is_read_once_an_epoch_by_ranks_and_loading_processes_together() -> None:
    names = [f"http://server/{i}.tar" for i in range(24)]
    ranks = [Stream(names, 1, 1, seed=0, rank=rank, world=3, mixed=2) for rank in range(3)]
    read = [
        shard
        for block in range(2)
        for stream in ranks
        for lane in range(2)
        for shard in stream.block_shards(block, lane, 2)
    ]
    assert sorted(read) == sorted(names)
    later = [
        shard
        for block in (2, 3)
        for stream in ranks
        for lane in range(2)
        for shard in stream.block_shards(block, lane, 2)
    ]
    assert sorted(later) == sorted(names)
    assert read != later


def test_crops_are_the_train_clips_and_all_of_them_come(shards: list[str], packed: Path) -> None:
    corpus = Corpus(packed, "train")
    whole = np.zeros((len(corpus), 2, 30_000), np.float32)  # longer than any: padded, so no two are alike
    for i in range(len(corpus)):
        whole[i, :, : corpus.entries[i].frames] = corpus.audio(i).T
    crops = torch.cat(steps(Stream(shards, 9, 30_000, seed=1, augmentation=PLAIN, block_steps=2), 2)).numpy()
    errors = np.abs(crops[:, None] - whole).max((2, 3))
    assert errors.min(1).max() < 1e-4
    assert sorted(errors.argmin(1)) == list(range(len(corpus)))


def test_bad_clips_are_passed_over_counted_and_told(
    shards: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ShardWriter(tmp_path / "bad") as writer:
        for i in range(3):
            writer.write(Sample(f"{i}", {"wav": b"no sound", "json": b"{}"}))
        path = writer.path
    stream = Stream([shards[0], str(path)], 4, 2_048, seed=1)
    assert len(steps(stream, 5)) == 5
    assert stream.skipped == {"not audio": 3}
    said = capfd.readouterr().err.splitlines()
    assert said == [f"{path}: passed over what is not audio; {n} such so far, repeats counted" for n in (1, 2)]
    assert len(steps(Stream([shards[0], str(path)], 4, 2_048, seed=1), 5, workers=1)) == 5
    assert capfd.readouterr().err.splitlines() == said
    with pytest.raises(ValueError, match="none of a block's clips is usable"):
        steps(Stream([str(path)], 4, 2_048, seed=1), 1)


def test_a_truncated_shard_gives_its_whole_clips_and_a_line(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.tar"
    path.write_bytes(Path(shards[0]).read_bytes()[:-20_000])
    stream = Stream([str(path)], 4, 2_048, seed=1)
    assert len(steps(stream, 3)) == 3
    assert stream.skipped["in a damaged part of an archive"] >= 1
    assert f"{path}: passed over what is in a damaged part of an archive; 1 such" in capsys.readouterr().err


def test_a_missing_shard_is_one_sentence(urls: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such shard"):
        Stream([str(tmp_path / "none.tar")], 1, 1, seed=0)
    for workers in (0, 1):
        with pytest.raises(ValueError, match=r"^http.* cannot be fetched: the server answers 404 \S+( \S+)*$"):
            steps(Stream([urls[0].replace("made", "other")], 1, 2_048, seed=0), 1, workers)
