"""How a part sounds its clips: mode, envelope, filter, pitch and loop, as one frozen value. No Qt, no numpy."""

from dataclasses import dataclass

from arc_instrument.domain import RATE_HZ

MODES = ("one-shot", "gate", "loop")
TARGETS = ("vibrato", "brightness")  # what channel aftertouch moves
LOOP_FADE_MS = 3.0  # the shortest seam of a loop
MIN_LOOP_FRAMES = 8

RANGES: dict[str, tuple[float, float]] = {
    "attack_ms": (0, 10_000),
    "decay_ms": (0, 10_000),
    "sustain": (0, 1),
    "release_ms": (0, 10_000),
    "gain_db": (-60, 24),
    "pan": (-1, 1),
    "low_pass_hz": (20, 20_000),
    "high_pass_hz": (20, 20_000),
    "resonance": (0, 1),
    "glide_ms": (0, 5_000),
    "tune_semitones": (-48, 48),
    "root_note": (0, 127),
    "loop_start": (0, 3_600 * RATE_HZ),
    "loop_end": (0, 3_600 * RATE_HZ),
    "crossfade_ms": (0, 1_000),
    "velocity_to_level": (0, 1),
    "velocity_to_brightness": (0, 1),
    "bend_semitones": (0, 24),
    "vibrato_hz": (0.1, 20),
    "vibrato_cents": (0, 400),
    "voices": (1, 32),
}
"""Smallest and largest value of each number of a `Shape`."""


@dataclass(frozen=True)
class Shape:
    """Raises ValueError, naming the field and its range, for a value out of it.

    `mode`: a one-shot plays through, a gate ends with its key, a loop is a gate that repeats [`loop_start`, `loop_end`)
    (frames at 44.1 kHz; an end of 0 is the clip's own: where it has died away, and that of bars their last frame).
    `crossfade_ms` is the equal-power fade over the loop's seam. It takes material from outside the loop, and where the
    clip has none from its beginning, which shortens the loop by the fade; 0 keeps the length in any case and passes
    through silence within 3 ms, as a clip of bars does there and one that has died away.
    Times below 3 (attack), 5 (release) and 15 ms (decay) are raised to these: nothing clicks. `sustain` is a level.
    `low_pass_hz` 20,000 and `high_pass_hz` 20 are off; `resonance` 0 is a Butterworth low-pass, 1 peaks by 24 dB.
    `root_note` None is the clip's own. `glide_ms` above 0 makes the part monophonic: a key struck while another is
    held slides the pitch. `velocity_to_level` 1 is 40 log10(v / 127) dB; `velocity_to_brightness` 1 closes the low-pass
    by 5 octaves at the softest. `vibrato_cents` is its depth at full mod wheel or aftertouch.
    """

    mode: str = "one-shot"
    attack_ms: float = 3.0
    decay_ms: float = 100.0
    sustain: float = 1.0
    release_ms: float = 5.0
    gain_db: float = 0.0
    pan: float = 0.0
    low_pass_hz: float = 20_000.0
    high_pass_hz: float = 20.0
    resonance: float = 0.0
    glide_ms: float = 0.0
    tune_semitones: float = 0.0
    root_note: float | None = None
    loop_start: int = 0
    loop_end: int = 0
    crossfade_ms: float = 20.0
    velocity_to_level: float = 1.0
    velocity_to_brightness: float = 0.0
    bend_semitones: float = 2.0
    vibrato_hz: float = 5.5
    vibrato_cents: float = 50.0
    aftertouch_to: str = "vibrato"
    voices: int = 32

    def __post_init__(self):
        for name, choices in (("mode", MODES), ("aftertouch_to", TARGETS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}={getattr(self, name)!r}: choose {', '.join(choices)}")
        for name, (least, most) in RANGES.items():
            value: float | None = getattr(self, name)
            if value is None and name == "root_note":
                continue
            if value is None or not least <= value <= most:  # NaN is no number of the range either
                raise ValueError(f"{name}={value!r}: it goes from {least:g} to {most:g}")


DEFAULT_SHAPE = Shape()
