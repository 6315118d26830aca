"""Shared settings of the model's tests."""

import torch
from hypothesis import settings

# Drawing times depend on what else the machine does; a deadline would make tests fail for that.
settings.register_profile("model", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("model")

# Test tensors are tiny, and where other programs share the cores a second OpenMP thread makes them 200 times slower.
torch.set_num_threads(1)
