"""Products with weights packed once for this processor: linear layers and convolutions over time, channels last.

oneDNN reaches the machine's matrix peak only with weights in the block format of its own choice, and that choice
depends on the number of rows: a product with another number of rows reorders its weights at every call, a hundred
times slower than the product itself (1024 → 8192, bfloat16: 0.4 s instead of 10 ms). So each product here is bound
to one number of rows; other numbers are cut into that many, the last of them padded.

Shapes: r rows (positions of all items), i inputs, o outputs, k taps.
"""

import copy
from collections.abc import Collection
from typing import TypeVar

import torch
from torch import Tensor, nn

_mkldnn = torch.ops.mkldnn
Module = TypeVar("Module", bound=nn.Module)


def can_pack() -> bool:
    """Whether this build of torch carries oneDNN (x86 and most Arm builds do)."""
    return torch.backends.mkldnn.is_available() and hasattr(_mkldnn, "_reorder_convolution_weight")


class PackedConvolution:
    """y[n] = b + Σ_k W_k · x[n + k·dilation], valid positions only, for inputs of exactly `rows` positions."""

    def __init__(self, weight_oik: Tensor, bias_o: Tensor | None, rows: int, dilation: int = 1):
        outputs, inputs, taps = weight_oik.shape
        self.rows, self.inputs, self.outputs, self.dilation = rows, inputs, outputs, dilation
        self.rows_out = rows - (taps - 1) * dilation
        self._bias = None if bias_o is None else bias_o.contiguous()
        self._weight = _mkldnn._reorder_convolution_weight(
            weight_oik[:, :, None].contiguous(), [0, 0], [1, 1], [1, dilation], 1, [1, inputs, 1, rows]
        )

    def __call__(self, x_ri: Tensor) -> Tensor:
        """(rows, i) → (rows_out, o), both contiguous."""
        y = _mkldnn._convolution_pointwise(
            _image(x_ri), self._weight, self._bias, [0, 0], [1, 1], [1, self.dilation], 1, "none", [], ""
        )
        return y[0, :, 0].t()

    def add_to(self, sum_ro: Tensor, x_ri: Tensor) -> None:
        """Add the product to `sum_ro` (rows_out, o) in place."""
        _mkldnn._convolution_pointwise_.binary(
            _image(sum_ro), _image(x_ri), self._weight, self._bias,
            [0, 0], [1, 1], [1, self.dilation], 1, "add", 1.0, None, [], None,
        )  # fmt: skip


class PackedLinear(nn.Module):
    """An nn.Linear that works `rows` rows at a time, in the dtype of `weight`; any number of rows may be asked for."""

    def __init__(self, linear: nn.Linear, rows: int):
        super().__init__()
        self.rows = rows
        self._product = PackedConvolution(linear.weight[..., None], linear.bias, rows)

    def forward(self, x: Tensor) -> Tensor:
        x_ri = x.reshape(-1, x.shape[-1])
        parts = []
        for part_ri in x_ri.split(self.rows):
            missing = self.rows - len(part_ri)
            padded = nn.functional.pad(part_ri, (0, 0, 0, missing)) if missing else part_ri.contiguous()
            parts.append(self._product(padded)[: len(part_ri)])
        y_ro = parts[0] if len(parts) == 1 else torch.cat(parts)
        return y_ro.reshape(*x.shape[:-1], -1)


def pack_linears(module: nn.Module, rows: int, leave: Collection[str] = ()) -> None:
    """Replace every nn.Linear below `module` by a packed one, but for children whose name is among `leave`."""
    for name, child in module.named_children():
        if name in leave:
            continue
        if type(child) is nn.Linear:
            setattr(module, name, PackedLinear(child, rows))
        else:
            pack_linears(child, rows, leave)


def copy_sharing(module: Module) -> Module:
    """A copy of `module` with children of its own and the same tensors."""
    return copy.deepcopy(module, {id(t): t for t in (*module.parameters(), *module.buffers())})


def _image(x_rc: Tensor) -> Tensor:
    """Rows of channels as the channels-last picture (1, c, 1, r) that a two-dimensional convolution takes."""
    return x_rc.t()[None, :, None]
