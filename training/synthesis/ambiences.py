"""Ambiences: weather, water, fire, animals, machines, noise."""

import numpy as np

from training.synthesis.dsp import (
    RATE_HZ,
    bandpass,
    curve,
    decay,
    edges,
    gate,
    highpass,
    level,
    lowpass,
    modes,
    noise,
    pan,
    peak,
    phase_of,
    place,
    reverb,
    saturate,
    saw,
    scatter,
    sine,
    stereo,
    sweep,
    times,
    unison,
    wander,
)
from training.synthesis.wording import Draw, Kind


def drop(rng: np.random.Generator, pitch: float) -> np.ndarray:
    """A bubble's ring after van den Doel: a decaying sine whose pitch rises."""
    k = int(rng.uniform(0.03, 0.12) * RATE_HZ)
    return sine(pitch * (1 + rng.uniform(0.2, 1.1) * np.linspace(0, 1, k) ** 1.5), k) * decay(k, k / RATE_HZ, 0.001)


def drone(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    f = draw.pitch(24, 48)
    wave = unison(draw.rng, f, n, 5, draw.number("detune_cents", 3, 14, "", "detuned"), 0.9) + stereo(sine(f, n) * 0.7)
    cut = draw.number("cutoff_hz", 150, 2200) * 2 ** (0.7 * wander(draw.rng, n, 0.4))
    hiss = bandpass(noise(draw.rng, n, -3), 200, 3000, 1) * draw.number("noise", 0.02, 0.3, "clean", "noisy")
    return edges(sweep(wave, np.maximum(cut, f * 1.2), 1.5) + stereo(hiss), 0.6)


def wind(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    force = draw.number("centre_hz", 220, 1300)
    out = np.zeros((n, 2))
    gusts = 0.6 * wander(draw.rng, n, 0.5)
    for side in (0, 1):
        hiss = noise(draw.rng, n, -3)
        moving = force * 2 ** (gusts + 0.15 * wander(draw.rng, n, 1))
        out[:, side] = sweep(
            hiss,
            moving,
            draw.number("whistle", 0.9, 7, "", "whistling") if side == 0 else float(draw.parameters["whistle"]),
            "band",
        )
        out[:, side] += 0.15 * lowpass(hiss, 300)
    return edges(out * (0.35 + np.clip(0.5 + 0.5 * gusts, 0.05, 2))[:, None], 0.4)


def rain(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    rate = draw.number("drops_per_s", 60, 900, "light", "heavy")
    grains = []
    for _ in range(24):
        k = int(draw.rng.uniform(0.004, 0.02) * RATE_HZ)
        f = draw.rng.uniform(1500, 8500)
        grains.append(bandpass(noise(draw.rng, k), f, f * 1.8, 1) * decay(k, k / RATE_HZ))
    drops = scatter(draw.rng, n, rate, grains, 4)
    bed = np.stack(
        [
            bandpass(noise(draw.rng, n), 500, draw.number("tone_hz", 4000, 12000), 1),
            bandpass(noise(draw.rng, n), 500, 8000, 1),
        ],
        axis=1,
    )
    return edges(drops / (drops.std() + 1e-9) + bed / bed.std() * (0.2 + 0.6 * (rate / 900) ** 0.5), 0.3)


def fire(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    roar = lowpass(noise(draw.rng, n, -4), draw.number("roar_hz", 150, 700)) * (1 + 0.4 * wander(draw.rng, n, 3))
    grains = []
    for _ in range(20):
        k = int(draw.rng.uniform(0.002, 0.012) * RATE_HZ)
        f = draw.rng.uniform(900, 7000)
        grains.append(level(bandpass(noise(draw.rng, k), f, f * 2, 1)) * decay(k, k / RATE_HZ * 0.8))
    crackle = scatter(draw.rng, n, draw.number("crackles_per_s", 8, 90, "small", "roaring"), grains, 4)
    return edges(stereo(level(roar)) * 0.35 + level(crackle), 0.3)


def thunder(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    near = draw.chance("near", 0.5, "close", "distant")
    out = np.zeros((n, 2))
    for at in np.sort(draw.rng.uniform(0, length * 0.6, 14)):
        k = int(draw.rng.uniform(0.4, 1.6) * RATE_HZ)
        roll = lowpass(noise(draw.rng, k, -5), draw.rng.uniform(70, 350)) * decay(
            k, k / RATE_HZ, draw.rng.uniform(0.02, 0.2)
        )
        place(
            out,
            pan(roll, draw.rng.uniform(-0.5, 0.5)),
            int(at * RATE_HZ),
            np.exp(-1.5 * at / length) * draw.rng.uniform(0.4, 1),
        )
    out = level(out)
    if near:
        crack = sweep(noise(draw.rng, n, -1), 300 + 7000 * decay(n, 0.5), 0.7) * decay(n, 0.9, 0.001)
        out += stereo(level(crack)) * 0.8
    return out * gate(n, 0.002 if near else 0.3, length * 0.5)[:, None]


def waves(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3.8, 5.85)
    n = len(times(length))
    crest = draw.rng.uniform(0.3, 0.5)
    swell = curve(n, [(0, 0.05), (crest * 0.7, 0.35), (crest, 1), (crest + 0.25, 0.45), (1, 0.06)]) ** 1.3
    out = np.zeros((n, 2))
    tone = draw.number("tone_hz", 1500, 7000)
    for side in (0, 1):
        foam = sweep(noise(draw.rng, n, -2), tone * (0.25 + swell), 0.6)
        out[:, side] = (
            foam * swell * (1 + 0.15 * wander(draw.rng, n, 8)) + 0.3 * lowpass(noise(draw.rng, n, -5), 160) * swell
        )
    return edges(out, 0.3)


def stream(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    pitch = draw.number("pitch_hz", 500, 1600)
    grains = [drop(draw.rng, pitch * draw.rng.uniform(0.4, 2.5)) for _ in range(40)]
    out = scatter(draw.rng, n, draw.number("rate_hz", 120, 500, "gentle", "rushing"), grains, 3)
    hiss = np.stack([bandpass(noise(draw.rng, n), 400, 5000, 1), bandpass(noise(draw.rng, n), 400, 5000, 1)], axis=1)
    return edges(level(out) + 0.08 * hiss, 0.3)


def crickets(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    out = np.zeros((n, 2))
    base = draw.number("pitch_hz", 2800, 5600, "low", "high")
    chirp_hz = draw.number("chirps_hz", 1.2, 4, "slow", "fast")
    t = np.arange(n) / RATE_HZ
    for _ in range(int(draw.rng.integers(1, 5))):
        syllable = np.maximum(0, np.sin(2 * np.pi * draw.rng.uniform(28, 42) * t)) ** 1.5
        on = ((t * chirp_hz * draw.rng.uniform(0.85, 1.15) + draw.rng.random()) % 1) < draw.rng.uniform(0.3, 0.55)
        tone = sine(base * draw.rng.uniform(0.85, 1.15), n) * syllable * lowpass(on.astype(float), 60, 1)
        out += pan(tone, draw.rng.uniform(-0.9, 0.9)) * draw.rng.uniform(0.3, 1)
    night = stereo(bandpass(noise(draw.rng, n, -2), 200, 3500, 1))
    return edges(out + 0.02 * night, 0.2)


def helicopter(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    rate = draw.number("blades_hz", 9, 22, "slow", "fast")
    chop = np.maximum(0, np.sin(2 * np.pi * phase_of(rate * (1 + 0.004 * wander(draw.rng, n, 2)), n))) ** 5
    air = (
        lowpass(noise(draw.rng, n, -3), draw.number("tone_hz", 500, 3500)) * (0.1 + chop)
        + 0.7 * lowpass(noise(draw.rng, n, -5), 90) * chop
    )
    whine = sine(draw.rng.uniform(700, 1500), n) * 0.02 + saw(rate * 4, n) * 0.05
    return edges(stereo(level(air) + whine), 0.25)


def engine(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 1.8, 5.6)
    n = len(times(length))
    revs = draw.number("revs_hz", 18, 95, "idling", "revving")
    f = revs * (1 + 0.015 * wander(draw.rng, n, 6))
    if draw.chance("accelerating", 0.3, "accelerating"):
        f = f * np.geomspace(0.7, 1.7, n)
    turns = phase_of(f, n)
    fire = sum(
        (
            np.maximum(0, np.sin(2 * np.pi * (turns * k / 4 + o))) ** 9 * g
            for k, o, g in ((4, 0, 1), (4, 0.26, 0.8), (2, 0.1, 0.7), (1, 0.4, 0.5))
        ),
        np.zeros(n),
    )
    rough = fire * (1 + 0.5 * lowpass(noise(draw.rng, n), 900))
    out = sum((peak(rough, hz, 2) for hz in draw.rng.uniform(60, 900, 4)), 0.3 * rough)
    out = (
        saturate(highpass(out, 25), draw.number("drive", 0.8, 4))
        + 0.05 * bandpass(noise(draw.rng, n), 800, 4000, 1) * fire
    )
    return edges(lowpass(out, draw.number("tone_hz", 900, 6000), 1), 0.1)


def vinyl(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    grains = [
        level(bandpass(draw.rng.standard_normal(k), 900, 9000, 1)) * decay(k, k / RATE_HZ)
        for k in draw.rng.integers(40, 300, 20)
    ]
    ticks = scatter(draw.rng, n, draw.number("ticks_per_s", 6, 60, "light", "heavy"), grains, 4)
    hiss = np.stack([highpass(noise(draw.rng, n, -3), 500, 1) for _ in range(2)], axis=1)
    rumble = stereo(lowpass(noise(draw.rng, n, -6), 60))
    return edges(level(ticks) + 0.03 * hiss + 0.03 * rumble, 0.1)


def static(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.6, 4)
    n = len(times(length))
    colour = draw.choice("colour", ("white noise", "pink noise", "brown noise", "radio static"))
    draw.name = colour
    if colour == "radio static":
        broken = noise(draw.rng, n) * (0.3 + np.clip(wander(draw.rng, n, 25), 0, 2))
        return edges(bandpass(broken, 350, 4200, 2), 0.05)
    hiss = noise(draw.rng, n, {"white noise": 0.0, "pink noise": -3.0, "brown noise": -6.0}[colour])
    return edges(
        np.stack(
            [hiss, noise(draw.rng, n, {"white noise": 0.0, "pink noise": -3.0, "brown noise": -6.0}[colour])], axis=1
        )
        if draw.chance("wide", 0.5, "stereo", "mono")
        else hiss,
        0.05,
    )


def bird(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.6, 4)
    n = len(times(length))
    base = draw.number("pitch_hz", 1900, 5200, "low", "high")
    out, at = np.zeros(n), 0.0
    syllables = [
        (
            draw.rng.uniform(0.05, 0.2),
            draw.rng.uniform(-0.5, 0.6),
            draw.rng.uniform(0, 0.12),
            draw.rng.uniform(0.8, 1.3),
        )
        for _ in range(3)
    ]
    while at < length - 0.25:
        span, bend, trill, ratio = syllables[draw.rng.integers(3)]
        k = int(span * RATE_HZ)
        place_in = np.linspace(0, 1, k)
        f = base * ratio * 2 ** (bend * place_in + trill * np.sin(2 * np.pi * 38 * place_in * span))
        place(
            out,
            (sine(f, k) + 0.12 * sine(2 * f, k)) * np.sin(np.pi * place_in) ** 0.7,
            int(at * RATE_HZ),
            draw.rng.uniform(0.5, 1),
        )
        at += span + draw.rng.choice([0.03, 0.06, 0.25], p=[0.5, 0.3, 0.2])
    return reverb(out, draw.rng, draw.rng.uniform(0.3, 1.2), 0.25)


def applause(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    people = draw.number("claps_per_s", 25, 420, "sparse", "big")
    grains = []
    for _ in range(30):
        k, f = int(draw.rng.uniform(0.012, 0.03) * RATE_HZ), draw.rng.uniform(700, 2200)
        grains.append(level(bandpass(noise(draw.rng, k), f, f * 2.2, 1) * decay(k, k / RATE_HZ, 0.0005)))
    out = scatter(draw.rng, n, people, grains, 2.5)
    return edges(reverb(out, draw.rng, 0.9, 0.4, 0.6)[:n], 0.35)


def train(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n, k = len(times(length)), int(0.2 * RATE_HZ)
    rate = draw.number("clacks_hz", 1.0, 2.6, "slow", "fast")
    bed = lowpass(noise(draw.rng, n, -4), 500) * (1 + 0.25 * wander(draw.rng, n, 4))
    out = level(bed) * 0.35 + 0.05 * bandpass(noise(draw.rng, n), 1500, 5000, 1)
    for i in range(int(length * rate)):
        for lag in (0, 0.16 / rate):
            clack = (
                bandpass(noise(draw.rng, k), 250, 3000, 1) * decay(k, 0.1)
                + modes(k, np.array([310, 890, 1730]), np.array([0.12, 0.08, 0.05]), np.array([1, 0.7, 0.5])) * 0.6
            )
            place(out, level(clack), int((i / rate + lag) * RATE_HZ), draw.rng.uniform(0.5, 0.8))
    return edges(out, 0.3)


AMBIENCES = (
    Kind("drone", "ambience", ("drone", "synth drone"), drone),
    Kind("wind", "ambience", ("wind", "wind blowing", "gusty wind"), wind),
    Kind("rain", "ambience", ("rain", "rain falling", "rain on leaves"), rain),
    Kind("fire", "ambience", ("fire crackling", "campfire", "crackling fire"), fire),
    Kind("thunder", "ambience", ("thunder", "thunder rumble", "thunderstorm"), thunder),
    Kind("waves", "ambience", ("sea waves", "ocean wave", "beach waves"), waves),
    Kind("stream", "ambience", ("stream", "flowing water", "babbling brook"), stream),
    Kind("crickets", "ambience", ("crickets", "crickets at night", "cricket chirping"), crickets),
    Kind("helicopter", "ambience", ("helicopter", "helicopter hovering"), helicopter, 0.7),
    Kind("engine", "ambience", ("engine", "car engine", "motor running"), engine),
    Kind("vinyl", "ambience", ("vinyl crackle", "record crackle", "old vinyl noise"), vinyl),
    Kind("noise", "ambience", ("static noise",), static),
    Kind("bird", "ambience", ("bird chirp", "bird song", "birds chirping"), bird),
    Kind("applause", "ambience", ("applause", "crowd clapping", "audience applause"), applause),
    Kind("train", "ambience", ("train", "train on tracks", "railway train passing"), train),
)
