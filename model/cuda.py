"""A model on an NVIDIA graphics card: one CUDA graph for a denoising step, one for each width of a decoded chunk.

A step is many small kernels. A graph launches them all at once, with shapes that never change: the canvas and the
number of variations for a step, two widths of latents for the decoder. It has not run on a card yet: the test
that needs one is in tests/model/test_cuda.py.

Shapes: b batch, c latent channels, t latent frames, n samples, d width.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec

import torch
from torch import Tensor

from model.config import ModelConfig
from model.dit import Prepared
from model.engine import CHUNK_FRAMES, FIRST_CHUNK_FRAMES, Autoencoder, Engine
from model.generator import Generator
from model.noise import NoiseSource
from model.oobleck import OobleckAutoencoder

WARM_UP_RUNS = 3  # on a stream of their own, before a capture, as PyTorch's notes on graphs ask for


class Graph:
    """A function of tensors, captured for the shapes of `examples`; calling it copies the inputs in and replays."""

    def __init__(self, function: Callable[..., Tensor], examples: Sequence[Tensor]):
        self._inputs = [example.clone() for example in examples]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_RUNS):
                function(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = function(*self._inputs)
        self._loaded: list[Tensor | None] = [None] * len(self._inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The function of `inputs`. One that is the very tensor of the last call is not copied again."""
        for i, (static, given) in enumerate(zip(self._inputs, inputs, strict=True)):
            if self._loaded[i] is not given:
                static.copy_(given)
                self._loaded[i] = given  # held, so that its identity cannot pass to another tensor
        self._graph.replay()
        return self._output.clone()


class GraphEngine(Engine):
    """`Engine` with its step, and the published model's decoder, as CUDA graphs."""

    def __init__(self, config: ModelConfig, generator: Generator, autoencoder: Autoencoder, dtype: torch.dtype):
        super().__init__(config, generator, autoencoder, dtype)
        self._graphs: dict[tuple[str | torch.Size, ...], Graph] = {}
        self._step = compiled(self._velocity)
        if isinstance(autoencoder, OobleckAutoencoder):
            self._decode = compiled(autoencoder.decode)

    def velocity(self, x_bct: Tensor, time: float, prepared: Prepared) -> Tensor:
        flat = [*prepared.controls, *(tensor for pair in prepared.keys_values for tensor in pair)]
        return self._graph("step", self._step, x_bct, self._embedded(time), prepared.global_bd, *flat)

    def decode(self, latents_bct: Tensor, ends: Sequence[int], rng: NoiseSource) -> Iterator[Tensor]:
        autoencoder, frames = self.autoencoder, latents_bct.shape[-1]
        if not isinstance(autoencoder, OobleckAutoencoder) or frames < CHUNK_FRAMES + 2 * autoencoder.context_frames:
            yield from super().decode(latents_bct, ends, rng)
            return
        context, hop, start = autoencoder.context_frames, autoencoder.config.frame_samples, 0
        for end in ends:
            # Two widths for sounds of every length: a later window slides back to stay within the canvas.
            is_first = start == 0 and end <= FIRST_CHUNK_FRAMES
            width = FIRST_CHUNK_FRAMES + context if is_first else CHUNK_FRAMES + 2 * context
            first = min(max(start - context, 0), frames - width)
            window = latents_bct[..., first : first + width].to(self.dtype)
            audio_bcn = self._graph("decode", self._decode, window)
            yield audio_bcn[..., (start - first) * hop : (end - first) * hop].float()
            start = end

    def _velocity(self, x_bct: Tensor, time_bd: Tensor, global_bd: Tensor, *flat: Tensor) -> Tensor:
        first = len(flat) - 2 * len(self.dit.blocks)  # control signals come first, if there are any
        pairs = tuple(zip(flat[first::2], flat[first + 1 :: 2], strict=True))
        return self.dit.velocity_at(x_bct, time_bd, Prepared(global_bd, pairs, flat[:first]))

    def _graph(self, name: str, function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        key = name, inputs[0].shape, inputs[-1].shape  # of the latents, and of the conditions: one or each item's
        if key not in self._graphs:
            self._graphs[key] = Graph(function, inputs)
        return self._graphs[key](*inputs)


def compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function with its elementwise passes fused, where Triton is installed; its kernels are kept on disk."""
    return torch.compile(function, dynamic=False) if find_spec("triton") else function
