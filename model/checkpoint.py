"""Weights in files: safetensors in and out, and the published names ↔ ours.

A model is a mapping of parts to modules: "dit", "seconds", "autoencoder", and "start" where a second duration is told.
In our files a tensor is called "<part>.<name in the module>"; the published file calls the same tensors otherwise,
weight-norms the autoencoder's convolutions, and stores some constants. Everything is strict: every missing, unknown
or misshapen tensor is named. No code of a file is ever run, whatever the file is called and holds.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from model.attention import rotary_frequencies
from model.digests import CheckpointError
from model.dit import DiffusionTransformer

Parts = Mapping[str, nn.Module]

# Ours → published. Patterns are tried in order and every one that matches is applied.
RENAMES = (
    (r"^autoencoder\.", "pretransform.model."),
    (r"^seconds\.", "conditioner.conditioners.seconds_total."),
    (r"^start\.", "conditioner.conditioners.seconds_start."),
    (r"(\.seconds_\w+)\.frequencies$", r"\1.embedder.embedding.0.weights"),
    (r"(\.seconds_\w+)\.projection\.", r"\1.embedder.embedding.1."),
    (r"^dit\.", "model.model."),
    (r"\.time_embedding\.frequencies$", ".timestep_features.weight"),
    (r"\.time_embedding\.mlp\.", ".to_timestep_embed."),
    (r"\.token_mlp\.", ".to_cond_embed."),
    (r"\.global_mlp\.", ".to_global_embed."),
    (r"\.input_mix\.", ".preprocess_conv."),
    (r"\.output_mix\.", ".postprocess_conv."),
    (r"\.input_projection\.", ".transformer.project_in."),
    (r"\.output_projection\.", ".transformer.project_out."),
    (r"\.blocks\.", ".transformer.layers."),
    (r"\.self_norm\.weight$", ".pre_norm.gamma"),
    (r"\.cross_norm\.weight$", ".cross_attend_norm.gamma"),
    (r"\.ff_norm\.weight$", ".ff_norm.gamma"),
    (r"\.(self|cross)_attention\.", r".\1_attn."),
    (r"_attn\.qkv\.", "_attn.to_qkv."),
    (r"_attn\.query\.", "_attn.to_q."),
    (r"_attn\.key_value\.", "_attn.to_kv."),
    (r"_attn\.output\.", "_attn.to_out."),
    (r"_attn\.query_norm\.", "_attn.q_norm."),
    (r"_attn\.key_norm\.", "_attn.k_norm."),
    (r"\.feed_forward\.input\.", ".ff.ff.0.proj."),
    (r"\.feed_forward\.output\.", ".ff.ff.2."),
)
ROTARY = "model.model.transformer.rotary_pos_emb.inv_freq"
FAULTS_TOLD = 3


Wanted = Callable[[str], bool]


def everything(name: str) -> bool:
    return True


class MisfitError(CheckpointError):
    """Tensors that are not exactly a model's; `faults` tells of every one of them, the sentence of the first."""

    def __init__(self, faults: list[str]):
        more = f"; and {len(faults) - FAULTS_TOLD} more do not fit" if len(faults) > FAULTS_TOLD else ""
        super().__init__("; ".join(faults[:FAULTS_TOLD]) + more)
        self.faults = faults


def published_name(name: str) -> str:
    """Return the published name of one of our tensors (of a normed convolution: without its _g or _v)."""
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def state_dict(parts: Parts) -> dict[str, Tensor]:
    """Return every tensor of the parts under our names."""
    return {f"{part}.{name}": t for part, module in parts.items() for name, t in module.state_dict().items()}


def published_state_dict(parts: Parts) -> dict[str, Tensor]:
    """Return every tensor of the parts under its published name and in its published shape."""
    published: dict[str, Tensor] = {}
    for name, tensor in state_dict(parts).items():
        published |= _to_published(name, tensor)
    return published | _constants(parts, published)


def load_published(parts: Parts, published: Mapping[str, Tensor], wanted: Wanted = everything) -> None:
    """Load a published state dict into the parts, which may be on the meta device: the tensors are taken over.

    Only those are read whose name among ours is `wanted`; the others stay as they are. Raises MisfitError unless
    `published` holds exactly the tensors of the parts.
    """
    own = state_dict(parts)
    expected: dict[str, Tensor] = {}
    for name, tensor in own.items():
        expected |= _to_published(name, tensor.to("meta"))
    constants = _constants(parts, expected)
    _check(expected | constants, published)
    for name, constant in constants.items():
        if not torch.allclose(published[name].float(), constant, rtol=1e-2, atol=1e-6):  # as float16 rounds
            raise MisfitError([f"{name}: these weights hold other constants than this architecture's"])
    _assign(parts, wanted, lambda name: _from_published(name, own[name], published))


def load(parts: Parts, tensors: Mapping[str, Tensor], wanted: Wanted = everything) -> None:
    """Load tensors under our names into the parts, as `load_published` does."""
    _check(state_dict(parts), tensors)
    _assign(parts, wanted, tensors.__getitem__)


def _assign(parts: Parts, wanted: Wanted, tensor_of: Callable[[str], Tensor]) -> None:
    for part, module in parts.items():
        own = module.state_dict()
        # Copies, even in the same dtype: one tensor that lies in the mapped file would keep all of it in memory.
        taken = {
            name: tensor_of(f"{part}.{name}").to(t.dtype, copy=True)
            for name, t in own.items()
            if wanted(f"{part}.{name}")
        }
        module.load_state_dict(taken, strict=False, assign=True)


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a .safetensors file: complete under its name, or not at all."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
    try:
        save_file({name: t.detach().contiguous().cpu() for name, t in tensors.items()}, temporary, dict(metadata))
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    faults = [f"{name} is missing from these weights" for name in sorted(expected.keys() - found.keys())]
    faults += [f"{name} is not a tensor of this architecture" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        shape, other = list(expected[name].shape), found[name]
        if list(other.shape) != shape:
            faults.append(f"{name} has shape {list(other.shape)} instead of {shape}")
        elif not other.is_floating_point():
            faults.append(f"{name} holds {str(other.dtype).removeprefix('torch.')} instead of real numbers")
    if faults:
        raise MisfitError(faults)


def _is_normed(name: str) -> bool:
    return name.startswith("autoencoder.") and name.endswith(".weight")


def _to_published(name: str, tensor: Tensor) -> dict[str, Tensor]:
    published = published_name(name)
    if _is_normed(name):  # any weight w is weight-normed as v = w, g = ‖w‖
        return {f"{published}_g": tensor.norm(dim=(1, 2), keepdim=True), f"{published}_v": tensor}
    if name.endswith(("time_embedding.frequencies", "_mix.weight")):
        return {published: tensor[..., None]}
    return {published: tensor}


def _from_published(name: str, own: Tensor, published: Mapping[str, Tensor]) -> Tensor:
    """Return one of our tensors in the dtype of `own`; half-precision norms are folded in float32."""
    source = published_name(name)
    if _is_normed(name):
        g, v = published[f"{source}_g"].float(), published[f"{source}_v"].float()
        return (v * (g / v.norm(dim=(1, 2), keepdim=True))).to(own.dtype)
    return published[source].reshape(own.shape).to(own.dtype)


def _constants(parts: Parts, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what the published file stores though nothing learns it: zero norm shifts and rotary frequencies."""
    constants = {
        name.removesuffix("gamma") + "beta": torch.zeros(tensor.shape)
        for name, tensor in published.items()
        if name.endswith(".gamma")
    }
    dit = parts.get("dit")
    if isinstance(dit, DiffusionTransformer):
        constants[ROTARY] = rotary_frequencies(dit.config.rotary_width)
    return constants
