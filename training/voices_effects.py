"""Effects, foley, ambiences, interface sounds: each voice draws its parameters and returns the sound."""

import numpy as np

from training.synthesis import (
    RATE_HZ,
    bandpass,
    curve,
    decay,
    gate,
    glide,
    highpass,
    level,
    lowpass,
    modes,
    noise,
    pan,
    peak,
    phase_of,
    place,
    pulse,
    reverb,
    rise,
    saturate,
    saw,
    sine,
    stereo,
    sweep,
    times,
    unison,
)
from training.wording import Draw, Kind


def _arrivals(rng: np.random.Generator, per_second: float, seconds: float) -> np.ndarray:
    """Sample numbers of a Poisson process."""
    return np.sort(rng.integers(0, int(seconds * RATE_HZ), rng.poisson(per_second * seconds)))


def _wander(rng: np.random.Generator, n: int, hz: float) -> np.ndarray:
    """Slow random curve of deviation 1."""
    knots = max(4, int(n / RATE_HZ * hz * 2) + 4)
    x = np.interp(np.linspace(0, knots - 1, n), np.arange(knots), rng.standard_normal(knots))
    return x / (x.std() + 1e-9)


def _rain_of(
    rng: np.random.Generator, n: int, per_second: float, grains: list[np.ndarray], spread: float = 3.0
) -> np.ndarray:
    """(n, 2) grains at random times, levels and places."""
    out = np.zeros((n, 2))
    for at in _arrivals(rng, per_second, n / RATE_HZ):
        place(out, pan(grains[rng.integers(len(grains))], rng.uniform(-0.8, 0.8)), at, np.exp(-spread * rng.random()))
    return out


def _edges(x: np.ndarray, fade_s: float = 0.15) -> np.ndarray:
    shape = gate(len(x), fade_s, fade_s)
    return x * (shape if x.ndim == 1 else shape[:, None])


def riser(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 1.2, 5.6)
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


def zap(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.15, 0.9)
    n = len(times(length))
    f = draw.number("pitch_hz", 90, 500, "low", "high")
    buzz = sine(f * 2 ** (draw.number("mod", 0.6, 3) * np.sign(sine(draw.number("rate_hz", 30, 140), n))), n)
    arcs = noise(draw.rng, n) * (draw.rng.random(n) < 0.03).cumsum() % 2
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


def drone(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    f = draw.pitch(24, 48)
    wave = unison(draw.rng, f, n, 5, draw.number("detune_cents", 3, 14, "", "detuned"), 0.9) + stereo(sine(f, n) * 0.7)
    cut = draw.number("cutoff_hz", 150, 2200) * 2 ** (0.7 * _wander(draw.rng, n, 0.4))
    hiss = bandpass(noise(draw.rng, n, -3), 200, 3000, 1) * draw.number("noise", 0.02, 0.3, "clean", "noisy")
    return _edges(sweep(wave, np.maximum(cut, f * 1.2), 1.5) + stereo(hiss), 0.6)


def siren(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 1.5, 5)
    n = len(times(length))
    low, span = draw.number("low_hz", 350, 700), draw.number("ratio", 1.4, 2.4)
    rate = draw.number("rate_hz", 0.3, 4.5, "slow", "fast")
    turn = np.arange(n) / RATE_HZ * rate
    two_tone = draw.chance("two_tone", 0.35, "two-tone", "wailing")
    swing = (np.floor(2 * turn) % 2) if two_tone else 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    wave = pulse(low * span ** lowpass(swing, 40, 1), n)
    return _edges(lowpass(wave, draw.number("tone_hz", 1500, 7000)), 0.06)


def alarm(draw: Draw) -> np.ndarray:
    f = draw.pitch(69, 98)
    rate = draw.number("rate_hz", 1.6, 9, "slow", "fast")
    count = int(draw.rng.integers(2, 9))
    n = len(times(min(4.5, count / rate)))
    wave = {"sine": sine, "square": pulse, "saw": saw}[draw.choice("wave", ("sine", "square", "saw"))](f, n)
    on = ((np.arange(n) / RATE_HZ * rate) % 1) < draw.rng.uniform(0.4, 0.65)
    kernel = np.hanning(220)
    return wave * np.convolve(on, kernel / kernel.sum(), "same") * gate(n, 0.004, 0.01)


def explosion(draw: Draw) -> np.ndarray:
    length = draw.number("length", 1.2, 5)
    n = len(times(length))
    blast = saturate(noise(draw.rng, n, -4) * decay(n, length * 0.8, 0.003), 4)
    blast = sweep(blast, draw.number("tone_hz", 600, 7000) * (0.08 + decay(n, length * 0.8)), 0.7)
    rumble = lowpass(noise(draw.rng, n, -6), 110) * decay(n, length * 1.1, 0.02)
    crack = highpass(noise(draw.rng, n), 1500) * decay(n, 0.08)
    debris = (
        _rain_of(draw.rng, n, 25, [bandpass(noise(draw.rng, 1800), 600, 5000) * decay(1800, 0.04)])
        * decay(n, length)[:, None]
    )
    dry = level(blast) + 0.8 * level(rumble) + 0.35 * level(crack)
    return reverb(stereo(dry) + 0.15 * debris, draw.rng, length * 0.6, 0.5, 0.3)


def engine(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 1.8, 5.6)
    n = len(times(length))
    revs = draw.number("revs_hz", 18, 95, "idling", "revving")
    f = revs * (1 + 0.015 * _wander(draw.rng, n, 6))
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
    return _edges(lowpass(out, draw.number("tone_hz", 900, 6000), 1), 0.1)


def wind(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    force = draw.number("centre_hz", 220, 1300)
    out = np.zeros((n, 2))
    gusts = 0.6 * _wander(draw.rng, n, 0.5)
    for side in (0, 1):
        hiss = noise(draw.rng, n, -3)
        moving = force * 2 ** (gusts + 0.15 * _wander(draw.rng, n, 1))
        out[:, side] = sweep(
            hiss,
            moving,
            draw.number("whistle", 0.9, 7, "", "whistling") if side == 0 else draw.parameters["whistle"],
            "band",
        )
        out[:, side] += 0.15 * lowpass(hiss, 300)
    return _edges(out * (0.35 + np.clip(0.5 + 0.5 * gusts, 0.05, 2))[:, None], 0.4)


def rain(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    rate = draw.number("drops_per_s", 60, 900, "light", "heavy")
    grains = []
    for _ in range(24):
        k = int(draw.rng.uniform(0.004, 0.02) * RATE_HZ)
        f = draw.rng.uniform(1500, 8500)
        grains.append(bandpass(noise(draw.rng, k), f, f * 1.8, 1) * decay(k, k / RATE_HZ))
    drops = _rain_of(draw.rng, n, rate, grains, 4)
    bed = np.stack(
        [
            bandpass(noise(draw.rng, n), 500, draw.number("tone_hz", 4000, 12000), 1),
            bandpass(noise(draw.rng, n), 500, 8000, 1),
        ],
        axis=1,
    )
    return _edges(drops / (drops.std() + 1e-9) + bed / bed.std() * (0.2 + 0.6 * (rate / 900) ** 0.5), 0.3)


def fire(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    roar = lowpass(noise(draw.rng, n, -4), draw.number("roar_hz", 150, 700)) * (1 + 0.4 * _wander(draw.rng, n, 3))
    grains = []
    for _ in range(20):
        k = int(draw.rng.uniform(0.002, 0.012) * RATE_HZ)
        f = draw.rng.uniform(900, 7000)
        grains.append(level(bandpass(noise(draw.rng, k), f, f * 2, 1)) * decay(k, k / RATE_HZ * 0.8))
    crackle = _rain_of(draw.rng, n, draw.number("crackles_per_s", 8, 90, "small", "roaring"), grains, 4)
    return _edges(stereo(level(roar)) * 0.35 + level(crackle), 0.3)


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
            foam * swell * (1 + 0.15 * _wander(draw.rng, n, 8)) + 0.3 * lowpass(noise(draw.rng, n, -5), 160) * swell
        )
    return _edges(out, 0.3)


def _drop(rng: np.random.Generator, pitch: float) -> np.ndarray:
    """A bubble's ring after van den Doel: a decaying sine whose pitch rises."""
    k = int(rng.uniform(0.03, 0.12) * RATE_HZ)
    return sine(pitch * (1 + rng.uniform(0.2, 1.1) * np.linspace(0, 1, k) ** 1.5), k) * decay(k, k / RATE_HZ, 0.001)


def water_drop(draw: Draw) -> np.ndarray:
    pitch = draw.number("pitch_hz", 350, 1900, "low", "high")
    count = int(draw.rng.choice([1, 1, 2, 3]))
    draw.name = str(draw.rng.choice(["water drop", "water drip"])) if count == 1 else "water drops"
    n = len(times(0.15 + 0.35 * count))
    out = np.zeros(n)
    for i in range(count):
        place(
            out,
            _drop(draw.rng, pitch * draw.rng.uniform(0.8, 1.25)),
            int(i * draw.rng.uniform(0.2, 0.35) * RATE_HZ),
            draw.rng.uniform(0.6, 1),
        )
    return reverb(out, draw.rng, draw.number("room_s", 0.15, 1.6, "", "echoing"), draw.rng.uniform(0.15, 0.5))


def bubbles(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.8, 4.5)
    n = len(times(length))
    pitch = draw.number("pitch_hz", 250, 1200, "low", "high")
    grains = [_drop(draw.rng, pitch * draw.rng.uniform(0.5, 2)) for _ in range(16)]
    return _edges(_rain_of(draw.rng, n, draw.number("rate_hz", 7, 45, "slow", "fast"), grains, 2), 0.05)


def stream(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n = len(times(length))
    pitch = draw.number("pitch_hz", 500, 1600)
    grains = [_drop(draw.rng, pitch * draw.rng.uniform(0.4, 2.5)) for _ in range(40)]
    out = _rain_of(draw.rng, n, draw.number("rate_hz", 120, 500, "gentle", "rushing"), grains, 3)
    hiss = np.stack([bandpass(noise(draw.rng, n), 400, 5000, 1), bandpass(noise(draw.rng, n), 400, 5000, 1)], axis=1)
    return _edges(level(out) + 0.08 * hiss, 0.3)


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
    return _edges(out + 0.02 * night, 0.2)


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


def footsteps(draw: Draw) -> np.ndarray:
    ground = draw.choice("ground", ("gravel", "wood", "concrete", "snow", "grass"))
    rate = draw.number("steps_hz", 1.3, 3, "slow", "fast")
    count = int(draw.rng.integers(1, 7))
    n = len(times(count / rate + 0.35))
    out = np.zeros(n)
    k = int(0.32 * RATE_HZ)
    for i in range(count):
        thud = lowpass(noise(draw.rng, k, -4), 180) * decay(k, 0.12, 0.002)
        if ground in {"gravel", "snow", "grass"}:
            low, high, rate_of = {"gravel": (1200, 9000, 420), "snow": (700, 4500, 700), "grass": (2500, 10000, 260)}[
                ground
            ]
            grit = np.zeros(k)
            for at in _arrivals(draw.rng, rate_of, 0.16):
                place(grit, draw.rng.standard_normal(90) * decay(90, 0.002), at, draw.rng.random() ** 2)
            surface = bandpass(grit, low, high, 1) * 2
            thud = 0.25 * level(thud)
        else:
            f = draw.rng.uniform(90, 160) if ground == "wood" else draw.rng.uniform(250, 420)
            surface = (
                modes(
                    k, f * np.array([1, 1.9, 3.1, 4.7]), np.array([0.14, 0.1, 0.06, 0.04]), np.array([1, 0.6, 0.4, 0.3])
                )
                if ground == "wood"
                else bandpass(noise(draw.rng, k), 900, 6000, 1) * decay(k, 0.04)
            )
            thud = 0.6 * level(thud)
        place(
            out,
            level(thud + level(surface) * 0.8),
            int((i / rate + draw.rng.normal(0, 0.012)) * RATE_HZ + 900),
            draw.rng.uniform(0.7, 1),
        )
    draw.name = f"footsteps on {ground}" if count > 1 else f"footstep on {ground}"
    return out


def knock(draw: Draw) -> np.ndarray:
    count = int(draw.rng.integers(1, 6))
    rate = draw.number("rate_hz", 2.5, 7, "slow", "fast")
    n = len(times(count / rate + 0.4))
    f = draw.number("pitch_hz", 85, 230, "low", "high")
    out = np.zeros(n)
    ratio = np.array([1, 1.63, 2.4, 3.3, 4.6, 6.1])
    for i in range(count):
        k = int(0.35 * RATE_HZ)
        door = modes(
            k,
            f * ratio * draw.rng.uniform(0.99, 1.01, 6),
            np.array([0.18, 0.12, 0.1, 0.07, 0.05, 0.03]),
            np.array([1, 0.8, 0.6, 0.5, 0.3, 0.25]) * draw.rng.uniform(0.6, 1.2, 6),
        )
        knuckle = bandpass(noise(draw.rng, k), 500, 3500, 1) * decay(k, 0.012)
        place(out, level(door) + 0.5 * level(knuckle), int((i / rate) * RATE_HZ), draw.rng.uniform(0.7, 1))
    draw.name = str(draw.rng.choice(["door knock", "knocking on a wooden door", "knock on wood"]))
    return reverb(out, draw.rng, 0.35, 0.25, 0.3)


def _shard(rng: np.random.Generator, f: float, t60: float, n: int) -> np.ndarray:
    ratio = np.array([1, 1.32, 1.79, 2.38, 3.05, 3.9])
    return modes(
        n, f * ratio * rng.uniform(0.96, 1.04, 6), t60 * rng.uniform(0.4, 1, 6), rng.uniform(0.2, 1, 6), rng.random(6)
    )


def glass_tink(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.25, 1.6)
    n = len(times(length))
    f = draw.number("pitch_hz", 1100, 3900, "low", "high")
    two = sum((_shard(draw.rng, f * 2 ** (c / 1200), length, n) for c in (0, 4)), np.zeros(n))
    return level(two) + 0.25 * highpass(noise(draw.rng, n), 5000) * decay(n, 0.008)


def glass_break(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.7, 2.6)
    n = len(times(length))
    out = np.zeros((n, 2))
    low = draw.number("pane_hz", 1300, 3000)
    count = int(draw.number("shards", 45, 150, "small", "big"))
    for i in range(count):
        at = min(length * 0.8, draw.rng.exponential(length * 0.26)) if i > 6 else draw.rng.uniform(0, 0.02)
        k = int(draw.rng.uniform(0.06, 0.4) * RATE_HZ)
        bit = _shard(draw.rng, low * 2 ** (2 * draw.rng.random()), k / RATE_HZ, k)
        place(
            out,
            pan(level(bit), draw.rng.uniform(-0.8, 0.8)),
            int(at * RATE_HZ),
            np.exp(-1.6 * at / length) * draw.rng.uniform(0.15, 1),
        )
    crash = highpass(noise(draw.rng, n), 1800) * decay(n, 0.16) + 0.5 * bandpass(noise(draw.rng, n), 300, 1500) * decay(
        n, 0.07
    )
    tinkle = highpass(noise(draw.rng, n), 5500) * (draw.rng.random(n) < 0.1) * decay(n, length * 0.5)
    return level(out) + 0.8 * stereo(level(crash)) + 0.25 * stereo(level(tinkle))


def metal_hit(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.3, 2.8)
    n = len(times(length))
    f = draw.number("pitch_hz", 160, 900, "low", "high")
    count = 18
    ratio = np.sort(draw.rng.uniform(1, 14, count))
    ratio[0] = 1
    hard = draw.number("hard", 0.15, 1, "soft", "hard")
    out = modes(
        n,
        f * ratio,
        length * draw.rng.uniform(0.35, 1, count) / ratio**0.35,
        ratio ** (0.6 * hard - 0.8) * draw.rng.uniform(0.4, 1, count),
        draw.rng.random(count),
    )
    return level(out) + 0.3 * hard * level(highpass(noise(draw.rng, n), 2500) * decay(n, 0.02))


def wood_hit(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.08, 0.4)
    n = len(times(length * 1.2))
    f = draw.number("pitch_hz", 130, 520, "low", "high")
    ratio = np.array([1, 1.47, 2.09, 2.56, 3.4, 4.6, 6.2])
    out = modes(n, f * ratio * draw.rng.uniform(0.95, 1.05, 7), length / ratio**0.6, draw.rng.uniform(0.3, 1, 7))
    return level(out) + draw.number("knock", 0.15, 0.6, "soft", "hard") * level(
        bandpass(noise(draw.rng, n), 400, 4000, 1) * decay(n, 0.02)
    )


def typing(draw: Draw) -> np.ndarray:
    rate = draw.number("keys_hz", 3, 11, "slow", "fast")
    length = draw.number("seconds", 1, 4)
    n = len(times(length + 0.1))
    out, at = np.zeros(n), 0.02
    tone = draw.number("tone_hz", 1500, 4200)
    while at < length - 0.1:
        k = int(0.07 * RATE_HZ)
        down = bandpass(noise(draw.rng, k), tone, tone * 2.4, 1) * decay(k, 0.018) + 0.6 * lowpass(
            noise(draw.rng, k), 500
        ) * decay(k, 0.03)
        place(out, level(down), int(at * RATE_HZ), draw.rng.uniform(0.5, 1))
        place(
            out,
            level(highpass(down, 2500)),
            int((at + draw.rng.uniform(0.05, 0.09)) * RATE_HZ),
            draw.rng.uniform(0.15, 0.35),
        )
        at += draw.rng.gamma(4, 0.25) / rate
    return out


def vinyl(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    grains = [
        level(bandpass(draw.rng.standard_normal(k), 900, 9000, 1)) * decay(k, k / RATE_HZ)
        for k in draw.rng.integers(40, 300, 20)
    ]
    ticks = _rain_of(draw.rng, n, draw.number("ticks_per_s", 6, 60, "light", "heavy"), grains, 4)
    hiss = np.stack([highpass(noise(draw.rng, n, -3), 500, 1) for _ in range(2)], axis=1)
    rumble = stereo(lowpass(noise(draw.rng, n, -6), 60))
    return _edges(level(ticks) + 0.03 * hiss + 0.03 * rumble, 0.1)


def static(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.6, 4)
    n = len(times(length))
    colour = draw.choice("colour", ("white noise", "pink noise", "brown noise", "radio static"))
    draw.name = colour
    if colour == "radio static":
        broken = noise(draw.rng, n) * (0.3 + np.clip(_wander(draw.rng, n, 25), 0, 2))
        return _edges(bandpass(broken, 350, 4200, 2), 0.05)
    hiss = noise(draw.rng, n, {"white noise": 0.0, "pink noise": -3.0, "brown noise": -6.0}[colour])
    return _edges(
        np.stack(
            [hiss, noise(draw.rng, n, {"white noise": 0.0, "pink noise": -3.0, "brown noise": -6.0}[colour])], axis=1
        )
        if draw.chance("wide", 0.5, "stereo", "mono")
        else hiss,
        0.05,
    )


def heartbeat(draw: Draw) -> np.ndarray:
    bpm = draw.number("beats_per_minute", 50, 140, "slow", "fast")
    count = int(draw.rng.integers(1, 5))
    n = len(times(count * 60 / bpm + 0.4))
    out, k = np.zeros(n), int(0.3 * RATE_HZ)
    f = draw.number("pitch_hz", 38, 75, "deep", "")
    for i in range(count):
        for lag, gain, ratio in ((0, 1, 1), (0.32 * min(1, 70 / bpm), 0.7, 1.25)):
            thump = sine(glide(k, f * 1.8 * ratio, f * ratio, 0.03), k) * decay(k, 0.22, 0.006)
            place(
                out,
                thump + 0.15 * level(lowpass(noise(draw.rng, k, -3), 250) * decay(k, 0.15, 0.005)),
                int((i * 60 / bpm + lag) * RATE_HZ),
                gain,
            )
    return out


def helicopter(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    rate = draw.number("blades_hz", 9, 22, "slow", "fast")
    chop = np.maximum(0, np.sin(2 * np.pi * phase_of(rate * (1 + 0.004 * _wander(draw.rng, n, 2)), n))) ** 5
    air = (
        lowpass(noise(draw.rng, n, -3), draw.number("tone_hz", 500, 3500)) * (0.1 + chop)
        + 0.7 * lowpass(noise(draw.rng, n, -5), 90) * chop
    )
    whine = sine(draw.rng.uniform(700, 1500), n) * 0.02 + saw(rate * 4, n) * 0.05
    return _edges(stereo(level(air) + whine), 0.25)


def ui_click(draw: Draw) -> np.ndarray:
    n = len(times(draw.number("length", 0.02, 0.09)))
    f = draw.number("pitch_hz", 700, 4200, "low", "high")
    return level(
        modes(n, f * np.array([1, 1.9, 3.1]), n / RATE_HZ * np.array([0.9, 0.5, 0.3]), np.array([1, 0.5, 0.3]))
    ) + 0.3 * highpass(noise(draw.rng, n), 3000) * decay(n, 0.004)


def ui_blip(draw: Draw) -> np.ndarray:
    f = draw.pitch(67, 100)
    length = draw.number("length", 0.06, 0.35)
    n = len(times(length))
    wave = {"sine": sine, "square": pulse}[draw.choice("wave", ("sine", "square"), (2, 1))](f, n)
    return wave * decay(n, length * 1.2, 0.002) * gate(n, 0.002, 0.02)


def ui_notify(draw: Draw) -> np.ndarray:
    f = draw.pitch(64, 86)
    draw.note, rising = None, draw.chance("rising", 0.6, "rising", "falling")
    steps = [0, *np.cumsum(draw.rng.choice([3, 4, 5, 7], int(draw.rng.integers(1, 4))))]
    gap, length = draw.number("gap_s", 0.07, 0.18, "fast", "slow"), draw.number("length", 0.25, 1.3)
    n = len(times(gap * len(steps) + length))
    index = draw.number("fm_index", 0.1, 2.2)
    out = np.zeros(n)
    for i, step in enumerate(steps if rising else steps[::-1]):
        k, pitch = int(length * RATE_HZ), f * 2 ** (step / 12)
        place(
            out,
            np.sin(2 * np.pi * phase_of(pitch, k) + index * decay(k, length * 0.5) * sine(2 * pitch, k))
            * decay(k, length, 0.003),
            int(i * gap * RATE_HZ),
        )
    draw.name = str(draw.rng.choice(["notification chime", "UI chime", "notification sound", "message alert"]))
    return out


def ui_error(draw: Draw) -> np.ndarray:
    f = draw.number("pitch_hz", 90, 320, "low", "high")
    length = draw.number("length", 0.12, 0.35)
    n = len(times(2.4 * length))
    out, k = np.zeros(n), int(length * RATE_HZ)
    buzz = lowpass(pulse(f, k) + pulse(f * 1.06, k), draw.number("tone_hz", 800, 5000)) * gate(k, 0.004, 0.03)
    for i in range(2):
        place(out, buzz, int(i * 1.2 * length * RATE_HZ))
    return out


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


def clock(draw: Draw) -> np.ndarray:
    rate = draw.number("ticks_hz", 1.2, 5, "slow", "fast")
    count = int(draw.rng.integers(2, 9))
    n, k = len(times(min(5.5, count / rate + 0.15))), 4000
    f = draw.number("pitch_hz", 1400, 4200, "low", "high")
    out = np.zeros(n)
    for i in range(count):
        g = f * (1 if i % 2 == 0 else 0.86)
        tick = modes(
            k, g * np.array([1, 1.7, 2.6]), np.array([0.03, 0.02, 0.015]), np.array([1, 0.6, 0.4])
        ) + 0.3 * highpass(noise(draw.rng, k), 2500) * decay(k, 0.006)
        place(out, level(tick), int(i / rate * RATE_HZ), 1 if i % 2 == 0 else 0.7)
    draw.name = str(draw.rng.choice(["clock ticking", "ticking clock"]))
    return reverb(out, draw.rng, 0.3, 0.2, 0.5)


def phone(draw: Draw) -> np.ndarray:
    old = draw.chance("old", 0.5)
    length = draw.number("seconds", 0.8, 2.8)
    n = len(times(length + (0.6 if old else 0.05)))
    k = int(length * RATE_HZ)
    out = np.zeros(n)
    if old:
        f = draw.number("pitch_hz", 900, 1900, "low", "high")
        for i in range(int(length * draw.rng.uniform(18, 26))):
            place(out, _shard(draw.rng, f * (1 if i % 2 else 1.19), 0.35, 14000), int(i / 22 * RATE_HZ), 0.5)
        draw.name = str(draw.rng.choice(["old telephone ring", "telephone bell ringing"]))
        return out
    f = draw.number("pitch_hz", 500, 1300, "low", "high")
    turn = np.arange(k) / RATE_HZ * draw.rng.uniform(14, 26)
    warble = sine(np.where(turn % 1 < 0.5, f, f * draw.rng.uniform(1.15, 1.35)), k)
    place(out, warble * gate(k, 0.005, 0.02), 0)
    draw.name = str(draw.rng.choice(["phone ring", "electronic phone ring"]))
    return out


def creak(draw: Draw) -> np.ndarray:
    """Stick and slip: a train of clicks of wandering rate through the door's resonances."""
    length = draw.number("seconds", 0.6, 2.6)
    n = len(times(length))
    rate = draw.number("slips_hz", 35, 160, "slow", "fast") * 2 ** (0.7 * _wander(draw.rng, n, 2.5))
    turns = phase_of(rate, n)
    slips = np.r_[0.0, np.diff(np.floor(turns))] * draw.rng.uniform(0.5, 1, n)
    body = sum(
        (
            peak(slips, hz, 22) * g
            for hz, g in zip(draw.rng.uniform(350, 3200, 7), draw.rng.uniform(0.4, 1, 7), strict=True)
        ),
        np.zeros(n),
    )
    return reverb(body * np.clip(0.7 + 0.5 * _wander(draw.rng, n, 3), 0.1, 2) * gate(n, 0.05, 0.15), draw.rng, 0.5, 0.3)


def horn(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.3, 1.8)
    n = len(times(length))
    f = draw.number("pitch_hz", 290, 470, "low", "high")
    wave = pulse(f, n, 0.3) + pulse(f * draw.rng.choice([1.189, 1.26, 1.335]), n, 0.3)
    return saturate(peak(wave, 1100, 1.2) + 0.4 * peak(wave, 2600, 2) + 0.2 * wave, 2) * gate(n, 0.012, 0.05)


def applause(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 2.5, 5.85)
    n = len(times(length))
    people = draw.number("claps_per_s", 25, 420, "sparse", "big")
    grains = []
    for _ in range(30):
        k, f = int(draw.rng.uniform(0.012, 0.03) * RATE_HZ), draw.rng.uniform(700, 2200)
        grains.append(level(bandpass(noise(draw.rng, k), f, f * 2.2, 1) * decay(k, k / RATE_HZ, 0.0005)))
    out = _rain_of(draw.rng, n, people, grains, 2.5)
    return _edges(reverb(out, draw.rng, 0.9, 0.4, 0.6)[:n], 0.35)


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


def train(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 3, 5.85)
    n, k = len(times(length)), int(0.2 * RATE_HZ)
    rate = draw.number("clacks_hz", 1.0, 2.6, "slow", "fast")
    bed = lowpass(noise(draw.rng, n, -4), 500) * (1 + 0.25 * _wander(draw.rng, n, 4))
    out = level(bed) * 0.35 + 0.05 * bandpass(noise(draw.rng, n), 1500, 5000, 1)
    for i in range(int(length * rate)):
        for lag in (0, 0.16 / rate):
            clack = (
                bandpass(noise(draw.rng, k), 250, 3000, 1) * decay(k, 0.1)
                + modes(k, np.array([310, 890, 1730]), np.array([0.12, 0.08, 0.05]), np.array([1, 0.7, 0.5])) * 0.6
            )
            place(out, level(clack), int((i / rate + lag) * RATE_HZ), draw.rng.uniform(0.5, 0.8))
    return _edges(out, 0.3)


def sword(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.5, 1.8)
    n = len(times(length))
    f = draw.number("pitch_hz", 1300, 3200, "low", "high")
    count = 14
    ring = modes(
        n,
        f * np.sort(draw.rng.uniform(1, 5, count)),
        length * draw.rng.uniform(0.3, 1, count),
        draw.rng.uniform(0.2, 1, count),
        draw.rng.random(count),
    )
    slide = sweep(noise(draw.rng, n), np.geomspace(2500, 9000, n), 4, "band") * decay(n, 0.35, 0.03)
    return level(ring) * rise(n, draw.rng.uniform(0.002, 0.06)) + 0.7 * level(slide)


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
    Kind("explosion", "sfx", ("explosion", "big explosion"), explosion),
    Kind("coin", "sfx", ("coin pickup", "game coin", "coin sound"), coin),
    Kind("power-up", "sfx", ("power-up",), power_up),
    Kind("jump", "sfx", ("game jump", "8-bit jump", "jump sound"), jump, 0.7),
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
    Kind("water drop", "foley", ("water drop",), water_drop),
    Kind("bubbles", "foley", ("bubbles", "bubbling water", "underwater bubbles"), bubbles),
    Kind("bird", "ambience", ("bird chirp", "bird song", "birds chirping"), bird),
    Kind("footsteps", "foley", ("footsteps",), footsteps),
    Kind("door knock", "foley", ("door knock",), knock),
    Kind("glass tink", "foley", ("glass tink", "glass clink", "wine glass hit"), glass_tink),
    Kind("glass breaking", "foley", ("glass breaking", "glass shatter", "window breaking"), glass_break, 1.5),
    Kind("metal hit", "foley", ("metal hit", "metal clang", "metallic hit"), metal_hit),
    Kind("wood hit", "foley", ("wood hit", "wooden thud", "wooden box hit"), wood_hit),
    Kind("typing", "foley", ("typing", "keyboard typing", "computer keyboard"), typing),
    Kind("heartbeat", "foley", ("heartbeat", "heart beating"), heartbeat),
    Kind("clock", "foley", ("clock ticking",), clock),
    Kind("phone", "ui", ("phone ring",), phone),
    Kind("door creak", "foley", ("door creak", "creaking door", "rusty hinge creak"), creak),
    Kind("car horn", "sfx", ("car horn", "horn honk"), horn),
    Kind("applause", "ambience", ("applause", "crowd clapping", "audience applause"), applause),
    Kind("sonar", "sfx", ("sonar ping", "submarine sonar ping"), sonar),
    Kind("steam", "sfx", ("steam hiss", "air release", "steam burst"), steam),
    Kind("record scratch", "sfx", ("record scratch", "vinyl scratch", "DJ scratch"), scratch),
    Kind("train", "ambience", ("train", "train on tracks", "railway train passing"), train),
    Kind("sword", "foley", ("sword clash", "sword hit", "metal blade ring"), sword),
    Kind("alarm", "ui", ("alarm beep", "alarm", "beeping alarm"), alarm),
    Kind("click", "ui", ("UI click", "button click", "interface click"), ui_click, 1.5),
    Kind("blip", "ui", ("UI blip", "blip", "beep"), ui_blip, 1.5),
    Kind("chime", "ui", ("notification chime",), ui_notify, 1.5),
    Kind("error", "ui", ("error sound", "error buzz", "UI error buzzer"), ui_error, 1.5),
)
