"""Designed effects: risers, impacts, lasers, sirens, game sounds."""

import numpy as np

from training.synthesis.dsp import (
    RATE_HZ,
    bandpass,
    curve,
    decay,
    edges,
    gate,
    glide,
    highpass,
    level,
    lowpass,
    noise,
    peak,
    place,
    pulse,
    reverb,
    rise,
    saturate,
    saw,
    scatter,
    sine,
    stereo,
    sweep,
    times,
    unison,
)
from training.synthesis.wording import Draw, Kind


def riser(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.3, 5.6)
    n = len(times(length))
    swell = np.linspace(0, 1, n) ** draw.number("bow", 1, 3)
    low, high = draw.number("from_hz", 150, 700), draw.number("to_hz", 3000, 14000)
    noisy = sweep(noise(draw.rng, n), np.geomspace(low, high, n), draw.number("q", 0.7, 5), "band")
    out = level(noisy) * swell
    if draw.chance("tone", 0.5, "tonal", "noise"):
        f = np.geomspace(draw.rng.uniform(60, 200), draw.rng.uniform(500, 1500), n)
        out = 0.5 * out + 0.6 * swell * (saw(f, n) + saw(f * 1.01, n, 0.3)) * 0.5
    draw.name = str(draw.rng.choice(["riser", "rising sweep", "build-up riser"]))
    return out * gate(n, 0.02, 0.02)


def downlifter(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 1, 4.5)
    n = len(times(length))
    high, low = draw.number("from_hz", 4000, 14000), draw.number("to_hz", 80, 400)
    out = level(sweep(noise(draw.rng, n), np.geomspace(high, low, n), draw.number("q", 0.7, 5), "low"))
    if draw.chance("tone", 0.4, "tonal", "noise"):
        out = 0.6 * out + 0.5 * saw(np.geomspace(draw.rng.uniform(600, 1800), 50, n), n)
    return out * np.linspace(1, 0, n) ** draw.number("bow", 0.7, 2.2) * rise(n, 0.01)


def impact(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.9, 4.2)
    n = len(times(length))
    pitch = draw.number("pitch_hz", 32, 75, "deep", "")
    boom = saturate(sine(glide(n, pitch * 3, pitch, 0.05), n) * decay(n, length, 0.001), 3)
    crunch = lowpass(noise(draw.rng, n, -3), draw.number("tone_hz", 800, 9000), 2) * decay(n, length * 0.5)
    click = highpass(noise(draw.rng, n), 2000) * decay(n, 0.03)
    return reverb(
        level(boom) + 0.7 * level(crunch) + 0.4 * level(click), draw.rng, length * 0.7, draw.rng.uniform(0.3, 0.8)
    )


def laser(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.9)
    n = len(times(length))
    f = glide(
        n, draw.number("from_hz", 1800, 9000), draw.number("to_hz", 80, 500), length * draw.rng.uniform(0.12, 0.3)
    )
    wave = {"saw": saw, "square": pulse, "sine": sine}[draw.choice("wave", ("saw", "square", "sine"))](f, n)
    return saturate(wave, draw.number("drive", 0.5, 4)) * decay(n, length * 1.2, 0.001) * gate(n, 0.001, 0.02)


def bursts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise of some 0.75 ms at a time, with as much silence between."""
    return noise(rng, n) * ((rng.random(n) < 0.03).cumsum() % 2)


def zap(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.15, 0.9)
    n = len(times(length))
    f = draw.number("pitch_hz", 90, 500, "low", "high")
    buzz = sine(f * 2 ** (draw.number("mod", 0.6, 3) * np.sign(sine(draw.number("rate_hz", 30, 140), n))), n)
    arcs = bursts(draw.rng, n)
    return saturate(buzz + 0.6 * highpass(arcs, 2000), 4) * decay(n, length * 1.3, 0.001) * gate(n, 0.001, 0.02)


def whoosh(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.3, 1.8, "fast", "slow")
    n = len(times(length))
    top = draw.number("centre_hz", 500, 5000)
    middle = draw.rng.uniform(0.35, 0.65)
    cut = curve(n, [(0, 0.25), (middle, 1), (1, 0.2)])
    air = (
        sweep(noise(draw.rng, n), top * cut, draw.number("q", 0.8, 3), "band")
        * curve(n, [(0, 0), (middle, 1), (1, 0)]) ** 2
    )
    if draw.chance("moving", 0.5, "+from left to right"):
        angle = np.linspace(0.05, 0.95, n) * np.pi / 2
        return air[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return air


def synth_sweep(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.8, 4)
    n = len(times(length))
    down = draw.chance("down", 0.5, "falling", "rising")
    cut = np.geomspace(200, draw.number("to_hz", 4000, 12000), n)
    wave = unison(draw.rng, draw.rng.uniform(60, 180), n, 5, 15, 0.8)
    out = sweep(wave, cut[::-1] if down else cut, draw.number("q", 1.5, 9, "", "resonant"))
    return out * gate(n, 0.02, 0.15)[:, None]


def glitch(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.25, 1.8)
    n = len(times(length))
    out, at = np.zeros(n), 0
    step = 60 / draw.rng.uniform(90, 170) / 8
    while at < n:
        k = int(step * draw.rng.choice([1, 1, 2, 3]) * RATE_HZ)
        f = draw.rng.uniform(80, 4000)
        bit = (
            np.sign(sine(f, k)),
            sine(glide(k, f * 4, f, 0.01), k),
            draw.rng.standard_normal(k),
            np.repeat(draw.rng.standard_normal(k // 24 + 1), 24)[:k],
            np.zeros(k),
        )[draw.rng.integers(5)]
        repeats = int(draw.rng.choice([1, 1, 2, 4]))
        piece = np.tile(bit[: k // repeats] * decay(k // repeats, step * 1.5, 0.0005), repeats)
        place(out, piece, at, draw.rng.uniform(0.3, 1))
        at += k
    return lowpass(np.round(out * 12) / 12, draw.number("tone_hz", 2500, 16000)) * gate(n, 0.001, 0.01)


def siren(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 1.5, 5)
    n = len(times(length))
    low, span = draw.number("low_hz", 350, 700), draw.number("ratio", 1.4, 2.4)
    rate = draw.number("rate_hz", 0.3, 4.5, "slow", "fast")
    turn = np.arange(n) / RATE_HZ * rate
    two_tone = draw.chance("two_tone", 0.35, "two-tone", "wailing")
    swing = (np.floor(2 * turn) % 2) if two_tone else 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    wave = pulse(low * span ** lowpass(swing, 40, 1), n)
    return edges(lowpass(wave, draw.number("tone_hz", 1500, 7000)), 0.06)


def explosion(draw: Draw) -> np.ndarray:
    length = draw.number("length", 1.2, 5)
    n = len(times(length))
    blast = saturate(noise(draw.rng, n, -4) * decay(n, length * 0.8, 0.003), 4)
    blast = sweep(blast, draw.number("tone_hz", 600, 7000) * (0.08 + decay(n, length * 0.8)), 0.7)
    rumble = lowpass(noise(draw.rng, n, -6), 110) * decay(n, length * 1.1, 0.02)
    crack = highpass(noise(draw.rng, n), 1500) * decay(n, 0.08)
    debris = (
        scatter(draw.rng, n, 25, [bandpass(noise(draw.rng, 1800), 600, 5000) * decay(1800, 0.04)])
        * decay(n, length)[:, None]
    )
    dry = level(blast) + 0.8 * level(rumble) + 0.35 * level(crack)
    return reverb(stereo(dry) + 0.15 * debris, draw.rng, length * 0.6, 0.5, 0.3)


def coin(draw: Draw) -> np.ndarray:
    f = draw.number("pitch_hz", 800, 1600, "low", "high")
    length = draw.number("length", 0.3, 0.9)
    n = len(times(length))
    hop = int(draw.rng.uniform(0.05, 0.09) * RATE_HZ)
    pitch = np.where(np.arange(n) < hop, f, f * 2 ** (draw.rng.choice([4, 5, 7]) / 12))
    wave = pulse(pitch, n) if draw.chance("square", 0.6, "8-bit") else sine(pitch, n)
    return wave * np.where(np.arange(n) < hop, 1, decay(n, length * 1.3)) * gate(n, 0.001, 0.02)


def power_up(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.35, 1.4)
    n = len(times(length))
    steps = np.floor(np.linspace(0, draw.rng.integers(5, 14), n))
    f = draw.number("pitch_hz", 180, 520, "low", "high") * 2 ** (steps * draw.rng.choice([2, 3, 4]) / 12)
    down = draw.chance("down", 0.35)
    draw.name = str(
        draw.rng.choice(
            ["power-down", "8-bit power down"] if down else ["power-up", "8-bit power up", "level up sound"]
        )
    )
    return lowpass(
        pulse(f[::-1] if down else f, n, draw.rng.choice([0.125, 0.25, 0.5])), draw.number("tone_hz", 2500, 12000)
    ) * gate(n, 0.002, 0.08)


def jump(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.45)
    n = len(times(length))
    f = draw.number("pitch_hz", 140, 450, "low", "high")
    wave = pulse(np.geomspace(f, f * draw.number("rise", 1.8, 4), n), n, draw.rng.choice([0.25, 0.5]))
    return wave * gate(n, 0.002, length * 0.5)


def horn(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.3, 1.8)
    n = len(times(length))
    f = draw.number("pitch_hz", 290, 470, "low", "high")
    wave = pulse(f, n, 0.3) + pulse(f * draw.rng.choice([1.189, 1.26, 1.335]), n, 0.3)
    return saturate(peak(wave, 1100, 1.2) + 0.4 * peak(wave, 2600, 2) + 0.2 * wave, 2) * gate(n, 0.012, 0.05)


def sonar(draw: Draw) -> np.ndarray:
    f = draw.pitch(67, 90)
    length = draw.number("length", 0.8, 2.4)
    n = len(times(length))
    return reverb(sine(f, n) * decay(n, length, 0.004), draw.rng, 1.8, draw.number("wet", 0.3, 0.8), 0.7)


def steam(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.3, 2.8)
    n = len(times(length))
    hiss = highpass(noise(draw.rng, n), draw.number("tone_hz", 1200, 5500), 1)
    return peak(hiss, 6000, 1) * gate(n, 0.02, length * 0.6, 0.7, 0.2)


def scratch(draw: Draw) -> np.ndarray:
    """A record moved by hand: pitch follows the hand's speed."""
    length = draw.number("seconds", 0.25, 1.2)
    n = len(times(length))
    turns = draw.number("strokes_hz", 2, 7, "slow", "fast")
    speed = np.abs(np.sin(2 * np.pi * turns * np.arange(n) / RATE_HZ / 2)) ** 0.7 + 0.02
    place_in = np.cumsum(speed * draw.rng.uniform(1.2, 2.2))
    source = level(
        sum((saw(draw.rng.uniform(150, 420), 60_000, draw.rng.random()) for _ in range(3)), np.zeros(60_000))
    ) + 0.5 * bandpass(noise(draw.rng, 60_000), 500, 5000, 1)
    return sweep(
        np.interp(place_in % 59_999, np.arange(60_000), source) * speed, 300 + 5000 * speed, 1.5, "band"
    ) * gate(n, 0.004, 0.02)


EFFECTS = (
    Kind("riser", "sfx", ("riser",), riser),
    Kind("downlifter", "sfx", ("downlifter", "falling sweep", "down sweep"), downlifter),
    Kind("impact", "sfx", ("impact", "cinematic impact", "cinematic boom"), impact),
    Kind("laser", "sfx", ("laser", "laser shot", "sci-fi laser gun"), laser),
    Kind("zap", "sfx", ("zap", "electric zap"), zap),
    Kind("whoosh", "sfx", ("whoosh", "swoosh", "air whoosh"), whoosh),
    Kind("sweep", "sfx", ("filter sweep", "synth filter sweep"), synth_sweep),
    Kind("glitch", "sfx", ("glitch", "digital glitch", "glitch noise burst"), glitch),
    Kind("siren", "sfx", ("siren", "emergency siren"), siren),
    Kind("explosion", "sfx", ("explosion", "explosion blast"), explosion),
    Kind("coin", "sfx", ("coin pickup", "game coin", "coin sound"), coin),
    Kind("power-up", "sfx", ("power-up",), power_up),
    Kind("jump", "sfx", ("game jump", "8-bit jump", "jump sound"), jump, 0.7),
    Kind("car horn", "sfx", ("car horn", "horn honk"), horn),
    Kind("sonar", "sfx", ("sonar ping", "submarine sonar ping"), sonar),
    Kind("steam", "sfx", ("steam hiss", "air release", "steam burst"), steam),
    Kind("record scratch", "sfx", ("record scratch", "vinyl scratch", "DJ scratch"), scratch),
)
