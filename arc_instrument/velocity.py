"""Velocity layers: what soft, middle and hard hits of fresh notes sound, rendered ahead of them. No Qt."""

from dataclasses import dataclass

from arc_instrument.domain import EVERY_VELOCITY

DRIVES = {
    "": "Nothing but the level",
    "strength": "How much of the recording stays",
    "distance": "How far it goes from the sound",
}
"""What the velocity of fresh notes may change."""

STRENGTH_STEP = 25  # per cent that a soft hit keeps more of the recording, and a hard one less
DISTANCE_RATIO = 2.0  # that a hard hit lies further from the sound, and a soft one nearer


@dataclass(frozen=True)
class Layer:
    """`velocities`, softest and hardest, of the hits that sound it; `level` -1 soft, 0, 1 hard."""

    velocities: tuple[int, int]
    level: int


ONE = (Layer(EVERY_VELOCITY, 0),)
THREE = (Layer((1, 47), -1), Layer((48, 95), 0), Layer((96, 127), 1))


def layers_of(drives: str, *, has_recording: bool) -> tuple[Layer, ...]:
    """The layers that a pool holds; strength means nothing without a recording."""
    return THREE if drives == "distance" or (drives == "strength" and has_recording) else ONE


def strength_in(layer: Layer, percent: int, drives: str) -> int:
    """How much of the recording a sound of `layer` keeps, 0 to 100, where the middle keeps `percent`."""
    return min(max(percent - layer.level * STRENGTH_STEP, 0), 100) if drives == "strength" else percent


def distance_in(layer: Layer, percent: int, drives: str) -> float:
    """How far a sound of `layer` goes, 0 to 1, where the middle goes `percent`."""
    return min(percent / 100 * DISTANCE_RATIO**layer.level, 1.0) if drives == "distance" else percent / 100
