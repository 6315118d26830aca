"""What a corpus consists of, one line a clip: `python -m training.manifest write SHARD... --out FILE`.

`verify SHARD...` compares shards with the manifest and names what differs. A line holds all of KEY.json (origin, path,
captions, licence, author, split), the digests of the sound's bytes and of its decoded samples, and its levels by time
and band: two encoders, or two versions of one, never write the same bytes (an Ogg stream has a random serial number),
so clips are also compared by how they sound.
"""

import argparse
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from training.clips import SkipClip, decode, sound_member
from training.shards import Sample, expand, fetch, samples

SHIPPED = Path(__file__).parent / "corpus-manifest.jsonl.gz"
SEGMENTS, BANDS_HZ = 8, (0, 250, 1_000, 4_000, 22_050)
FLOOR_DB = -100
LOUD_DB = 45  # levels further below a clip's loudest are not compared
TOLERANCE_DB, TOLERANCE_FRAMES = 2.0, 64


@dataclass(frozen=True)
class Line:
    """One clip of the manifest. `about` is KEY.json as it stands, `levels` hexadecimal: dB above −100, a byte each."""

    key: str
    shard: str
    sha256: str
    samples_sha256: str
    frames: int
    levels: str
    about: dict[str, Any]


def levels(clip: np.ndarray) -> np.ndarray:
    """Levels in dB (8 equal times, 4 bands) of samples (n, c), whole numbers from −100."""
    rows = []
    for part in np.array_split(clip.mean(1), SEGMENTS):
        power = np.square(np.abs(np.fft.rfft(part))) / max(1, len(part)) ** 2
        hz = np.fft.rfftfreq(len(part), 1 / 44_100) if len(part) else np.zeros(0)
        rows.append([power[(hz >= low) & (hz < high)].sum() for low, high in pairwise(BANDS_HZ)])
    return (10 * np.log10(np.array(rows) + 1e-10)).round().clip(FLOOR_DB, 0).astype(int)


def line_of(sample: Sample, shard: str) -> Line:
    """Raises SkipClip for a sample that is no captioned sound."""
    sound = sound_member(sample.members)
    clip = decode(sound)
    if "json" not in sample.members:
        raise SkipClip("without KEY.json")
    return Line(
        key=sample.key,
        shard=shard,
        sha256=hashlib.sha256(sound).hexdigest(),
        samples_sha256=hashlib.sha256((clip * 32_767).round().astype("<i2").tobytes()).hexdigest(),
        frames=len(clip),
        levels=(levels(clip).ravel() - FLOOR_DB).astype(np.uint8).tobytes().hex(),
        about=json.loads(sample.members["json"]),
    )


def lines_of(shards: Sequence[str]) -> Iterator[Line]:
    """A line for every clip of the shards, as a server has them now.

    Raises ValueError for a shard that cannot be read or has a bad clip.
    """
    for name in expand(list(shards)):
        damage: Counter[str] = Counter()
        with TemporaryDirectory() as downloads:
            for sample in samples(fetch(name, Path(downloads)), damage):
                try:
                    yield line_of(sample, Path(name).name)
                except (SkipClip, ValueError) as error:
                    raise ValueError(f"{name}: {sample.key} is {error}") from error
        if damage:
            raise ValueError(f"{name}: {damage.total()} members {next(iter(damage))}")


def write(lines: Sequence[Line], path: Path) -> None:
    """The same lines give the same bytes."""
    text = "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines)
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as out:
        out.write(text.encode())
    path.write_bytes(file.getvalue())


def read(path: Path = SHIPPED) -> list[Line]:
    """Raises ValueError for a file that is no manifest."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [Line(**json.loads(text)) for text in file]
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise ValueError(
            f"{path} is not a readable manifest: write it with python -m training.manifest write"
        ) from error


def difference(wanted: Line, found: Line) -> str:
    """How a clip differs from its line; nothing where it is what it should be, up to its encoder."""
    there = {name: value for name, value in found.about.items() if wanted.about.get(name) != value}
    told = sorted((there.keys() | wanted.about.keys() - found.about.keys()) - {"seconds", "gain_db"})
    if told:
        return f"says another {', '.join(told)}"
    if wanted.samples_sha256 == found.samples_sha256:
        return ""
    if abs(wanted.frames - found.frames) > TOLERANCE_FRAMES:
        return f"lasts {found.frames} samples, not {wanted.frames}"
    one, other = (np.frombuffer(bytes.fromhex(line.levels), np.uint8).astype(float) for line in (wanted, found))
    loud = np.maximum(one, other) > max(one.max(), other.max()) - LOUD_DB
    worst = float(np.abs(one - other)[loud].max())
    return f"sounds different: {worst:.0f} dB in one place" if worst > TOLERANCE_DB else ""


def verify(wanted: Sequence[Line], found: Sequence[Line]) -> dict[str, str]:
    """What is wrong, by the clip's key."""
    ours, theirs = ({line.key: line for line in lines} for lines in (wanted, found))
    wrong = dict.fromkeys(ours.keys() - theirs.keys(), "is missing")
    wrong |= dict.fromkeys(theirs.keys() - ours.keys(), "is not in the manifest")
    wrong |= {key: text for key in ours.keys() & theirs.keys() if (text := difference(ours[key], theirs[key]))}
    return dict(sorted(wrong.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("write", "verify"))
    parser.add_argument("shards", nargs="+")
    parser.add_argument("--out", type=Path, help="the file to write")
    parser.add_argument(
        "--manifest", type=Path, default=SHIPPED, help="compare with this one, not with the shipped one"
    )
    args = parser.parse_args()
    try:
        found = list(lines_of(args.shards))
        if args.what == "write":
            if args.out is None:
                parser.error("write needs --out FILE")
            write(found, args.out)
            print(f"{len(found)} clips, {args.out.stat().st_size:,} bytes")
            return
        wanted = read(args.manifest)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    wrong, ours = verify(wanted, found), {line.key: line.sha256 for line in wanted}
    for key, text in wrong.items():
        print(f"{key} {text}")
    same = sum(ours.get(line.key) == line.sha256 for line in found)
    print(f"{len(wrong)} of {len(wanted)} clips differ; {same} are the same to the byte")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
