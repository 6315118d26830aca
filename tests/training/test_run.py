"""A run survives being killed, a full disk and bad numbers; and goes on only as it was begun."""

import math
import os
import random
import resource
import signal
import subprocess
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from safetensors.torch import save_file
from tiny_run import FLOW, MadeLatents, pretrained, run_stages
from torch import nn

from model.checkpoint import published_state_dict, write
from model.config import TINY, OobleckConfig
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.spectral import SpectralAutoencoder
from model.weights import OpenedModel, save_model
from training import pretrain
from training.latents import Latents
from training.launch import Launch
from training.previews import GeneratorPreview
from training.run import (
    GENERATOR_PARTS,
    Run,
    RunError,
    averaged_weights,
    initial_weights,
    load_initial,
    open_fabric,
    published_weights,
    read_metrics,
)

PROGRAM = Path(__file__).with_name("tiny_run.py")
ENVIRONMENT = {"PYTHONPATH": str(PROGRAM.parents[2]), "PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": ""}
PLAIN = Launch(precision="32-true", log_every=1, preview_every=0)


def open_run(folder: Path, module: nn.Module | None = None, learning_rate: float = 1e-3) -> Run:
    recipe = replace(FLOW, learning_rate=learning_rate)
    return Run(folder, recipe, {"ema": module or nn.Linear(4, 4)}, open_fabric(PLAIN), TINY)


def checkpoint_of(folder: Path) -> dict:
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def assert_equal(one: object, other: object) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, cast("torch.Tensor", other))
    elif isinstance(one, dict):
        assert one.keys() == cast("dict", other).keys()
        for key, value in one.items():
            assert_equal(value, cast("dict", other)[key])
    else:
        assert one == other


def test_a_run_killed_at_random_moments_ends_bit_for_bit_like_one_that_was_not(tmp_path: Path) -> None:
    steps, moments = 12, random.Random(0)
    command = [sys.executable, str(PROGRAM), "flow", "--run", str(tmp_path), "--steps", str(steps), "--no-compile"]
    command += ["--precision", "32-true", "--preview-every", "0", "--log-every", "1", "--save-every-s", "0"]
    checkpoint = tmp_path / "auto" / "flow" / "checkpoint.pt"
    for kill in range(2):  # saving after every step, so a kill meets a step or a save
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        saved = checkpoint.stat().st_mtime_ns if kill else 0
        while not (checkpoint.exists() and checkpoint.stat().st_mtime_ns > saved) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.2))
        process.kill()
        process.wait()
        assert 0 < checkpoint_of(checkpoint.parent)["step"] <= steps
    launch = replace(PLAIN, save_every_s=0)
    run_stages(tmp_path / "auto", ["flow"], launch, steps)
    run_stages(tmp_path / "whole", ["flow"], launch, steps)
    assert_equal(checkpoint_of(tmp_path / "auto" / "flow"), checkpoint_of(tmp_path / "whole" / "flow"))
    assert not list((tmp_path / "auto" / "flow").glob("*.partial"))
    lines = [{**line, "time": 0} for line in read_metrics(tmp_path / "auto" / "flow")]
    assert [line["step"] for line in lines] == list(range(steps))


def test_a_full_disk_costs_one_sentence_and_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    run = open_run(tmp_path, nn.Linear(200, 200))
    run.save()
    before = (tmp_path / "checkpoint.pt").read_bytes()
    run.step = 7
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"step 7 could not be saved .* the last good checkpoint is"):
            run.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert not (tmp_path / "checkpoint.partial").exists()
    run.save()
    assert checkpoint_of(tmp_path)["step"] == 7


def test_ctrl_c_ends_a_run_after_the_step_in_hand(tmp_path: Path) -> None:
    done = []

    def go(run: Run) -> None:
        for step in run.steps(10):
            if step == 3:
                os.kill(os.getpid(), signal.SIGINT)
            done.append(step)

    with pytest.raises(KeyboardInterrupt):
        go(open_run(tmp_path))
    assert done == [0, 1, 2, 3]
    assert checkpoint_of(tmp_path)["step"] == 4


def test_an_error_in_a_step_leaves_the_last_whole_step_on_disk(tmp_path: Path) -> None:
    module = nn.Linear(4, 4)

    def go(run: Run) -> None:
        for step in run.steps(10):
            nn.init.constant_(module.bias, step)
            if step == 3:
                raise ZeroDivisionError

    run = open_run(tmp_path, module)
    run.save_every_s = 0
    with pytest.raises(ZeroDivisionError):
        go(run)
    assert checkpoint_of(tmp_path)["step"] == 3
    assert checkpoint_of(tmp_path)["ema"]["bias"].tolist() == [2.0] * 4


def test_a_loss_that_is_no_number_stops_the_run_and_stays_in_the_metrics(tmp_path: Path) -> None:
    run = open_run(tmp_path)
    with pytest.raises(RunError, match="loss is nan at step 5; nothing was saved"):
        run.watch(5, grad_norm=1.0, loss=math.nan)
    assert math.isnan(read_metrics(tmp_path)[-1]["loss"])
    with pytest.raises(RunError, match="grad_norm is inf at step 6"):
        run.watch(6, grad_norm=math.inf, loss=1.0)


def test_a_loss_far_above_its_median_stops_the_run_after_ten_steps_and_a_spike_does_not(tmp_path: Path) -> None:
    run = open_run(tmp_path)
    for step in range(60):
        run.watch(step, grad_norm=1.0, loss=1.0 if step != 55 else 1e6)
    for step in range(60, 69):
        run.watch(step, grad_norm=1.0, loss=30.0)
    with pytest.raises(RunError, match=r"loss is 30 at step 69, more than 20 times its median 1 for 10 steps"):
        run.watch(69, grad_norm=1.0, loss=30.0)


def test_a_checkpoint_of_another_recipe_or_model_is_refused_and_a_longer_run_is_not(tmp_path: Path) -> None:
    open_run(tmp_path).save()
    with pytest.raises(RunError, match=r"was begun with recipe.learning_rate 0.001, not 0.002: .* --init"):
        open_run(tmp_path, learning_rate=2e-3)
    with pytest.raises(RunError, match="is of another model or training, ema does not fit"):
        open_run(tmp_path, nn.Linear(5, 5))
    bigger = replace(TINY, dit=replace(TINY.dit, depth=3))
    with pytest.raises(RunError, match=r"was begun with config.dit.depth 2, not 3"):
        Run(tmp_path, replace(FLOW, learning_rate=1e-3), {}, open_fabric(PLAIN), bigger)
    Run(tmp_path, replace(FLOW, learning_rate=1e-3, steps=99), {}, open_fabric(PLAIN), TINY)
    (tmp_path / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(RunError, match="cannot be read; delete it to begin again"):
        open_run(tmp_path)


def test_metrics_of_steps_that_a_resumed_run_repeats_are_dropped_and_so_is_a_line_cut_short(tmp_path: Path) -> None:
    run = open_run(tmp_path)
    run.step = 2
    run.save()
    for step in range(4):  # two of them after the checkpoint, as a kill leaves them
        run.log(step, loss=float(step))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "lo')
    resumed = open_run(tmp_path)
    resumed.log(2, loss=5.0)
    assert [(line["step"], line["loss"]) for line in read_metrics(tmp_path)] == [(0, 0), (1, 1), (2, 5)]


def test_a_training_starts_from_a_run_a_model_folder_or_its_file(tmp_path: Path) -> None:
    generator = Generator(TINY)
    load_initial(generator, pretrained())
    save_model(
        tmp_path / "model", {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": nn.Linear(2, 2)}, {}
    )
    Run(tmp_path / "run", FLOW, {"ema": generator}, open_fabric(PLAIN)).save()
    for source in ("model", "model/model.safetensors", "run"):
        weights = initial_weights(tmp_path / source, GENERATOR_PARTS)
        load_initial(Generator(TINY), weights)
        torch.testing.assert_close(weights["seconds.frequencies"], generator.seconds.frequencies, rtol=1e-3, atol=1e-3)
    assert initial_weights(tmp_path / "model", ("autoencoder",)).keys() == {"weight", "bias"}
    with pytest.raises(ValueError, match="--init: those weights are of another model"):
        load_initial(nn.Linear(2, 3), initial_weights(tmp_path / "model", ("autoencoder",)))
    with pytest.raises(ValueError, match="there is no such weights file"):
        initial_weights(tmp_path / "nothing", GENERATOR_PARTS)


def test_a_training_starts_from_an_installed_model_whose_tensors_have_their_published_names(tmp_path: Path) -> None:
    config = replace(TINY, autoencoder=OobleckConfig(channels=4, multiples=(1, 2), strides=(2, 4)))
    generator, autoencoder = Generator(config), OobleckAutoencoder(config.autoencoder)
    load_initial(generator, pretrained())
    parts = {**dict(generator.named_children()), "autoencoder": autoencoder}
    write(tmp_path / "model.safetensors", published_state_dict(parts), {})
    opened = OpenedModel(config, True, tmp_path / "model.safetensors", None, "", "")
    own = {**generator.state_dict(), **{f"autoencoder.{n}": t for n, t in autoencoder.state_dict().items()}}
    for names in (GENERATOR_PARTS, ("autoencoder",)):
        weights = published_weights(opened, names)
        assert weights.keys() == {name for name in own if name.split(".")[0] in names}
        for name, tensor in weights.items():
            torch.testing.assert_close(tensor, own[name], rtol=1e-5, atol=1e-6)


def test_previews_are_the_same_prompts_as_sound_and_picture(tmp_path: Path) -> None:
    from PIL import Image

    save_file(SpectralAutoencoder.of(TINY).state_dict(), tmp_path / "autoencoder.safetensors")
    latents = cast("Latents", MadeLatents())
    preview = GeneratorPreview(TINY, tmp_path / "autoencoder.safetensors", latents)
    launch = replace(PLAIN, preview_every=1)
    recipe = replace(FLOW, steps=2)
    pretrain.train(TINY, latents, latents, recipe, tmp_path / "run", open_fabric(launch), pretrained(), launch, preview)
    for step in ("step-000001", "step-000002"):
        folder = tmp_path / "run" / "previews" / step
        names = ["bell-A4.wav", "hat--120-BPM.wav", "kick.wav", "snare.wav"]
        assert sorted(p.name for p in folder.glob("*.wav")) == names
        with wave.open(str(folder / "kick.wav")) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (TINY.sample_rate, 2, 2)
            assert file.getnframes() == round(preview.seconds["kick"] * TINY.sample_rate)
        assert Image.open(folder / "kick.png").getbbox() is not None
    assert averaged_weights(tmp_path / "run").keys() == pretrained().keys()
