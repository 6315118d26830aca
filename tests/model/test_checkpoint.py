"""Published names and shapes, and weights files good and bad."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from model import checkpoint
from model.checkpoint import CheckpointError, load, load_published, published_state_dict, state_dict
from model.conditioning import SecondsEmbedder
from model.config import SAO_SMALL, TINY, OobleckConfig
from model.dit import DiffusionTransformer
from model.oobleck import OobleckAutoencoder

KEYS = json.loads((Path(__file__).parents[1] / "data" / "parity" / "keys.json").read_text())


def tiny_parts(seed: int = 0) -> dict[str, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {
            "dit": DiffusionTransformer(TINY.dit),
            "seconds": SecondsEmbedder(TINY.seconds),
            "autoencoder": OobleckAutoencoder(OobleckConfig(channels=4, multiples=(1, 2), strides=(2, 4))),
        }


@pytest.fixture(scope="module")
def published_sizes() -> dict[str, nn.Module]:
    with torch.device("meta"):
        return {
            "dit": DiffusionTransformer(SAO_SMALL.dit),
            "seconds": SecondsEmbedder(SAO_SMALL.seconds),
            "autoencoder": OobleckAutoencoder(OobleckConfig()),
        }


def test_all_750_published_names_and_shapes_come_out_of_our_modules(published_sizes):
    names = {name: list(tensor.shape) for name, tensor in published_state_dict(published_sizes).items()}
    assert names == {name: spec["shape"] for name, spec in KEYS["keys"].items()}
    assert len(names) == 750


def test_parameters_are_counted_as_published_but_for_the_folded_norms(published_sizes):
    counts = {part: sum(p.numel() for p in module.parameters()) for part, module in published_sizes.items()}
    gains = sum(
        tensor.numel() for name, tensor in published_state_dict(published_sizes).items() if name.endswith("weight_g")
    )
    assert counts["dit"] == KEYS["counts"]["dit (model.model.*) params"]
    assert counts["seconds"] == KEYS["counts"]["conditioner params (seconds_total)"]
    assert counts["autoencoder"] + gains == KEYS["counts"]["autoencoder params (pretransform.model.*)"]


def test_weights_written_under_published_names_come_back():
    parts, other = tiny_parts(0), tiny_parts(1)
    load_published(other, published_state_dict(parts))
    for name, tensor in state_dict(parts).items():
        torch.testing.assert_close(state_dict(other)[name], tensor)


def test_a_scaled_gain_scales_the_folded_weight_and_a_scaled_direction_does_not():
    parts, other = tiny_parts(0), tiny_parts(1)
    published = published_state_dict(parts)
    name = "pretransform.model.decoder.layers.1.layers.1.weight"
    published[f"{name}_g"] = published[f"{name}_g"] * 3
    published[f"{name}_v"] = published[f"{name}_v"] * 7
    load_published(other, published)
    ours = "autoencoder.decoder.layers.1.layers.1.weight"
    torch.testing.assert_close(state_dict(other)[ours], 3 * state_dict(parts)[ours])


GAMMA = "model.model.transformer.layers.1.ff_norm.gamma"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop(GAMMA), f"{GAMMA} is missing from these weights"),
        (lambda tensors: tensors.update(strange=torch.zeros(1)), "strange is not a tensor of this architecture"),
        (lambda tensors: tensors.update({GAMMA: torch.zeros(3)}), rf"{GAMMA} has shape \[3\] instead of \[64\]"),
        (
            lambda tensors: tensors.update({GAMMA.replace("gamma", "beta"): torch.ones(64)}),
            "ff_norm.beta: these weights hold other constants",
        ),
        (
            lambda tensors: tensors.update({checkpoint.ROTARY: torch.ones(8)}),
            "inv_freq: these weights hold other constants",
        ),
    ],
)
def test_published_weights_that_do_not_fit_are_refused_by_name_and_change_nothing(change, message):
    parts = tiny_parts()
    published = published_state_dict(parts)
    change(published)
    before = {name: tensor.clone() for name, tensor in state_dict(parts).items()}
    with pytest.raises(CheckpointError, match=message):
        load_published(parts, published)
    assert all(torch.equal(tensor, before[name]) for name, tensor in state_dict(parts).items())


def test_our_file_brings_back_every_tensor_and_its_metadata(tmp_path):
    parts, other = tiny_parts(0), tiny_parts(1)
    path = tmp_path / "tiny.safetensors"
    checkpoint.write(path, state_dict(parts), {"model": "tiny"})
    load(other, checkpoint.read(path))
    assert all(torch.equal(tensor, state_dict(other)[name]) for name, tensor in state_dict(parts).items())
    assert checkpoint.read_metadata(path) == {"model": "tiny"}
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.safetensors"]


def test_half_precision_files_fill_float32_modules_even_from_the_meta_device(tmp_path):
    parts = tiny_parts()
    path = tmp_path / "half.safetensors"
    checkpoint.write(path, {name: tensor.half() for name, tensor in state_dict(parts).items()}, {})
    with torch.device("meta"):
        other = tiny_parts()
    load(other, checkpoint.read(path))
    for name, tensor in state_dict(other).items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, state_dict(parts)[name], rtol=1e-3, atol=1e-6)
    assert all(parameter.requires_grad for parameter in other["dit"].parameters())


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "weights.safetensors"
    checkpoint.write(path, {"a": torch.ones(2)}, {})
    with pytest.raises(TypeError):
        checkpoint.write(path, {"a": torch.ones(2)}, {"not text": 3})  # type: ignore[dict-item]
    assert torch.equal(checkpoint.read(path)["a"], torch.ones(2))
    assert list(tmp_path.iterdir()) == [path]


def test_both_published_file_formats_are_read(tmp_path):
    published = published_state_dict(tiny_parts())
    save_file({name: tensor.contiguous() for name, tensor in published.items()}, tmp_path / "model.safetensors")
    torch.save({"state_dict": published}, tmp_path / "model.ckpt")
    for name in ("model.safetensors", "model.ckpt"):
        found = checkpoint.read(tmp_path / name)
        assert found.keys() == published.keys()
        assert all(torch.equal(found[key], published[key]) for key in published)


@pytest.mark.parametrize("name", ["model.safetensors", "model.ckpt"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x08\x00\x00\x00\x00\x00\x00\x00{bad json"])
def test_a_damaged_file_is_told_in_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name}: not a readable weights file .*; fetch it again"):
        checkpoint.read(tmp_path / name)


def test_a_file_cut_short_is_told_in_one_sentence(tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint.write(path, state_dict(tiny_parts()), {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="fetch it again"):
        checkpoint.read(path)


def test_a_ckpt_that_would_run_code_is_refused(tmp_path):
    class Runs:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": Runs()}, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match=r"model\.ckpt: not a readable weights file \(Weights only load failed\)"):
        checkpoint.read(tmp_path / "model.ckpt")
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: there is no such weights file"):
        checkpoint.read(tmp_path / "gone.safetensors")
