"""`python -m training.autoencoder` with one more model, a tiny Oobleck: what tests start as real processes."""

from dataclasses import replace

from model.config import MODELS, SAO_SMALL, OobleckConfig
from training import autoencoder

WAVES = replace(SAO_SMALL, name="tiny-waves", autoencoder=OobleckConfig(channels=8, multiples=(1, 2), strides=(2, 4)))

if __name__ == "__main__":
    MODELS[WAVES.name] = WAVES
    autoencoder.main()
