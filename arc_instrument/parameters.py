"""One registry of every continuous control: sliders, MIDI knobs, OSC addresses and the manual are made from it."""

import math
from dataclasses import dataclass, replace

from arc_instrument.domain import MAX_PLAYED_STEPS, MAX_SEED, MIN_STEPS


@dataclass(frozen=True)
class Parameter:
    """A number that a person turns, from `minimum` to `maximum` in `unit`, kept to `decimals` places.

    `command` names the method of `Session` (or `component.method`) that takes a value, `field` where `SessionState`
    keeps it, `limit` the field that holds a maximum which depends on the model, if one does. `scale` is "linear", or
    "log" where equal turns are equal ratios (frequencies, times).
    """

    id: str
    title: str
    tip: str
    unit: str
    minimum: float
    maximum: float
    default: float
    command: str
    field: str
    scale: str = "linear"
    decimals: int = 0
    limit: str = ""

    def __post_init__(self) -> None:
        if self.scale not in ("linear", "log") or not self.minimum < self.maximum:
            raise ValueError(f"{self.id}: scale {self.scale!r} from {self.minimum} to {self.maximum}")
        if self.scale == "log" and self.minimum <= 0:
            raise ValueError(f"{self.id}: a log scale begins above 0, not at {self.minimum}")
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError(f"{self.id}: the default {self.default} lies outside {self.minimum} to {self.maximum}")

    def limited(self, maximum: float) -> "Parameter":
        """The same with a smaller maximum, and its default below that."""
        maximum = max(min(maximum, self.maximum), self.minimum + 10**-self.decimals)
        return self if maximum == self.maximum else replace(self, maximum=maximum, default=min(self.default, maximum))

    def clamped(self, value: float) -> float:
        """The nearest value that the control can have; not a number gives the default. Whole where `decimals` is 0."""
        if math.isnan(value):
            value = self.default
        value = round(min(max(value, self.minimum), self.maximum), self.decimals or None)
        return min(max(value, self.minimum), self.maximum) if self.decimals else int(value)

    def to_unit(self, value: float) -> float:
        """Where `value` stands between minimum and maximum, 0 to 1."""
        value = min(max(value, self.minimum), self.maximum)
        if self.scale == "log":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)

    def from_unit(self, unit: float) -> float:
        """The value at `unit` (0 to 1); the inverse of `to_unit`, to `decimals` places."""
        unit = min(max(unit, 0.0), 1.0)
        if self.scale == "log":
            return self.clamped(self.minimum * (self.maximum / self.minimum) ** unit)
        return self.clamped(self.minimum + unit * (self.maximum - self.minimum))

    def text(self, value: float) -> str:
        """The value as people read it, with its unit."""
        return f"{value:.{self.decimals}f} {self.unit}".rstrip()


PARAMETERS = (
    Parameter("steps", "Steps", "Denoising steps: fewer are faster, more are finer", "", MIN_STEPS, MAX_PLAYED_STEPS, 8,
              "set_steps", "steps"),
    Parameter("length", "Length", "Length of the sound", "s", 0.1, 12.0, 3.0, "set_seconds", "seconds",
              decimals=1, limit="max_seconds"),
    Parameter("seed", "Seed", "Same seed, same sound", "", 0, MAX_SEED, 0, "set_seed", "seed"),
    Parameter("strength", "Strength", "How much of the recording stays in the sound", "%", 0, 100, 40,
              "set_strength", "strength_percent"),
    Parameter("velocity", "Velocity", "Velocity of the typed keys", "", 1, 127, 100, "player.set_velocity", "velocity"),
    Parameter("octave", "Octave", "Octave of the typed keys; 4 begins at middle C", "", 1, 7, 4,
              "player.set_octave", "octave"),
)  # fmt: skip

BY_ID = {parameter.id: parameter for parameter in PARAMETERS}
