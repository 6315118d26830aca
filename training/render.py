"""Labelled sound made by synthesis: `python -m training.render --out FOLDER --hours 20` writes WebDataset shards.

Every clip comes from `default_rng((seed, index))`: the shards do not depend on the number of processes, and a stopped
run goes on after its last whole shard.
"""

import argparse
import io
import json
import multiprocessing
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.synthesis import soundfonts
from training.synthesis.dsp import RATE_HZ
from training.synthesis.patterns import LOOPS
from training.synthesis.voices import KINDS, Rendered, clip, from_part, measure
from training.synthesis.wording import Kind

CLIPS_A_SHARD = 2000  # about an hour, 200 MB
CLIPS_A_PROCESS = 50  # what one fluidsynth plays; it loads the soundfont anew each time
SOUNDFONT_STREAM = 1 << 32  # keeps the soundfont's random numbers apart from the voices'
Packed = tuple[str, bytes, dict]


def pack(key: str, made: Rendered) -> Packed:
    """(key, FLAC, JSON) of one clip."""
    import soundfile

    if not np.isfinite(made.samples).all():
        raise ValueError(f"clip {key} ({made.about['kind']}) is not finite: please report it")
    buffer = io.BytesIO()
    soundfile.write(buffer, made.samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    return key, buffer.getvalue(), made.about


def named_kinds(names: Sequence[str]) -> tuple[Kind, ...]:
    """Kinds by name; ValueError for one that is not known."""
    known = {kind.name: kind for kind in (*KINDS, *LOOPS)}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no kind of sound is called {', '.join(unknown)}; there are: {', '.join(known)}")
    return tuple(known[name] for name in names)


def voiced(job: tuple[int, int, tuple[str, ...]]) -> list[Packed]:
    """One clip of our own voices: (seed, index, the kinds it is one of, of all where there are none)."""
    seed, index, kinds = job
    return [pack(f"r{seed}-{index:08d}", clip(seed, index, named_kinds(kinds)))]


def sampled(job: tuple[int, int, Path]) -> list[Packed]:
    """`CLIPS_A_PROCESS` clips of a soundfont, from index on: (seed, index, soundfont)."""
    seed, first, soundfont = job
    rngs = [np.random.default_rng((seed, SOUNDFONT_STREAM + i)) for i in range(first, first + CLIPS_A_PROCESS)]
    parts = [soundfonts.compose(rng) for rng in rngs]
    sounds = soundfonts.played(parts, soundfont)
    return [
        pack(f"s{seed}-{first + i:08d}", from_part(part, sound, rng, f"{seed}/{first + i}"))
        for i, (part, sound, rng) in enumerate(zip(parts, sounds, rngs, strict=True))
        if len(sound) > RATE_HZ // 50  # a program may have no sample for a note
    ]


def write_shard(path: Path, clips: Iterable[Packed]) -> None:
    """One tar, whole or not at all."""
    part = path.with_suffix(".part")
    with tarfile.open(part, "w") as tar:
        for key, flac, about in clips:
            for name, data in ((f"{key}.flac", flac), (f"{key}.json", json.dumps(about).encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    os.replace(part, path)


def shard_seconds(path: Path, seed: int, kinds: Sequence[str] = ()) -> float:
    """Seconds of sound of a shard; ValueError if it belongs to a run of another seed or of other kinds."""
    with tarfile.open(path) as tar:
        about = [json.load(f) for m in tar if m.name.endswith(".json") and (f := tar.extractfile(m))]
    if any(a["source_path"].split("/")[0] != str(seed) for a in about[:1]):
        raise ValueError(f"{path} was rendered with another seed than {seed}: choose another folder, or that seed")
    if kinds and any(a["kind"] not in kinds for a in about):
        raise ValueError(f"{path} was rendered with other kinds: choose another folder, or those kinds")
    return sum(a["seconds"] for a in about)


def write_series(
    folder: Path,
    name: str,
    seconds: float,
    seed: int,
    shards: Iterator[Callable[[], Iterable[list[Packed]]]],
    bar: tqdm,
    kinds: Sequence[str] = (),
) -> float:
    """Shards `name-NNNNNN.tar` until they hold `seconds`; those already there are kept. Returns their seconds."""
    done = 0.0
    for number, work in enumerate(shards):
        path = folder / f"{name}-{number:06d}.tar"
        if path.exists():
            bar.update(shard_seconds(path, seed, kinds))
        else:
            write_shard(path, watched(work(), bar))
        done += shard_seconds(path, seed)
        if done >= seconds:
            break
    return done


def watched(batches: Iterable[list[Packed]], bar: tqdm) -> Iterator[Packed]:
    for batch in batches:
        for item in batch:
            bar.update(item[2]["seconds"])
            yield item


def render(
    folder: Path,
    hours: float,
    seed: int = 0,
    jobs: int = 1,
    soundfont: Path | None = None,
    soundfont_share: float = 0.25,
    shard_clips: int = CLIPS_A_SHARD,
    kinds: Sequence[str] = (),
) -> float:
    """Write shards until `hours` of sound are there; whole shards of an earlier run are kept. Returns the hours.

    With names of `kinds` these alone are made, from our own voices. Raises ValueError for a kind that is not known.
    """
    named_kinds(kinds)
    folder.mkdir(parents=True, exist_ok=True)
    share = soundfont_share if soundfont and not kinds else 0.0
    with (
        multiprocessing.get_context("spawn").Pool(jobs) as pool,
        tqdm(total=round(hours * 3600), unit="s", desc="rendering", mininterval=2) as bar,
    ):

        def voices(first: int) -> Iterable[list[Packed]]:
            return pool.imap(voiced, [(seed, i, tuple(kinds)) for i in range(first, first + shard_clips)], chunksize=8)

        def samples(first: int) -> Iterable[list[Packed]]:
            assert soundfont is not None
            starts = range(first, first + shard_clips, CLIPS_A_PROCESS)
            return pool.imap(sampled, [(seed, i, soundfont) for i in starts])

        whole = -(-shard_clips // CLIPS_A_PROCESS) * CLIPS_A_PROCESS
        own = (partial(voices, first) for first in count(0, shard_clips))
        borrowed = (partial(samples, first) for first in count(0, whole))
        done = write_series(folder, "rendered", hours * 3600 * (1 - share), seed, own, bar, kinds)
        if share:
            done += write_series(folder, "soundfont", hours * 3600 * share, seed, borrowed, bar)
    return done / 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the shards rendered-NNNNNN.tar and soundfont-NNNNNN.tar")
    parser.add_argument("--hours", type=float, default=20.0, help="at least; shards are written whole, about 1 h each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shard-clips", type=int, default=CLIPS_A_SHARD, help="the same whenever a folder goes on")
    parser.add_argument("--soundfont", type=Path, help="a General MIDI .sf2; otherwise Debian's fluid-soundfont-gm")
    parser.add_argument("--soundfont-share", type=float, default=0.25, help="of the hours; 0 leaves it out")
    parser.add_argument("--kinds", nargs="+", default=[], metavar="KIND", help="only these kinds, no soundfont")
    parser.add_argument(
        "--measure", nargs="*", metavar="KIND", help="only measure the thirds of these kinds, or of all"
    )
    args = parser.parse_args()
    if args.measure is not None:
        measure(args.jobs, args.measure)
        return
    if args.out is None or args.hours <= 0 or args.jobs < 1 or not 0 <= args.soundfont_share < 1:
        parser.error("needed: --out FOLDER, --hours above 0, --jobs of at least 1, --soundfont-share from 0 to below 1")
    borrows = args.soundfont_share and not args.kinds
    soundfont = (args.soundfont or soundfonts.find()) if borrows else None
    why = soundfonts.missing(soundfont) if borrows else ""
    if why:
        print(why)
        soundfont = None
    try:
        hours = render(
            args.out,
            args.hours,
            args.seed,
            args.jobs,
            soundfont,
            args.soundfont_share,
            args.shard_clips,
            args.kinds,
        )
    except (ImportError, ValueError, OSError) as error:
        raise SystemExit(f"training.render: {error}") from None
    print(f"{hours:.2f} h in {args.out}")


if __name__ == "__main__":
    main()
