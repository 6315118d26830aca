"""Trained runs → a model folder: `python -m training.export --latents FOLDER --generator RUN --out FOLDER`.

Float16 weights and their digest. The generator may be of either stage. The autoencoder is the one of the latents, or a
later one whose encoder has not changed since: then only the decoder is new, and the latents still mean the same.
"""

import argparse
from pathlib import Path

import torch

from model.config import MODELS, ModelConfig
from model.generator import Generator
from model.spectral import SpectralAutoencoder
from model.weights import save_model
from training.encoding import Autoencoder, identity_of, load_autoencoder
from training.run import averaged_weights, code_version

MAX_BYTES = {"arc-mini": 48 * 2**20}  # what the repository holds


def with_new_decoder(config: ModelConfig, trained_on: Autoencoder, path: Path) -> Autoencoder:
    """The autoencoder in `path`, normalising latents as the one that encoded them.

    Raises ValueError where its encoder would make other latents.
    """
    later = load_autoencoder(config, path)
    if identity_of(later) != identity_of(trained_on):
        raise ValueError(
            f"{path}: its encoder is not the one that made these latents, so the generator would not fit: "
            "train the decoder with --freeze-encoder, or encode and train again"
        )
    if isinstance(later, SpectralAutoencoder) and isinstance(trained_on, SpectralAutoencoder):
        later.shift, later.scale = trained_on.shift, trained_on.scale
    return later


def generator_of(config: ModelConfig, run: Path) -> tuple[Generator, int]:
    """The averaged generator of a run and its step. Raises ValueError for a folder that holds none of this model."""
    generator = Generator(config)
    try:
        generator.load_state_dict(averaged_weights(run))
        return generator, torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)["step"]
    except (OSError, RuntimeError, LookupError) as error:
        raise ValueError(f"{run} holds no generator of {config.name}: {str(error).splitlines()[0]}") from error


def export(config: ModelConfig, latents: Path, run: Path, out: Path, autoencoder: Path | None = None) -> None:
    """Write the model folder. Raises ValueError for parts that do not belong together, or too many bytes of them."""
    generator, step = generator_of(config, run)
    decoding = load_autoencoder(config, latents / "autoencoder.safetensors")
    if autoencoder:
        decoding = with_new_decoder(config, decoding, autoencoder)
    parts = {**dict(generator.named_children()), "autoencoder": decoding}
    size = 2 * sum(tensor.numel() for part in parts.values() for tensor in part.state_dict().values())
    if size > (most := MAX_BYTES.get(config.name, size)):
        raise ValueError(f"{config.name} would take {size / 2**20:.1f} MiB, {most / 2**20:.0f} are allowed")
    about = {"model": config.name, "code": code_version(), "run": run.name, "step": str(step)}
    save_model(out, parts, about | ({"autoencoder": autoencoder.name} if autoencoder else {}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latents", type=Path, required=True, help="folder made by training.latents (the autoencoder)")
    parser.add_argument("--generator", type=Path, required=True, help="run folder of training.arc or training.pretrain")
    parser.add_argument("--autoencoder", type=Path, help="a later run of training.autoencoder with a frozen encoder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    try:
        export(MODELS[args.model], args.latents, args.generator, args.out, args.autoencoder)
    except (ValueError, OSError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
