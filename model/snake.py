"""The Snake activation over rows of channels, in one pass: x + sin²(a·x)·g, outside the signal zero.

torch makes five passes over memory of it and evaluates the sine to the last bit: 8 ns an element in float32, 1.8 in
bfloat16, on one AVX-512 core; this kernel takes 0.19 and 0.27. It releases the GIL.
"""

from math import pi
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from torch import Tensor

# sin²(πz) = Σ cᵢ·z²ⁱ for |z| ≤ ½: least squares, largest error 7e-8.
_COEFFICIENTS = (9.869603157, -32.469600677, 42.725811005, -30.089704514, 13.005579948, -3.294616938)
_C1, _C2, _C3, _C4, _C5, _C6 = (np.float32(c) for c in _COEFFICIENTS)
_HALF, _ONE, _SIXTEEN = np.uint32(0x7FFF), np.uint32(1), np.uint32(16)


class Snake:
    """The constants of one layer: a = e^α / π, so that z counts half periods, and g = 1 / (e^β + 1e-9)."""

    def __init__(self, alpha_c: Tensor, beta_c: Tensor):
        self._a = (alpha_c.double().exp() / pi).float().numpy()
        self._g = (1 / (beta_c.double().exp() + 1e-9)).float().numpy()

    def __call__(self, x_rc: Tensor, out_rc: Tensor, position: int = 0) -> None:
        """Fill row i of `out_rc` from row `position` + i of `x_rc`, or with zeros where there is no such row.

        float32 or bfloat16, contiguous; in place with `position` 0.
        """
        if x_rc.dtype is torch.bfloat16:
            _snake_bfloat16(_bits(x_rc), self._a, self._g, _bits(out_rc), position)
        else:
            _snake_float32(x_rc.numpy(), self._a, self._g, out_rc.numpy(), position)


def _bits(x: Tensor) -> np.ndarray:
    return x.view(torch.uint16).numpy()


@intrinsic
def _float_of(typing: Any, bits: Any) -> Any:
    return types.float32(types.uint32), lambda _, builder, __, args: builder.bitcast(args[0], ir.FloatType())


@intrinsic
def _bits_of(typing: Any, value: Any) -> Any:
    return types.uint32(types.float32), lambda _, builder, __, args: builder.bitcast(args[0], ir.IntType(32))


@njit(inline="always")
def _activated(v, a, g):
    z = v * a
    z = z - np.rint(z)
    u = z * z
    return v + g * (u * (_C1 + u * (_C2 + u * (_C3 + u * (_C4 + u * (_C5 + u * _C6))))))


@njit(nogil=True, fastmath=True, cache=True)
def _snake_float32(x, a, g, out, position):
    for i in range(out.shape[0]):
        k = position + i
        if 0 <= k < x.shape[0]:
            for j in range(x.shape[1]):
                out[i, j] = _activated(x[k, j], a[j], g[j])
        else:
            out[i] = np.float32(0)


@njit(nogil=True, fastmath=True, cache=True)
def _snake_bfloat16(x, a, g, out, position):
    for i in range(out.shape[0]):
        k = position + i
        if 0 <= k < x.shape[0]:
            for j in range(x.shape[1]):
                v = _float_of(np.uint32(x[k, j]) << _SIXTEEN)  # pyright: ignore[reportCallIssue]  (numba adds `typing`)
                bits = _bits_of(_activated(v, a[j], g[j]))  # pyright: ignore[reportCallIssue]
                # Round half to even, as torch does.
                out[i, j] = np.uint16((bits + _HALF + ((bits >> _SIXTEEN) & _ONE)) >> _SIXTEEN)
        else:
            out[i] = np.uint16(0)
