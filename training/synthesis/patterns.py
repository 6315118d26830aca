"""Loops of whole bars at a stated tempo and metre, played by the one-shot voices."""

from dataclasses import dataclass

import numpy as np

from training.synthesis import drums, tones
from training.synthesis.dsp import LONGEST_S, RATE_HZ, level, pan, place, reverb, saturate, stereo
from training.synthesis.wording import Draw, Kind, note_name

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


@dataclass(frozen=True)
class Genre:
    """A pattern in sixteenths (X loud, x normal, g ghost, . rest; lines of one bar) and the tempi it is played at."""

    names: tuple[str, ...]
    bpm: tuple[int, int]
    kick: tuple[str, ...]
    snare: tuple[str, ...]
    hat: tuple[str, ...]
    extra: tuple[tuple[str, str], ...] = ()
    kicks: tuple[str, ...] = ("kick_909", "kick_acoustic")
    snares: tuple[str, ...] = ("snare",)
    swing: tuple[float, float] = (0.5, 0.5)
    metre: str = "4/4"


FOUR = "X...X...X...X..."
BACK = "....X.......X..."
GENRES = {
    "house": Genre(
        ("house drum loop", "four on the floor house beat", "house beat"),
        (118, 128),
        (FOUR,),
        (BACK,),
        ("..X...X...X...X.", "x.X.x.X.x.X.x.X."),
        (("shaker", "x.xxx.xxx.xxx.xx"),),
        ("kick_909",),
        ("clap", "snare_808"),
        (0.5, 0.57),
    ),
    "techno": Genre(
        ("techno drum loop", "techno beat"),
        (126, 142),
        (FOUR, "X...X...X...X.x."),
        ("................", BACK),
        ("..X...X...X...X.", "xxXxxxXxxxXxxxXx"),
        (("rimshot", "...x..x....x..x."), ("tom_electronic", "......x..x......")),
        ("kick_909",),
        ("clap",),
    ),
    "hip hop": Genre(
        ("hip hop drum loop", "hip hop beat"),
        (82, 100),
        ("X.....x...X.....", "X..x....x.X....."),
        (BACK,),
        ("x.x.x.x.x.x.x.x.", "x.x.x.xxx.x.x.x."),
        (),
        ("kick_acoustic", "kick_909"),
        ("snare", "clap"),
        (0.53, 0.6),
    ),
    "boom bap": Genre(
        ("boom bap drum loop", "boom bap beat"),
        (82, 96),
        ("X.x....x..X.....", "X......x..X..x.."),
        (BACK, "....X..g.g..X..g"),
        ("x.x.x.x.x.x.x.x.",),
        (),
        ("kick_acoustic",),
        ("snare",),
        (0.56, 0.63),
    ),
    "trap": Genre(
        ("trap drum loop", "trap beat"),
        (130, 160),
        ("X.....x...x.....", "X..x......x..x.."),
        ("........X.......",),
        ("x.x.x.x.x.xxx.x.", "xxx.x.xxx.x.xxxx"),
        (("hat_open", "......x........."),),
        ("kick_808",),
        ("clap", "snare_808"),
    ),
    "drum and bass": Genre(
        ("drum and bass loop", "drum and bass beat"),
        (165, 178),
        ("X.........X.....", "X.x.......X....."),
        (BACK, "....X..g.g..X..g"),
        ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx"),
        (),
        ("kick_acoustic", "kick_909"),
        ("snare",),
    ),
    "jungle": Genre(
        ("jungle drum loop", "jungle break"),
        (155, 174),
        ("X.x.......xx....", "X.x.....x.x....."),
        ("....X..x.x..X..x", "....X..x.x....X."),
        ("x.x.x.x.x.x.x.x.",),
        (("ride", "x...x...x...x..."),),
        ("kick_acoustic",),
        ("snare",),
        (0.5, 0.55),
    ),
    "breakbeat": Genre(
        ("breakbeat loop", "breakbeat"),
        (110, 138),
        ("X.x.......x..x..", "X..x..x...X....."),
        ("....X..g.g..X..g", "....X.......X.gx"),
        ("x.x.x.x.x.x.x.x.",),
        (),
        ("kick_acoustic",),
        ("snare",),
        (0.5, 0.57),
    ),
    "rock": Genre(
        ("rock drum loop", "rock beat", "rock drum groove"),
        (96, 150),
        ("X.......X.x.....", "X.....x.X......."),
        (BACK,),
        ("X.x.X.x.X.x.X.x.", "x...x...x...x..."),
        (),
        ("kick_acoustic",),
        ("snare",),
    ),
    "reggae": Genre(
        ("reggae drum loop", "one drop reggae beat"),
        (66, 88),
        ("........X.......",),
        ("........x.......", "........X....g.."),
        ("x.x.x.x.x.x.x.x.",),
        (("rimshot", "..........x..x.."),),
        ("kick_acoustic",),
        ("rimshot", "snare"),
        (0.54, 0.62),
    ),
    "latin": Genre(
        ("latin percussion loop", "latin drum loop", "conga loop"),
        (92, 124),
        ("X.....x.X.....x.",),
        ("................",),
        ("x.x.x.x.x.x.x.x.",),
        (("clave", "X..x..x...x.x..."), ("conga", "x.xXx.xxx.xXx.Xx"), ("cowbell", "X...x...X...x.x.")),
        ("kick_acoustic",),
        ("rimshot",),
    ),
    "funk": Genre(
        ("funk drum loop", "funky drum groove"),
        (94, 118),
        ("X.x.......x..x..", "X..x..x...x....."),
        ("....X..g.g.gX..g",),
        ("xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx"),
        (("tambourine", "....x.......x..."),),
        ("kick_acoustic",),
        ("snare",),
        (0.5, 0.58),
    ),
    "waltz": Genre(
        ("waltz pattern", "waltz drum loop"),
        (84, 160),
        ("X...........",),
        ("....x...x...",),
        ("x...x...x...", "x.x.x.x.x.x."),
        (),
        ("kick_acoustic",),
        ("snare", "rimshot"),
        (0.5, 0.5),
        "3/4",
    ),
    "six eight": Genre(
        ("6/8 drum loop", "6/8 ballad beat"),
        (60, 90),
        ("X.....x.....",),
        ("......X.....",),
        ("x.x.x.x.x.x.",),
        (),
        ("kick_acoustic",),
        ("snare",),
        (0.5, 0.5),
        "6/8",
    ),
    "percussion": Genre(
        ("percussion loop", "ambient percussion loop"),
        (70, 124),
        ("................",),
        ("................",),
        ("................",),
        (
            ("conga", "x..x..x.x..x..x."),
            ("bongo", "..x...xx..x...x."),
            ("shaker", "x.x.x.x.x.x.x.x."),
            ("woodblock", "x..x..x...x.x..."),
        ),
    ),
}
VELOCITY = {"X": 1.0, "x": 0.72, "g": 0.3}
MIX = {
    "hat_closed": 0.28,
    "hat_open": 0.3,
    "shaker": 0.22,
    "ride": 0.28,
    "rimshot": 0.45,
    "clave": 0.35,
    "cowbell": 0.3,
    "conga": 0.5,
    "bongo": 0.45,
    "woodblock": 0.4,
    "tambourine": 0.3,
    "tom_electronic": 0.5,
    "clap": 0.7,
    "snare": 0.75,
    "snare_808": 0.7,
}
SHORTER = {"hat_closed": 0.06, "hat_open": 0.35, "ride": 0.8, "kick_808": 0.7, "crash": 1.5}
BEATS = {"4/4": 4, "3/4": 3, "6/8": 2}


def _tempo(draw: Draw, low: int, high: int, beats: int) -> tuple[int, int]:
    """(BPM, bars): whole numbers whose loop fits the canvas."""
    bpm = int(draw.rng.integers(low, high + 1))
    fits = [bars for bars in (1, 2, 3, 4) if bars * beats * 60 / bpm <= LONGEST_S and bars != 3]
    while not fits:
        bpm += 1
        fits = [bars for bars in (1, 2) if bars * beats * 60 / bpm <= LONGEST_S]
    bars = fits[-1] if draw.rng.random() < 0.75 else int(draw.rng.choice(fits))
    draw.bpm = bpm
    draw.parameters |= {"bpm": bpm, "bars": bars, "beats": beats}
    return bpm, bars


def _hit(name: str, draw: Draw, seed: int) -> np.ndarray:
    fixed = {"length": SHORTER[name] * draw.rng.uniform(0.6, 1.3)} if name in SHORTER else None
    return level(getattr(drums, name)(Draw(np.random.default_rng(seed), fixed=fixed)))


def drum_loop(draw: Draw) -> np.ndarray:
    genre_name = draw.choice("genre", tuple(GENRES))
    genre = GENRES[genre_name]
    beats = BEATS[genre.metre]
    bpm, bars = _tempo(draw, *genre.bpm, beats)
    rng = draw.rng
    lines = [
        ("kick", str(rng.choice(genre.kicks)), str(rng.choice(genre.kick))),
        ("snare", str(rng.choice(genre.snares)), str(rng.choice(genre.snare))),
        ("hat", "hat_closed", str(rng.choice(genre.hat))),
    ]
    lines += [
        ("extra", name, steps)
        for name, steps in genre.extra
        if genre_name in {"latin", "percussion"} or rng.random() < 0.5
    ]
    n = round(bars * beats * 60 / bpm * RATE_HZ)
    out = np.zeros((n, 2))
    swing = rng.uniform(*genre.swing)
    if swing > 0.55:
        draw.say("swung")
    human = rng.uniform(0, 0.004)
    fill = bars > 1 and draw.chance("fill", 0.25, "+with a fill")
    for part, name, steps in lines:
        hit = _hit(name, draw, int(rng.integers(2**32)))
        where = 0.0 if part in {"kick", "snare"} else rng.uniform(-0.5, 0.5)
        gain = MIX.get(name, 1.0)
        step_s = beats * 60 / bpm / len(steps)
        for bar in range(bars):
            for i, mark in enumerate(steps):
                if mark not in VELOCITY or (
                    fill and bar == bars - 1 and i >= len(steps) * 3 // 4 and part in {"snare", "extra"}
                ):
                    continue
                velocity = VELOCITY[mark] * rng.uniform(0.88, 1.0)
                late = (2 * swing - 1) * step_s if i % 2 else 0.0
                at = (bar * len(steps) + i) * step_s + late + (abs(rng.normal(0, human)) if i or bar else 0)
                place(out, pan(hit * velocity * gain, where), round(at * RATE_HZ))
    if fill:
        snare = _hit(lines[1][1], draw, int(rng.integers(2**32)))
        for i in range(4):
            place(
                out,
                pan(snare * 0.45 * (0.6 + 0.15 * i), 0),
                round(n - (4 - i) * 60 / bpm / 4 * RATE_HZ * (1 if beats > 2 else 0.6)),
            )
    if rng.random() < 0.4:
        out = reverb(out, rng, rng.uniform(0.3, 0.9), rng.uniform(0.08, 0.25))[:n]
    out = saturate(out, draw.number("drive", 0.4, 3.5))
    draw.name = str(rng.choice(genre.names))
    draw.parameters["metre"] = genre.metre
    return out[:n]


def melodic_loop(draw: Draw) -> np.ndarray:
    rng = draw.rng
    bpm, bars = _tempo(draw, 84, 150, 4)
    voice_name = draw.choice(
        "voice",
        (
            "bass_saw",
            "bass_acid",
            "bass_square",
            "bass_fm",
            "synth_pluck",
            "marimba",
            "electric_piano",
            "kalimba",
            "guitar",
            "piano",
        ),
    )
    scale = draw.choice("scale", ("minor", "major"), (2, 1))
    bass = voice_name.startswith("bass")
    root = int(rng.integers(26, 40)) if bass else int(rng.integers(48, 65))
    arpeggio = not bass and draw.chance("arpeggio", 0.6)
    division = int(rng.choice([2, 4], p=[0.4, 0.6]))
    count = 4 * division
    if arpeggio:
        degrees = np.tile(
            rng.permutation([0, 2, 4, 7])
            if rng.random() < 0.3
            else [[0, 2, 4, 7], [0, 4, 2, 7], [7, 4, 2, 0]][rng.integers(3)],
            count,
        )[:count]
        steps = np.ones(count, bool)
    else:
        degrees = rng.choice([0, 0, 0, 2, 3, 4, 6, 7], count)
        degrees[0] = 0
        steps = rng.random(count) < (0.75 if division == 2 else 0.55)
        steps[0] = True
    n = round(bars * 4 * 60 / bpm * RATE_HZ)
    out = np.zeros((n, 2))
    seed = int(rng.integers(2**32))
    length = 60 / bpm / division * (0.9 if bass else 1.8)
    played = {}
    for i in range(count * bars):
        if steps[i % count]:
            degree = int(degrees[i % count])
            note = root + 12 * (degree // 7) + SCALES[scale][degree % 7]
            if note not in played:
                fixed = {"length": max(0.12, length)}
                played[note] = level(
                    stereo(getattr(tones, voice_name)(Draw(np.random.default_rng(seed), note=note, fixed=fixed)))
                )
                played[note][-256:] *= np.linspace(1, 0, 256)[:, None]
            place(
                out,
                played[note] * (1 if i % division == 0 else rng.uniform(0.6, 0.9)),
                round(i * 60 / bpm / division * RATE_HZ),
            )
    if not bass and rng.random() < 0.5:
        out = reverb(out, rng, rng.uniform(0.4, 1.4), 0.2)[:n]
    spoken = {
        "bass_saw": "saw bass",
        "bass_acid": "acid bass",
        "bass_square": "square bass",
        "bass_fm": "FM bass",
        "synth_pluck": "synth pluck",
        "electric_piano": "electric piano",
    }.get(voice_name, voice_name)
    draw.name = f"{spoken} line" if bass else f"{spoken} arpeggio" if arpeggio else f"{spoken} melody"
    draw.parameters |= {"key": f"{note_name(root)[:-1].rstrip('-')} {scale}", "metre": "4/4"}
    return out


LOOPS = (
    Kind("drum loop", "loop", ("drum loop",), drum_loop),
    Kind("melodic loop", "loop", ("melodic loop",), melodic_loop),
)
