"""How good a model is: measures of sounds, and the sections of `training.evaluate` that take them."""
