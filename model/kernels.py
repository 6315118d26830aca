"""Elementwise work of the networks on a CPU, each in one pass over rows of channels that the cache holds.

torch makes a pass over memory for every operation, and wakes its threads for each: a Snake costs it 8 ns an element
in float32 and 1.8 in bfloat16, on one AVX-512 core; here 0.19 and 0.27. Every kernel computes in float32, reads and
writes float32 or bfloat16, works on one thread and releases the GIL. Tensors are contiguous.

Shapes: r rows, c channels, h heads, k a head's width, n positions.
"""

from math import pi
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload
from torch import Tensor

from model.spectral import COMPRESSED_GAIN

# sin²(πz) = Σ cᵢ·z²ⁱ for |z| ≤ ½: least squares, largest error 7e-8.
_SIN2 = (9.869603157, -32.469600677, 42.725811005, -30.089704514, 13.005579948, -3.294616938)
_S1, _S2, _S3, _S4, _S5, _S6 = (np.float32(c) for c in _SIN2)
# 2ˣ for |x| ≤ ½: Taylor coefficients of e^(x·ln 2), largest relative error 2e-7.
_E1, _E2, _E3, _E4, _E5, _E6 = (np.float32(np.log(2) ** i / f) for i, f in enumerate((1, 2, 6, 24, 120, 720), 1))
# ln(1 + y) for 0 ≤ y ≤ 1: least squares, largest error 6e-8.
_LOG1P = (0.99999851, -0.499925852, 0.332237214, -0.242501423, 0.171478122, -0.099884912, 0.038905185, -0.007159724)
_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (np.float32(c) for c in _LOG1P)
_EXPAND = np.float32(1 / COMPRESSED_GAIN)
_LOG2_E = np.float32(np.log2(np.e))
_GELU_SLOPE, _GELU_CUBE = np.float32((2 / pi) ** 0.5), np.float32(0.044715)
_ZERO, _ONE, _LARGEST, _SMALLEST = np.float32(0), np.float32(1), np.float32(126), np.float32(1e-30)
_LANES = 64


# numpy's error model: a check for division by zero would keep loops from becoming vector instructions.
_kernel = njit(nogil=True, fastmath=True, error_model="numpy", cache=True)


class Snake:
    """x + sin²(a·x)·g with the constants of one layer: a = e^α, g = 1 / (e^β + 1e-9)."""

    def __init__(self, alpha_c: Tensor, beta_c: Tensor):
        self._a = (alpha_c.double().exp() / pi).float().numpy()  # in half periods
        self._g = (1 / (beta_c.double().exp() + 1e-9)).float().numpy()

    def __call__(self, x_rc: Tensor, out_rc: Tensor, position: int = 0) -> None:
        """Fill row i of `out_rc` from row `position` + i of `x_rc`, or with zeros where there is no such row.

        In place only with `position` 0.
        """
        _snake(_array(x_rc), self._a, self._g, _array(out_rc), position)


class Norm:
    """Layer norm of each row, with its scale and, where the layer has one, its shift."""

    def __init__(self, layer: torch.nn.LayerNorm):
        self._weight, self._bias = _scale_and_shift(layer)
        self._eps = np.float32(layer.eps)

    def __call__(self, x_rc: Tensor) -> Tensor:
        out_rc = torch.empty_like(x_rc)
        _norm(_array(x_rc), self._weight, self._bias, self._eps, _array(out_rc))
        return out_rc


class HeadNorm:
    """Layer norm of each head, then the rotation of its first channels: rows of heads → heads of rows.

    `table` holds cosines and sines (n, r) by position, or is None: nothing rotates.
    """

    def __init__(self, layer: torch.nn.LayerNorm, heads: int):
        self._weight, self._bias = _scale_and_shift(layer)
        self._eps, self._heads = np.float32(layer.eps), heads

    def __call__(self, x_rc: Tensor, first: int, table: tuple[Tensor, Tensor] | None) -> Tensor:
        """Channels `first` to `first` + h·k of x (n, c) → (1, h, n, k)."""
        width = len(self._weight)
        out_hnk = torch.empty(self._heads, len(x_rc), width, dtype=x_rc.dtype)
        cos, sin = (t.numpy() for t in table) if table else (_NOTHING, _NOTHING)
        _head_norm(_array(x_rc), first, self._weight, self._bias, self._eps, cos, sin, _array(out_hnk))
        return out_hnk[None]


def gated(x_rc: Tensor) -> Tensor:
    """SwiGLU: the first half of the channels times SiLU of the second, (r, c) → (r, c / 2)."""
    out_rc = torch.empty(len(x_rc), x_rc.shape[1] // 2, dtype=x_rc.dtype)
    _gated(_array(x_rc), _array(out_rc))
    return out_rc


def gelu(x_rc: Tensor) -> None:
    """GELU in its tanh form, in place."""
    _gelu(_array(x_rc))


def coefficients(spectrum_rc: Tensor, low_rc: Tensor, noise_arc: Tensor) -> Tensor:
    """What ARC_MINI's decoder predicts → MDCT coefficients (2, r, k): spectral.py's expansion, with noise added.

    `spectrum_rc` (r, 2·2·k) holds values, then noise gains, each mid and side; `low_rc` (r, 2·bins) is added to the
    lowest values; `noise_arc` (2, r, k) is white.
    """
    out_arc = torch.empty(noise_arc.shape)
    _coefficients(_array(spectrum_rc), _array(low_rc), _array(noise_arc), _array(out_arc))
    return out_arc


class DepthwiseNorm:
    """A depthwise convolution over neighbouring rows, zero beyond both ends, then layer norm."""

    def __init__(self, convolution: torch.nn.Conv1d, layer: torch.nn.LayerNorm):
        assert convolution.bias is not None
        self._taps = convolution.weight.detach()[:, 0].t().float().contiguous().numpy()  # (taps, c)
        self._offset = convolution.bias.detach().float().numpy()
        self._weight, self._bias = _scale_and_shift(layer)
        self._eps = np.float32(layer.eps)

    def __call__(self, x_rc: Tensor) -> Tensor:
        out_rc = torch.empty_like(x_rc)
        _depthwise_norm(_array(x_rc), self._taps, self._offset, self._weight, self._bias, self._eps, _array(out_rc))
        return out_rc


def row_codes(x_rc: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Rows → int8 codes from -levels to levels (r, c), and the scale (r,) by which each row's codes are the row."""
    codes_rc, scale_r = torch.empty(x_rc.shape, dtype=torch.int8), torch.empty(len(x_rc))
    _row_codes(_array(x_rc), np.float32(levels), codes_rc.numpy(), scale_r.numpy())
    return codes_rc, scale_r


def scaled(sums_rc: Tensor, scale_r: Tensor, scale_c: Tensor, bias_c: Tensor, out_rc: Tensor, add: bool) -> None:
    """Fill `out_rc` with int32 sums × scale_r × scale_c + bias_c, or add that to it."""
    arrays = sums_rc.numpy(), scale_r.numpy(), scale_c.numpy(), bias_c.numpy(), _array(out_rc)
    if add:
        _add_scaled(*arrays)
    else:
        _scaled(*arrays)


_NOTHING = np.zeros((0, 0), np.float32)


def _array(x: Tensor) -> np.ndarray:
    """The tensor's own memory; bfloat16 as its bits, since numpy has no such type."""
    return x.view(torch.uint16).numpy() if x.dtype is torch.bfloat16 else x.numpy()


def _scale_and_shift(layer: torch.nn.LayerNorm) -> tuple[np.ndarray, np.ndarray]:
    weight = layer.weight.detach().float()
    bias = torch.zeros_like(weight) if layer.bias is None else layer.bias.detach().float()
    return weight.numpy(), bias.numpy()


# Written for LLVM: numba would widen the 32-bit integers to 64, which halves the speed.
_F32, _I32, _I16 = ir.FloatType(), ir.IntType(32), ir.IntType(16)


def _i32(value: int) -> ir.Constant:
    return ir.Constant(_I32, value)


@intrinsic
def _widened(typing: Any, bits: Any) -> Any:
    """bfloat16 bits → float32."""

    def build(_, builder, __, args):
        return builder.bitcast(builder.shl(builder.zext(args[0], _I32), _i32(16)), _F32)

    return types.float32(types.uint16), build


@intrinsic
def _rounded(typing: Any, value: Any) -> Any:
    """float32 → bfloat16 bits, half to even, as torch rounds."""

    def build(_, builder, __, args):
        bits = builder.bitcast(args[0], _I32)
        odd = builder.and_(builder.lshr(bits, _i32(16)), _i32(1))
        bits = builder.add(bits, builder.add(odd, _i32(0x7FFF)))
        return builder.trunc(builder.lshr(bits, _i32(16)), _I16)

    return types.uint16(types.float32), build


@intrinsic
def _power_of_two(typing: Any, exponent: Any) -> Any:
    """2^n for a float32 that holds a whole number from -126 to 127."""

    def build(_, builder, __, args):
        return builder.bitcast(builder.shl(builder.add(builder.fptosi(args[0], _I32), _i32(127)), _i32(23)), _F32)

    return types.float32(types.float32), build


def _load(x: Any, i: Any) -> Any:
    """Element i of a row as float32. Compiled for both kinds of array."""


def _store(x: Any, i: Any, value: Any) -> Any:
    """Round to the array's kind, half to even as torch does."""


@overload(_load, inline="always")
def _load_compiled(x, i):
    if x.dtype == types.uint16:
        return lambda x, i: _widened(x[i])  # pyright: ignore[reportCallIssue]  (numba adds `typing`)
    return lambda x, i: x[i]


@overload(_store, inline="always")
def _store_compiled(x, i, value):
    if x.dtype == types.uint16:

        def rounded(x, i, value):
            x[i] = _rounded(value)  # pyright: ignore[reportCallIssue]

        return rounded

    def plain(x, i, value):
        x[i] = value

    return plain


@njit(inline="always", error_model="numpy")
def _exp(x):
    """e^x, relative error 3e-7; beyond ±87 the ends of float32's range."""
    y = min(max(x * _LOG2_E, -_LARGEST), _LARGEST)
    whole = np.rint(y)
    f = y - whole
    power = _ONE + f * (_E1 + f * (_E2 + f * (_E3 + f * (_E4 + f * (_E5 + f * _E6)))))
    return power * _power_of_two(whole)  # pyright: ignore[reportCallIssue]


@_kernel
def _snake(x, a, g, out, position):
    for i in range(out.shape[0]):
        row = out[i]
        if 0 <= position + i < x.shape[0]:
            source = x[position + i]
            for j in range(row.shape[0]):
                v = _load(source, j)
                z = v * a[j]
                z = z - np.rint(z)
                u = z * z
                _store(row, j, v + g[j] * (u * (_S1 + u * (_S2 + u * (_S3 + u * (_S4 + u * (_S5 + u * _S6)))))))
        else:
            row[:] = 0


@njit(inline="always", error_model="numpy")
def _normalise(x, weight, bias, eps, out):
    """Layer norm of one float32 row into another row."""
    width = x.shape[0]
    mean = _ZERO
    for j in range(width):
        mean += x[j]
    mean /= np.float32(width)
    square = _ZERO
    for j in range(width):
        square += (x[j] - mean) * (x[j] - mean)
    scale = _ONE / np.sqrt(square / np.float32(width) + eps)
    for j in range(width):
        _store(out, j, (x[j] - mean) * scale * weight[j] + bias[j])


@_kernel
def _norm(x, weight, bias, eps, out):
    values = np.empty(x.shape[1], np.float32)
    for i in range(x.shape[0]):
        row = x[i]
        for j in range(row.shape[0]):
            values[j] = _load(row, j)
        _normalise(values, weight, bias, eps, out[i])


@_kernel
def _head_norm(x, first, weight, bias, eps, cos, sin, out):
    width = weight.shape[0]
    turning = cos.shape[1]
    values, normed = np.empty(width, np.float32), np.empty(width, np.float32)
    for i in range(x.shape[0]):
        for h in range(out.shape[0]):
            row = x[i, first + h * width : first + (h + 1) * width]
            for j in range(width):
                values[j] = _load(row, j)
            _normalise(values, weight, bias, eps, normed)
            for j in range(turning):
                a, b = normed[j], normed[turning + j]
                normed[j] = a * cos[i, j] - b * sin[i, j]
                normed[turning + j] = b * cos[i, j] + a * sin[i, j]
            target = out[h, i]
            for j in range(width):
                _store(target, j, normed[j])


@_kernel
def _gated(x, out):
    width = out.shape[1]
    for i in range(out.shape[0]):
        value, gate, target = x[i, :width], x[i, width:], out[i]
        for j in range(width):
            g = _load(gate, j)
            _store(target, j, _load(value, j) * g / (_ONE + _exp(-g)))


@_kernel
def _gelu(x):
    for i in range(x.shape[0]):
        row = x[i]
        for j in range(row.shape[0]):
            v = _load(row, j)
            # ½(1 + tanh u) = 1 / (1 + e^(−2u))
            u = _GELU_SLOPE * (v + _GELU_CUBE * v * v * v)
            _store(row, j, v / (_ONE + _exp(-(u + u))))


@_kernel
def _depthwise_norm(x, taps, offset, weight, bias, eps, out):
    rows, width = x.shape
    reach = taps.shape[0] // 2
    values = np.empty(width, np.float32)
    for i in range(rows):
        values[:] = offset
        for k in range(max(0, reach - i), min(taps.shape[0], rows + reach - i)):
            row = x[i + k - reach]
            for j in range(width):
                values[j] += _load(row, j) * taps[k, j]
        _normalise(values, weight, bias, eps, out[i])


@njit(inline="always", error_model="numpy")
def _expanded(x):
    """spectral.expand: the sign of x and |x / 4| to the power of 2.5."""
    y = x * _EXPAND
    return y * abs(y) * np.sqrt(abs(y))


@_kernel
def _coefficients(spectrum, low, noise, out):
    channels, rows, bins = out.shape
    lowest = low.shape[1] // channels
    for c in range(channels):
        for i in range(rows):
            value = spectrum[i, c * bins : (c + 1) * bins]
            level = spectrum[i, (channels + c) * bins : (channels + c + 1) * bins]
            white, target = noise[c, i], out[c, i]
            for j in range(lowest):
                value[j] += low[i, c * lowest + j]
            for j in range(bins):
                x = level[j] - _ONE
                y = _exp(-abs(x))
                ratio = _L1 + y * (_L2 + y * (_L3 + y * (_L4 + y * (_L5 + y * (_L6 + y * (_L7 + y * _L8))))))
                target[j] = _expanded(value[j]) + _expanded(max(x, _ZERO) + y * ratio) * white[j]


@_kernel
def _row_codes(x, levels, codes, scale):
    peaks = np.empty(_LANES, np.float32)  # as one number it would be no vector instruction
    for i in range(x.shape[0]):
        row, target = x[i], codes[i]
        whole = row.shape[0] // _LANES * _LANES
        peaks[:] = _SMALLEST
        for first in range(0, whole, _LANES):
            for k in range(_LANES):
                v = abs(_load(row, first + k))
                peaks[k] = v if v > peaks[k] else peaks[k]
        peak = peaks.max()
        for j in range(whole, row.shape[0]):
            peak = max(peak, abs(_load(row, j)))
        factor = levels / peak
        for j in range(row.shape[0]):
            target[j] = np.int8(np.rint(_load(row, j) * factor))
        scale[i] = peak / levels


@_kernel
def _scaled(sums, scale_r, scale_c, bias, out):
    for i in range(sums.shape[0]):
        row, factor, target = sums[i], scale_r[i], out[i]
        for j in range(row.shape[0]):
            _store(target, j, np.float32(row[j]) * factor * scale_c[j] + bias[j])


@_kernel
def _add_scaled(sums, scale_r, scale_c, bias, out):
    for i in range(sums.shape[0]):
        row, factor, target = sums[i], scale_r[i], out[i]
        for j in range(row.shape[0]):
            _store(target, j, _load(target, j) + np.float32(row[j]) * factor * scale_c[j] + bias[j])
