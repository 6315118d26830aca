"""Labelled sound made by synthesis: `python -m training.render --out FOLDER --hours 20` writes WebDataset shards.

Every clip comes from `default_rng((seed, index))`: the shards do not depend on the number of processes, and a stopped
run goes on after its last whole shard.
"""

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.patterns import LOOPS
from training.synthesis import LONGEST_S, RATE_HZ, highpass, reverb, saturate, stereo
from training.voices_drums import DRUMS
from training.voices_effects import EFFECTS
from training.voices_tones import TONES
from training.wording import Draw, Kind, captions, note_name

KINDS: tuple[Kind, ...] = (*DRUMS, *TONES, *EFFECTS)
CLIPS_A_SHARD = 2000
LOOP_SHARE = 0.055  # of clips; loops are about three times as long, so 15 % of the hours
TEST_SHARE = 0.04
PROBES = 12  # clips of a kind whose measures set the thirds of "bright" and "short"
AMBIENT = {"loop", "ambience"}


@dataclass(frozen=True)
class Rendered:
    """A finished clip: samples (n, 1 or 2), peak −6…−1 dBFS, and what is said about it (the JSON of its shard)."""

    samples: np.ndarray
    about: dict


def centroid_hz(x: np.ndarray) -> float:
    """Power-weighted mean of log frequency, in Hz: what "bright" and "dark" order."""
    mono = x.mean(1) if x.ndim == 2 else x
    power = np.abs(np.fft.rfft(mono[: 3 * RATE_HZ])) ** 2
    f = np.fft.rfftfreq(min(len(mono), 3 * RATE_HZ), 1 / RATE_HZ)
    power[f < 20] = 0
    return float(np.sum(f * np.sqrt(power)) / (np.sum(np.sqrt(power)) + 1e-12))


def decay_s(x: np.ndarray, fall_db: float = 30.0) -> float:
    """Time until the 10 ms envelope has fallen for good by `fall_db` below its peak."""
    hop = RATE_HZ // 100
    energy = (stereo(x) ** 2).sum(1)
    frames = np.add.reduceat(energy, np.arange(0, len(energy), hop))
    loud = np.flatnonzero(frames > frames.max() * 10 ** (-fall_db / 10))
    return float((loud[-1] + 1) * 0.01)


def _finish(x: np.ndarray, rng: np.random.Generator, whole: bool) -> np.ndarray:
    """(n, 1 or 2) without DC, trimmed to −60 dB unless `whole`, faded out, peak −6…−1 dBFS."""
    x = stereo(x)
    x = highpass(x, 12, 1) if len(x) > 500 else x
    if not whole:
        x = x[: int(LONGEST_S * RATE_HZ)]
        loud = np.flatnonzero(np.abs(x).max(1) > np.abs(x).max() * 1e-3)
        x = x[: min(len(x), loud[-1] + RATE_HZ // 100)]
    cut = np.abs(x[-441:]).max() > 0.02 * np.abs(x).max() and not whole
    fade = min(len(x) // 4, int((0.08 if cut else 0.006) * RATE_HZ))
    x[-fade:] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade))[:, None]
    x[0] = 0
    x = x - x.mean(0) * np.hanning(len(x))[:, None] * 2
    x *= 10 ** (rng.uniform(-6, -1) / 20) / (np.abs(x).max() + 1e-12)
    return x[:, :1] if np.array_equal(x[:, 0], x[:, 1]) else x


def play(kind: Kind, rng: np.random.Generator) -> tuple[np.ndarray, Draw]:
    """One clip of a kind with the space and dirt it stands in, before any measured word."""
    draw = Draw(rng)
    x = kind.play(draw)
    if kind.category not in AMBIENT:
        if rng.random() < 0.07 and "drive" not in draw.parameters and kind.category not in {"foley", "ui", "vocal"}:
            x = saturate(x, rng.uniform(6, 20))
            draw.say("distorted")
        if rng.random() < (0.18 if kind.category != "ui" else 0.06):
            t60 = rng.uniform(0.3, 2.2)
            x = reverb(x, rng, t60, rng.uniform(0.25, 0.7), rng.random())
            draw.say(
                str(
                    rng.choice(
                        ["with reverb", "with long reverb", "in a hall"]
                        if t60 > 1.3
                        else ["with reverb", "with short reverb", "in a room"]
                    )
                )
            )
    return _finish(x, rng, kind.category == "loop"), draw


THIRDS = Path(__file__).with_name("thirds.json")


@lru_cache(maxsize=1)
def thirds() -> dict[str, list[list[float]]]:
    """Per kind the lower and upper third of the spectral centroid (Hz) and of the decay (s), measured on probes."""
    return json.loads(THIRDS.read_text())


def probe(kind: Kind) -> list[list[float]]:
    """What `thirds` holds of one kind."""
    probes = [play(kind, np.random.default_rng((77, i)))[0] for i in range(PROBES)]
    measures = [centroid_hz(x) for x in probes], [decay_s(x) for x in probes]
    return [[round(float(q), 4) for q in np.quantile(m, (0.3, 0.7))] for m in measures]


def measure(jobs: int) -> None:
    """Write the thirds anew: after a voice has changed."""
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        found = list(tqdm(pool.imap(probe, KINDS), total=len(KINDS), desc="measuring", unit="kind"))
    THIRDS.write_text(json.dumps(dict(zip((k.name for k in KINDS), found, strict=True)), indent=1) + "\n")


def _measured(kind: Kind, x: np.ndarray) -> list[str]:
    (dark, bright), (short, long) = thirds()[kind.name]
    words = []
    if bright > 1.25 * dark and not (dark <= (c := centroid_hz(x)) <= bright):
        words.append("dark" if c < dark else "bright")
    if long > 1.25 * short and not (short <= (d := decay_s(x)) <= long):
        words.append("short" if d < short else "long")
    return words


def _split(*combination: str) -> str:
    """The same words always fall on the same side: a test clip's combination is in no training clip."""
    digest = hashlib.sha256("|".join(combination).encode()).digest()
    return "test" if int.from_bytes(digest[:4], "big") / 2**32 < TEST_SHARE else "train"


def _loop_captions(rng: np.random.Generator, draw: Draw) -> list[str]:
    bpm, metre, bars = (
        f"{draw.parameters['bpm']} BPM",
        str(draw.parameters["metre"]),
        int(float(draw.parameters["bars"])),
    )
    metre_words = [metre] if metre != "4/4" or rng.random() < 0.15 else []
    key = [f"in {draw.parameters['key']}"] if "key" in draw.parameters else []
    name = " ".join([*draw.before[:1], draw.name])
    first = ", ".join([name + (f" {key[0]}" if key else ""), *metre_words, bpm])
    second = f"{draw.name} at {bpm}" + (f", {key[0]}" if key else "")
    full = ", ".join([name, *draw.after, *key, metre, bpm, f"{bars} bar{'s' if bars > 1 else ''}"])
    brief = draw.name if len(draw.name.split()) <= 3 else ("melodic loop" if key else "drum loop")
    turned = f"{bpm} {draw.name}"
    return list(dict.fromkeys([first if rng.random() < 0.6 else second, brief, full, turned, second]))


def clip(seed: int, index: int) -> Rendered:
    """Clip `index` of a run: its kind, its sound, its words."""
    rng = np.random.default_rng((seed, index))
    if rng.random() < LOOP_SHARE:
        kind = LOOPS[int(rng.random() < 0.3)]
    else:
        share = np.array([k.share for k in KINDS])
        kind = KINDS[rng.choice(len(KINDS), p=share / share.sum())]
    x, draw = play(kind, rng)
    if kind.category == "loop":
        phrases, measured = _loop_captions(rng, draw), []
        combination = (draw.name, str(draw.parameters["bpm"]))
    else:
        measured = _measured(kind, x)
        phrases = captions(rng, kind, draw, measured)
        combination = (
            kind.name,
            *sorted({*measured, *draw.before}),
            note_name(draw.note) if draw.note is not None else "",
        )
    about = {
        "caption": phrases[0],
        "captions_alt": phrases[1:5],
        "category": kind.category,
        "tags": list(dict.fromkeys([kind.name, *measured, *draw.before])),
        "note": draw.note,
        "bpm": draw.bpm,
        "seconds": round(len(x) / RATE_HZ, 4),
        "channels": x.shape[1],
        "source": f"rendered/{kind.name}",
        "source_path": f"{seed}/{index}",
        "licence": "CC0-1.0",
        "split": _split(*combination),
        "kind": kind.name,
        "parameters": draw.parameters,
    }
    return Rendered(x, about)


def encoded(job: tuple[int, int]) -> tuple[str, bytes, dict]:
    """(key, FLAC, JSON) of one clip."""
    import soundfile

    seed, index = job
    made = clip(seed, index)
    if not np.isfinite(made.samples).all():
        raise ValueError(f"clip {index} of seed {seed} ({made.about['kind']}) is not finite: please report it")
    buffer = io.BytesIO()
    soundfile.write(buffer, made.samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    return f"r{seed}-{index:08d}", buffer.getvalue(), made.about


def write_shard(path: Path, clips: Iterator[tuple[str, bytes, dict]]) -> float:
    """One tar, whole or not at all; returns its seconds of sound."""
    part, seconds = path.with_suffix(".part"), 0.0
    with tarfile.open(part, "w") as tar:
        for key, flac, about in clips:
            for name, data in ((f"{key}.flac", flac), (f"{key}.json", json.dumps(about).encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
            seconds += about["seconds"]
    os.replace(part, path)
    return seconds


def shard_seconds(path: Path) -> float:
    with tarfile.open(path) as tar:
        return sum(json.load(f)["seconds"] for m in tar if m.name.endswith(".json") and (f := tar.extractfile(m)))


def render(folder: Path, hours: float, seed: int, jobs: int) -> float:
    """Write shards until `hours` of sound are there; whole shards of an earlier run are kept. Returns the hours."""
    folder.mkdir(parents=True, exist_ok=True)
    done, shard = 0.0, 0
    with (
        multiprocessing.get_context("spawn").Pool(jobs) as pool,
        tqdm(total=round(hours * 3600), unit="s", desc="rendering", mininterval=2) as bar,
    ):
        while done < hours * 3600:
            path = folder / f"rendered-{shard:06d}.tar"
            if path.exists():
                seconds = shard_seconds(path)
                bar.update(seconds)
            else:
                first = shard * CLIPS_A_SHARD
                wanted = [(seed, i) for i in range(first, first + CLIPS_A_SHARD)]

                def watched(made: Iterator[tuple[str, bytes, dict]]) -> Iterator[tuple[str, bytes, dict]]:
                    for item in made:
                        bar.update(item[2]["seconds"])
                        yield item

                seconds = write_shard(path, watched(pool.imap(encoded, wanted, chunksize=8)))
            done, shard = done + seconds, shard + 1
    return done / 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the shards rendered-NNNNNN.tar")
    parser.add_argument("--hours", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--measure", action="store_true", help="only measure the thirds of every kind anew")
    args = parser.parse_args()
    if args.measure:
        measure(args.jobs)
        return
    if args.out is None:
        parser.error("--out FOLDER is needed")
    hours = render(args.out, args.hours, args.seed, args.jobs)
    print(f"{hours:.2f} h in {args.out}")


if __name__ == "__main__":
    main()
