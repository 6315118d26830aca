"""Dynamic int8 of linear layers: torchao makes the codes, one integer product a layer runs them.

Shapes: n rows (batch and positions together), i inputs, o outputs.
"""

import platform

import torch
from torch import Tensor, nn

from model.kernels import row_codes, scaled

NARROWEST = 128  # a layer with a narrower side is an input or output of the model: little work, and all of the signal
# One row a step, or once a prompt: nothing to gain.
KEPT = ("time_embedding", "token_mlp", "global_mlp", "control_embedding")


class Int8Linear(nn.Module):
    """y = s_x·s_w·(q_x·q_w) + bias: a scale s_x for each row, found as it comes, and s_w for each output.

    On a CPU, without gradients, in float32 or bfloat16. torchao's own eager layer adds up the columns of its weights at
    every call and makes a pass over memory for each operation: it is no faster than bfloat16, and this twice as fast.
    """

    weight_io: Tensor  # int8
    scale_o: Tensor
    bias_o: Tensor

    def __init__(self, weight_oi: Tensor, scale_o: Tensor, bias_o: Tensor | None, levels: int):
        super().__init__()
        self.levels = levels
        # Contiguous by rows of inputs: the layout that the integer product wants.
        self.register_buffer("weight_io", weight_oi.t().contiguous())
        self.register_buffer("scale_o", scale_o.flatten().float())
        bias_o = torch.zeros(len(weight_oi)) if bias_o is None else bias_o
        self.register_buffer("bias_o", bias_o.detach().float())

    @property
    def weight(self) -> Tensor:
        """The int8 codes (o, i): T5 asks its layers for the dtype of their weights."""
        return self.weight_io.t()

    def forward(self, x: Tensor) -> Tensor:
        x_ni = x.reshape(-1, x.shape[-1]).contiguous()
        y_no = x_ni.new_empty(len(x_ni), len(self.bias_o))
        self._multiply(x_ni, y_no, add=False)
        return y_no.reshape(*x.shape[:-1], -1)

    def add_to(self, sum_no: Tensor, x_ni: Tensor) -> None:
        """Add the layer's output to `sum_no` in place, as packed.PackedLinear does."""
        self._multiply(x_ni, sum_no, add=True)

    def _multiply(self, x_ni: Tensor, y_no: Tensor, add: bool) -> None:
        codes_ni, scale_n = row_codes(x_ni, self.levels)
        sums_no = torch._int_mm(codes_ni, self.weight_io)  # pyright: ignore[reportPrivateImportUsage]
        scaled(sums_no, scale_n, self.scale_o, self.bias_o, y_no, add)


def quantise(module: nn.Module) -> list[str]:
    """Turn the linear layers inside `module` to int8, in place and for good, and return their names.

    Weights get a scale for each output, activations one for each row. Layers that are narrow or hold the time and the
    condition stay as they are. Raises ValueError where torchao is missing.
    """
    try:
        from torchao.quantization import Int8DynamicActivationInt8WeightConfig, Int8Tensor, quantize_
    except ImportError as error:
        raise ValueError("int8 needs the package torchao: pip install 'arc-instrument[int8]'") from error
    names = [name for name, layer in module.named_modules() if _is_wide(name, layer)]
    reduced = _sums_saturate()
    # set_inductor_config would change torch.compile's settings for the whole process.
    config = Int8DynamicActivationInt8WeightConfig(set_inductor_config=False, reduce_range=reduced)
    for name in names:
        layer = module.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        quantize_(layer, config)
        weight = layer.weight
        assert isinstance(weight, Int8Tensor)
        module.set_submodule(name, Int8Linear(weight.qdata, weight.scale, layer.bias, 63 if reduced else 127))
    return names


def _is_wide(name: str, layer: nn.Module) -> bool:
    return (
        isinstance(layer, nn.Linear)
        and min(layer.in_features, layer.out_features) >= NARROWEST
        and not any(part in KEPT for part in name.split("."))
    )


def _sums_saturate() -> bool:
    """Whether this CPU adds pairs of products in 16 bits: an x86 without VNNI, which needs codes of 7 bits."""
    return platform.machine().lower() in ("x86_64", "amd64") and not torch.cpu._is_vnni_supported()
