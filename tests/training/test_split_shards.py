"""`--split-shards`: every process learns from shards of its own, by the real commands on one node and on two.

Where both shards hold the same clips, two processes draw together what one draws from either: they must learn what it
learns.
"""

import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from model.config import TINY
from model.spectral import SpectralAutoencoder
from training import encoding
from training.corpus import Corpus
from training.encoding import CaptionEncoder, encode
from training.latents import Latents, open_latents
from training.run import read_metrics

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
TWINS = ("twin-0.tar", "twin-1.tar")
STAGE = ("--model", "tiny", "--batch-frames", 64, "--warmup", 2, "--precision", "32-true", "--no-compile")
STAGE += ("--log-every", 1, "--preview-every", 0, "--decay-fraction", 0)  # a rate that knows nothing of the last step
ARC = ("--learning-rate", 1e-3, "--discriminator-learning-rate", 1e-3)
PAIR = ("--split-shards", "--strategy", "ddp")
ENDLESS = ("--steps", 1_000_000, "--save-every-s", 0)


def start(name: str, *arguments: str | Path | float, **environment: str) -> subprocess.Popen[str]:
    """Begin `python -m training.NAME`, in a process group of its own."""
    line = [sys.executable, "-m", f"training.{name}", *map(str, arguments)]
    environment = ENVIRONMENT | environment
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(line, cwd=ROOT, env=environment, start_new_session=True, **pipes)


def ended(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Status, output and errors of each; nothing that they began is left."""
    try:
        said = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return [(process.returncode, *texts) for process, texts in zip(processes, said, strict=True)]


def await_checkpoint(run: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a run has saved a step, or has ended."""
    while not (run / "checkpoint.pt").exists() and process.poll() is None:
        time.sleep(0.01)


def steps_of(run: Path) -> int:
    return torch.load(run / "checkpoint.pt", weights_only=True)["step"]


def begun_at(run: Path) -> list[int]:
    """The steps at which a run began and went on; the first of several processes alone writes them."""
    return [json.loads(line)["from_step"] for line in (run / "config.jsonl").open()]


def alone(name: str, *arguments: str | Path | float) -> None:
    """The command in this process; on one thread, so that sums are in one order."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"training.{name}", *map(str, arguments)])
        importlib.import_module(f"training.{name}").main()


def assert_same_losses(one: Path, other: Path, steps: int) -> None:
    ours, theirs = read_metrics(one), read_metrics(other)
    assert [line["step"] for line in ours] == [line["step"] for line in theirs] == list(range(steps))
    for a, b in zip(ours, theirs, strict=True):
        assert np.isfinite(list(a.values())).all()
        assert {**a, "time": 0} == pytest.approx({**b, "time": 0}, rel=2e-4, abs=1e-6)
    assert steps_of(one) == steps_of(other) == steps


def shards_in_memory(process: subprocess.Popen[str]) -> list[set[str]]:
    """The shards that a process and each one begun by it have mapped, as Linux knows them."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    maps = [Path(f"/proc/{pid}/maps").read_text().splitlines() for pid in (process.pid, *children)]
    return [{Path(line).name for line in lines if line.endswith(".tar")} for lines in maps]


def encode_clips(packed: Path, folder: Path) -> int:
    """Encode the training split, every clip under a caption of its own; how many there are."""
    corpus = Corpus(packed, "train")
    corpus.entries = [replace(entry, captions=(f"clip {i}",)) for i, entry in enumerate(corpus.entries)]
    torch.manual_seed(0)
    network = SpectralAutoencoder.of(TINY).eval()
    encode([("clips", corpus, 1.0, 1)], network, TINY, CaptionEncoder(TINY, None), "x", folder / "train")
    return len(corpus)


@pytest.fixture(scope="module")
def single(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Latents in one shard."""
    folder = tmp_path_factory.mktemp("single")
    encode_clips(packed, folder)
    return folder


def twins(single: Path, folder: Path, there: Sequence[str] = TWINS) -> Path:
    """Latents whose index names the shard twice; of the two copies those `there` are in the folder."""
    index = json.loads((single / "train" / "index.json").read_text())
    (shard,) = index["shards"]
    (folder / "train").mkdir(parents=True)
    for name in there:
        shutil.copy(single / "train" / shard["file"], folder / "train" / name)
    index["shards"] = [{**shard, "file": name} for name in TWINS]
    (folder / "train" / "index.json").write_text(json.dumps(index))
    return folder


class Stopped(NamedTuple):
    """A training of two processes that met SIGTERM, and was then told to go on for three steps."""

    folder: Path
    steps: int  # when it was stopped
    status: int
    said: str
    opened: list[set[str]] | None  # shards in the memory of each; None where the system does not tell


@pytest.fixture(scope="module")
def stopped(single: Path, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    folder = tmp_path_factory.mktemp("stopped")
    run, latents = folder / "flow", twins(single, folder / "latents")
    command = ("pretrain", "--latents", latents, "--run", run, *STAGE, *PAIR, "--devices", 2)
    process = start(*command, *ENDLESS)
    await_checkpoint(run, process)
    opened = shards_in_memory(process) if Path("/proc/self/maps").exists() and process.poll() is None else None
    process.terminate()
    ((status, said, errors),) = ended([process])
    assert (run / "checkpoint.pt").exists(), errors
    steps = steps_of(run)
    ((again, _, errors),) = ended([start(*command, "--steps", steps + 3)])
    assert again == 0, errors
    return Stopped(run, steps, status, said, opened)


@pytest.mark.slow
def test_of_two_processes_each_has_a_shard_of_its_own_in_its_memory_alone(stopped: Stopped) -> None:
    if stopped.opened is None:
        pytest.skip("this system does not tell what a process has mapped")
    assert sorted(map(sorted, stopped.opened)) == [[name] for name in TWINS]


@pytest.mark.slow
def test_sigterm_to_the_first_stops_both_after_a_whole_step_and_the_same_command_goes_on(stopped: Stopped) -> None:
    assert stopped.status == 130
    assert f"{stopped.folder}: stopped and saved after {stopped.steps} of 1000000 steps" in stopped.said
    assert begun_at(stopped.folder) == [0, stopped.steps]


@pytest.mark.slow
def test_two_processes_on_one_shard_each_learn_what_one_learns_on_either(
    single: Path, stopped: Stopped, tmp_path: Path
) -> None:
    steps = stopped.steps + 3
    alone("pretrain", "--latents", single, "--run", tmp_path, *STAGE, "--steps", steps)
    assert_same_losses(tmp_path, stopped.folder, steps)


@pytest.mark.slow
def test_two_nodes_hold_their_own_shards_alone_stop_together_and_learn_what_one_process_learns(
    single: Path, stopped: Stopped, tmp_path: Path
) -> None:
    run, halves = tmp_path / "pair", []
    for node, shard in enumerate(TWINS):
        halves.append(twins(single, tmp_path / f"node-{node}", [shard]))
        with pytest.raises(ValueError, match="is missing or cut off"):
            open_latents([str(halves[node])], "train", TINY)
    command = ("arc", "--init", stopped.folder, *STAGE, *ARC)

    def start_both(*options: str | int) -> list[subprocess.Popen[str]]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        at = [("--latents", half, "--run", run, *PAIR, "--nodes", 2, *options) for half in halves]
        return [start(*command, *own, NODE_RANK=str(node), **meeting) for node, own in enumerate(at)]

    nodes = start_both(*ENDLESS)
    await_checkpoint(run, nodes[0])
    nodes[1].terminate()  # the second alone is told, and tells the first
    for status, _, errors in ended(nodes):
        assert status == 130, errors
    before = steps_of(run)
    for status, _, errors in ended(start_both("--steps", before + 3)):
        assert status == 0, errors
    alone(*command, "--latents", single, "--run", tmp_path / "one", "--steps", before + 3)
    assert_same_losses(tmp_path / "one", run, before + 3)
    assert begun_at(run) == [0, before]


def test_fewer_shards_than_processes_end_the_training_in_one_sentence(single: Path, tmp_path: Path) -> None:
    command = ("pretrain", "--latents", single, "--run", tmp_path / "run", *STAGE, *PAIR)
    ((status, _, errors),) = ended([start(*command, "--devices", 2, "--steps", 3)])
    assert status == 1
    assert "Traceback" not in errors
    assert errors.count(f"{single}: fewer shards than processes; use fewer, or do not split them") == 1
    assert not (tmp_path / "run").exists()


def test_each_process_draws_all_clips_of_its_own_shards_and_no_other(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "CLIPS_OF_A_SHARD", 4)
    clips = encode_clips(packed, tmp_path)
    assert clips == 18  # five shards, the last of them smaller
    everything = set()
    for rank in range(2):
        latents = Latents([(str(tmp_path), 1.0)], "train", TINY, rank=rank, world=2, split_shards=True)
        batches = [latents.batch(64, np.random.default_rng((0, step)), rank, 2) for step in range(200)]
        drawn = {caption for batch in batches for caption in batch.captions}
        assert drawn == {f"clip {i}" for i in range(clips) if i // 4 % 2 == rank}
        everything |= drawn
    assert everything == {f"clip {i}" for i in range(clips)}
