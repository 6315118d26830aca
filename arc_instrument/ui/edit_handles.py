"""What can be grabbed on the waveform, where it lies, and what becomes of the edit when it moves. Knows no widget.

An edit is any frozen dataclass with the fields of `EditFields`. All here happens in *heard order*, left to right: of a
reversed sound `start` and `end` are counted from the sound's last frame (`heard` converts, and converts back).
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Protocol

import numpy as np

MIN_SECONDS = 0.01  # what always remains between start and end
MIN_GAIN_DB, MAX_GAIN_DB = -60.0, 24.0  # those of `editing`


class EditFields(Protocol):
    """Those of `editing.Edit`. Frames of the unedited sound; `end` is exclusive, None is the sound's own.

    Fades and gain are of what is heard.
    """

    start: int
    end: int | None
    fade_in_ms: float
    fade_out_ms: float
    fade: str
    reverse: bool
    gain_db: float


@dataclass(frozen=True)
class LoopPoints:
    """What repeats while a key is held, in frames of the unedited sound.

    The crossfade into the start lies before the end, or, `from_beyond`, after it. `own_end`, in heard order, is where
    the loop ends until a person moves that; None: with what is heard.
    """

    start: int
    end: int
    crossfade_ms: float = 10.0
    from_beyond: bool = False
    own_end: int | None = None


class Handle(Enum):
    """The order is that of the keyboard; the value is what the value bubble and a screen reader call it."""

    START = "Start"
    FADE_IN = "Fade in"
    GAIN = "Gain"
    LOOP_START = "Loop start"
    LOOP_END = "Loop end"
    FADE_OUT = "Fade out"
    END = "End"


TRIMS = (Handle.START, Handle.END)
FADES = (Handle.FADE_IN, Handle.FADE_OUT)
LOOPS = (Handle.LOOP_START, Handle.LOOP_END)


@dataclass(frozen=True)
class Shaping:
    """Edit and loop of one sound in heard order. `edit` is None while there is nothing to edit, `loop` without one."""

    edit: Any = None  # EditFields and a dataclass, which no type can say
    loop: Any = None  # as LoopPoints
    frames: int = 0
    rate_hz: int = 1

    @property
    def handles(self) -> tuple[Handle, ...]:
        if self.edit is None:
            return ()
        return tuple(handle for handle in Handle if self.loop is not None or handle not in LOOPS)

    def frame_of(self, handle: Handle) -> int:
        """Where the handle lies in time; the gain lies in the middle of what is heard."""
        edit, loop = self.edit, self.loop
        return {
            Handle.START: lambda: edit.start,
            Handle.END: lambda: edit.end,
            Handle.FADE_IN: lambda: edit.start + self.frames_in(edit.fade_in_ms),
            Handle.FADE_OUT: lambda: edit.end - self.frames_in(edit.fade_out_ms),
            Handle.GAIN: lambda: (edit.start + edit.end) // 2,
            Handle.LOOP_START: lambda: loop.start,
            Handle.LOOP_END: lambda: loop.end,
        }[handle]()

    def frames_in(self, ms: float) -> int:
        return round(ms * self.rate_hz / 1000)

    def ms_of(self, frames: int) -> float:
        return 1000 * frames / self.rate_hz

    def moved(self, handle: Handle, frame: int) -> "Shaping":
        """With `handle` at `frame`, or as near as the others let it."""
        edit, loop, shortest = self.edit, self.loop, self._shortest
        match handle:
            case Handle.START:
                return self._fitted(replace(edit, start=_between(0, frame, edit.end - shortest)))
            case Handle.END:
                return self._fitted(replace(edit, end=_between(edit.start + shortest, frame, self.frames)))
            case Handle.FADE_IN:
                room = edit.end - edit.start - self.frames_in(edit.fade_out_ms)
                return replace(self, edit=replace(edit, fade_in_ms=self.ms_of(_between(0, frame - edit.start, room))))
            case Handle.FADE_OUT:
                room = edit.end - edit.start - self.frames_in(edit.fade_in_ms)
                return replace(self, edit=replace(edit, fade_out_ms=self.ms_of(_between(0, edit.end - frame, room))))
            case Handle.LOOP_START:
                return replace(self, loop=replace(loop, start=_between(edit.start, frame, loop.end - shortest)))
            case Handle.LOOP_END:
                return replace(self, loop=replace(loop, end=_between(loop.start + shortest, frame, edit.end)))
        return self

    def louder(self, gain_db: float) -> "Shaping":
        """With that gain, in steps of 0.1 dB."""
        clipped = min(max(round(gain_db, 1), MIN_GAIN_DB), MAX_GAIN_DB)
        return replace(self, edit=replace(self.edit, gain_db=clipped))

    def reset(self, handle: Handle) -> "Shaping":
        """With `handle` where it lies in an unedited sound; the loop's points go where they lie by themselves."""
        if handle is Handle.GAIN:
            return self.louder(0.0)
        edit, own_end = self.edit, self.loop.own_end if self.loop is not None else None
        home = {
            Handle.START: 0,
            Handle.END: self.frames,
            Handle.FADE_IN: edit.start,
            Handle.FADE_OUT: edit.end,
            Handle.LOOP_START: edit.start,
            Handle.LOOP_END: edit.end if own_end is None else own_end,
        }
        return self.moved(handle, home[handle])

    def cleared(self) -> "Shaping":
        """The unedited sound."""
        edit = replace(self.edit, start=0, end=self.frames, fade_in_ms=0.0, fade_out_ms=0.0, reverse=False, gain_db=0.0)
        return replace(self, edit=edit)

    @property
    def is_edited(self) -> bool:
        return self.edit is not None and self.edit != self.cleared().edit

    @property
    def _shortest(self) -> int:
        return min(round(MIN_SECONDS * self.rate_hz), self.frames)

    def _fitted(self, edit: Any) -> "Shaping":
        """With `edit`, its fades and the loop cut to what remains between start and end."""
        room = edit.end - edit.start
        fade_in = min(self.frames_in(edit.fade_in_ms), room)
        fade_out = min(self.frames_in(edit.fade_out_ms), room - fade_in)
        if (fade_in, fade_out) != (self.frames_in(edit.fade_in_ms), self.frames_in(edit.fade_out_ms)):
            edit = replace(edit, fade_in_ms=self.ms_of(fade_in), fade_out_ms=self.ms_of(fade_out))
        loop = self.loop
        if loop is not None and not edit.start <= loop.start < loop.end <= edit.end:
            start = _between(edit.start, loop.start, edit.end - self._shortest)
            loop = replace(loop, start=start, end=_between(start + self._shortest, loop.end, edit.end))
        return replace(self, edit=edit, loop=loop)

    def gains(self, frames: np.ndarray) -> np.ndarray:
        """What the edit multiplies the sound by at `frames` (heard order); 0 outside start and end."""
        edit = self.edit
        fade_in, fade_out = self.frames_in(edit.fade_in_ms), self.frames_in(edit.fade_out_ms)
        rising = faded((frames - edit.start) / max(fade_in, 1), edit.fade) if fade_in else 1.0
        falling = faded((edit.end - frames) / max(fade_out, 1), edit.fade) if fade_out else 1.0
        inside = (frames >= edit.start) & (frames < edit.end)
        return inside * rising * falling * 10 ** (edit.gain_db / 20)

    def value_text(self, handle: Handle) -> str:
        """What the bubble says: seconds of the sound, milliseconds of a fade, decibels."""
        if handle is Handle.GAIN:
            return decibels(self.edit.gain_db)
        if handle in FADES:
            edit = self.edit
            return f"{handle.value} {edit.fade_in_ms if handle is Handle.FADE_IN else edit.fade_out_ms:.0f} ms"
        return f"{handle.value} {self.ms_of(self.frame_of(handle)):,.0f} ms".replace(",", "\N{NARROW NO-BREAK SPACE}")


def faded(progress: np.ndarray, fade: str) -> np.ndarray:
    """The curve of a fade, 0 to 1: "equal power", or else a raised cosine, without a corner at either end."""
    quarter_sine = np.sin(np.pi / 2 * np.clip(progress, 0.0, 1.0))
    return quarter_sine if fade == "equal power" else quarter_sine**2


def shaping_of(edit: Any, loop: Any, frames: int, rate_hz: int) -> Shaping:
    """Edit and loop, as the session keeps them, in heard order and with an end in frames."""
    if edit is not None and edit.end is None:
        edit = replace(edit, end=frames)
    return heard(Shaping(edit, loop, frames, rate_hz))


def edit_of(shaping: Shaping) -> Any:
    """The edit as the session keeps it: an end that is the sound's own is None."""
    edit = heard(shaping).edit
    return replace(edit, end=None) if edit.end == shaping.frames else edit


def heard(shaping: Shaping) -> Shaping:
    """Between frames of the sound and heard order, either way: `heard(heard(x)) == x`."""
    if shaping.edit is None or not shaping.edit.reverse:
        return shaping

    def mirrored(span):
        return replace(span, start=shaping.frames - span.end, end=shaping.frames - span.start)

    loop = mirrored(shaping.loop) if shaping.loop is not None else None
    return replace(shaping, edit=mirrored(shaping.edit), loop=loop)


def decibels(gain_db: float) -> str:
    return f"{gain_db:+.1f} dB".replace("-", "−") if round(gain_db, 1) else "0.0 dB"


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))
