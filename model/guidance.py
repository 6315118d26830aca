"""Classifier-free guidance (Ho & Salimans 2022), for the baselines: the ARC model needs none."""

from torch import Tensor

from model.sampler import Velocity


def guided(conditional: Velocity, unconditional: Velocity, scale: float) -> Velocity:
    """Return v = u + scale·(c − u). Scale 1 is the conditional velocity itself, at half the cost."""
    if scale == 1:
        return conditional

    def velocity(x_bct: Tensor, time_b: Tensor) -> Tensor:
        u_bct = unconditional(x_bct, time_b)
        return u_bct + scale * (conditional(x_bct, time_b) - u_bct)

    return velocity
