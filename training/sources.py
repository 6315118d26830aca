"""The corpus' sources → its shards again: `python -m training.sources FOLDER --out FOLDER`.

FOLDER holds a checkout or an unpacked package of each source under its name in the manifest ("sfzinstruments/ganjo",
"deb-hydrogen-drumkits", "npm-supersonic-scsynth-samples"; what follows a blank is a remark): `--list` names them all.
Each clip is read, mixed down, resampled, trimmed, levelled and encoded as the corpus was. The bytes cannot be promised,
as they depend on the encoder's version and a random number in each stream: `python -m training.manifest verify`
compares how the clips sound.
"""

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from training.clips import RATE_HZ
from training.manifest import SHIPPED, Line, read
from training.shards import Sample, ShardWriter

SEGMENT = re.compile(r"#(\d+\.\d+)s$")
LONGEST_S = 11.0
SILENCE_DB, BELOW_PEAK_DB = -60.0, -40.0  # whichever is lower
BEFORE_ONSET = int(0.005 * RATE_HZ)
END_FADE, CUT_FADE = int(0.010 * RATE_HZ), int(0.030 * RATE_HZ)
QUIET_DB, RAISED_DB, LOWERED_DB = -12.0, -3.0, -0.3
COMPRESSION = 0.4  # of libsndfile's Vorbis encoder


class Processed(NamedTuple):
    """A clip ready to be encoded, and the gain it was given."""

    samples: np.ndarray  # (n, 1 or 2) float32
    gain_db: float


def folder_of(source: str) -> Path:
    """Where a source's files lie: "deb:lomiri-sounds (CC0/CC-BY entries)" → deb-lomiri-sounds."""
    return Path(source.split(" ")[0].replace(":", "-"))


def origin_of(source: str) -> str:
    """Where to get a source: "deb:lomiri-sounds (CC0/CC-BY entries)" → Debian package lomiri-sounds."""
    kind, _, name = source.split(" ")[0].rpartition(":")
    return {"deb": f"Debian package {name}", "npm": f"npm package {name}"}.get(kind, f"https://github.com/{name}")


def listed(lines: Sequence[Line]) -> list[str]:
    """A row for each source: its folder, where it comes from, the licences of its clips."""
    licences: dict[tuple[str, str], set[str]] = {}
    for line in lines:
        source = line.about["source"]
        licences.setdefault((str(folder_of(source)), origin_of(source)), set()).add(line.about["licence"])
    widths = [max(len(names[column]) for names in licences) for column in (0, 1)]
    rows = sorted((*names, ", ".join(sorted(found))) for names, found in licences.items())
    return [f"{folder:{widths[0]}}  {origin:{widths[1]}}  {found}" for folder, origin, found in rows]


def microphones(path: Path, count: int) -> list[Path]:
    """The files of one hit of a kit with several microphones, the named one first.

    Beside N-Drum-OHL.flac lie N-Drum-*.flac: overheads, room, then the close one of that drum. Beside
    front_mic/NAME.wav lie overhead_mic/NAME.wav and close_mic/NAME.wav. Raises ValueError where there are fewer.
    """
    if match := re.fullmatch(r"(\d+-(\w+?)-)OHL", path.stem):
        start, drum = match.groups()
        others = [other for other in path.parent.glob(f"{start}*{path.suffix}") if other != path]
        order = ("oh", "room", "amb", drum.lower()[:4])
        rank = {
            p: next((i for i, o in enumerate(order) if o in p.stem[len(start) :].lower()), len(order)) for p in others
        }
    else:
        others = [other for other in path.parent.parent.glob(f"*mic*/{path.name}") if other != path]
        order = ("front", "over", "close")
        rank = {p: next((i for i, o in enumerate(order) if o in p.parent.name), len(order)) for p in others}
    found = [path, *sorted(others, key=lambda other: (rank[other], other))][:count]
    if len(found) < count:
        raise ValueError(f"{path}: {count} microphones were summed, {len(found)} are there")
    return found


def mixed_down(files: Sequence[Path], channels: int) -> tuple[np.ndarray, int]:
    """Samples (n, 1 or 2) float32 and their rate: the sum of the files; …L goes left, …R right, others to both."""
    import soundfile

    read_in = [soundfile.read(path, dtype="float32", always_2d=True) for path in files]
    rate_hz = read_in[0][1]
    if len(files) == 1:
        samples = read_in[0][0]
        if samples.shape[1] > 2:
            samples = (samples[:, :2] + samples[:, 2:].sum(1, keepdims=True)) / (samples.shape[1] - 1)
        if samples.shape[1] == 2 and np.array_equal(samples[:, 0], samples[:, 1]):
            samples = samples[:, :1]
        return samples, rate_hz
    out = np.zeros((max(len(samples) for samples, _ in read_in), channels), np.float32)
    for path, (samples, _) in zip(files, read_in, strict=True):
        mono = samples.mean(1)
        sides = range(channels)
        if channels == 2 and path.stem[-1] in "LR":
            sides = ["LR".index(path.stem[-1])]
        for side in sides:
            out[: len(mono), side] += mono
    return out, rate_hz


def trimmed(samples: np.ndarray) -> np.ndarray:
    """Without silence: from 5 ms before the onset to the last sound, at most 11 s, faded at its end."""
    level = np.abs(samples).max(1)
    peak_db = 20 * np.log10(max(float(level.max(initial=0)), 1e-9))
    heard = np.flatnonzero(level > 10 ** (min(SILENCE_DB, peak_db + BELOW_PEAK_DB) / 20))
    if not len(heard):
        raise ValueError("silent")
    samples = samples[max(0, heard[0] - BEFORE_ONSET) : heard[-1] + 1].copy()
    longest = int(LONGEST_S * RATE_HZ)
    fade = CUT_FADE if len(samples) > longest else END_FADE
    samples = samples[:longest]
    fade = min(fade, len(samples))
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return samples


def levelled(samples: np.ndarray) -> Processed:
    """Raise what is quiet, lower what would clip, leave the rest."""
    peak_db = 20 * np.log10(float(np.abs(samples).max()))
    gain_db = RAISED_DB - peak_db if peak_db < QUIET_DB else LOWERED_DB - peak_db if peak_db > 0 else 0.0
    return Processed(samples * np.float32(10 ** (gain_db / 20)), round(gain_db, 2))


def process(path: Path, about: dict) -> Processed:
    """A source file as a clip of the corpus. `#12.34s` at the end of its path is where a segment starts."""
    import soxr

    segment = SEGMENT.search(str(path))
    file = Path(str(path)[: segment.start()]) if segment else path
    if not file.is_file():
        raise ValueError(f"{file} is missing")
    count = about.get("mixed_from") or 1
    samples, rate_hz = mixed_down(microphones(file, count) if count > 1 else [file], about["channels"])
    if segment:
        start = round(float(segment[1]) * rate_hz)
        samples = samples[start : start + int((LONGEST_S + 1) * rate_hz)]
    if rate_hz != RATE_HZ:
        samples = soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ")
    return levelled(trimmed(samples))


def encoded(samples: np.ndarray) -> bytes:
    """Ogg Vorbis."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="OGG", subtype="VORBIS", compression_level=COMPRESSION)
    return file.getvalue()


def rebuilt(lines: Sequence[Line], sources: Path, problems: list[str]) -> Iterator[Sample]:
    """The clips of one shard in their order; what cannot be made is described in `problems`."""
    for line in lines:
        about = dict(line.about)
        try:
            clip = process(sources / folder_of(about["source"]) / about["source_path"], about)
        except (ValueError, RuntimeError, OSError) as error:
            problems.append(f"{line.key}: {error}")
            continue
        about |= {"seconds": round(len(clip.samples) / RATE_HZ, 3), "channels": clip.samples.shape[1]}
        about |= {"gain_db": clip.gain_db}
        said = json.dumps(about, ensure_ascii=False).encode()
        yield Sample(line.key, {"ogg": encoded(clip.samples), "json": said})


def build(lines: Sequence[Line], sources: Path, out: Path) -> list[str]:
    """Write the shards that the manifest names, clips in its order; what could not be made."""
    problems: list[str] = []
    bar = tqdm(total=len(lines), desc="rebuilding", unit="clip", mininterval=2)
    for shard, members in groupby(lines, key=lambda line: line.shard):
        prefix, _, number = Path(shard).stem.rpartition("-")
        with ShardWriter(out / prefix, max_bytes=1 << 62, first=int(number)) as writer:
            for sample in rebuilt(list(members), sources, problems):
                writer.write(sample)
                bar.update()
    bar.close()
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="?", metavar="FOLDER", help="the sources, each under its name")
    parser.add_argument("--out", type=Path, help="folder of the shards")
    parser.add_argument("--manifest", type=Path, default=SHIPPED)
    parser.add_argument("--list", action="store_true", help="only tell each source's name, origin and licences")
    args = parser.parse_args()
    if not args.list and None in (args.sources, args.out):
        parser.error("needed: FOLDER and --out FOLDER, or --list")
    try:
        lines = read(args.manifest)
        if args.list:
            print(*listed(lines), sep="\n")
            return
        if not args.sources.is_dir():
            raise ValueError(f"{args.sources} is no folder: put the sources into it, each under its name")
        problems = build(lines, args.sources, args.out)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    except OSError as error:
        parser.exit(1, f"{args.out} cannot be written ({error.strerror})\n")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(lines) - len(problems)} of {len(lines)} clips made; compare: python -m training.manifest verify")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
