"""Products with weights packed once for this processor: linear layers and convolutions over time, channels last.

oneDNN reaches the machine's matrix peak only with weights in the block format of its own choice, and that choice
depends on the number of rows: a product with another number of rows reorders its weights at every call, a hundred
times slower than the product itself (1024 → 8192, bfloat16: 0.4 s instead of 10 ms). So each product here is bound
to one number of rows; other numbers are cut into that many, the last of them padded. The choice depends on the number
of threads too: pack where you run.

Shapes: r rows (positions of all items), i inputs, o outputs, k taps.
"""

import torch
from torch import Tensor, nn

_mkldnn = torch.ops.mkldnn


def has_onednn() -> bool:
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
    """An nn.Linear that works `rows` rows at a time, in the dtype of its weight; it takes any number of rows."""

    def __init__(self, weight_oi: Tensor, bias_o: Tensor | None, rows: int):
        super().__init__()
        self.rows = rows
        self.weight = weight_oi.new_empty(0)  # only its dtype is left, for those who ask in what to compute
        self._product = PackedConvolution(weight_oi[..., None], bias_o, rows)

    @classmethod
    def of(cls, linear: nn.Linear, rows: int, dtype: torch.dtype | None = None) -> "PackedLinear":
        """Pack a layer, in its own dtype or another."""
        bias = None if linear.bias is None else linear.bias.detach().to(dtype)
        return cls(linear.weight.detach().to(dtype), bias, rows)

    def forward(self, x: Tensor) -> Tensor:
        x_ri = x.reshape(-1, x.shape[-1])
        if len(x_ri) == self.rows:
            y_ro = self._product(x_ri.contiguous())
        else:
            y_ro = torch.cat([self._product(self._whole(part))[: len(part)] for part in x_ri.split(self.rows)])
        return y_ro.reshape(*x.shape[:-1], -1)

    def add_to(self, sum_ro: Tensor, x_ri: Tensor) -> None:
        """Add the layer's output to `sum_ro` in place."""
        for total, part in zip(sum_ro.split(self.rows), x_ri.split(self.rows), strict=True):
            if len(part) == self.rows:
                self._product.add_to(total, part)
            else:
                total += self._product(self._whole(part))[: len(part)]

    def _whole(self, x_ri: Tensor) -> Tensor:
        return nn.functional.pad(x_ri, (0, 0, 0, self.rows - len(x_ri)))


def pack_linears(module: nn.Module, rows: int) -> None:
    """Replace every nn.Linear below `module` by a packed one."""
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, PackedLinear.of(child, rows))
        else:
            pack_linears(child, rows)


def _image(x_rc: Tensor) -> Tensor:
    """Rows of channels as the channels-last picture (1, c, 1, r) that a two-dimensional convolution takes."""
    return x_rc.t()[None, :, None]
