"""Trained runs → a model folder: `python -m training.export --latents FOLDER --generator RUN --out FOLDER`."""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

from model.config import MODELS
from model.generator import Generator
from model.spectral import SpectralAutoencoder
from model.weights import save_model
from training.run import averaged_weights, code_version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latents", type=Path, required=True, help="folder made by training.latents (the autoencoder)")
    parser.add_argument("--generator", type=Path, required=True, help="run folder of training.arc or training.pretrain")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=MODELS, default="arc-mini")
    args = parser.parse_args()
    config = MODELS[args.model]
    generator, autoencoder = Generator(config), SpectralAutoencoder.of(config)
    generator.load_state_dict(averaged_weights(args.generator))
    autoencoder.load_state_dict(load_file(args.latents / "autoencoder.safetensors"))
    step = torch.load(args.generator / "checkpoint.pt", map_location="cpu", weights_only=True)["step"]
    about = {"model": config.name, "code": code_version(), "run": args.generator.name, "step": str(step)}
    save_model(args.out, {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}, about)


if __name__ == "__main__":
    main()
