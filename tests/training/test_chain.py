"""The whole chain by its own commands, small: render → corpus → autoencoder → latents → flow → ARC → model → sound.

The first, the second and the last command run as a person would start them. Those between run in this process, because
each new one spends four seconds on importing torch and transformers alone.
"""

import importlib
import subprocess
import sys
import tarfile
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.config import TINY
from model.pipeline import Generation, Pipeline
from training.corpus import Corpus
from training.latents import open_latents
from training.run import read_metrics

ROOT = Path(__file__).resolve().parents[2]
FLOW_STEPS = 6
SIXTEEN = ("--seed", 1, "--shard-clips", 16, "--jobs", 1, "--soundfont-share", 0)  # clips, four of them to be held out
STAGE = ("--model", "tiny", "--batch-frames", 64, "--no-compile", "--log-every", 1)


def process(name: str, *arguments: str | Path | float) -> None:
    """Run `python -m training.NAME` to its end."""
    line = [sys.executable, "-m", f"training.{name}", *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def command(name: str, *arguments: str | Path | float) -> None:
    """The same in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"training.{name}", *map(str, arguments)])
        importlib.import_module(f"training.{name}").main()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what every command of the chain left; the flow ended half way and was told to go on."""
    torch.set_num_threads(1)  # whatever an earlier test left: two wait for each other where others use the cores
    folder = tmp_path_factory.mktemp("chain")
    shards, at = folder / "shards", ("--latents", folder / "latents")
    process("render", "--out", shards, "--hours", 0.002, *SIXTEEN)
    process("corpus", shards, "--out", folder / "corpus", "--processes", 1)
    from_corpus = ("--corpus", folder / "corpus")
    command("autoencoder", *from_corpus, "--run", folder / "autoencoder", "--steps", 3, "--model", "tiny")
    encoder = ("--autoencoder", folder / "autoencoder", "--views", 1, "--model", "tiny")
    command("latents", *from_corpus, *encoder, "--out", folder / "latents")
    flow = ("pretrain", *at, "--run", folder / "flow", *STAGE)
    command(*flow, "--steps", FLOW_STEPS // 2, "--preview-every", FLOW_STEPS // 2)
    command(*flow, "--steps", FLOW_STEPS, "--preview-every", 0)
    arc = ("arc", *at, "--init", folder / "flow", "--run", folder / "arc", *STAGE)
    command(*arc, "--steps", 2, "--preview-every", 0)
    process("export", *at, "--generator", folder / "arc", "--out", folder / "model", "--model", "tiny")
    return folder


def test_what_was_rendered_is_packed_and_encoded_without_loss(chain: Path) -> None:
    rendered = 0
    for shard in (chain / "shards").glob("*.tar"):
        with tarfile.open(shard) as tar:
            rendered += sum(name.endswith(".json") for name in tar.getnames())
    for split in ("train", "test"):
        clips = Corpus(chain / "corpus", split)
        assert len(open_latents([str(chain / "latents")], split, TINY).captions) == len(clips) > 0
        rendered -= len(clips)
    assert rendered == 0


def test_every_stage_leaves_metrics_and_one_that_had_ended_goes_on(chain: Path) -> None:
    stages = {"autoencoder": ("distance", 3), "flow": ("loss", FLOW_STEPS), "arc": ("contrastive_loss", 2)}
    for stage, (loss, steps) in stages.items():
        values = [line[loss] for line in read_metrics(chain / stage) if loss in line]
        assert len(values) > 0
        assert np.isfinite(values).all()
        assert torch.load(chain / stage / "checkpoint.pt", weights_only=True)["step"] == steps
    starts = [line.count(f'"from_step": {FLOW_STEPS // 2}') for line in (chain / "flow" / "config.jsonl").open()]
    assert starts == [0, 1]


def test_a_stage_is_heard_and_seen_on_the_way(chain: Path) -> None:
    folder = chain / "flow" / "previews" / f"step-{FLOW_STEPS // 2:06}"
    sounds, pictures = (sorted(folder.glob(f"*.{kind}")) for kind in ("wav", "png"))
    assert [path.stem for path in sounds] == [path.stem for path in pictures]
    assert len(sounds) > 0
    for sound, picture in zip(sounds, pictures, strict=True):
        with wave.open(str(sound)) as file:
            assert file.getnframes() > 0
        with Image.open(picture) as image:
            assert min(image.size) > 0


@pytest.mark.parametrize("seconds", [0.2, 0.7])
def test_the_model_at_the_end_makes_sounds_of_the_asked_length(chain: Path, seconds: float) -> None:
    pipeline = Pipeline.load(chain / "model")
    assert pipeline.name == "tiny"
    sound = pipeline.generate(Generation("bright kick", seconds, steps=4))
    assert sound.shape == (round(seconds * 44_100), 2)
    assert np.isfinite(sound).all()
    assert sound.any()


def test_a_flow_is_exported_too_and_a_decoder_only_beside_its_encoder(chain: Path, tmp_path: Path, capsys) -> None:
    at = ("--latents", chain / "latents", "--generator", chain / "flow", "--model", "tiny")
    command("export", *at, "--autoencoder", chain / "autoencoder", "--out", tmp_path / "flow")
    assert Pipeline.load(tmp_path / "flow").generate(Generation("hat", 0.2, steps=2)).any()
    later = torch.load(chain / "autoencoder" / "checkpoint.pt", weights_only=True)
    name = next(name for name in later["ema"] if "encoder" in name)
    later["ema"][name] += 0.01
    (tmp_path / "later").mkdir()
    torch.save(later, tmp_path / "later" / "checkpoint.pt")
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        command("export", *at, "--autoencoder", tmp_path / "later", "--out", tmp_path / "no")
    assert ended.value.code == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "its encoder is not the one that made these latents" in said
    assert not (tmp_path / "no").exists()
