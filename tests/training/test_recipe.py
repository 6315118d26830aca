"""The whole recipe on a made corpus with the TINY model: shards → autoencoder → latents → flow → ARC → model folder."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from model.config import TINY
from model.generator import Generator
from model.spectral import SpectralAutoencoder
from model.weights import load_model
from training import arc, autoencoder, encoding, latents, pretrain
from training.config import ArcRecipe, AutoencoderRecipe, PretrainRecipe
from training.corpus import Corpus, random_crops
from training.run import averaged_weights, open_fabric, read_metrics

AUTOENCODER = AutoencoderRecipe(steps=6, batch=2, crop_latents=4, warmup=2)
PRETRAIN = PretrainRecipe(steps=6, batch_frames=32, warmup=2)
ARC = ArcRecipe(steps=3, batch_frames=32, warmup=1)


def module(name: str, *arguments: str | Path) -> None:
    """Run `python -m training.NAME` as a person would."""
    command = [sys.executable, "-m", f"training.{name}", *map(str, arguments), "--model", "tiny"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def trained(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an autoencoder run, latents, a flow run and an ARC run."""
    folder = tmp_path_factory.mktemp("trained")
    corpus = Corpus(packed, "train")
    autoencoder.train(TINY, corpus, AUTOENCODER, folder / "autoencoder", open_fabric())
    module("latents", "--corpus", packed, "--autoencoder", folder / "autoencoder", "--out", folder / "latents")
    train, test = (latents.open_latents([str(folder / "latents")], s, TINY) for s in ("train", "test"))
    pretrain.train(TINY, train, test, PRETRAIN, folder / "flow", open_fabric())
    arc.train(TINY, train, averaged_weights(folder / "flow"), ARC, folder / "arc", open_fabric())
    return folder


@pytest.mark.parametrize("stage", ["autoencoder", "flow"])
def test_a_run_can_start_from_the_averaged_weights_of_another(
    trained: Path, packed: Path, tmp_path: Path, stage: str
) -> None:
    common = ("--init", trained / stage, "--run", tmp_path, "--steps", "0")
    if stage == "autoencoder":
        module("autoencoder", "--corpus", packed, *common)
    else:
        module("pretrain", *common, "--latents", trained / "latents")
    start, given = averaged_weights(tmp_path), averaged_weights(trained / stage)
    assert start.keys() == given.keys()
    assert all(torch.equal(start[name], given[name]) for name in given)


def test_a_flow_is_trained_where_nothing_is_held_out(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "latents", tmp_path / "latents", ignore=shutil.ignore_patterns("test"))
    module(
        "pretrain", "--latents", tmp_path / "latents", "--run", tmp_path / "run", "--steps", "1", "--preview-every", "1"
    )
    assert (tmp_path / "run" / "checkpoint.pt").exists()


def test_the_exported_model_is_the_average_of_the_last_run(trained: Path, tmp_path: Path) -> None:
    module("export", "--latents", trained / "latents", "--generator", trained / "arc", "--out", tmp_path)
    generator, network = Generator(TINY), SpectralAutoencoder.of(TINY)
    load_model(tmp_path, {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": network})
    for name, expected in averaged_weights(trained / "arc").items():
        torch.testing.assert_close(generator.state_dict()[name], expected, rtol=1e-3, atol=1e-6)  # float16 file
    assert not torch.equal(network.scale, torch.ones_like(network.scale))


def test_latents_are_normalised_per_channel_and_padded_as_inference_pads_or_longer(trained: Path) -> None:
    data = latents.open_latents([str(trained / "latents")], "train", TINY)
    rng = np.random.default_rng(0)
    everything = torch.cat([data.collate([view], rng).latents_bct[0] for view in data.views for _ in range(20)], dim=1)
    torch.testing.assert_close(everything.mean(1), torch.zeros(64), atol=0.05, rtol=0)
    torch.testing.assert_close(everything.std(1), torch.ones(64), atol=0.05, rtol=0)
    for view in data.views:
        shortest, longest = (view.seconds + more for more in (0, encoding.BEYOND_SECONDS))
        assert TINY.canvas_frames(round(shortest * TINY.sample_rate)) <= view.frames
        assert view.frames <= TINY.canvas_frames(round(longest * TINY.sample_rate))


def test_a_run_stopped_half_way_ends_with_the_same_weights(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(packed, "train")
    crops = iter(range(3))  # the fourth crop cannot be had: the process stops between two checkpoints

    def stop_after_three(*arguments) -> torch.Tensor:
        if next(crops, None) is None:
            raise KeyboardInterrupt
        return random_crops(*arguments)

    monkeypatch.setattr("training.crops.random_crops", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        autoencoder.train(TINY, corpus, AUTOENCODER, tmp_path / "run", open_fabric())
    monkeypatch.undo()
    autoencoder.train(TINY, corpus, AUTOENCODER, tmp_path / "run", open_fabric())
    autoencoder.train(TINY, corpus, AUTOENCODER, tmp_path / "whole", open_fabric())
    stopped, whole = averaged_weights(tmp_path / "run"), averaged_weights(tmp_path / "whole")
    for name in whole:
        assert torch.equal(stopped[name], whole[name]), name


def test_every_run_leaves_finite_metrics(trained: Path) -> None:
    for run, name in (("autoencoder", "distance"), ("flow", "loss"), ("arc", "contrastive_loss")):
        values = [line[name] for line in read_metrics(trained / run) if name in line]
        assert values
        assert np.isfinite(values).all()
