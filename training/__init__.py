"""ARC training: autoencoder, rectified flow, adversarial post-training. Depends on `model` only."""
