"""Whether files are what they are taken for: strictly that model, or a text encoder that works; and hold no code.

torch and transformers are imported where they are needed, not before.
"""

import json
from pathlib import Path
from pickle import UnpicklingError

from model.catalogue import CatalogueEntry
from model.config import ModelConfig, OobleckConfig, TextConfig
from model.digests import CheckpointError
from model.weights import fill

SUFFIXES = (".safetensors", ".ckpt")


def check(entry: CatalogueEntry, files: dict[str, Path]) -> None:
    """Check the `files` of an entry, by their names in the catalogue. Raises CheckpointError naming what is wrong."""
    if isinstance(entry.config, ModelConfig):
        check_model(entry.config, files[entry.files[0].name])
    else:
        check_text_encoder(entry, entry.config, *(files[file.name] for file in entry.files))


def check_model(config: ModelConfig, weights: Path) -> None:
    """Check that a published file holds exactly the tensors of the model, all finite: it is loaded as for playing."""
    import torch

    from model.generator import Generator
    from model.oobleck import OobleckAutoencoder

    check_kind(weights)
    assert isinstance(config.autoencoder, OobleckConfig)
    with torch.device("meta"):
        generator, autoencoder = Generator(config), OobleckAutoencoder(config.autoencoder)
    try:
        fill({"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}, weights, published=True)
    except CheckpointError as error:
        if isinstance(error.__cause__, UnpicklingError):
            raise CheckpointError(
                f"{weights} holds more than tensors: pickled code, which was not run; take the .safetensors file"
            ) from error
        raise


def check_text_encoder(
    entry: CatalogueEntry, config: TextConfig, weights: Path, network: Path, tokenizer: Path
) -> None:
    """Check a T5 encoder of the wanted width and size; what its file holds beyond the encoder is of no concern."""
    import torch
    from safetensors import SafetensorError, safe_open
    from tokenizers import Tokenizer
    from transformers.models.t5.configuration_t5 import T5Config
    from transformers.models.t5.modeling_t5 import T5EncoderModel

    check_kind(weights)
    try:
        settings = T5Config(**json.loads(network.read_text(encoding="utf-8")))
        with torch.device("meta"):
            expected = dict(T5EncoderModel(settings).named_parameters())  # tied parameters are named once
    except Exception as error:  # whatever transformers makes of a foreign file
        raise CheckpointError(f"{network} does not describe a T5 encoder; fetch it again") from error
    elements = sum(parameter.numel() for parameter in expected.values())
    if settings.d_model != config.width or elements != entry.elements:
        raise CheckpointError(
            f"{network} describes an encoder {settings.d_model} wide with {elements:,} parameters instead of "
            f"{config.width} and {entry.elements:,}: it is not {entry.name}; choose another folder"
        )
    try:
        with safe_open(weights, framework="pt") as file:
            names = set(file.keys())
            for name, parameter in expected.items():
                if name not in names:
                    raise CheckpointError(f"{name} is missing from {weights}: it is not {entry.name}")
                tensor = file.get_tensor(name)
                if tensor.shape != parameter.shape:
                    shapes = f"{list(tensor.shape)} instead of {list(parameter.shape)}"
                    raise CheckpointError(f"{name} in {weights} has shape {shapes}: it is not {entry.name}")
                if not torch.isfinite(tensor).all():
                    raise CheckpointError(f"{weights}: {name} holds values that are not finite; fetch it again")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{weights}: not a readable weights file ({error}); fetch it again") from error
    try:
        ids = Tokenizer.from_file(str(tokenizer)).encode("kick drum").ids
    except Exception as error:  # tokenizers raises nothing narrower
        raise CheckpointError(f"{tokenizer} is not a readable tokenizer; fetch it again") from error
    if ids[-1:] != [settings.eos_token_id] or max(ids) >= settings.vocab_size:
        raise CheckpointError(f"{tokenizer} is the tokenizer of another encoder than {network}; fetch it again")


def check_kind(path: Path) -> None:
    """Refuse by its first bytes what is no weights file, or one under a name that says otherwise."""
    if path.suffix not in SUFFIXES:
        raise CheckpointError(f"{path} does not end in .safetensors or .ckpt: choose the weights file itself")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): choose another file") from error
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path} is a Git LFS pointer to the weights, not the weights: type git lfs pull there")
    if start.lstrip()[:1] == b"<":
        raise CheckpointError(f"{path} is a web page, not weights: the download needs a login")
    if path.suffix != ".ckpt" and start.startswith((b"PK\x03\x04", b"\x80\x02")):
        raise CheckpointError(f"{path} is a PyTorch checkpoint under another name: name it {path.stem}.ckpt")
    if path.suffix != ".safetensors" and start[8:9] == b"{":
        raise CheckpointError(f"{path} is a safetensors file under another name: name it {path.stem}.safetensors")
