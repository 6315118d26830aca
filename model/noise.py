"""The Gaussian noise of a seed, and of a walk from one seed towards others: what makes a variation at a distance.

Noise is drawn on the CPU in float32, so a seed is the same sound on every device.
"""

from collections.abc import Sequence
from math import cos, pi, sin

import torch
from torch import Tensor

Leg = tuple[int, float]  # a seed and how far towards its noise, 0…1


class Noise:
    """All draws of one sound: those of `seed`, each turned towards the same draw of every leg's seed in order.

    A leg's distance is an angle, in quarter turns: ε = cos(d·π/2)·ε_a + sin(d·π/2)·ε_b. Draws of two seeds are
    independent, so at right angles in so many dimensions; this is spherical interpolation between them that is
    standard Gaussian at every distance, whatever the length of the draw. At 0 it is the seed's own sound to the bit,
    at 1 the other's. Every draw is turned, re-noising included: else a small distance would be another sound.
    """

    def __init__(self, seed: int, walk: Sequence[Leg] = ()):
        for other, distance in walk:
            if not 0 <= distance <= 1:
                raise ValueError(f"distance={distance:g} to seed {other}: choose a number from 0 to 1")
            if distance == 1:  # nothing before it is left
                seed = other
        arrived = max((i + 1 for i, (_, distance) in enumerate(walk) if distance == 1), default=0)
        self._start = torch.Generator().manual_seed(seed)
        self._legs = [
            (torch.Generator().manual_seed(other), distance * pi / 2) for other, distance in walk[arrived:] if distance
        ]

    def draw(self, shape: Sequence[int]) -> Tensor:
        """The next draw, float32 on the CPU."""
        noise = torch.randn(tuple(shape), generator=self._start)
        for generator, angle in self._legs:
            noise = cos(angle) * noise + sin(angle) * torch.randn(tuple(shape), generator=generator)
        return noise


NoiseSource = torch.Generator | Noise


def draw(shape: Sequence[int], source: NoiseSource) -> Tensor:
    """Gaussian noise in float32 on the CPU."""
    return source.draw(shape) if isinstance(source, Noise) else torch.randn(tuple(shape), generator=source)
