"""Low-rank adaptation of the generator's linear layers (Hu et al. 2021), through peft, merged in the end."""

import logging
from typing import Any, cast

from torch import nn

from model.generator import Generator


def with_adapters(generator: Generator, rank: int) -> nn.Module:
    """Freeze the generator and put trainable rank-`rank` products beside its linear layers, the fused ones too.

    The products begin at zero, so what it computes is unchanged. The generator itself is altered.
    """
    logging.disable(logging.WARNING)  # peft imports torchao, which warns of kernels for graphics cards
    try:
        from peft import LoraConfig, get_peft_model
    finally:
        logging.disable(logging.NOTSET)
    layers = [name for name, module in generator.named_modules() if isinstance(module, nn.Linear)]
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=layers)
    return get_peft_model(cast("Any", generator), config)


def merged(adapted: nn.Module) -> Generator:
    """The generator with the products added to its weights; the adapters are gone."""
    return cast("Any", adapted).merge_and_unload()
