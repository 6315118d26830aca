"""Tempo: beats a minute, bars and key of what is asked for."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from arc_instrument.domain import GenerationRequest
from arc_instrument.musical_time import KEYS, MAX_BPM, MIN_BPM, TapTempo, asked, longest_bars

if TYPE_CHECKING:
    from arc_instrument.session.session import Session

MAX_ASKED_BARS = 16


def told_by(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the tempo row showed when a take was made, as fields of the state; what is no tempo, bars or key is left."""
    bpm, bars, key = (settings.get(name) for name in ("bpm", "bars", "key"))
    has_bpm = isinstance(bpm, int | float) and MIN_BPM <= bpm <= MAX_BPM
    has_bars = has_bpm and type(bars) is int and 0 <= bars <= MAX_ASKED_BARS
    tempo = {"metronome_bpm": float(bpm)} if has_bpm else {}  # pyright: ignore[reportArgumentType]
    return {"bars": bars if has_bars else 0, "key": key if key in KEYS else "", **tempo}


class TempoGrid(QObject):
    """Commands of the tempo row. 0 bars leave the length to its slider; the metronome beats at the same tempo."""

    def __init__(self, session: "Session"):
        super().__init__(session)
        self._session = session
        self._taps = TapTempo()

    def set_bpm(self, bpm: float) -> None:
        """Beats a minute; a tempo at which the bars get too long for the model is told what they become."""
        self._session.edit("tempo", merge=True, metronome_bpm=min(max(bpm, MIN_BPM), MAX_BPM))
        if self._session.state.asked_bars < self._session.state.bars:
            self._say_most_bars()

    def tap(self) -> None:
        """Tap the beat: the median of the intervals is the tempo."""
        bpm = self._taps.tap(time.monotonic())
        if bpm is not None:
            self.set_bpm(bpm)

    def set_bars(self, bars: int) -> None:
        """So many bars, or as many as the model can make; 0 for any length."""
        state = self._session.state
        most = longest_bars(state.metronome_bpm, state.max_seconds)
        if bars > most:
            self._say_most_bars()
        self._session.edit("bars", merge=True, bars=min(max(bars, 0), MAX_ASKED_BARS, most))

    def set_key(self, key: str) -> None:
        """One of `musical_time.KEYS`, "" for any."""
        self._session.edit("key", merge=True, key=key)

    def asked(self, request: GenerationRequest) -> GenerationRequest:
        """The request with what the row says: words in the prompt, exact bars, and the settings that the file tells."""
        state = self._session.state
        return asked(request, state.metronome_bpm if state.bars else None, state.asked_bars, state.key)

    def _say_most_bars(self) -> None:
        state = self._session.state
        most = longest_bars(state.metronome_bpm, state.max_seconds) or "no whole"
        bars = "bar" if most in (1, "no whole") else "bars"
        self._session.say(
            f"At {state.metronome_bpm:g} BPM {state.max_seconds:.1f} s hold {most} {bars}.", is_error=False
        )
