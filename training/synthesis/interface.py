"""Interface sounds: clicks, blips, chimes, alarms, phones."""

import numpy as np

from training.synthesis.dsp import (
    RATE_HZ,
    decay,
    gate,
    highpass,
    level,
    lowpass,
    modes,
    noise,
    phase_of,
    place,
    pulse,
    saw,
    sine,
    times,
)
from training.synthesis.foley import shard
from training.synthesis.wording import Draw, Kind


def phone(draw: Draw) -> np.ndarray:
    old = draw.chance("old", 0.5)
    length = draw.number("seconds", 0.8, 2.8)
    n = len(times(length + (0.6 if old else 0.05)))
    k = int(length * RATE_HZ)
    out = np.zeros(n)
    if old:
        f = draw.number("pitch_hz", 900, 1900, "low", "high")
        for i in range(int(length * draw.rng.uniform(18, 26))):
            place(out, shard(draw.rng, f * (1 if i % 2 else 1.19), 0.35, 14000), int(i / 22 * RATE_HZ), 0.5)
        draw.name = str(draw.rng.choice(["old telephone ring", "telephone bell ringing"]))
        return out
    f = draw.number("pitch_hz", 500, 1300, "low", "high")
    turn = np.arange(k) / RATE_HZ * draw.rng.uniform(14, 26)
    warble = sine(np.where(turn % 1 < 0.5, f, f * draw.rng.uniform(1.15, 1.35)), k)
    place(out, warble * gate(k, 0.005, 0.02), 0)
    draw.name = str(draw.rng.choice(["phone ring", "electronic phone ring"]))
    return out


def alarm(draw: Draw) -> np.ndarray:
    f = draw.pitch(69, 98)
    rate = draw.number("rate_hz", 1.6, 9, "slow", "fast")
    count = int(draw.rng.integers(2, 9))
    n = len(times(min(4.5, count / rate)))
    wave = {"sine": sine, "square": pulse, "saw": saw}[draw.choice("wave", ("sine", "square", "saw"))](f, n)
    on = ((np.arange(n) / RATE_HZ * rate) % 1) < draw.rng.uniform(0.4, 0.65)
    kernel = np.hanning(220)
    return wave * np.convolve(on, kernel / kernel.sum(), "same") * gate(n, 0.004, 0.01)


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


INTERFACE = (
    Kind("phone", "ui", ("phone ring",), phone),
    Kind("alarm", "ui", ("alarm beep", "alarm", "beeping alarm"), alarm),
    Kind("click", "ui", ("UI click", "button click", "interface click"), ui_click, 1.5),
    Kind("blip", "ui", ("UI blip", "blip", "beep"), ui_blip, 1.5),
    Kind("chime", "ui", ("notification chime",), ui_notify, 1.5),
    Kind("error", "ui", ("error sound", "error buzz", "UI error buzzer"), ui_error, 1.5),
)
