"""The whole chain by its own commands, small: render → corpus → autoencoder → latents → flow → ARC → model → sound."""

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from model.pipeline import Generation, Pipeline
from training.corpus import Corpus
from training.latents import open_latents
from training.run import read_metrics

ROOT = Path(__file__).resolve().parents[2]
FLOW_STEPS = 6


def command(name: str, *arguments: str | Path) -> str:
    """Run `python -m training.NAME` as a person would; what it printed."""
    line = [sys.executable, "-m", f"training.{name}", *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what every command of the chain left; the flow was stopped half way and resumed."""
    folder = tmp_path_factory.mktemp("chain")
    tiny = ("--model", "tiny")
    command(
        "render", "--out", folder / "shards", "--hours", 0.002, "--shard-clips", 16, "--jobs", 1, "--soundfont-share", 0
    )
    command("corpus", folder / "shards", "--out", folder / "corpus", "--processes", 1)
    command("autoencoder", "--corpus", folder / "corpus", "--run", folder / "autoencoder", "--steps", 3, *tiny)
    at = ("--latents", folder / "latents")
    encoded_by = ("--corpus", folder / "corpus", "--autoencoder", folder / "autoencoder")
    command("latents", *encoded_by, "--out", folder / "latents", "--views", 1, *tiny)
    flow = ("pretrain", *at, "--run", folder / "flow", "--batch-frames", 64, *tiny, "--steps")
    command(*flow, FLOW_STEPS // 2)
    (folder / "second.txt").write_text(command(*flow, FLOW_STEPS))
    command("arc", *at, "--init", folder / "flow", "--run", folder / "arc", "--batch-frames", 64, "--steps", 2, *tiny)
    command("export", *at, "--generator", folder / "arc", "--out", folder / "model", *tiny)
    return folder


def test_what_was_rendered_is_packed_and_encoded_without_loss(chain: Path) -> None:
    rendered = 0
    for shard in (chain / "shards").glob("*.tar"):
        with tarfile.open(shard) as tar:
            rendered += sum(name.endswith(".json") for name in tar.getnames())
    splits = [Corpus(chain / "corpus", split) for split in ("train", "test")]
    assert rendered == sum(len(corpus) for corpus in splits) > 10
    from model.config import TINY

    latents = open_latents([str(chain / "latents")], "train", TINY)
    assert len(latents.captions) == len(splits[0])


def test_every_stage_leaves_metrics_and_the_stopped_one_went_on(chain: Path) -> None:
    for stage, loss in (("autoencoder", "distance"), ("flow", "loss"), ("arc", "contrastive_loss")):
        values = [line[loss] for line in read_metrics(chain / stage) if loss in line]
        assert values
        assert np.isfinite(values).all()
    assert f"at step {FLOW_STEPS // 2}\n" in (chain / "second.txt").read_text()
    assert torch.load(chain / "flow" / "checkpoint.pt", weights_only=True)["step"] == FLOW_STEPS


@pytest.mark.parametrize("seconds", [0.2, 0.7])
def test_the_model_at_the_end_makes_sounds_of_the_asked_length(chain: Path, seconds: float) -> None:
    pipeline = Pipeline.load(chain / "model")
    assert pipeline.name == "tiny"
    sound = pipeline.generate(Generation("bright kick", seconds, steps=4))
    assert sound.shape == (round(seconds * 44_100), 2)
    assert np.isfinite(sound).all()


def test_a_flow_run_is_exported_too_and_an_unfrozen_encoder_refused(chain: Path, tmp_path: Path) -> None:
    at = ("--latents", chain / "latents", "--generator", chain / "flow", "--model", "tiny")
    command("export", *at, "--autoencoder", chain / "autoencoder", "--out", tmp_path / "flow")
    assert Pipeline.load(tmp_path / "flow").generate(Generation("hat", 0.2, steps=2)).any()
    later = tmp_path / "later"
    again = ("--corpus", chain / "corpus", "--init", chain / "autoencoder", "--run", later, "--steps", 1)
    command("autoencoder", *again, "--model", "tiny")
    line = [sys.executable, "-m", "training.export", *map(str, at), "--autoencoder", later, "--out", tmp_path / "no"]
    refused = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert refused.returncode == 1
    assert "its encoder is not the one that made these latents" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "no").exists()
