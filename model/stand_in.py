"""`python -m model.stand_in NAME --out FOLDER`: a model folder of published sizes and names with random weights.

It loads, takes the memory and the time of the real one, and sounds like nothing: for measuring and testing what needs
those sizes where the gated weights are not at hand.
"""

import argparse
import json
import string
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.checkpoint import published_state_dict, write
from model.config import MODELS, SAO_SMALL, ModelConfig, OobleckConfig
from model.digests import write_digests
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.text import without_torchao
from model.weights import ABOUT_FILE, WEIGHTS_FILE

WEIGHT_STD = 0.02
T5_BASE = {"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12, "vocab_size": 32_128}


def write_model(folder: Path, config: ModelConfig) -> None:
    """Write weights of the config's sizes, from seed 0, under published names. Its text encoder is another folder."""
    if not isinstance(config.autoencoder, OobleckConfig):
        raise ValueError(f"{config.name} is no published model: {', '.join(published_models())}")
    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        generator, autoencoder = Generator(config), OobleckAutoencoder(config.autoencoder)
    parts = {**dict(generator.named_children()), "autoencoder": autoencoder}
    rng = torch.Generator().manual_seed(0)
    for module in parts.values():
        _fill(module, rng)
    write(folder / WEIGHTS_FILE, published_state_dict(parts), {"about": "random weights"})
    write_digests(folder, [WEIGHTS_FILE])
    (folder / ABOUT_FILE).write_text(json.dumps({"name": config.name, "source": "random weights"}) + "\n")


def write_t5(folder: Path, sizes: dict[str, Any]) -> None:
    """Write a T5 encoder of these sizes, drawn from torch's default generator, that reads letters."""
    from tokenizers import Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.processors import TemplateProcessing

    with without_torchao():
        from transformers.models.t5.configuration_t5 import T5Config
        from transformers.models.t5.modeling_t5 import T5EncoderModel

    letters = ["<pad>", "</s>", "<unk>", *string.ascii_letters, *string.digits, " "]
    tokenizer = Tokenizer(Unigram([(letter, -1.0) for letter in letters], unk_id=2))
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    T5EncoderModel(T5Config(**sizes)).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_digests(folder, [WEIGHTS_FILE])


def published_models() -> list[str]:
    return [config.name for config in MODELS.values() if isinstance(config.autoencoder, OobleckConfig)]


def _fill(module: nn.Module, rng: torch.Generator) -> None:
    module.to_empty(device="cpu")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.normal_(0, WEIGHT_STD, generator=rng)
            if name.endswith(("norm.weight", "_norm.weight")):
                parameter += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=published_models(), nargs="?", default=SAO_SMALL.name)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    config = MODELS[args.model]
    write_model(args.out, config)
    write_t5(args.out / config.text.name, T5_BASE)


if __name__ == "__main__":
    main()
