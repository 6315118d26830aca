"""A library of many takes in seconds: `python tests/instrument/many_takes.py FOLDER [COUNT]` makes it and times it.

The WAVs are real files with a sound in them, but tiny; the index knows them already, as it does after the first start.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np

from arc_instrument.domain import Take
from arc_instrument.library import Library
from arc_instrument.marks import Marks, identity, mark_of
from arc_instrument.take_index import TakeIndex

THINGS = ("kick", "snare", "hat", "bell", "pad", "bass", "rain", "glass", "voice", "flute", "engine", "bird")
KINDS = ("punchy", "warm", "distorted", "analog", "distant", "bright", "dusty", "slow", "granular", "metallic")


def make(folder: Path, count: int) -> None:
    """Write `count` takes over 24 months, every tenth a favourite with tags."""
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


def main(folder: Path, count: int = 20_000) -> None:
    if not folder.exists():
        make(folder, count)

    def median_ms(job, times: int = 7) -> float:
        measured = []
        for _ in range(times):
            begun = time.perf_counter()
            job()
            measured.append(1000 * (time.perf_counter() - begun))
        return statistics.median(measured)

    print(f"open: {median_ms(lambda: Library(folder).takes()):.0f} ms for {len(Library(folder).takes())} takes")
    library = Library(folder)
    library.takes()
    print(f"is_stale: {median_ms(library.is_stale):.2f} ms, takes again: {median_ms(library.takes):.1f} ms")
    for text in (
        "k",
        "ki",
        "kick",
        "warm kick",
        "warm bell 1999",
        "#keeper",
        "number",
        "recorded in a large hall",
        "zz",
    ):
        found = len(library.search(text))
        print(f"search {text!r}: {median_ms(lambda text=text: library.search(text)):.1f} ms, {found} found")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
