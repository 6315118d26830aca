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
        if self.unit == "Hz" and value >= 1_000:
            return f"{value / 1_000:.3g} kHz"
        if self.unit == "ms" and value >= 1_000:
            return f"{value / 1_000:.3g} s"
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
    Parameter("distance", "Distance", "How far variations and fresh notes go from their sound", "%", 0, 100, 30,
              "variations.set_distance", "distance_percent"),
    Parameter("bpm", "Tempo", "Beats a minute of bars, count-in and metronome", "BPM", 30, 300, 120,
              "tempo.set_bpm", "metronome_bpm", decimals=1),
    Parameter("count_in_beats", "Count-in beats", "Beats that are counted before a recording", "", 1, 16, 4,
              "voice.set_count_in_beats", "count_in_beats"),
    Parameter("beats_per_bar", "Beats a bar", "Beats in a bar of a recording: the first one is accented", "", 1, 16, 4,
              "voice.set_beats_per_bar", "beats_per_bar"),
    Parameter("record_bars", "Stop after bars", "Bars after which a recording ends by itself; 0: when it is stopped",
              "", 0, 64, 0, "voice.set_record_bars", "record_bars"),
    Parameter("morph_x", "Morph across", "Between the left and the right prompts", "", 0, 1, 0, "morph.set_x",
              "morph_x", decimals=3),
    Parameter("morph_y", "Morph up", "Between the lower and the upper prompts", "", 0, 1, 0, "morph.set_y",
              "morph_y", decimals=3),
    Parameter("attack", "Attack", "From the key to full level", "ms", 3, 10_000, 3, "sampler.set_attack",
              "shape.attack_ms", "log"),
    Parameter("decay", "Decay", "From full level to sustain", "ms", 15, 10_000, 100, "sampler.set_decay",
              "shape.decay_ms", "log"),
    Parameter("sustain", "Sustain", "Level while the key is held", "", 0, 1, 1, "sampler.set_sustain",
              "shape.sustain", decimals=2),
    Parameter("release", "Release", "From the key let go to silence, in gate and loop mode", "ms", 5, 10_000, 5,
              "sampler.set_release", "shape.release_ms", "log"),
    Parameter("cutoff", "Cutoff", "Low-pass filter; 20000 Hz is off", "Hz", 20, 20_000, 20_000, "sampler.set_cutoff",
              "shape.low_pass_hz", "log"),
    Parameter("low_cut", "Low cut", "High-pass filter; 20 Hz is off", "Hz", 20, 20_000, 20, "sampler.set_low_cut",
              "shape.high_pass_hz", "log"),
    Parameter("resonance", "Reso", "Resonance of the low-pass filter", "", 0, 1, 0, "sampler.set_resonance",
              "shape.resonance", decimals=2),
    Parameter("gain", "Gain", "Level of the keys", "dB", -60, 24, 0, "sampler.set_gain", "shape.gain_db", decimals=1),
    Parameter("pan", "Pan", "Where the keys sound between left (-1) and right (1)", "", -1, 1, 0, "sampler.set_pan",
              "shape.pan", decimals=2),
    Parameter("glide", "Glide", "Slide from note to note; above 0 one note at a time", "ms", 0, 5_000, 0,
              "sampler.set_glide", "shape.glide_ms"),
    Parameter("softness", "Touch", "How much softer notes are darker", "", 0, 1, 0,
              "sampler.set_velocity_to_brightness", "shape.velocity_to_brightness", decimals=2),
    Parameter("monitor", "Monitor level", "How loud the microphone is heard", "", 0, 2, 1,
              "microphone.set_monitor_gain", "monitor_gain", decimals=2),
)  # fmt: skip

BY_ID = {parameter.id: parameter for parameter in PARAMETERS}
