"""Shared settings of the model's tests."""

import os

import torch
from hypothesis import settings

# Drawing times depend on what else the machine does; a deadline would make tests fail for that.
settings.register_profile("model", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("model")

# More threads than this gain nothing at test sizes, and test machines are shared.
torch.set_num_threads(min(2, int(os.environ.get("OMP_NUM_THREADS", "2"))))
