"""A stand-in for the edit of the session, with its fields, and the sound it is shown over."""

from dataclasses import dataclass

import numpy as np

from arc_instrument.domain import RATE_HZ, Clip
from arc_instrument.session.state import CurrentSound
from arc_instrument.waveform import peaks

FRAMES = 2 * RATE_HZ


@dataclass(frozen=True)
class Edit:
    start: int = 0
    end: int | None = None
    fade_in_ms: float = 0.0
    fade_out_ms: float = 0.0
    fade: str = "raised cosine"
    reverse: bool = False
    gain_db: float = 0.0


def constant(level: float = 0.5, frames: int = FRAMES) -> CurrentSound:
    """A sound without a zero crossing, so that only onsets and beats attract a cut."""
    return sound_of(np.full(frames, level))


def sound_of(mono: np.ndarray) -> CurrentSound:
    clip = Clip(np.stack([mono, mono], axis=1).astype(np.float32))
    return CurrentSound(clip, peaks(clip.samples), "a constant", 7, 12.0)
