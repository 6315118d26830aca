"""Bars, beats and keys: what they are in frames, how they are tapped, and how a prompt says them."""

import re
from dataclasses import dataclass, field, replace
from statistics import median

from arc_instrument.domain import RATE_HZ, GenerationRequest, UserError

MIN_BPM, MAX_BPM = 30.0, 300.0
MAX_BARS = 64
TAP_RESET_SECONDS, MAX_TAPS = 2.0, 9
NOTES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")
KEYS = tuple(f"{note} {mode}" for mode in ("major", "minor") for note in NOTES)
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_KEY_NAMED = re.compile(r"([a-gA-G]) ?(#|♯|sharp|b|♭|flat)? ?(major|maj|minor|min|m|M)?")
_KEY_SAID = re.compile(r"\b[A-G](?:#|♯|b|♭| sharp| flat)? ?(?:maj(?:or)?|min(?:or)?|m)\b")
_BPM_SAID = re.compile(r"\b\d{2,3}(?:[.,]\d+)? ?bpm\b", re.IGNORECASE)


@dataclass(frozen=True)
class Metre:
    """`beats` a bar, each a 1/`unit` note; BPM counts quarter notes, as hosts do."""

    beats: int = 4
    unit: int = 4

    @property
    def quarters(self) -> float:
        """How many quarter notes a bar lasts."""
        return self.beats * 4 / self.unit


@dataclass(frozen=True)
class MusicalLength:
    """So many bars at a tempo. Raises `UserError` for a tempo or a number of bars that no music has."""

    bpm: float
    bars: int
    metre: Metre = field(default_factory=Metre)

    def __post_init__(self) -> None:
        check_bpm(self.bpm)
        if not 1 <= self.bars <= MAX_BARS:
            raise UserError(f"{self.bars} bars cannot be made: choose between 1 and {MAX_BARS}.")
        if self.metre.beats not in range(1, 33) or self.metre.unit not in (1, 2, 4, 8, 16, 32):
            raise UserError(
                f"The metre {self.metre.beats}/{self.metre.unit} is not known: choose one such as 4/4 or 6/8."
            )

    @property
    def beats(self) -> float:
        """Quarter notes."""
        return self.bars * self.metre.quarters

    @property
    def seconds(self) -> float:
        return 60 / self.bpm * self.beats

    def frames(self, rate_hz: int = RATE_HZ) -> int:
        """The exact length of the loop."""
        return beat_frames(self.bpm, self.beats, rate_hz)


def check_bpm(bpm: float) -> float:
    """Return `bpm`; raises `UserError` for what no music has."""
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise UserError(f"A tempo of {bpm:g} BPM cannot be used: choose between {MIN_BPM:g} and {MAX_BPM:g}.")
    return bpm


def beat_frames(bpm: float, beats: float, rate_hz: int = RATE_HZ) -> int:
    """The frame at which quarter note number `beats` (from 0) begins: errors of rounding never add up."""
    return round(60 / bpm * beats * rate_hz)


def longest_bars(bpm: float, max_seconds: float, metre: Metre | None = None) -> int:
    """How many whole bars fit into `max_seconds`; 0 if none does."""
    return min(int(max_seconds * bpm / 60 / (metre or Metre()).quarters + 1e-9), MAX_BARS)


def worded(prompt: str, bpm: float | None = None, key: str | None = None) -> str:
    """The prompt with tempo and key added, unless it says them itself."""
    added = []
    if bpm is not None and not _BPM_SAID.search(prompt):
        added.append(f"{bpm:g} BPM")
    if key and not _KEY_SAID.search(prompt):
        added.append(f"in {key}")
    return ", ".join([prompt.strip().rstrip(","), *added]) if added else prompt


def key_named(text: str) -> str:
    """The one of `KEYS` that a person means by “A minor”, “Am”, “F# min” or “bb”; without a mode it is major.

    Raises `UserError` for what names none.
    """
    found = _KEY_NAMED.fullmatch(" ".join(text.split()))
    if found is None:
        raise UserError(f"The key “{text}” is not known: write one such as “A minor”, “F# minor” or “Bb major”.")
    letter, accidental, mode = found.groups()
    shift = 0 if accidental is None else 1 if accidental in ("#", "♯", "sharp") else -1
    note = NOTES[(_NATURALS[letter.upper()] + shift) % 12]
    return f"{note} {'minor' if mode in ('minor', 'min', 'm') else 'major'}"


def asked(request: GenerationRequest, bpm: float | None = None, bars: int = 0, key: str = "") -> GenerationRequest:
    """The request with tempo and key in its words, as long as the bars exactly, and all three told by its file.

    0 bars leave the length as it is. Raises `UserError` for bars without a tempo, and for what no music has.
    """
    settings, seconds = dict(request.settings), request.seconds
    if bars and bpm is None:
        raise UserError(f"{bars} bars have no length without a tempo: give the beats a minute too.")
    if bpm is not None:
        settings["bpm"] = check_bpm(bpm)
    if bars and bpm is not None:
        seconds = MusicalLength(bpm, bars).seconds
        settings["bars"] = bars
    if key:
        settings["key"] = key
    return replace(request, prompt=worded(request.prompt, bpm, key or None), seconds=seconds, settings=settings)


class TapTempo:
    """The tempo that somebody taps: the median of the intervals. After 2 s of silence it begins anew."""

    def __init__(self) -> None:
        self._taps: list[float] = []

    def tap(self, at_seconds: float) -> float | None:
        """A tap on a monotonic clock; the tempo in BPM within the possible, None after a first tap."""
        if self._taps and at_seconds - self._taps[-1] > TAP_RESET_SECONDS:
            self._taps.clear()
        if self._taps and at_seconds <= self._taps[-1]:
            return self._bpm()
        self._taps = [*self._taps[1 - MAX_TAPS :], at_seconds]
        return self._bpm()

    def _bpm(self) -> float | None:
        if len(self._taps) < 2:
            return None
        interval = median(later - earlier for earlier, later in zip(self._taps, self._taps[1:], strict=False))
        return min(max(round(60 / interval, 1), MIN_BPM), MAX_BPM)
