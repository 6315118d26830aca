"""How long a library of many takes takes to open and to search: makes one in a folder of its own and measures it."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from arc_instrument.domain import Take
from arc_instrument.library import Library
from arc_instrument.marks import Marks, identity, mark_of
from arc_instrument.take_index import TakeIndex

COUNT = 20_000
THINGS = ("kick", "snare", "hat", "bell", "pad", "bass", "rain", "glass", "voice", "flute", "engine", "bird")
KINDS = ("punchy", "warm", "distorted", "analog", "distant", "bright", "dusty", "slow", "granular", "metallic")
COMMON = "recorded in a large hall"
SEARCHES = ("k", "ki", "kick", "warm kick", "warm bell 1999", "#keeper", "number", COMMON, "zz")


@dataclass(frozen=True)
class LibraryTimes:
    """Medians of `RUNS`, milliseconds: to open a library of `takes`, and of the quickest and the slowest search.

    `first_search_ms` is that of the slowest kind, words that all takes have, right after opening; `slowest` names it.
    """

    takes: int
    open_ms: float
    first_search_ms: float
    least_search_ms: float
    most_search_ms: float
    slowest: str


RUNS = 7


def measure_library(count: int = COUNT) -> LibraryTimes:
    """Open and search a library of `count` takes, as the window does."""
    with TemporaryDirectory() as folder:
        takes = Path(folder) / "takes"
        make(takes, count)
        libraries = [Library(takes) for _ in range(RUNS)]
        open_ms = _median_ms(libraries, lambda library: library.takes())
        first_ms = _median_ms(libraries, lambda library: library.search(COMMON))
        library, found = libraries[0], len(libraries[0].takes())
        search_ms = {text: _median_ms(RUNS * [library], lambda each, text=text: each.search(text)) for text in SEARCHES}
    slowest = max(search_ms, key=lambda text: search_ms[text])
    return LibraryTimes(found, open_ms, first_ms, min(search_ms.values()), search_ms[slowest], slowest)


def make(folder: Path, count: int) -> None:
    """Write `count` takes over 24 months, every tenth a favourite with tags.

    Their files are there but tiny; the index knows them already, as it does after the first start.
    """
    rng = np.random.default_rng(0)
    rows, marks = [], {}
    for number in range(count):
        kind, thing = KINDS[rng.integers(len(KINDS))], THINGS[rng.integers(len(THINGS))]
        month = f"{2025 + number * 2 // count}-{number * 24 // count % 12 + 1:02d}"
        file = f"{month}/{month}-01_{kind}-{thing}_s{number}.wav"
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF")
        peaks = np.sort(rng.uniform(-1, 1, (64, 2)), axis=1).astype(np.float32)
        prompt = f"{kind} {thing} number {number}, recorded in a large hall, 120 BPM"
        created = f"{month}-01T10:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1000:03d}"
        is_marked = number % 10 == 0
        take = Take(path, prompt, 3.0, 8, number, 1.0, "arc-mini", "Apache-2.0", created, 140.0, peaks,
                    favourite=is_marked, tags=("keeper", thing) if is_marked else ())  # fmt: skip
        rows.append((file, 4, take))
        if is_marked:
            marks[identity(take)] = mark_of(take)
    Marks(folder).write(marks)
    TakeIndex(folder).put(rows)


def _median_ms(libraries: Sequence[Library], job: Callable[[Library], object]) -> float:
    measured = []
    for library in libraries:
        begun = time.perf_counter()
        job(library)
        measured.append(1000 * (time.perf_counter() - begun))
    return statistics.median(measured)
