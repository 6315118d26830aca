"""Whether files are what they are taken for: strictly that model, or a text encoder that works."""

from pathlib import Path

from model.catalogue import CatalogueEntry
from model.config import ModelConfig, OobleckConfig, TextConfig
from model.digests import CheckpointError
from model.weights import OpenedModel, fill

GIT_LFS = b"version https://git-lfs"


def check(entry: CatalogueEntry, weights: Path) -> None:
    """Check an entry's weights file, of a text encoder with what lies beside it. Raises CheckpointError."""
    if isinstance(entry.config, ModelConfig):
        check_model(entry.config, weights)
    else:
        check_text_encoder(entry, entry.config, weights.parent)


def check_model(config: ModelConfig, weights: Path) -> None:
    """Check that a published file holds exactly the tensors of the model, all finite: it is loaded as for playing."""
    import torch

    from model.generator import Generator
    from model.oobleck import OobleckAutoencoder

    check_start(weights)
    assert isinstance(config.autoencoder, OobleckConfig)
    with torch.device("meta"):
        generator, autoencoder = Generator(config), OobleckAutoencoder(config.autoencoder)
    parts = {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}
    fill(parts, OpenedModel(config, True, weights, None, "", ""))


def check_text_encoder(entry: CatalogueEntry, config: TextConfig, folder: Path) -> None:
    """Check that a folder holds the T5 encoder of this width and size, all finite, with its tokenizer."""
    import torch

    from model.text import t5

    check_start(folder / entry.files[0].name)
    network = t5(folder, config.max_tokens).network
    elements = sum(parameter.numel() for parameter in network.parameters())
    if elements != entry.elements:
        raise CheckpointError(
            f"{folder} holds an encoder of {elements:,} parameters, {entry.name} has {entry.elements:,}: choose another"
        )
    for name, parameter in network.named_parameters():
        if not torch.isfinite(parameter).all():
            raise CheckpointError(f"{folder}: {name} holds values that are not finite; fetch it again")


def check_start(path: Path) -> None:
    """Say what people often have in place of a weights file."""
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}): choose another file") from error
    if start.startswith(GIT_LFS):
        raise CheckpointError(f"{path} is a Git LFS pointer to the weights, not the weights: type git lfs pull there")
    if start.lstrip().startswith(b"<"):
        raise CheckpointError(f"{path} is a web page, not weights: the download needs a login")


def is_safetensors(path: Path) -> bool:
    """Whether a checked weights file is one of safetensors, not of torch.save."""
    from model.tensorfile import SafetensorsFile, read

    return isinstance(read(path), SafetensorsFile)
