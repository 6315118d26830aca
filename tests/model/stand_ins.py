"""Tiny models of the published layout, and the catalogue that knows them: what tests install instead of gigabytes."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing

from model.catalogue import CATALOGUE, T5_BASE, HubFile
from model.checkpoint import published_state_dict
from model.config import DiTConfig, ModelConfig, OobleckConfig, SecondsConfig, TextConfig
from model.generator import Generator
from model.oobleck import OobleckAutoencoder

OOBLECK = OobleckConfig(latent_channels=4, channels=4, multiples=(1, 2), strides=(2, 4))
CONFIG = ModelConfig(
    "tiny-open",
    max_frames=16,
    canvas_multiple=16,
    dit=DiTConfig(latent_channels=4, width=64, depth=2, heads=2, ff_inner=96, conditioning_width=24, time_features=32),
    seconds=SecondsConfig(width=24, max_seconds=8.0, frequencies=16),
    text=TextConfig(width=24, max_tokens=8),
    autoencoder=OOBLECK,
)
T5 = {"vocab_size": 7, "d_model": 24, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 3}


@cache
def published_tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator, autoencoder = Generator(CONFIG), OobleckAutoencoder(OOBLECK)
    parts = {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}
    return {name: tensor.detach().contiguous() for name, tensor in published_state_dict(parts).items()}


@cache
def published_file(seed: int = 0) -> bytes:
    return save(published_tensors(seed))


def write_t5(folder: Path, **other: int) -> Path:
    """A small T5 as t5-base comes: with a decoder, tied embeddings, and a tokenizer that appends EOS."""
    from transformers import T5Config, T5ForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    words = ["<pad>", "</s>", "<unk>", "▁kick", "▁drum", "▁loud", "▁"]
    tokenizer = Tokenizer(Unigram([(word, -1.0) for word in words], unk_id=2))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        T5ForConditionalGeneration(T5Config(**T5 | other)).save_pretrained(folder)
    return folder


TINY_T5 = replace(T5_BASE, config=CONFIG.text, elements=8_064)
TINY_CATALOGUE = (
    CATALOGUE[0],
    *(
        replace(
            entry,
            config=replace(CONFIG, name=entry.name),
            files=tuple(HubFile(file.name, len(published_file())) for file in entry.files),
            text=TINY_T5,
        )
        for entry in CATALOGUE[1:3]
    ),
    TINY_T5,
)
SMALL, BASE = TINY_CATALOGUE[1:3]
