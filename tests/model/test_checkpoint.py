"""Published names and shapes, and weights files good and bad."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from model import checkpoint
from model.checkpoint import (
    CheckpointError,
    MisfitError,
    load,
    load_published,
    published_name,
    published_state_dict,
    state_dict,
)
from model.conditioning import SecondsEmbedder
from model.config import SAO_1_0, SAO_SMALL, SAO_SMALL_BASE, TINY, ModelConfig, OobleckConfig
from model.dit import DiffusionTransformer
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.tensorfile import read, read_metadata

KEYS = json.loads((Path(__file__).parents[1] / "data" / "parity" / "keys.json").read_text())


def tiny_parts(seed: int = 0) -> dict[str, nn.Module]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return {
            "dit": DiffusionTransformer(TINY.dit),
            "seconds": SecondsEmbedder(TINY.seconds),
            "autoencoder": OobleckAutoencoder(OobleckConfig(channels=4, multiples=(1, 2), strides=(2, 4))),
        }


def constant(name: str) -> bool:
    """Whether the published file stores this tensor though nothing learns it."""
    return name == checkpoint.ROTARY or (name.startswith("model.") and name.endswith(".beta"))


def on_meta(config: ModelConfig) -> dict[str, nn.Module]:
    with torch.device("meta"):
        generator = Generator(config)
        return {**dict(generator.named_children()), "autoencoder": OobleckAutoencoder(OobleckConfig())}


@pytest.fixture(scope="module")
def published_sizes() -> dict[str, nn.Module]:
    return on_meta(SAO_SMALL)


def test_all_750_published_names_and_shapes_come_out_of_our_modules(published_sizes):
    names = {name: list(tensor.shape) for name, tensor in published_state_dict(published_sizes).items()}
    assert names == {name: spec["shape"] for name, spec in KEYS["keys"].items()}
    assert len(names) == 750


def test_no_two_of_our_tensors_share_a_published_name(published_sizes):
    own = state_dict(published_sizes)
    assert len({published_name(name) for name in own}) == len(own)


@given(name=st.sampled_from([name for name in sorted(published_state_dict(tiny_parts())) if not constant(name)]))
def test_each_published_tensor_is_exactly_one_of_ours(name):
    parts, other = tiny_parts(), tiny_parts()
    published = published_state_dict(parts)
    published[name] = published[name] + torch.linspace(1, 2, published[name].numel()).view(published[name].shape)
    load_published(other, published)
    before, after = state_dict(parts), state_dict(other)
    changed = [own for own in before if not torch.allclose(before[own], after[own], atol=1e-5)]
    assert [published_name(own) for own in changed] == [name.removesuffix("_g").removesuffix("_v")]


def test_the_base_model_has_the_tensors_of_the_small_one(published_sizes):
    base, small = (published_state_dict(parts) for parts in (on_meta(SAO_SMALL_BASE), published_sizes))
    assert {name: tensor.shape for name, tensor in base.items()} == {n: tensor.shape for n, tensor in small.items()}
    assert (SAO_SMALL_BASE.sampler, SAO_SMALL_BASE.default_steps) == ("euler", 50)


def test_stable_audio_open_1_is_built_of_our_classes_in_its_published_size():
    parts = on_meta(SAO_1_0)
    counts = {part: sum(p.numel() for p in module.parameters()) for part, module in parts.items()}
    assert counts["dit"] == pytest.approx(1.06e9, rel=0.01)
    assert counts["start"] == counts["seconds"] == KEYS["counts"]["conditioner params (seconds_total)"]
    shapes = {name: list(tensor.shape) for name, tensor in published_state_dict(parts).items()}
    small = {name.replace("_total", "_start") for name in KEYS["keys"] if "_norm." not in name} | set(KEYS["keys"])
    a_block = {name for name in KEYS["keys"] if ".layers.0." in name and "model.model." in name}
    blocks = {name.replace(".0.", f".{i}.", 1) for name in a_block for i in range(24)}
    assert shapes.keys() == {n for n in small | blocks if not n.split(".")[-2].startswith(("q_", "k_"))}
    block = "model.model.transformer.layers.23."
    assert shapes[f"{block}cross_attn.to_kv.weight"] == [1536, 768]  # 12 heads of keys and 12 of values, 64 wide
    assert shapes[f"{block}self_attn.to_qkv.weight"] == [4608, 1536]
    assert shapes[f"{block}ff.ff.0.proj.weight"] == [12288, 1536]
    assert shapes["model.model.to_cond_embed.2.weight"] == [768, 768]
    assert shapes["model.model.to_global_embed.0.weight"] == [1536, 1536]
    assert shapes[checkpoint.ROTARY] == [16]
    assert SAO_1_0.max_samples == 2_097_152


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


def test_every_tensor_that_does_not_fit_is_named():
    parts = tiny_parts()
    published = published_state_dict(parts)
    gone = [name for name in published if ".layers.1." in name and name.startswith("model.")]
    for name in gone:
        del published[name]
    published |= {"extra.a": torch.zeros(1), "extra.b": torch.zeros(1)}
    published["model.model.to_cond_embed.0.weight"] = torch.zeros(2, 3)
    published["model.model.to_cond_embed.2.weight"] = torch.zeros(64, 64, dtype=torch.int8)
    with pytest.raises(MisfitError) as caught:
        load_published(parts, published)
    assert caught.value.faults == [
        *(f"{name} is missing from these weights" for name in sorted(gone)),
        "extra.a is not a tensor of this architecture",
        "extra.b is not a tensor of this architecture",
        "model.model.to_cond_embed.0.weight has shape [2, 3] instead of [64, 384]",
        "model.model.to_cond_embed.2.weight holds int8 instead of real numbers",
    ]
    assert str(caught.value).endswith(f"; and {len(gone) + 4 - checkpoint.FAULTS_TOLD} more do not fit")


def test_the_tensors_of_another_model_are_one_sentence():
    with pytest.raises(MisfitError, match=r"; and \d+ more do not fit") as caught:
        load_published(tiny_parts(), {"encoder.weight": torch.ones(2), "decoder.weight": torch.ones(2)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["model.safetensors", "model.ckpt"])
def test_a_published_file_in_half_precision_is_loaded_as_well_as_it_can_be(tmp_path, name, dtype):
    parts, other = tiny_parts(0), tiny_parts(1)
    half = {key: tensor.to(dtype) for key, tensor in published_state_dict(parts).items()}
    if name.endswith("ckpt"):
        torch.save({"state_dict": half}, tmp_path / name)
    else:
        checkpoint.write(tmp_path / name, half, {})
    load_published(other, read(tmp_path / name))
    for key, tensor in state_dict(other).items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, state_dict(parts)[key], rtol=2 * torch.finfo(dtype).eps, atol=1e-3)


def test_a_module_in_half_precision_stays_so():
    with torch.device("meta"):
        other = {part: module.bfloat16() for part, module in tiny_parts().items()}
    published = published_state_dict(tiny_parts())
    load_published(other, published)
    for key, tensor in published_state_dict(tiny_parts()).items():
        assert torch.equal(published[key], tensor)
    assert {tensor.dtype for tensor in state_dict(other).values()} == {torch.bfloat16}


def test_our_file_brings_back_every_tensor_and_its_metadata(tmp_path):
    parts, other = tiny_parts(0), tiny_parts(1)
    path = tmp_path / "tiny.safetensors"
    checkpoint.write(path, state_dict(parts), {"model": "tiny"})
    load(other, read(path))
    assert all(torch.equal(tensor, state_dict(other)[name]) for name, tensor in state_dict(parts).items())
    assert read_metadata(path) == {"model": "tiny"}
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.safetensors"]


def test_half_precision_files_fill_float32_modules_even_from_the_meta_device(tmp_path):
    parts = tiny_parts()
    path = tmp_path / "half.safetensors"
    checkpoint.write(path, {name: tensor.half() for name, tensor in state_dict(parts).items()}, {})
    with torch.device("meta"):
        other = tiny_parts()
    load(other, read(path))
    for name, tensor in state_dict(other).items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, state_dict(parts)[name], rtol=1e-3, atol=1e-6)
    assert all(parameter.requires_grad for parameter in other["dit"].parameters())


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "weights.safetensors"
    checkpoint.write(path, {"a": torch.ones(2)}, {})
    with pytest.raises(TypeError):
        checkpoint.write(path, {"a": torch.ones(2)}, {"not text": 3})  # type: ignore[dict-item]
    assert torch.equal(read(path)["a"], torch.ones(2))
    assert list(tmp_path.iterdir()) == [path]
