"""Foley: water drops, footsteps, glass, metal, wood, clocks, doors."""

import numpy as np

from training.synthesis.ambiences import drop
from training.synthesis.dsp import (
    RATE_HZ,
    arrivals,
    bandpass,
    decay,
    edges,
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
    reverb,
    rise,
    scatter,
    sine,
    stereo,
    sweep,
    times,
    wander,
)
from training.synthesis.wording import Draw, Kind


def shard(rng: np.random.Generator, f: float, t60: float, n: int) -> np.ndarray:
    ratio = np.array([1, 1.32, 1.79, 2.38, 3.05, 3.9])
    return modes(
        n, f * ratio * rng.uniform(0.96, 1.04, 6), t60 * rng.uniform(0.4, 1, 6), rng.uniform(0.2, 1, 6), rng.random(6)
    )


def water_drop(draw: Draw) -> np.ndarray:
    pitch = draw.number("pitch_hz", 350, 1900, "low", "high")
    count = int(draw.rng.choice([1, 1, 2, 3]))
    draw.name = str(draw.rng.choice(["water drop", "water drip"])) if count == 1 else "water drops"
    n = len(times(0.15 + 0.35 * count))
    out = np.zeros(n)
    for i in range(count):
        place(
            out,
            drop(draw.rng, pitch * draw.rng.uniform(0.8, 1.25)),
            int(i * draw.rng.uniform(0.2, 0.35) * RATE_HZ),
            draw.rng.uniform(0.6, 1),
        )
    return reverb(out, draw.rng, draw.number("room_s", 0.15, 1.6, "", "echoing"), draw.rng.uniform(0.15, 0.5))


def bubbles(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.8, 4.5)
    n = len(times(length))
    pitch = draw.number("pitch_hz", 250, 1200, "low", "high")
    grains = [drop(draw.rng, pitch * draw.rng.uniform(0.5, 2)) for _ in range(16)]
    return edges(scatter(draw.rng, n, draw.number("rate_hz", 7, 45, "slow", "fast"), grains, 2), 0.05)


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
            for at in arrivals(draw.rng, rate_of, 0.16):
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
            max(0, int((i / rate + draw.rng.normal(0, 0.012)) * RATE_HZ + 900)),
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


def glass_tink(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.25, 1.6)
    n = len(times(length))
    f = draw.number("pitch_hz", 1100, 3900, "low", "high")
    two = sum((shard(draw.rng, f * 2 ** (c / 1200), length, n) for c in (0, 4)), np.zeros(n))
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
        bit = shard(draw.rng, low * 2 ** (2 * draw.rng.random()), k / RATE_HZ, k)
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


def creak(draw: Draw) -> np.ndarray:
    """Stick and slip: a train of clicks of wandering rate through the door's resonances."""
    length = draw.number("seconds", 0.6, 2.6)
    n = len(times(length))
    rate = draw.number("slips_hz", 35, 160, "slow", "fast") * 2 ** (0.7 * wander(draw.rng, n, 2.5))
    turns = phase_of(rate, n)
    slips = np.r_[0.0, np.diff(np.floor(turns))] * draw.rng.uniform(0.5, 1, n)
    body = sum(
        (
            peak(slips, hz, 22) * g
            for hz, g in zip(draw.rng.uniform(350, 3200, 7), draw.rng.uniform(0.4, 1, 7), strict=True)
        ),
        np.zeros(n),
    )
    return reverb(body * np.clip(0.7 + 0.5 * wander(draw.rng, n, 3), 0.1, 2) * gate(n, 0.05, 0.15), draw.rng, 0.5, 0.3)


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


FOLEY = (
    Kind("water drop", "foley", ("water drop",), water_drop),
    Kind("bubbles", "foley", ("bubbles", "bubbling water", "underwater bubbles"), bubbles),
    Kind("footsteps", "foley", ("footsteps",), footsteps),
    Kind("door knock", "foley", ("door knock",), knock),
    Kind("glass tink", "foley", ("glass tink", "glass clink", "wine glass hit"), glass_tink),
    Kind("glass breaking", "foley", ("glass breaking", "glass shatter", "window breaking"), glass_break, 1.5),
    Kind("metal hit", "foley", ("metal hit", "metal clang", "metallic hit"), metal_hit),
    Kind("wood hit", "foley", ("wood hit", "wooden thud", "wooden box hit"), wood_hit),
    Kind("typing", "foley", ("typing", "keyboard typing", "computer keyboard"), typing),
    Kind("heartbeat", "foley", ("heartbeat", "heart beating"), heartbeat),
    Kind("clock", "foley", ("clock ticking",), clock),
    Kind("door creak", "foley", ("door creak", "creaking door", "rusty hinge creak"), creak),
    Kind("sword", "foley", ("sword clash", "sword hit", "metal blade ring"), sword),
)
