"""The model that a fine-tuning takes further."""

from dataclasses import dataclass
from pathlib import Path

from model.config import ModelConfig, SpectralConfig
from model.generator import Generator
from model.spectral import SpectralAutoencoder
from model.weights import architecture_of, fill, open_folder


@dataclass(frozen=True)
class Base:
    """`architecture` is one of ours, `name` what this model is called."""

    name: str
    folder: Path
    architecture: ModelConfig
    licence: str
    licence_link: str
    generator: Generator
    autoencoder: SpectralAutoencoder

    @classmethod
    def open(cls, folder: Path) -> "Base":
        """Raises ValueError for a folder that is no whole model of ours."""
        opened = open_folder(folder)
        if opened.published or not isinstance(opened.config.autoencoder, SpectralConfig):
            raise ValueError(f"{folder} holds {opened.config.name}: only arc-mini, and what was made of it, can learn")
        generator, autoencoder = Generator(opened.config), SpectralAutoencoder.of(opened.config)
        fill({**dict(generator.named_children()), "autoencoder": autoencoder}, opened)
        generator.eval().requires_grad_(False)
        autoencoder.eval().requires_grad_(False)
        architecture = architecture_of(opened.weights)
        return cls(
            opened.config.name, folder, architecture, opened.licence, opened.licence_link, generator, autoencoder
        )
