"""Pitched voices: basses, keys, synths, strings, winds, voices. Each is tuned exactly to the note it draws."""

import numpy as np
from numba import njit

from model.contour import frequency
from training.synthesis.dsp import (
    RATE_HZ,
    bandpass,
    decay,
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
    pulse,
    rise,
    saturate,
    saw,
    sine,
    stereo,
    sweep,
    times,
    unison,
)
from training.synthesis.wording import Draw, Kind

VOWELS = {
    "ah": (730, 1090, 2440, 3400),
    "oh": (570, 840, 2410, 3300),
    "oo": (300, 870, 2240, 3200),
    "ee": (270, 2290, 3010, 3600),
    "eh": (530, 1840, 2480, 3500),
}  # Peterson and Barney 1952
CHORDS = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "sus4": (0, 5, 7),
    "major seventh": (0, 4, 7, 11),
    "minor seventh": (0, 3, 7, 10),
    "diminished": (0, 3, 6),
}


def _vibrato(draw: Draw, f: float, n: int, cents: float) -> np.ndarray:
    """The note's frequency with a vibrato that sets in late and swings evenly around it."""
    swing = np.sin(2 * np.pi * draw.rng.uniform(4.5, 6.2) * np.arange(n) / RATE_HZ + draw.rng.uniform(0, 6.28))
    return f * 2 ** (cents / 1200 * swing * rise(n, 0.6 * n / RATE_HZ))


def _three(f: np.ndarray, n: int, ratio: float) -> np.ndarray:
    """A saw between two that lie `ratio` above and below, mirrored in phase."""
    return saw(f, n) + 0.6 * (saw(f * ratio, n, 0.3) + saw(f / ratio, n, -0.3))


def _section(draw: Draw, f: float, n: int, players: int, cents: float, vibrato: float) -> np.ndarray:
    """(n, 2) saws of an ensemble, each with a vibrato of its own, spread around one who is in tune."""
    out = pan(2 * saw(_vibrato(draw, f, n, vibrato), n), 0)
    for i in range(players // 2):
        off, lag, side = cents * draw.rng.uniform(0.3, 1), draw.rng.random(), draw.rng.uniform(0.2, 0.9) * (-1) ** i
        for sign in (-1, 1):
            out += pan(saw(_vibrato(draw, f * 2 ** (sign * off / 1200), n, vibrato), n, sign * lag), sign * side)
    return out


def _filtered(draw: Draw, x: np.ndarray, f: float, length: float, q_high: float = 4.0) -> np.ndarray:
    """Low-pass with an envelope: the opening is what one hears as bright."""
    cut = draw.number("cutoff_hz", 250, 7000)
    amount = draw.number("filter_envelope", 1.0, 8)
    q = draw.number("q", 0.6, q_high, "", "resonant")
    n = len(x)
    return sweep(x, np.maximum(f * 1.2, cut) * (1 + amount * decay(n, length * draw.rng.uniform(0.3, 1.2), 0.004)), q)


def bass_sub(draw: Draw) -> np.ndarray:
    f = draw.pitch(24, 45)
    length = draw.number("length", 0.4, 2.6)
    n = len(times(length))
    wave = sine(f, n) + draw.number("second", 0.02, 0.4) * sine(2 * f, n)
    return saturate(wave, draw.number("drive", 0.2, 2.5, "clean", "saturated")) * gate(
        n, draw.number("attack", 0.003, 0.06), 0.08, 0.8
    )


def bass_reese(draw: Draw) -> np.ndarray:
    f = draw.pitch(24, 45)
    length = draw.number("length", 0.8, 4)
    n = len(times(length))
    cents = draw.number("detune_cents", 8, 32, "", "detuned")
    wave = unison(draw.rng, f, n, 5, cents, draw.number("wide", 0, 0.9, "", "wide"))
    q = draw.number("q", 0.6, 3)
    cut = draw.number("cutoff_hz", 200, 2600)
    rate = draw.number("rate_hz", 0.15, 1.2)
    moving = cut * 2 ** (0.8 * np.sin(2 * np.pi * rate * np.arange(n) / RATE_HZ))
    return saturate(sweep(wave, moving, q), draw.number("drive", 0.3, 4, "", "distorted")) * gate(n, 0.01, 0.1)[:, None]


def bass_acid(draw: Draw) -> np.ndarray:
    f = draw.pitch(24, 48)
    length = draw.number("length", 0.2, 1.2)
    n = len(times(length))
    wave = saw(f, n) if draw.chance("saw", 0.7) else pulse(f, n, 0.5)
    cut = draw.number("cutoff_hz", 180, 900)
    moving = cut * (1 + draw.number("filter_envelope", 3, 16) * decay(n, draw.number("filter_s", 0.15, 1.2)))
    out = sweep(sweep(wave, moving, draw.number("q", 2, 11, "", "squelchy")), moving * 1.1, 0.7)
    return saturate(out, draw.number("drive", 0.6, 6, "", "distorted")) * gate(n, 0.002, 0.04, 0.7, 0.2)


def bass_saw(draw: Draw) -> np.ndarray:
    f = draw.pitch(24, 48)
    length = draw.number("length", 0.25, 2.2)
    n = len(times(length))
    wave = unison(draw.rng, f, n, 3, draw.number("detune_cents", 0.5, 14, "", "detuned"), 0.0)[:, 0] + 0.5 * pulse(f, n)
    return _filtered(draw, wave + 0.5 * sine(f, n), f, length) * gate(
        n, 0.003, 0.06, draw.number("sustain", 0.4, 1), 0.3
    )


def bass_square(draw: Draw) -> np.ndarray:
    f = draw.pitch(24, 48)
    length = draw.number("length", 0.2, 1.6)
    n = len(times(length))
    wave = pulse(f, n, draw.number("width", 0.15, 0.5, "thin", ""))
    return lowpass(wave, draw.number("cutoff_hz", 300, 6000), 2) * gate(n, 0.002, 0.05, 0.7, 0.3)


def bass_fm(draw: Draw) -> np.ndarray:
    f = draw.pitch(24, 48)
    length = draw.number("length", 0.3, 1.8)
    n = len(times(length))
    index = draw.number("fm_index", 0.8, 7) * (0.2 + 0.8 * decay(n, draw.number("fm_s", 0.15, 1.2)))
    ratio = float(draw.choice("fm_ratio", ("1", "2", "3"), (3, 2, 1)))
    wave = np.sin(2 * np.pi * phase_of(f, n) + index * np.sin(2 * np.pi * phase_of(f * ratio, n)))
    return (wave + 0.4 * sine(f, n)) * decay(n, length * 1.6, 0.002) * gate(n, 0.001, 0.05)


def _string(draw: Draw, f: float, n: int, t60: float, bright: float, position: float, soft: bool) -> np.ndarray:
    """Karplus-Strong: a comb loop with a two-tap low-pass, tuned by interpolating the delay, plucked at `position`."""
    stretch = 0.5 * (1 - bright)  # 0 … 0.5: how much the loop's filter averages
    period = RATE_HZ / f
    whole = int(period - stretch - 0.2)
    part = period - whole - stretch
    a = (1 - part) / (1 + part)  # first-order all-pass of delay `part`
    burst = draw.rng.standard_normal(whole + 1)
    burst = lowpass(burst, (1500 if soft else 5000) + 9000 * bright, 1)
    excitation = np.zeros(n)
    excitation[: len(burst)] = burst
    back = max(1, round(position * period))
    excitation[back : back + len(burst)] -= burst[: max(0, n - back)]
    return _comb(excitation, whole, a, float(np.exp(-np.log(1000) / (t60 * f))), stretch)


@njit(cache=True)
def _comb(x: np.ndarray, whole: int, a: float, loss: float, stretch: float) -> np.ndarray:
    """y = x + loss · z^−whole · (a + 1/z)/(1 + a/z) · (1 − s + s/z) · y"""
    y = np.empty_like(x)
    before_in = before_out = before_y = 0.0
    for i in range(x.shape[0]):
        late = y[i - whole] if i >= whole else 0.0
        damped = (1 - stretch) * late + stretch * before_y
        before_y = late
        passed = a * damped + before_in - a * before_out
        before_in = damped
        before_out = passed
        y[i] = x[i] + loss * passed
    return y


def _strung(
    draw: Draw, low: int, high: int, shortest: float, longest: float, body: tuple[float, ...], soft: bool
) -> np.ndarray:
    f = draw.pitch(low, high)
    length = draw.number("length", shortest, longest)
    n = len(times(length))
    bright = draw.number("damping", 0.05, 0.95)
    out = _string(draw, f, n, length * 1.3, bright, draw.number("position", 0.08, 0.5), soft)
    out += sum((0.5 * peak(out, hz, 6) for hz in body), np.zeros(n))
    if draw.chance("muted", 0.15, "muted"):
        out *= decay(n, length * 0.35)
    return out * gate(n, 0.0005, min(0.2, length * 0.3))


def bass_pluck(draw: Draw) -> np.ndarray:
    return lowpass(_strung(draw, 28, 52, 0.5, 2.5, (90, 200), True), 4500, 1)


def guitar(draw: Draw) -> np.ndarray:
    return _strung(draw, 40, 76, 0.6, 3.2, (105, 210, 410), False)


def harp(draw: Draw) -> np.ndarray:
    return lowpass(_strung(draw, 48, 88, 0.8, 3.5, (180, 330), True), 8000, 1)


def banjo(draw: Draw) -> np.ndarray:
    return highpass(_strung(draw, 50, 79, 0.3, 1.1, (480, 900, 1700), False), 180, 1)


def koto(draw: Draw) -> np.ndarray:
    out = _strung(draw, 48, 79, 0.8, 2.8, (300, 620, 1100), False)
    return saturate(out, 1.5)


def guitar_electric(draw: Draw) -> np.ndarray:
    out = _strung(draw, 40, 74, 0.8, 3.4, (), False)
    drive = draw.number("drive", 2, 30, "crunchy", "distorted")
    return lowpass(saturate(highpass(out, 90, 1), drive), draw.number("cabinet_hz", 2500, 6000), 2) * gate(
        len(out), 0.0005, 0.1
    )


def marimba(draw: Draw) -> np.ndarray:
    f = draw.pitch(45, 84)
    length = draw.number("length", 0.35, 1.6) * (262 / f) ** 0.25
    n = len(times(length))
    hard = draw.number("mallet", 0.05, 0.7, "soft", "hard")
    bar = modes(
        n, f * np.array([1, 3.93, 9.8]), length * np.array([1, 0.3, 0.12]), np.array([1, hard * 0.5, hard * 0.3])
    )
    return bar + lowpass(noise(draw.rng, n), 600 + 4000 * hard) * decay(n, 0.015) * 0.2


def vibraphone(draw: Draw) -> np.ndarray:
    f = draw.pitch(53, 84)
    length = draw.number("length", 1.2, 4)
    n = len(times(length))
    hard = draw.number("mallet", 0.05, 0.6, "soft", "hard")
    bar = modes(
        n, f * np.array([1, 3.98, 10.2]), length * np.array([1, 0.5, 0.2]), np.array([1, hard * 0.6, hard * 0.3])
    )
    deep = draw.number("tremolo", 0.05, 0.6, "", "with tremolo")
    return bar * (1 - deep * (0.5 + 0.5 * np.sin(2 * np.pi * draw.rng.uniform(4, 7) * np.arange(n) / RATE_HZ)))


def kalimba(draw: Draw) -> np.ndarray:
    f = draw.pitch(55, 86)
    length = draw.number("length", 0.5, 1.8)
    n = len(times(length))
    hard = draw.number("thumb", 0.1, 0.6, "soft", "hard")
    tine = modes(
        n, f * np.array([1, 5.4, 12.2]), length * np.array([1, 0.25, 0.1]), np.array([1, hard * 0.35, hard * 0.2])
    )
    return tine + bandpass(noise(draw.rng, n), 300, 1800, 1) * decay(n, 0.02) * 0.2 * hard


def bell_fm(draw: Draw) -> np.ndarray:
    f = draw.pitch(55, 91)
    length = draw.number("length", 0.8, 4)
    n = len(times(length))
    ratio = float(draw.choice("fm_ratio", ("1.414", "2.756", "3.5", "5.404")))
    index = draw.number("fm_index", 0.5, 5) * decay(n, length * 0.6)
    strike = np.sin(2 * np.pi * phase_of(f, n) + index * sine(f * ratio, n)) * decay(n, length, 0.001)
    return strike + 0.6 * sine(f, n) * decay(n, length * 1.1)


def bell_church(draw: Draw) -> np.ndarray:
    f = draw.pitch(48, 76)
    length = draw.number("length", 2, 5.5)
    n = len(times(length))
    ratio = np.array([0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433])
    gains = np.array([0.5, 1.6, 0.5, 0.3, 0.8, 0.3, 0.25, 0.3, 0.3, 0.2])
    hard = draw.number("strike", 0.3, 1.6)
    gains = gains * np.where(ratio > 1.9, hard, 1)
    return modes(n, f * ratio, length * np.minimum(1, 1.1 / np.sqrt(ratio)), gains, draw.rng.random(10) * 0.1)


def glockenspiel(draw: Draw) -> np.ndarray:
    f = draw.pitch(72, 96)
    length = draw.number("length", 0.5, 2.2)
    n = len(times(length))
    bar = modes(
        n,
        f * np.array([1, 2.756, 5.404]),
        length * np.array([1, 0.4, 0.2]),
        np.array([1, 1, 0.6]) * np.array([1, draw.number("mallet", 0.1, 0.6), 0.3]),
    )
    return bar + 0.1 * highpass(noise(draw.rng, n), 4000) * decay(n, 0.008)


def electric_piano(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 84)
    length = draw.number("length", 0.8, 3.5)
    n = len(times(length))
    hard = draw.number("velocity", 0.3, 2.2, "soft", "hard")
    fall = decay(n, length * 1.2, 0.001)
    body = np.sin(2 * np.pi * phase_of(f, n) + hard * 0.8 * decay(n, length * 0.6) * sine(f, n))
    tine = np.sin(2 * np.pi * phase_of(f, n) + hard * 0.7 * decay(n, 0.35) * sine(14 * f if f < 700 else 7 * f, n))
    out = (body + 0.5 * tine * decay(n, length * 0.6)) * fall * gate(n, 0.001, 0.1)
    if draw.chance("tremolo", 0.3, "with stereo tremolo"):
        swing = 0.7 * np.sin(2 * np.pi * draw.rng.uniform(3, 6) * np.arange(n) / RATE_HZ)
        return np.stack([out * np.sqrt(1 - swing), out * np.sqrt(1 + swing)], axis=1)
    return out


def piano(draw: Draw) -> np.ndarray:
    f = draw.pitch(28, 96)
    length = draw.number("length", 0.8, 4.5)
    n = len(times(length))
    hard = draw.number("velocity", 0.1, 1, "soft", "hard")
    stiff = 0.0004 * (f / 262) ** 1.2
    k = np.arange(1, min(28, int(16000 / f)) + 1)
    # partials are stretched about the first, so that the first is exactly the note
    partials = f * k * np.sqrt((1 + stiff * k * k) / (1 + stiff))
    gains = np.abs(np.sin(np.pi * k / 8)) / k ** (1.9 - 1.1 * hard)
    t60 = np.minimum(length * 1.6, 9 * (110 / f) ** 0.5) / (1 + 0.12 * k)
    out = sum(
        (
            modes(n, partials * 2 ** (c / 1200), t60 * w, gains, draw.rng.random(len(k)))
            for c, w in ((0.0, 1.0), (0.35, 0.9), (-0.35, 1.1))
        ),
        np.zeros(n),
    )
    thump = lowpass(noise(draw.rng, n), 350 + 900 * hard) * decay(n, 0.08)
    return (
        level(out) + 0.12 * hard * level(thump) if length > 1 else (level(out) + 0.1 * level(thump)) * gate(n, 0, 0.08)
    )


def organ(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 84)
    length = draw.number("length", 0.5, 3.5)
    n = len(times(length))
    bars = draw.rng.uniform(0, 1, 9) * np.array([0.6, 0.5, 1.2, 1, 0.8, 0.8, 0.6, 0.5, 0.6])
    bars[2] = 1.3
    tilt = draw.number("tilt", 0.15, 1.3)
    ratio = np.array([0.5, 1.5, 1, 2, 3, 4, 5, 6, 8])
    out = sum(
        (
            b * tilt ** np.log2(max(1, r)) * sine(f * r, n, draw.rng.random())
            for b, r in zip(bars, ratio, strict=True)
            if f * r < 14000
        ),
        np.zeros(n),
    )
    if draw.chance("percussion", 0.35, "percussive"):
        out += 1.5 * sine(3 * f, n) * decay(n, 0.3)
    out = level(out) + 0.05 * highpass(noise(draw.rng, n), 1500) * decay(n, 0.015)
    if draw.chance("rotary", 0.4, "with rotary speaker"):
        swing = 0.4 * np.sin(2 * np.pi * draw.rng.uniform(5.5, 7) * np.arange(n) / RATE_HZ)
        return np.stack([out * (1 + swing), out * (1 - swing)], axis=1) * gate(n, 0.004, 0.05)[:, None]
    return out * gate(n, 0.004, 0.05)


def clavinet(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 79)
    length = draw.number("length", 0.25, 1.4)
    n = len(times(length))
    wave = pulse(f, n, draw.number("width", 0.08, 0.3)) * decay(n, length, 0.001)
    out = sweep(wave, draw.number("cutoff_hz", 900, 5000) * (1 + 2 * decay(n, 0.2)), 2.0)
    return (highpass(out, 120, 1) + 0.2 * highpass(noise(draw.rng, n), 2000) * decay(n, 0.008)) * gate(n, 0.0005, 0.04)


def harpsichord(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 84)
    length = draw.number("length", 0.6, 2.4)
    n = len(times(length))
    out = _string(draw, f, n, length, draw.number("damping", 0.5, 0.99), 0.1, False)
    if f * 2 < 2000 and draw.chance("four_foot", 0.4):
        out += 0.5 * _string(draw, 2 * f, n, length * 0.8, 0.9, 0.12, False)
    return highpass(out, 150, 1) * gate(n, 0.0003, 0.05)


def synth_pluck(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 84)
    length = draw.number("length", 0.2, 1.4)
    n = len(times(length))
    wave = unison(
        draw.rng, f, n, 3, draw.number("detune_cents", 1, 16, "", "detuned"), draw.number("wide", 0, 0.8, "", "wide")
    )
    return _filtered(draw, wave, f, length * 0.5) * decay(n, length, 0.001)[:, None]


def synth_lead(draw: Draw) -> np.ndarray:
    f = draw.pitch(48, 84)
    length = draw.number("length", 0.4, 2.6)
    n = len(times(length))
    shape = draw.choice("wave", ("saw", "square"))
    draw.name = f"{shape} lead" if draw.rng.random() < 0.6 else "synth lead"
    vibrato = _vibrato(draw, f, n, draw.number("vibrato_cents", 2, 28, "", "with vibrato"))
    wave = _three(vibrato, n, 1.003) if shape == "saw" else pulse(vibrato, n, 0.5)
    return saturate(_filtered(draw, wave, f, length), draw.number("drive", 0.3, 4, "clean", "distorted")) * gate(
        n, 0.006, 0.08, 0.8
    )


def synth_super(draw: Draw) -> np.ndarray:
    f = draw.pitch(40, 79)
    length = draw.number("length", 0.5, 3)
    n = len(times(length))
    wave = unison(
        draw.rng, f, n, 7, draw.number("detune_cents", 6, 30, "", "detuned"), draw.number("wide", 0.2, 1, "", "wide")
    )
    return (
        lowpass(highpass(wave, f * 0.7, 1), draw.number("cutoff_hz", 1200, 14000), 2)
        * gate(n, draw.number("attack", 0.003, 0.15), 0.12)[:, None]
    )


def _chord(draw: Draw, low: int, high: int) -> tuple[list[float], str]:
    draw.pitch(low, high)
    kind = draw.choice("chord", tuple(CHORDS), (4, 4, 1, 2, 2, 0.6))
    assert draw.note is not None
    return [frequency(draw.note + step) for step in CHORDS[kind]], kind


def synth_chord(draw: Draw) -> np.ndarray:
    pitches, chord = _chord(draw, 45, 64)
    length = draw.number("length", 0.4, 3)
    n = len(times(length))
    cents = draw.number("detune_cents", 3, 20, "", "detuned")
    wide = draw.number("wide", 0.1, 1, "", "wide")
    wave = sum((unison(draw.rng, f, n, 3, cents, wide) for f in pitches), np.zeros((n, 2)))
    draw.name = draw.rng.choice(
        [f"{chord} saw chord", f"{chord} synth stab" if length < 0.8 else f"{chord} synth chord"]
    )
    return _filtered(draw, wave, pitches[0], length, 2.0) * gate(n, 0.004, min(0.3, length * 0.4), 0.8)[:, None]


def pad(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 72)
    length = draw.number("length", 2.2, 5.85)
    n = len(times(length))
    cents = draw.number("detune_cents", 4, 18, "", "detuned")
    wave = unison(draw.rng, f, n, 5, cents, draw.number("wide", 0.2, 1, "", "wide")) + 0.4 * stereo(sine(f, n))
    if draw.chance("fifth", 0.2, "with fifths"):
        wave += 0.5 * unison(draw.rng, f * 1.5, n, 3, cents, 1)
    cut = draw.number("cutoff_hz", 350, 5000)
    slow = cut * 2 ** (
        draw.number("movement", 0.1, 1.3)
        * np.sin(2 * np.pi * (draw.rng.uniform(0.08, 0.5) * np.arange(n) / RATE_HZ + draw.rng.random()))
    )
    out = sweep(wave, np.maximum(slow, f * 1.5), 0.8)
    return out * gate(n, draw.number("attack", 0.1, 1.2, "", "slow"), draw.number("release", 0.4, 1.4))[:, None]


def pad_glass(draw: Draw) -> np.ndarray:
    f = draw.pitch(48, 79)
    length = draw.number("length", 2.2, 5.8)
    n = len(times(length))
    out = np.zeros((n, 2))
    tilt = draw.number("tilt", 0.25, 0.85)
    for k, ratio in enumerate((1, 2, 3, 4, 6, 8)):
        beat = 1 + 0.6 * np.sin(2 * np.pi * (draw.rng.uniform(0.1, 0.9) * np.arange(n) / RATE_HZ + draw.rng.random()))
        if f * ratio < 15000:
            out += pan(sine(f * ratio, n, draw.rng.random()) * beat * tilt**k, draw.rng.uniform(-0.7, 0.7))
    return out * gate(n, draw.number("attack", 0.08, 0.9), 0.9)[:, None]


def strings(draw: Draw) -> np.ndarray:
    f = draw.pitch(38, 84)
    length = draw.number("length", 1, 4.5)
    n = len(times(length))
    out = _section(draw, f, n, 8, 9, 6)
    out = lowpass(highpass(out, max(60, f * 0.6), 1), draw.number("cutoff_hz", 1300, 7500), 1)
    out += 0.6 * (peak(out, 500, 3) + peak(out, 1100, 3))
    attack = draw.number("attack", 0.04, 0.5, "", "slow attack")
    return out * gate(n, min(attack, length / 3), min(0.4, length * 0.3))[:, None]


def flute(draw: Draw) -> np.ndarray:
    f = draw.pitch(60, 91)
    length = draw.number("length", 0.5, 2.8)
    n = len(times(length))
    vibrato = _vibrato(draw, f, n, draw.number("vibrato_cents", 3, 25, "", "with vibrato"))
    bright = draw.number("overtones", 0.12, 0.6)
    turns = phase_of(vibrato, n)
    tone = sum((bright ** (k - 1) * np.sin(2 * np.pi * k * turns) for k in range(1, 7) if k * f < 16000), np.zeros(n))
    breath = bandpass(noise(draw.rng, n), f * 0.8, min(12000, f * 6), 1)
    breath = level(breath) * (draw.number("breath", 0.03, 0.4, "", "breathy") + 0.3 * decay(n, 0.12))
    return (tone + breath) * gate(n, draw.rng.uniform(0.03, 0.1), 0.1, 0.85)


def brass(draw: Draw) -> np.ndarray:
    f = draw.pitch(40, 77)
    length = draw.number("length", 0.35, 2.4)
    n = len(times(length))
    scoop = _vibrato(draw, f, n, 7) * 2 ** (-0.5 / 12 * decay(n, 0.08))
    wave = _three(scoop, n, 1.0015)
    loud = draw.number("loudness", 1.5, 9, "soft", "loud")
    envelope = gate(n, draw.number("attack", 0.02, 0.12), 0.1, 0.8, 0.15)
    out = sweep(wave, f * (1 + loud * envelope) + 200, 1.1)
    return (out + 0.5 * peak(out, 1200, 2)) * envelope


def reed(draw: Draw) -> np.ndarray:
    f = draw.pitch(50, 82)
    length = draw.number("length", 0.4, 2.6)
    n = len(times(length))
    vibrato = _vibrato(draw, f, n, draw.number("vibrato_cents", 2, 18, "", "with vibrato"))
    bright = draw.number("overtones", 0.35, 0.85)
    turns = phase_of(vibrato, n)
    odd = sum(
        (bright ** (k // 2) / np.sqrt(k) * np.sin(2 * np.pi * k * turns) for k in range(1, 20, 2) if k * f < 16000),
        np.zeros(n),
    )
    even = sum((0.12 * bright**k * np.sin(2 * np.pi * k * turns) for k in range(2, 9, 2) if k * f < 16000), np.zeros(n))
    return (odd + even + 0.01 * highpass(noise(draw.rng, n), 2000)) * gate(n, draw.rng.uniform(0.02, 0.07), 0.08, 0.9)


def choir(draw: Draw) -> np.ndarray:
    f = draw.pitch(45, 76)
    length = draw.number("length", 1.2, 5)
    n = len(times(length))
    vowel = draw.choice("vowel", tuple(VOWELS), (4, 2, 2, 1, 1))
    draw.name = str(draw.rng.choice([f"choir {vowel}", f"choir singing {vowel}", f"synth choir {vowel}"]))
    size = 1.12 if f > 220 else 1.0
    out = lowpass(_section(draw, f, n, 6, 8, 14), 900, 1)
    shaped = sum(
        (
            g * peak(out, hz * size, q)
            for hz, g, q in zip(VOWELS[vowel], (1, 0.7, 0.5, 0.4), (6, 9, 12, 14), strict=True)
        ),
        0.08 * out,
    )
    breath = peak(noise(draw.rng, n), VOWELS[vowel][1] * size, 4) * draw.number("breath", 0.003, 0.05, "", "breathy")
    return (level(shaped) + stereo(breath)) * gate(n, min(0.4, length / 4), min(0.6, length / 3))[:, None]


def voice_ah(draw: Draw) -> np.ndarray:
    f = draw.pitch(43, 72)
    length = draw.number("length", 0.4, 2.4)
    n = len(times(length))
    vowel = draw.choice("vowel", tuple(VOWELS), (4, 2, 2, 1, 1))
    draw.name = str(draw.rng.choice([f"sung {vowel}", f"voice singing {vowel}", f"synthetic voice {vowel}"]))
    size = 1.15 if f > 200 else 1.0
    throat = saw(_vibrato(draw, f, n, draw.number("vibrato_cents", 4, 30, "", "with vibrato")), n)
    throat = lowpass(throat, draw.number("tilt_hz", 400, 1800), 1) + 0.01 * noise(draw.rng, n)
    shaped = sum(
        (
            g * peak(throat, hz * size, q)
            for hz, g, q in zip(VOWELS[vowel], (1, 0.8, 0.5, 0.35), (7, 10, 14, 16), strict=True)
        ),
        0.05 * throat,
    )
    return shaped * gate(n, 0.05, 0.1)


def vocal_morph(draw: Draw) -> np.ndarray:
    f = draw.pitch(36, 60)
    length = draw.number("length", 0.5, 2.5)
    n = len(times(length))
    first, last = (VOWELS[v] for v in draw.rng.choice(list(VOWELS), 2, replace=False))
    wave = _three(np.full(n, f), n, 1.003)
    out = sum(
        (
            g * sweep(wave, np.geomspace(a, b, n), 8.0, "band")
            for a, b, g in zip(first, last, (1, 0.7, 0.4, 0.3), strict=True)
        ),
        np.zeros(n),
    )
    return saturate(out, draw.number("drive", 0.5, 4, "", "distorted")) * gate(n, 0.01, 0.1)


def music_box(draw: Draw) -> np.ndarray:
    f = draw.pitch(67, 93)
    length = draw.number("length", 0.6, 2.4)
    n = len(times(length))
    tine = modes(
        n,
        f * np.array([1, 2.02, 5.2, 6.3]),
        length * np.array([1, 0.5, 0.25, 0.15]),
        np.array([1, 0.25, 0.3, 0.2]) * np.array([1, 1, 1, draw.number("pick", 0.2, 1.2)]),
    )
    return tine + 0.08 * highpass(noise(draw.rng, n), 3500) * decay(n, 0.01)


def steel_drum(draw: Draw) -> np.ndarray:
    f = draw.pitch(53, 82)
    length = draw.number("length", 0.4, 1.6)
    n = len(times(length))
    hard = draw.number("mallet", 0.1, 0.8, "soft", "hard")
    pan_modes = modes(
        n,
        f * np.array([1, 2, 3.01, 4.03, 5.1]),
        length * np.array([1, 0.8, 0.5, 0.35, 0.25]),
        np.array([1, 0.7, 0.35 * hard, 0.3 * hard, 0.25 * hard]),
    )
    return pan_modes * (1 + 0.15 * sine(5.0, n)) + 0.1 * hard * highpass(noise(draw.rng, n), 1500) * decay(n, 0.015)


def whistle(draw: Draw) -> np.ndarray:
    f = draw.pitch(76, 98)
    length = draw.number("length", 0.3, 2)
    n = len(times(length))
    tone = sine(_vibrato(draw, f, n, draw.number("vibrato_cents", 2, 25, "", "with vibrato")), n)
    air = peak(noise(draw.rng, n), f, 12) * draw.number("breath", 0.05, 0.5, "", "breathy")
    return (tone + air) * gate(n, 0.03, 0.06)


def vocal_chop(draw: Draw) -> np.ndarray:
    f = draw.pitch(52, 76)
    length = draw.number("length", 0.12, 0.5)
    n = len(times(length))
    vowel = draw.choice("vowel", tuple(VOWELS))
    draw.name = str(draw.rng.choice([f"vocal chop {vowel}", "vocal chop", f"chopped vocal {vowel}"]))
    throat = lowpass(_three(np.full(n, f), n, 1.002), draw.number("tilt_hz", 700, 3000), 1)
    size = draw.number("throat", 0.95, 1.25)
    shaped = sum(
        (
            g * peak(throat, hz * size, q)
            for hz, g, q in zip(VOWELS[vowel], (1, 0.8, 0.5, 0.35), (7, 10, 14, 16), strict=True)
        ),
        0.06 * throat,
    )
    return shaped * gate(n, 0.008, 0.04)


def synth_arp(draw: Draw) -> np.ndarray:
    pitches, chord = _chord(draw, 48, 66)
    step, count = draw.number("step_s", 0.07, 0.22, "fast", "slow"), int(draw.rng.integers(5, 13))
    down = draw.chance("down", 0.4, "falling", "rising")
    order = [*pitches, *(2 * f for f in pitches)]
    out = np.zeros((len(times(step * count + 0.5)), 2))
    length = draw.number("length", 0.12, 0.5)
    cut = draw.number("cutoff_hz", 800, 7000)
    for i in range(count):
        f = order[::-1][i % len(order)] if down else order[i % len(order)]
        n = len(times(length))
        tone = sweep(pulse(f, n, 0.4) + saw(f, n), f + cut * decay(n, length * 0.6), 1.2) * decay(n, length, 0.001)
        place(out, pan(tone * gate(n, 0, 0.01), 0.4 * (-1) ** i), int(i * step * RATE_HZ))
    draw.name = f"{chord} synth arpeggio"
    return out


TONES = (
    Kind("sub bass", "bass", ("sub bass", "deep sub bass", "sine bass"), bass_sub),
    Kind("reese bass", "bass", ("reese bass", "reese"), bass_reese),
    Kind("acid bass", "bass", ("acid bass", "303 acid bass", "acid bass note"), bass_acid),
    Kind("saw bass", "bass", ("saw bass", "analog saw bass", "synth bass"), bass_saw),
    Kind("square bass", "bass", ("square bass", "square wave bass"), bass_square),
    Kind("fm bass", "bass", ("FM bass", "FM synth bass"), bass_fm),
    Kind("plucked bass", "bass", ("plucked bass", "bass guitar", "fingered bass guitar"), bass_pluck),
    Kind("guitar", "instrument", ("acoustic guitar", "plucked guitar string", "acoustic guitar note"), guitar),
    Kind("electric guitar", "instrument", ("electric guitar", "overdriven guitar note"), guitar_electric),
    Kind("harp", "instrument", ("harp", "harp pluck", "harp note"), harp),
    Kind("banjo", "instrument", ("banjo", "banjo pluck"), banjo, 0.7),
    Kind("koto", "instrument", ("koto", "koto pluck"), koto, 0.7),
    Kind("marimba", "instrument", ("marimba", "marimba note"), marimba),
    Kind("vibraphone", "instrument", ("vibraphone", "vibraphone note"), vibraphone),
    Kind("kalimba", "instrument", ("kalimba", "thumb piano"), kalimba),
    Kind("glockenspiel", "instrument", ("glockenspiel", "glockenspiel note"), glockenspiel),
    Kind("strings", "instrument", ("string ensemble", "strings", "string section"), strings),
    Kind("flute", "instrument", ("flute", "flute note"), flute),
    Kind("brass", "instrument", ("synth brass", "brass note", "brass"), brass),
    Kind("reed", "instrument", ("clarinet", "clarinet note", "woodwind note"), reed),
    Kind("fm bell", "synth", ("FM bell", "bell", "synth bell"), bell_fm),
    Kind("church bell", "instrument", ("church bell", "bell toll"), bell_church, 0.8),
    Kind("electric piano", "keys", ("electric piano", "rhodes", "e-piano note"), electric_piano, 1.3),
    Kind("piano", "keys", ("piano", "piano note", "synthetic piano"), piano, 1.3),
    Kind("organ", "keys", ("organ", "drawbar organ", "organ note"), organ, 1.3),
    Kind("clavinet", "keys", ("clavinet", "clav", "clavinet note"), clavinet),
    Kind("harpsichord", "keys", ("harpsichord", "harpsichord note"), harpsichord),
    Kind("synth pluck", "synth", ("synth pluck", "pluck"), synth_pluck),
    Kind("synth lead", "synth", ("synth lead",), synth_lead),
    Kind("supersaw", "synth", ("supersaw", "supersaw lead", "unison saw synth"), synth_super),
    Kind("synth chord", "synth", ("synth chord",), synth_chord),
    Kind("pad", "synth", ("pad", "synth pad", "warm analog pad", "ambient pad"), pad),
    Kind("glass pad", "synth", ("glassy pad", "sine pad", "shimmering pad"), pad_glass),
    Kind("music box", "instrument", ("music box", "music box note"), music_box),
    Kind("steel drum", "instrument", ("steel drum", "steel pan", "steel pan note"), steel_drum, 0.8),
    Kind("whistle", "instrument", ("whistle", "whistled note", "human whistle"), whistle, 0.7),
    Kind("synth arpeggio", "synth", ("synth arpeggio",), synth_arp),
    Kind("vocal chop", "vocal", ("vocal chop",), vocal_chop, 1.3),
    Kind("choir", "vocal", ("choir",), choir, 1.5),
    Kind("voice", "vocal", ("sung note",), voice_ah, 1.5),
    Kind("vowel synth", "vocal", ("talking synth", "vowel synth", "formant synth"), vocal_morph),
)
