"""Oobleck on a CPU: matrix products over blocks of time that stay in cache, one thread a block.

The same arithmetic as model/oobleck.py. What differs is the order: a block passes through a whole stage, the three
residual units included, before the next one starts, and every convolution is a packed product over channels-last
rows. A transposed convolution two strides long is a product of two taps that makes `stride` neighbouring rows at once.
Blocks overlap by the units' reach, so nothing is approximated.

Later stages pull what they need from earlier ones: the first samples are ready long before the last, the rest is
only computed if somebody asks for it, and nothing is computed twice.

Shapes: r rows (positions in time, blocks of a fixed number), c channels.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import oobleck
from model.kernels import Snake
from model.oobleck import DILATIONS, EDGE_KERNEL, UNIT_KERNEL
from model.packed import PackedConvolution
from model.workers import Workers

UNITS_REACH = sum(DILATIONS) * (UNIT_KERNEL // 2)  # rows that the three units need on each side
EDGE_REACH = EDGE_KERNEL // 2
MAX_BLOCK_ROWS = 4096  # 1 MiB of 128 channels in bfloat16
BLOCK_ELEMENTS = 1 << 19  # wide stages take fewer rows, so that short sounds have less than a block to spare


Edge = tuple[oobleck.Snake, nn.Conv1d]


class _Unit:
    """A residual unit on `rows` rows; `reach` rows fewer on each side come out."""

    def __init__(self, unit: oobleck.ResidualUnit, rows: int, dtype: torch.dtype):
        first, wide, second, narrow = cast(Any, unit.layers)
        self.snakes = _snake(first), _snake(second)
        self.wide = _packed(wide, rows, dtype)
        self.narrow = _packed(narrow, self.wide.rows_out, dtype)
        self.reach = (rows - self.wide.rows_out) // 2

    def __call__(self, x_rc: Tensor, position: int, length: int) -> Tensor:
        """Overwrites and returns the inner rows of `x_rc`, whose row 0 is at `position` of a signal of `length`."""
        hidden = self.wide(_activated(self.snakes[0], x_rc, position, length))
        self.snakes[1](hidden, hidden)
        inner = x_rc[self.reach : len(x_rc) - self.reach]
        self.narrow.add_to(inner, hidden)
        return inner


class _Units:
    """The three residual units of a block; `UNITS_REACH` rows fewer on each side come out."""

    def __init__(self, units: Sequence[oobleck.ResidualUnit], rows: int, dtype: torch.dtype):
        self._units: list[_Unit] = []
        for unit in units:
            self._units.append(_Unit(unit, rows, dtype))
            rows -= 2 * self._units[-1].reach
        self.rows_out = rows

    def __call__(self, x_rc: Tensor, position: int, length: int) -> Tensor:
        for unit in self._units:
            x_rc = unit(x_rc, position, length)
            position += unit.reach
        return x_rc


class _Rise:
    """A decoder block: rows of the signal before it → `stride` times as many, three residual units later.

    The last one goes on to the audio itself: its `edge` is the final Snake and convolution.
    """

    def __init__(self, block: oobleck.DecoderBlock, edge: Edge | None, dtype: torch.dtype):
        snake, transposed, *units = cast(Any, block.layers)
        inputs, outputs, taps = transposed.weight.shape
        self.stride = taps // 2
        self.rows = min(MAX_BLOCK_ROWS, BLOCK_ELEMENTS // outputs)
        self.channels = 2 if edge else outputs
        self._padding = transposed.padding[0]
        self._reach = UNITS_REACH + (EDGE_REACH if edge else 0)
        rows = self.rows + 2 * self._reach
        self._rows_in = ceil((rows - 1) / self.stride) + 2  # wherever the block starts between two input rows
        self._snake = _snake(snake)
        # Output row m·stride + j − padding is x[m − 1]·W[stride + j] + x[m]·W[j].
        weight = transposed.weight.to(dtype).unflatten(2, (2, self.stride)).flip(2)  # (i, o, tap, j)
        bias = transposed.bias.to(dtype).repeat(self.stride)
        weight = weight.permute(3, 1, 0, 2).reshape(self.stride * outputs, inputs, 2)
        self._rise = PackedConvolution(weight, bias, self._rows_in)
        self._units = _Units(units, rows, dtype)
        self._edge = (_snake(edge[0]), _packed(edge[1], self._units.rows_out, dtype)) if edge else None

    def rows_needed(self, rows: int) -> int:
        """How many input rows, from the start, the first `rows` output rows depend on."""
        return (rows + self._reach + self._padding - 1) // self.stride + 1

    @torch.inference_mode()  # of this thread
    def block(self, start: int, source_rc: Tensor, target_rc: Tensor) -> None:
        """Write rows `start` to `start` + `rows` − 1 of `target_rc`, as far as it reaches."""
        position = start - self._reach
        first, offset = divmod(position + self._padding, self.stride)
        activated = source_rc.new_empty(self._rows_in, source_rc.shape[1])
        self._snake(source_rc, activated, first - 1)
        risen = self._rise(activated).reshape(-1, self._rise.outputs // self.stride)
        x_rc = risen[offset : offset + self.rows + 2 * self._reach]
        length = len(source_rc) * self.stride
        x_rc = self._units(x_rc, position, length)
        if self._edge:
            snake, convolution = self._edge
            x_rc = convolution(_activated(snake, x_rc, position + UNITS_REACH, length))
        end = min(start + self.rows, len(target_rc))
        target_rc[start:end] = x_rc[: end - start]


class _Fall:
    """An encoder block: three residual units, then a convolution to `stride` times fewer rows.

    The first one starts from the audio itself: its `edge` is the first convolution.
    """

    def __init__(self, block: oobleck.EncoderBlock, edge: nn.Conv1d | None, dtype: torch.dtype):
        *units, snake, strided = cast(Any, block.layers)
        outputs, inputs, taps = strided.weight.shape
        self.stride, self.channels = taps // 2, outputs
        self.rows = max(1, min(MAX_BLOCK_ROWS, BLOCK_ELEMENTS // inputs) // self.stride)
        self._before = strided.padding[0] + UNITS_REACH  # rows that a block needs before its own
        rows = (self.rows + 1) * self.stride + 2 * UNITS_REACH
        self._rows_in = rows + 2 * EDGE_REACH if edge else rows
        self._edge = _packed(edge, self._rows_in, dtype) if edge else None
        self._units = _Units(units, rows, dtype)
        self._snake = _snake(snake)
        # Two taps over groups of `stride` rows.
        weight = strided.weight.to(dtype).unflatten(2, (2, self.stride)).permute(0, 3, 1, 2).flatten(1, 2)
        self._fall = PackedConvolution(weight, strided.bias.to(dtype), self.rows + 1)

    @torch.inference_mode()  # of this thread
    def block(self, start: int, source_rc: Tensor, target_rc: Tensor) -> None:
        """Write rows `start` to `start` + `rows` − 1 of `target_rc`, as far as it reaches."""
        position = start * self.stride - self._before
        first = position - EDGE_REACH if self._edge else position
        x_rc = source_rc.new_zeros(self._rows_in, source_rc.shape[1])
        inside = source_rc[max(0, first) : max(0, first + self._rows_in)]
        x_rc[max(0, -first) :][: len(inside)] = inside
        if self._edge:
            x_rc = self._edge(x_rc)
        x_rc = self._units(x_rc, position, len(source_rc))
        activated = _activated(self._snake, x_rc, position + UNITS_REACH, len(source_rc))
        y_rc = self._fall(activated.reshape(self.rows + 1, -1))
        end = min(start + self.rows, len(target_rc))
        target_rc[start:end] = y_rc[: end - start]


class BlockEncoder:
    """The encoder of an Oobleck autoencoder, packed for this processor; the autoencoder is not needed any more."""

    def __init__(self, encoder: oobleck.Encoder, dtype: torch.dtype, workers: Workers):
        first, *blocks, self._snake, self._last = cast(Any, encoder.layers)
        edges = [first] + [None] * (len(blocks) - 1)
        self.dtype, self._workers = dtype, workers
        self._stages = [_Fall(block, edge, dtype) for block, edge in zip(blocks, edges, strict=True)]

    @torch.inference_mode()
    def encode(self, audio_bcn: Tensor) -> Tensor:
        """Audio (1, 2, n) → means and scales (1, 2c, t) as `oobleck.Encoder` returns them, float32."""
        signal = audio_bcn[0].t().to(self.dtype).contiguous()
        for stage in self._stages:
            source, signal = signal, signal.new_empty(len(signal) // stage.stride, stage.channels)
            self._workers.map(
                lambda start, stage=stage, source=source, target=signal: stage.block(start, source, target),
                range(0, len(signal), stage.rows),
            )
        return self._last(self._snake(signal.t()[None])).float()


class BlockDecoder:
    """The decoder of an Oobleck autoencoder, packed for this processor. `release` takes the weights out of it."""

    def __init__(self, decoder: oobleck.Decoder, dtype: torch.dtype, workers: Workers, *, release: bool = False):
        first, *blocks, snake, last = cast(Any, decoder.layers)
        self.dtype, self._workers = dtype, workers
        self._first_weight, self._first_bias = first.weight.to(dtype), first.bias.to(dtype)
        edges = [None] * (len(blocks) - 1) + [(snake, last)]
        self._stages: list[_Rise] = []
        for block, edge in zip(blocks, edges, strict=True):
            self._stages.append(_Rise(block, edge, dtype))
            if release:
                block.to("meta")

    @torch.inference_mode()
    def decode(self, latents_bct: Tensor, ends: list[int]) -> Iterator[Tensor]:
        """Yield float32 audio (1, 2, n) of one item in chunks that end at the samples `ends`, rising."""
        if len(latents_bct) != 1:
            raise ValueError(f"{len(latents_bct)} items: decode one after the other")
        first = F.conv1d(latents_bct.to(self.dtype), self._first_weight, self._first_bias, padding=EDGE_REACH)
        signals = [first[0].t().contiguous()]
        for stage in self._stages:
            dtype = self.dtype if stage is not self._stages[-1] else torch.float32
            signals.append(torch.empty(len(signals[-1]) * stage.stride, stage.channels, dtype=dtype))
        done = [0] * len(self._stages)
        start = 0
        for end in ends:
            self._advance(len(self._stages) - 1, end, signals, done)
            yield signals[-1][start:end].t()[None]
            start = end

    def _advance(self, index: int, rows: int, signals: list[Tensor], done: list[int]) -> None:
        """Compute stage `index` up to at least `rows` of its output, and before it what that depends on."""
        stage, source, target = self._stages[index], signals[index], signals[index + 1]
        blocks = ceil(min(rows, len(target)) / stage.rows)
        if blocks <= done[index]:
            return
        if index:
            self._advance(index - 1, min(len(source), stage.rows_needed(blocks * stage.rows)), signals, done)
        starts = range(done[index] * stage.rows, blocks * stage.rows, stage.rows)
        self._workers.map(lambda start: stage.block(start, source, target), starts)
        done[index] = blocks
        if blocks * stage.rows >= len(target):
            signals[index] = source.new_empty(0)  # nobody reads it again


def _activated(snake: Snake, x_rc: Tensor, position: int, length: int) -> Tensor:
    """Rows that lie outside a signal of `length` become its zero padding; row 0 is at `position`."""
    inside = slice(max(0, -position), max(0, length - position))
    activated = torch.empty_like(x_rc)
    snake(x_rc[inside], activated, -inside.start)
    return activated


def _snake(snake: oobleck.Snake) -> Snake:
    return Snake(snake.alpha.detach(), snake.beta.detach())


def _packed(convolution: nn.Conv1d, rows: int, dtype: torch.dtype) -> PackedConvolution:
    bias = None if convolution.bias is None else convolution.bias.to(dtype)
    return PackedConvolution(convolution.weight.to(dtype), bias, rows, convolution.dilation[0])
