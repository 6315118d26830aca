"""One global batch is the same step in one piece, in parts, in two processes, and with every tensor in pieces."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_run import ARC, run_stages
from tiny_waves import WAVES

from model.config import MODELS
from training import autoencoder
from training.config import OobleckRecipe
from training.launch import Launch, shares
from training.run import read_metrics

PROGRAM = Path(__file__).with_name("tiny_run.py")
WAVES_PROGRAM = PROGRAM.with_name("tiny_waves.py")
ROOT = PROGRAM.parents[2]
STAGES = ("flow", "arc")
FRAMES = 56  # seven items
PLAIN = Launch(precision="32-true", log_every=1, preview_every=0)


def assert_same_run(one: Path, other: Path) -> None:
    """Every logged value of every step agrees: later steps show that earlier ones learnt the same."""
    for stage in ("flow", "arc"):
        ours, theirs = read_metrics(one / stage), read_metrics(other / stage)
        assert len(ours) == len(theirs) >= ARC.steps
        for a, b in zip(ours, theirs, strict=True):
            assert {**a, "time": 0} == pytest.approx({**b, "time": 0}, rel=2e-4, abs=1e-6), stage


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process, one piece, float32."""
    folder = tmp_path_factory.mktemp("whole")
    run_stages(folder, STAGES, PLAIN, frames=FRAMES)
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two processes, started as `--devices 2` starts them: DDP, then FSDP, for four and three items in four parts."""
    folder = tmp_path_factory.mktemp("pair")
    command = [sys.executable, str(PROGRAM), *STAGES, "--strategies", "ddp", "fsdp", "--run", str(folder)]
    command += ["--devices", "2", "--batch-frames", str(FRAMES), "--accumulate", "4"]
    command += ["--log-every", "1", "--precision", "32-true"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, "--preview-every", "0", "--no-compile"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_a_batch_in_three_parts_with_activations_computed_twice_is_the_same_step(whole: Path, tmp_path: Path) -> None:
    run_stages(tmp_path, STAGES, replace(PLAIN, accumulate=3, checkpoint_activations=True), frames=FRAMES)
    assert_same_run(whole, tmp_path)


def test_two_processes_learn_what_one_learns_and_only_the_first_writes(whole: Path, pair: Path) -> None:
    assert_same_run(whole, pair / "ddp")
    assert len((pair / "ddp" / "arc" / "config.jsonl").read_text().splitlines()) == 1


def test_tensors_in_pieces_learn_the_same_and_leave_a_whole_checkpoint(whole: Path, pair: Path) -> None:
    assert_same_run(whole, pair / "fsdp")
    pieces, one = (torch.load(p / "arc" / "checkpoint.pt", weights_only=True) for p in (pair / "fsdp", whole))
    for part in ("generator", "discriminator", "ema"):
        assert {n: t.shape for n, t in pieces[part].items()} == {n: t.shape for n, t in one[part].items()}
    assert pieces["d_optimizer"]["state"][0]["exp_avg"].shape == one["d_optimizer"]["state"][0]["exp_avg"].shape


@pytest.mark.slow
def test_oobleck_and_its_adversary_learn_in_two_processes_what_they_learn_in_one(packed: Path, tmp_path: Path) -> None:
    """Steps 1 and 3 are the adversary's, in 2 and 4 the autoencoder feels it."""
    options = f"--model {WAVES.name} --corpus {packed} --batch 2 --crop-latents 256 --steps 5 --adversarial-from 1 "
    options += "--learning-rate 1e-3 --inverse-warmup 0 --precision 32-true --log-every 1 --preview-every 0 "
    options += "--no-compile"
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, WAVES.name, WAVES)
        patch.setattr(sys, "argv", ["autoencoder", *options.split(), "--run", str(tmp_path / "one")])
        autoencoder.main()
    command = [sys.executable, str(WAVES_PROGRAM), *options.split(), "--run", str(tmp_path / "two"), "--devices", "2"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    ours, theirs = read_metrics(tmp_path / "one"), read_metrics(tmp_path / "two")
    assert ["d_loss" in line for line in ours] == [False, True, False, True, False]
    # The hinge loss of real and of reconstructed sounds pulls a bias both ways alike: what is left is rounding, which
    # Adam takes for a direction. All logits then move by about a rate's length a turn, and only `adversarial` tells.
    moved = 2 * 2 * OobleckRecipe().adversary.learning_rate
    for step, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.pop("adversarial", 0) == pytest.approx(b.pop("adversarial", 0), abs=moved)
        assert {**a, "time": 0} == pytest.approx({**b, "time": 0}, rel=5e-5 if step < 3 else 1e-3)
    one, two = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("one", "two"))
    assert one["step"] == two["step"] == 5
    for part in ("network", "discriminator", "ema"):
        assert {n: t.shape for n, t in two[part].items()} == {n: t.shape for n, t in one[part].items()}


def test_parts_are_nearly_equal_and_never_empty() -> None:
    assert shares(range(5), 2) == [(slice(0, 2), False), (slice(2, 5), True)]
    assert shares(range(2), 4) == [(slice(0, 1), False), (slice(1, 2), True)]
    with pytest.raises(ValueError, match="fewer items than there are processes"):
        shares((), 1)
