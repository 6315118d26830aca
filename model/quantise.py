"""Dynamic int8 of linear layers: torchao makes the codes, one integer product a layer runs them.

Shapes: n rows (batch and positions together), i inputs, o outputs.
"""

import platform

import torch
from torch import Tensor, nn

NARROWEST = 128  # a layer with a narrower side is an input or output of the model: little work, and all of the signal
KEPT = ("time_embedding", "token_mlp", "global_mlp")  # one row a step, or once a prompt: nothing to gain


class Int8Linear(nn.Module):
    """y = s_x·s_w·(q_x·q_w) + bias: a scale s_x for each row, found as it comes, and s_w for each output.

    torchao's own eager layer adds up the columns of its weights at every call and is no faster than bfloat16; this
    one is twice as fast as that (README, int8).
    """

    weight_io: Tensor  # int8
    scale_o: Tensor
    bias: Tensor | None

    def __init__(self, weight_oi: Tensor, scale_o: Tensor, bias: Tensor | None, levels: int):
        super().__init__()
        self.levels = levels
        # Contiguous by rows of inputs: the layout that the integer product wants.
        self.register_buffer("weight_io", weight_oi.t().contiguous())
        self.register_buffer("scale_o", scale_o.flatten().float())
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    @property
    def weight(self) -> Tensor:
        """The int8 codes (o, i): T5 asks its layers for the dtype of their weights."""
        return self.weight_io.t()

    def forward(self, x: Tensor) -> Tensor:
        x_ni = x.reshape(-1, x.shape[-1]).float()
        scale_n1 = x_ni.abs().amax(-1, keepdim=True).clamp_min_(torch.finfo(torch.float32).eps).div_(self.levels)
        codes_ni = (x_ni * scale_n1.reciprocal()).round_().to(torch.int8)
        y_no = torch._int_mm(codes_ni, self.weight_io).float().mul_(scale_n1)  # pyright: ignore[reportPrivateImportUsage]
        y_no = y_no.mul_(self.scale_o) if self.bias is None else torch.addcmul(self.bias, y_no, self.scale_o, out=y_no)
        return y_no.to(x.dtype).view(*x.shape[:-1], -1)


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
