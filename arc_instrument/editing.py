"""A take cut to shape: trimmed, reversed, faded, turned up or down.

Shapes: `samples` (frames, channels). Nothing here changes its input.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from arc_instrument.domain import Clip, UserError
from arc_instrument.silence import sounding_span

FADES = ("raised cosine", "equal power")
MIN_GAIN_DB, MAX_GAIN_DB = -60.0, 24.0
TRIM_FADE_MS = 3.0  # at an end that silence was cut off; it lies in that silence, so an attack is not softened


@dataclass(frozen=True)
class Edit:
    """What is done to a sound, in this order: cut to `start` ≤ frame < `end` (None: to the end), reversed, faded,
    turned by `gain_db`."""

    start: int = 0
    end: int | None = None
    fade_in_ms: float = 0.0
    fade_out_ms: float = 0.0
    fade: str = FADES[0]
    reverse: bool = False
    gain_db: float = 0.0

    def span(self, frames: int) -> tuple[int, int]:
        """The frames of a sound of `frames` that are left: the first, and the one after the last."""
        return self.start, frames if self.end is None else self.end


UNEDITED = Edit()


def edited(clip: Clip, edit: Edit) -> Clip:
    """`clip` with `edit` done to it. Fades that are longer than the sound share it in proportion.

    Raises `UserError` for an edit that leaves nothing or asks for what cannot be.
    """
    frames = len(clip.samples)
    start, end = edit.span(frames)
    if not 0 <= start < end <= frames:
        raise UserError(f"Frames {start} to {end} are no part of a sound of {frames}: choose a part within it.")
    if not MIN_GAIN_DB <= edit.gain_db <= MAX_GAIN_DB:
        raise UserError(f"A gain of {edit.gain_db:g} dB cannot be used: choose {MIN_GAIN_DB:g} to {MAX_GAIN_DB:g}.")
    if edit.fade not in FADES:
        raise UserError(f"The fade “{edit.fade}” is not known: choose {' or '.join(FADES)}.")
    if not (0 <= edit.fade_in_ms < math.inf and 0 <= edit.fade_out_ms < math.inf):
        raise UserError(f"Fades of {edit.fade_in_ms:g} and {edit.fade_out_ms:g} ms cannot be made: choose 0 or more.")
    samples = clip.samples[start:end]
    samples = samples[::-1].copy() if edit.reverse else samples.copy()
    rise, fall = (_frames(ms, clip.rate_hz) for ms in (edit.fade_in_ms, edit.fade_out_ms))
    if rise + fall > len(samples):
        rise = round(len(samples) * rise / (rise + fall))
        fall = len(samples) - rise
    samples[:rise] *= _rising(rise, edit.fade)[:, None]
    samples[len(samples) - fall :] *= _rising(fall, edit.fade)[::-1, None]
    return replace(clip, samples=samples * np.float32(10 ** (edit.gain_db / 20)))


def without_silence(clip: Clip, edit: Edit) -> Edit:
    """`edit` cut to where `clip` sounds within it, with at least a short fade at an end that moves; else as it is."""
    frames, margin = len(clip.samples), _frames(TRIM_FADE_MS, clip.rate_hz)
    first, last = edit.span(frames)
    begin, end = sounding_span(clip.samples[first:last])
    start, stop = first + max(begin - margin, 0), min(first + end + margin, last)
    moved = {"fade_in_ms": start > first, "fade_out_ms": stop < last}
    if edit.reverse:
        moved = {"fade_in_ms": stop < last, "fade_out_ms": start > first}
    fades = {name: max(getattr(edit, name), TRIM_FADE_MS) for name, has_moved in moved.items() if has_moved}
    return replace(edit, start=start, end=edit.end if stop == last else stop, **fades)


def heard_span(start: int, end: int, edit: Edit, frames: int) -> tuple[int, int]:
    """Where [`start`, `end`) of a sound of `frames`, as it was made, lies in the edited one: what is cut off does not.

    A reversed sound has it as far from its end as it was from the beginning.
    """
    first, last = edit.span(frames)
    start, end = (min(max(frame, first), last) for frame in (start, end))
    return (last - end, last - start) if edit.reverse else (start - first, end - first)


def made_span(start: int, end: int, edit: Edit, frames: int) -> tuple[int, int]:
    """Where [`start`, `end`) of the edited sound lies in the sound of `frames` as it was made; undoes `heard_span`."""
    first, last = edit.span(frames)
    start, end = (min(max(frame, 0), last - first) for frame in (start, end))
    return (last - end, last - start) if edit.reverse else (first + start, first + end)


def _frames(milliseconds: float, rate_hz: int) -> int:
    return round(milliseconds * rate_hz / 1000)


def _rising(frames: int, fade: str) -> np.ndarray:
    """From 0 to 1. It and its reverse add up to 1; at equal power their squares do."""
    sine = np.sin(np.pi / 2 * (np.arange(frames) + 0.5) / max(frames, 1)).astype(np.float32)
    return sine if fade == "equal power" else sine**2
