"""One rendered clip: a voice, the room it stands in, what is measured of it, its words and its side of the split."""

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from training.synthesis.ambiences import AMBIENCES
from training.synthesis.drums import DRUMS
from training.synthesis.dsp import LONGEST_S, RATE_HZ, highpass, reverb, saturate, stereo
from training.synthesis.effects import EFFECTS
from training.synthesis.foley import FOLEY
from training.synthesis.interface import INTERFACE
from training.synthesis.patterns import LOOPS
from training.synthesis.soundfonts import Part
from training.synthesis.tones import TONES
from training.synthesis.wording import Draw, Kind, captions, note_name

KINDS: tuple[Kind, ...] = (*DRUMS, *TONES, *EFFECTS, *AMBIENCES, *FOLEY, *INTERFACE)
LOOP_SHARE = 0.055  # of clips; loops are about three times as long, so 15 % of the hours
TEST_SHARE = 0.04
CLEAR_RATIO = 1.12  # thirds closer than this are no audible difference: no word then
PROBES = 12  # clips of a kind whose measures set the thirds of "bright" and "short"
SYNONYMS = {"bright": "crisp", "dark": "dull"}
AMBIENT = {"loop", "ambience"}


@dataclass(frozen=True)
class Rendered:
    """A finished clip: samples (n, 1 or 2), peak −6…−1 dBFS, and what is said about it (the JSON of its shard)."""

    samples: np.ndarray
    about: dict


def centroid_hz(x: np.ndarray) -> float:
    """Mean of frequency weighted with magnitude, in Hz: what "bright" and "dark" order."""
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
    while not np.any(x := kind.play(draw := Draw(rng))):
        pass  # a glitch of nothing but rests: drawn again
    if kind.category not in AMBIENT:
        if (
            rng.random() < 0.07
            and "drive" not in draw.parameters
            and kind.category in {"drum", "bass", "synth", "keys"}
        ):
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


def measure(jobs: int, names: list[str]) -> None:
    """Measure the thirds of these kinds anew (of all, without a name): after a voice has changed."""
    kinds = [kind for kind in KINDS if not names or kind.name in names]
    table = dict(thirds()) if names else {}
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for kind, found in zip(kinds, tqdm(pool.imap(probe, kinds), total=len(kinds), unit="kind"), strict=True):
            table[kind.name] = found
            ordered = {k.name: table[k.name] for k in KINDS if k.name in table}
            THIRDS.write_text(json.dumps(ordered, indent=None).replace("]], ", "]],\n ") + "\n")


def measured_words(kind: Kind, x: np.ndarray) -> list[str]:
    (dark, bright), (short, long) = thirds()[kind.name]
    words = []
    if bright > CLEAR_RATIO * dark and not (dark <= (c := centroid_hz(x)) <= bright):
        words.append("dark" if c < dark else "bright")
    if long > CLEAR_RATIO * short and not (short <= (d := decay_s(x)) <= long):
        words.append("short" if d < short else "long")
    return words


def side_of_split(*combination: str) -> str:
    """The same words always fall on the same side: a test clip's combination is in no training clip.

    A caption may say only some of these words, and then a training clip may have the very same one.
    """
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


def _about(kind: Kind, x: np.ndarray, draw: Draw, phrases: list[str], measured: list[str], split: str) -> dict:
    return {
        "caption": phrases[0],
        "captions_alt": phrases[1:5],
        "category": kind.category,
        "tags": list(dict.fromkeys([kind.name, *measured, *draw.before])),
        "note": draw.note,
        "bpm": draw.bpm,
        "seconds": round(len(x) / RATE_HZ, 4),
        "channels": x.shape[1],
        "source": f"rendered/{kind.name}",
        "licence": "CC0-1.0",
        "split": split,
        "kind": kind.name,
        "parameters": draw.parameters,
    }


def _said(rng: np.random.Generator, kind: Kind, x: np.ndarray, draw: Draw, measured: list[str]) -> dict:
    note = note_name(draw.note) if draw.note is not None else ""
    split = side_of_split(kind.name, *sorted({*measured, *draw.before}), draw.name, note)
    words = [SYNONYMS[w] if w in SYNONYMS and rng.random() < 0.2 else w for w in measured]
    return _about(kind, x, draw, captions(rng, kind, draw, words), measured, split)


def kind_of(rng: np.random.Generator, among: Sequence[Kind]) -> Kind:
    """The kind of a clip: one of `among`, or, where none are given, of all, loops included."""
    if not among and rng.random() < LOOP_SHARE:
        return LOOPS[int(rng.random() < 0.3)]
    kinds = among or KINDS
    share = np.array([k.share for k in kinds])
    return kinds[rng.choice(len(kinds), p=share / share.sum())]


def clip(seed: int, index: int, among: Sequence[Kind] = ()) -> Rendered:
    """Clip `index` of a run: its kind, its sound, its words."""
    rng = np.random.default_rng((seed, index))
    kind = kind_of(rng, among)
    x, draw = play(kind, rng)
    if kind.category == "loop":
        split = side_of_split(draw.name, str(draw.parameters["bpm"]))
        about = _about(kind, x, draw, _loop_captions(rng, draw), [], split)
    else:
        about = _said(rng, kind, x, draw, measured_words(kind, x))
    return Rendered(x, about | {"source_path": f"{seed}/{index}"})


def from_part(part: Part, sound: np.ndarray, rng: np.random.Generator, path: str) -> Rendered:
    """A clip of a soundfont, dry or in a room; it has no measured words: its voice is not ours."""
    if rng.random() < 0.15:
        sound = reverb(sound, rng, rng.uniform(0.4, 2), rng.uniform(0.25, 0.6), rng.random())
        part.draw.say("with reverb")
    x = _finish(sound, rng, whole=False)
    about = _said(rng, part.kind, x, part.draw, [])
    return Rendered(x, about | {"licence": "MIT", "source_path": path})
