"""A model for a phone: `python -m model.edge --out FOLDER` writes ExecuTorch programs for XNNPACK and a manifest.

The programs hold their weights and take one length of canvas. Every one is run here as it will be run there, and
compared with torch, before its manifest is written.
"""

import argparse
import json
import warnings
from dataclasses import dataclass, replace
from math import log10
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node

from model.config import ModelConfig, OobleckConfig
from model.digests import sha256
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.programs import Program, decode_frames, programs
from model.quantise import NARROWEST
from model.schedule import log_snr_times
from model.spectral import SpectralAutoencoder
from model.text import TransformerEncoder, load_encoder
from model.weights import OpenedModel, embedded_folder, fill, open_folder

MANIFEST_FILE = "manifest.json"
TOKENIZER_FILE = "tokenizer.json"
MIN_SNR_DB = {"float32": 60.0, "int8": 20.0}  # of each program against torch: below, something was lowered wrongly
MIN_WEIGHT_SCALE = 2**-20  # the quantizer's own 2⁻¹² would clip what weights below 0.03 still tell apart
HOW_TO_RUN = (
    "text(ids, mask) gives tokens: 1 in mask for the prompt's tokens, 0 for the padding after them.",
    "condition(tokens, seconds, controls) gives condition_0, condition_1 and so on: once a prompt. The controls, where "
    "it takes them, are the signals of model/controls.py.",
    "latents = Gaussian noise. Then for each pair (t, next) of neighbours in noise_levels: "
    "x0 = latents - t * step(latents, [t], condition_0, condition_1, ...); "
    "latents = (1 - next) * x0 + next * fresh Gaussian noise.",
    "decode gives left and right samples. It takes decode_frames latents; where the canvas has more, decode windows of "
    "that many that lie wholly inside it, and keep of each what is context_frames away from its cut ends.",
)


@dataclass(frozen=True, eq=False)
class Lowered:
    """A program as a phone loads it; `delegated` of its `operators` run in XNNPACK, the others in portable kernels."""

    binary: bytes
    delegated: int
    operators: int


def lower(program: Program, *, int8: bool = False) -> Lowered:
    """Compile a program for XNNPACK; `int8` turns its wide linear layers to dynamic int8.

    Raises ValueError where ExecuTorch is missing.
    """
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.devtools.backend_debug import get_delegation_info
        from executorch.exir import to_edge_transform_and_lower
    except ImportError as error:
        raise ValueError("the export needs the package executorch: pip install 'arc-instrument[edge]'") from error
    inputs = tuple(program.inputs.values())
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and ExecuTorch about themselves
        exported = torch.export.export(program.module.eval(), inputs, strict=False)
        if int8 and program.linear_int8:
            exported = _quantised(exported, inputs)
        fused = torch.ops.aten.scaled_dot_product_attention.default
        if any(node.target == fused for node in exported.graph.nodes):  # a second that the others need not pay
            exported = exported.run_decompositions({fused: attention})
        edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
        info = get_delegation_info(edge.exported_program().graph_module)
        delegated = info.num_delegated_nodes
        return Lowered(edge.to_executorch().buffer, delegated, delegated + info.num_non_delegated_nodes)


def attention(
    q_bhnk: Tensor,
    k_bhlk: Tensor,
    v_bhlk: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention as two products of matrices, which XNNPACK knows: torch's own decomposition leaves it in fragments."""
    if is_causal or dropout_p:
        raise ValueError("attention with dropout or a causal mask is not exported: no model here has it")
    heads, key_heads = q_bhnk.shape[1], k_bhlk.shape[1]
    if enable_gqa and key_heads < heads:
        k_bhlk, v_bhlk = (x.repeat_interleave(heads // key_heads, 1) for x in (k_bhlk, v_bhlk))
    factor = q_bhnk.shape[-1] ** -0.5 if scale is None else scale
    scores = torch.bmm((q_bhnk * factor).flatten(0, 1), k_bhlk.flatten(0, 1).transpose(1, 2))
    if attn_mask is not None:
        mask = attn_mask.expand(*q_bhnk.shape[:2], *attn_mask.shape[-2:]).flatten(0, 1)
        scores = torch.where(mask, scores, -1e9) if mask.dtype == torch.bool else scores + mask
    return torch.bmm(scores.softmax(-1), v_bhlk.flatten(0, 1)).unflatten(0, q_bhnk.shape[:2])


def _quantised(exported: ExportedProgram, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """Mark the wide linear layers as int8 with a scale for each output; XNNPACK scales activations row by row."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e import PerChannelMinMaxObserver
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)
    assert config.weight is not None
    observer = PerChannelMinMaxObserver.with_args(eps=MIN_WEIGHT_SCALE)
    config = replace(config, weight=replace(config.weight, observer_or_fake_quant_ctr=observer))
    quantizer = XNNPACKQuantizer()
    quantizer.set_operator_type(torch.ops.aten.linear.default, config)  # pyright: ignore[reportArgumentType]
    quantizer.set_filter_function(_is_wide)
    prepared = prepare_pt2e(exported.module(), quantizer)
    prepared(*inputs)
    return torch.export.export(convert_pt2e(prepared), inputs, strict=False)


def _is_wide(linear: Node) -> bool:
    weight = linear.args[1]
    assert isinstance(weight, Node)
    return min(weight.meta["val"].shape) >= NARROWEST


def run(path: Path, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Run a program file in ExecuTorch's runtime, the one that phones have."""
    from executorch.runtime import Runtime

    program = Runtime.get().load_program(path)  # owns the memory of its results: only copies outlive it
    method = program.load_method("forward")
    assert method is not None
    return [output.clone() for output in method.execute(inputs)]


def snr_db(got: Tensor, expected: Tensor) -> float:
    """Signal-to-noise ratio of `got` against `expected`, decibels; at most 200."""
    noise = ((got - expected).double().norm() / expected.double().norm()).item()
    return -20 * log10(max(noise, 1e-10))


def export(
    out: Path,
    config: ModelConfig,
    generator: Generator,
    autoencoder: SpectralAutoencoder | OobleckAutoencoder,
    encoder: TransformerEncoder | None,
    frames: int,
    *,
    int8: bool = False,
) -> dict:
    """Write the programs of one canvas and their manifest into `out`, and return the manifest.

    Raises ValueError for a model that is not sampled by ping-pong, and for a program that does not do what torch does.
    """
    if config.sampler != "pingpong" or config.guidance != 1:
        raise ValueError(f"{config.name} needs guidance or another sampler: only models of ping-pong are exported")
    out.mkdir(parents=True, exist_ok=True)
    precision = "int8" if int8 else "float32"
    entries = {}
    network = None if encoder is None else encoder.network
    for program in programs(config, generator, autoencoder, network, frames):
        entries[program.name] = _write(out, program, precision)
    manifest = {
        "model": config.name,
        "precision": precision,
        "sample_rate": config.sample_rate,
        "frames": frames,
        "frame_samples": config.autoencoder.frame_samples,
        "max_seconds": frames * config.frame_seconds,
        "condition_seconds": [config.seconds.min_seconds, config.seconds.max_seconds],
        "decode_frames": decode_frames(autoencoder, frames),
        "context_frames": autoencoder.context_frames,
        "noise_levels": {str(steps): log_snr_times(steps) for steps in (1, 2, 4, 8)},
        "how_to_run": HOW_TO_RUN,
        "programs": entries,
    }
    if encoder is not None:
        tokenizer = Tokenizer.from_str(encoder.tokenizer.to_str())
        tokenizer.enable_padding(length=config.text.max_tokens)
        tokenizer.save(str(out / TOKENIZER_FILE))
        manifest["tokenizer"] = {"file": TOKENIZER_FILE, "max_tokens": config.text.max_tokens}
    (out / MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def _write(out: Path, program: Program, precision: str) -> dict:
    """Write one program, run it, and return what the manifest says of it."""
    path = out / f"{program.name}.pte"
    lowered = lower(program, int8=precision == "int8")
    path.write_bytes(lowered.binary)
    inputs = tuple(program.inputs.values())
    with torch.no_grad():
        expected = program.module(*inputs)
    expected = [expected] if isinstance(expected, Tensor) else expected
    snr = min(snr_db(got, wanted) for got, wanted in zip(run(path, inputs), expected, strict=True))
    if snr < MIN_SNR_DB[precision if program.linear_int8 else "float32"]:
        raise ValueError(f"{path} differs from torch by {snr:.0f} dB: ExecuTorch lowered it wrongly, do not use it")
    return {
        "file": path.name,
        "sha256": sha256(path),
        "inputs": {name: _shape(tensor) for name, tensor in program.inputs.items()},
        "outputs": {name: _shape(tensor) for name, tensor in zip(program.outputs, expected, strict=True)},
        "snr_db": round(snr, 1),
        "operators": lowered.operators,
        "in_xnnpack": lowered.delegated,
    }


def _shape(tensor: Tensor) -> dict:
    return {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}


def load_parts(opened: OpenedModel) -> tuple[Generator, SpectralAutoencoder | OobleckAutoencoder]:
    """Generator and autoencoder in float32 from an opened folder."""
    config = opened.config
    generator = Generator(config)
    sizes = config.autoencoder
    autoencoder = OobleckAutoencoder(sizes) if isinstance(sizes, OobleckConfig) else SpectralAutoencoder.of(config)
    fill({"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}, opened)
    for module in (generator, autoencoder):
        module.float().eval().requires_grad_(False)
    return generator, autoencoder


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model.edge", description=__doc__)
    parser.add_argument("--weights", type=Path, default=embedded_folder(), help="model folder (the embedded one)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the programs and their manifest")
    parser.add_argument("--seconds", type=float, help="longest sound (all that the model makes)")
    parser.add_argument("--int8", action="store_true", help="the wide linear layers in dynamic int8")
    args = parser.parse_args(arguments)
    try:
        opened = open_folder(args.weights)
        config = opened.config
        seconds = config.max_seconds if args.seconds is None else args.seconds
        if not 0 < seconds <= config.max_seconds:
            raise ValueError(f"seconds={seconds:g}: {config.name} makes up to {config.max_seconds:.2f} s")
        generator, autoencoder = load_parts(opened)
        encoder = load_encoder(config.text, opened.text_folder).encoder
        assert isinstance(encoder, TransformerEncoder)
        frames = config.canvas_frames(round(seconds * config.sample_rate))
        manifest = export(args.out, config, generator, autoencoder, encoder, frames, int8=args.int8)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    for name, entry in manifest["programs"].items():
        megabytes = (args.out / entry["file"]).stat().st_size / 1e6
        print(
            f"{name:10} {megabytes:7.1f} MB, {entry['snr_db']:.0f} dB against torch, "
            f"{entry['in_xnnpack']} of {entry['operators']} operators in XNNPACK"
        )


if __name__ == "__main__":
    main()
