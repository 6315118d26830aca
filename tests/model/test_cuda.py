"""The graph engine: its bookkeeping on the CPU with replays done by calls, and the real graphs on a card."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from model import cuda
from model.config import SAO_SMALL, TINY, OobleckConfig, SecondsConfig
from model.controls import SIGNALS
from model.engine import Engine, chunk_ends
from model.generator import Generator
from model.oobleck import OobleckAutoencoder

FRAMES = 160
CONFIG = replace(
    SAO_SMALL,
    name="small oobleck",
    max_frames=FRAMES,
    canvas_multiple=FRAMES,
    dit=replace(TINY.dit, conditioning_width=768),
    seconds=SecondsConfig(frequencies=8),
    autoencoder=OobleckConfig(channels=8, multiples=(1, 2, 4), strides=(2, 4, 8)),
)


class CalledGraph:
    """What `cuda.Graph` does, without a card: fixed shapes, inputs copied in, the output overwritten by every call."""

    made: list["CalledGraph"]

    def __init__(self, function: Callable[..., Tensor], examples: Sequence[Tensor]):
        self.function, self.inputs = function, [example.clone() for example in examples]
        self.made.append(self)

    def __call__(self, *inputs: Tensor) -> Tensor:
        for static, given in zip(self.inputs, inputs, strict=True):
            assert static.shape == given.shape
            static.copy_(given)
        return self.function(*self.inputs)


def engines(dtype: torch.dtype, device: str) -> tuple[Engine, cuda.GraphEngine]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator, autoencoder = Generator(CONFIG), OobleckAutoencoder(OobleckConfig(**vars(CONFIG.autoencoder)))
        for parameter in (*generator.parameters(), *autoencoder.parameters()):
            torch.nn.init.normal_(parameter, std=0.2)
    for module in (generator, autoencoder):
        module.eval().requires_grad_(False).to(device)
    generator.dit.to(dtype)
    autoencoder.to(dtype)
    return tuple(kind(CONFIG, generator, autoencoder, dtype) for kind in (Engine, cuda.GraphEngine))


@torch.inference_mode()
def check(plain: Engine, graphs: Engine, tolerance: float) -> None:
    rng = torch.Generator().manual_seed(1)
    x_bct = torch.randn((1, 64, FRAMES), generator=rng).to(plain.device)
    for seconds, time in ((1.0, 1.0), (2.0, 0.5), (2.0, 0.25)):
        controls_bst = torch.randn((1, SIGNALS, FRAMES), generator=rng)
        prepared = plain.prepare(torch.randn((1, 64, 768), generator=rng), torch.tensor([seconds]), controls_bst)
        expected = plain.velocity(x_bct, time, prepared)
        assert (graphs.velocity(x_bct, time, prepared) - expected).norm() < tolerance * expected.norm()
    whole = plain.autoencoder.decode(x_bct.to(plain.dtype)).float()
    for frames in (3, 8, 9, 72, 100, FRAMES):
        chunks = list(graphs.decode(x_bct, chunk_ends(frames), rng))
        audio, expected = torch.cat(chunks, -1), whole[..., : frames * CONFIG.autoencoder.frame_samples]
        assert audio.shape == expected.shape
        assert (audio - expected).norm() < tolerance * expected.norm()


def test_steps_and_windows_are_the_plain_engines_with_one_graph_a_step_and_two_a_decoder(monkeypatch):
    monkeypatch.setattr(CalledGraph, "made", [], raising=False)
    monkeypatch.setattr(cuda, "Graph", CalledGraph)
    check(*engines(torch.float32, "cpu"), 1e-4)
    assert len(CalledGraph.made) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_captured_graphs_are_the_plain_engine_on_a_card():
    check(*engines(torch.float32, "cuda"), 1e-3)
    check(*engines(torch.bfloat16, "cuda"), 5e-2)
