"""Random choices of one clip, and the words they earn: captions exact by construction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.contour import frequency

NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def note_name(note: int) -> str:
    """60 is C4."""
    return f"{NOTE_NAMES[note % 12]}{note // 12 - 1}"


class Draw:
    """Random numbers of one clip that remember their value and, in the outer thirds of their range, a word.

    `fixed` overrides numbers by name (a loop's kit asks for short hats); the generator moves on all the same.
    """

    def __init__(self, rng: np.random.Generator, note: int | None = None, fixed: dict[str, float] | None = None):
        self.rng = rng
        self.fixed = fixed or {}
        self._asked = note
        self.note: int | None = None
        self.bpm: float | None = None
        self.parameters: dict[str, float | str] = {}
        self.before: list[str] = []  # adjectives
        self.after: list[str] = []  # what follows the name: "with reverb", "falling"
        self.name = ""  # replaces the kind's own names when the voice knows a better one

    def number(self, name: str, low: float, high: float, few: str = "", many: str = "") -> float:
        """Between `low` and `high`, evenly on a logarithmic scale where both are positive."""
        place = self.rng.random()
        value = low * (high / low) ** place if low > 0 else low + (high - low) * place
        if name in self.fixed:
            value = self.fixed[name]
        else:
            word = few if place < 1 / 3 else many if place > 2 / 3 else ""
            if word:
                self.say(word)
        self.parameters[name] = round(float(value), 4)
        return float(value)

    def chance(self, name: str, probability: float, yes: str = "", no: str = "") -> bool:
        happens = bool(self.rng.random() < probability)
        happens = bool(self.fixed.get(name, happens))
        self.parameters[name] = float(happens)
        word = yes if happens else no
        if word:
            self.say(word)
        return happens

    def choice(self, name: str, among: tuple[str, ...], weights: tuple[float, ...] | None = None) -> str:
        share = np.array(weights) / sum(weights) if weights else None
        value = str(self.rng.choice(among, p=share))
        self.parameters[name] = value
        return value

    def say(self, word: str) -> None:
        """A word that starts with "with", "in", "on", … follows the name; others stand before it."""
        late = word.split()[0] in {"with", "in", "on", "from", "at", "of", "and", "without"} or word.startswith("+")
        words = self.after if late else self.before
        if word.lstrip("+") not in words:
            words.append(word.lstrip("+"))

    def pitch(self, low: int, high: int) -> float:
        """Frequency of a whole MIDI note between `low` and `high`, which becomes the clip's note."""
        drawn = int(self.rng.integers(low, high + 1))
        self.note = drawn if self._asked is None else self._asked
        return frequency(self.note)


@dataclass(frozen=True)
class Kind:
    """A sort of sound: how it is called (the first name has at most three words) and the voice that plays it."""

    name: str
    category: str
    names: tuple[str, ...]
    play: Callable[[Draw], np.ndarray]
    share: float = 1.0


def _noted(rng: np.random.Generator, name: str, note: str) -> str:
    form = rng.integers(6)
    if form == 0:
        return f"{name} {note}" if name.endswith(" note") else f"{name}, note {note}"
    if form == 1:
        return f"{note} {name}"
    if form == 2:
        return f"{name}, {note}"
    return f"{name} in {note}"


def captions(rng: np.random.Generator, kind: Kind, draw: Draw, measured: list[str]) -> list[str]:
    """Three to five different phrases: first the usual one, then others, one of at most three words.

    `measured` holds words that follow from the finished sound: bright, dark, short, long.
    """
    names = (draw.name,) if draw.name else kind.names
    brief = min(names, key=lambda n: len(n.split()))
    words = [*measured, *draw.before]
    rng.shuffle(words)
    after = list(draw.after)
    rng.shuffle(after)
    note = note_name(draw.note) if draw.note is not None else ""
    pick = [str(n) for n in rng.choice(names, 4)]

    def phrase(name: str, words: list[str], after: list[str], note: str) -> str:
        name = " ".join([*words, name])
        name = _noted(rng, name, note) if note else name
        return ", ".join([" ".join([name, *after[:1]]), *after[1:]])

    main = phrase(pick[0], words[: rng.integers(1, 3)], after[: rng.integers(0, 2)], note if rng.random() < 0.8 else "")
    short = phrase(brief, words[:1] if len(brief.split()) < 3 and rng.random() < 0.4 else [], [], "")
    listed = ", ".join([_noted(rng, pick[1], note) if note else pick[1], *words[:3], *after[:1]])
    full = phrase(pick[2], words[:3], after[:2], note)
    turned = ", ".join([" ".join([*words[1:3], pick[3]]), *words[:1], *after[-1:]])
    found: list[str] = []
    for caption in (main, short, listed, full, turned):
        if caption not in found:
            found.append(caption)
    for spare in (*names, f"{brief} sound", f"{brief} sample", f"single {brief}"):
        if len(found) < 3 and spare not in found:
            found.append(spare)
    return found
