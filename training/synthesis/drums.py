"""Drums and percussion: each voice draws its parameters and returns the sound."""

import numpy as np

from training.synthesis.dsp import (
    bandpass,
    decay,
    glide,
    highpass,
    level,
    lowpass,
    modes,
    noise,
    peak,
    place,
    pulse,
    rise,
    saturate,
    sine,
    times,
)
from training.synthesis.wording import Draw, Kind


def _click(draw: Draw, n: int, hz: float, t60_s: float) -> np.ndarray:
    return highpass(noise(draw.rng, n), hz, 2) * decay(n, t60_s)


def kick_808(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.5, 2.6)
    pitch = draw.number("pitch_hz", 36, 62, "deep", "")
    n = len(times(length))
    body = sine(glide(n, pitch * draw.number("bend", 1.6, 5), pitch, draw.number("bend_s", 0.012, 0.05)), n)
    body *= decay(n, length, 0.001)
    drive = draw.number("drive", 0.3, 4, "clean", "saturated")
    click = level(_click(draw, n, 2500, 0.02)) * draw.number("click", 0.02, 0.25, "", "clicky")
    return saturate(body, drive) + click


def kick_909(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.18, 0.8)
    pitch = draw.number("pitch_hz", 44, 72, "deep", "")
    n = len(times(length))
    f = glide(n, pitch * draw.number("bend", 3, 8, "", "punchy"), pitch, draw.number("bend_s", 0.008, 0.025))
    body = saturate(sine(f, n) * decay(n, length, 0.0005), draw.number("drive", 0.6, 5, "", "hard"))
    hiss = lowpass(_click(draw, n, 800, 0.03), draw.number("tone_hz", 2500, 12000))
    return body + level(hiss) * draw.number("click", 0.06, 0.5, "", "clicky")


def kick_acoustic(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.2, 0.7)
    pitch = draw.number("pitch_hz", 48, 85, "low", "high")
    n = len(times(length))
    ratio = np.array([1, 1.59, 2.14, 2.65, 3.16, 3.6])
    gains = np.array([1, 0.4, 0.25, 0.18, 0.1, 0.08]) * draw.rng.uniform(0.5, 1.2, 6)
    skin = modes(n, pitch * ratio, length / np.array([1, 1.8, 2.5, 3, 4, 5]), gains)
    skin += sine(glide(n, pitch * 2.2, pitch, 0.02), n) * decay(n, length * 0.7)
    beater = lowpass(noise(draw.rng, n), draw.number("beater_hz", 1500, 7000), 2) * decay(n, 0.035)
    rattle = bandpass(noise(draw.rng, n), 200, 900, 1) * decay(n, length * 0.5)
    return level(skin) + level(beater) * draw.number("beater", 0.1, 0.6, "soft", "hard") + 0.06 * level(rattle)


def snare(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.6)
    pitch = draw.number("pitch_hz", 140, 290, "low", "high")
    n = len(times(length))
    skin = modes(
        n,
        pitch * np.array([1, 1.59, 2.14, 2.3, 2.92]),
        length * np.array([0.5, 0.4, 0.3, 0.25, 0.2]),
        np.array([1, 0.7, 0.4, 0.3, 0.2]),
    )
    skin += 0.6 * sine(glide(n, pitch * 1.6, pitch, 0.012), n) * decay(n, length * 0.4)
    wires = highpass(noise(draw.rng, n), draw.number("wires_hz", 700, 3500), 2)
    wires = lowpass(wires, draw.number("tone_hz", 5000, 16000), 2) * (0.75 * decay(n, length) + 0.5 * decay(n, 0.05))
    mix = level(skin) + level(wires) * draw.number("wires", 0.35, 1.8, "", "noisy")
    return saturate(mix, draw.number("drive", 0.3, 2.5, "", "hard"))


def snare_808(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.4)
    pitch = draw.number("pitch_hz", 160, 230)
    n = len(times(length))
    tone = sine(pitch, n) * decay(n, length * 0.6) + 0.6 * sine(pitch * 1.85, n) * decay(n, length * 0.35)
    wires = highpass(noise(draw.rng, n), 1200, 2) * decay(n, length * 0.9, 0.0005)
    return level(tone) + level(wires) * draw.number("snappy", 0.2, 1.6, "", "snappy")


def rimshot(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.05, 0.2)
    pitch = draw.number("pitch_hz", 380, 950, "low", "high")
    n = len(times(length * 1.3))
    tone = modes(
        n, pitch * np.array([1, 1.72, 2.61, 4.3]), length * np.array([1, 0.8, 0.5, 0.3]), np.array([1, 0.9, 0.6, 0.4])
    )
    return saturate(level(tone) + 0.5 * level(_click(draw, n, 2000, 0.012)), draw.number("drive", 0.5, 3, "", "hard"))


def clap(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.7)
    n = len(times(length + 0.05))
    centre = draw.number("tone_hz", 800, 2200)
    hiss = bandpass(noise(draw.rng, n), centre * 0.6, centre * 2.2, 2) + 0.25 * highpass(noise(draw.rng, n), 4000, 1)
    envelope = np.zeros(n)
    gap = draw.number("spread_s", 0.006, 0.016, "tight", "loose")
    count = int(draw.rng.integers(2, 5))
    for i in range(count):
        place(envelope, decay(n, 0.03), int(i * gap * draw.rng.uniform(0.85, 1.15) * 44100), draw.rng.uniform(0.6, 1))
    place(envelope, decay(n, length, 0.0005), int(count * gap * 44100), 0.7)
    return hiss * envelope


def _metal(draw: Draw, n: int, base: float) -> np.ndarray:
    """Six square waves of inharmonic pitches, as in the analogue drum machines."""
    ratio = np.array([2, 3, 4.16, 5.43, 6.79, 8.21]) * draw.rng.uniform(0.97, 1.03, 6)
    return sum((pulse(base * r, n, 0.5, draw.rng.random()) for r in ratio), np.zeros(n)) / 6


def _hat(draw: Draw, length: float) -> np.ndarray:
    n = len(times(length * 1.1 + 0.01))
    metal = _metal(draw, n, draw.number("metal_hz", 160, 420)) if draw.chance("metallic", 0.6, "metallic") else 0.0
    mix = metal * 3 + noise(draw.rng, n) * draw.number("hiss", 0.3, 1.5)
    mix = lowpass(highpass(mix, draw.number("tone_hz", 3500, 9500), 3), draw.number("air_hz", 11000, 19000), 1)
    return mix * (decay(n, length, 0.0003) + 0.6 * decay(n, 0.012))


def hat_closed(draw: Draw) -> np.ndarray:
    return _hat(draw, draw.number("length", 0.035, 0.16, "tight", ""))


def hat_open(draw: Draw) -> np.ndarray:
    return _hat(draw, draw.number("length", 0.3, 1.3))


def _cymbal(draw: Draw, length: float, count: int, low: float, high: float, colour: float) -> np.ndarray:
    n = len(times(length))
    rng = draw.rng
    f = np.sort(low * (high / low) ** rng.random(count))
    tones = modes(
        n, f, length * rng.uniform(0.4, 1, count) * (low / f) ** 0.25, rng.uniform(0.2, 1, count), rng.random(count)
    )
    wash = highpass(noise(rng, n, colour), low, 2) * decay(n, length * 0.8, 0.002)
    return level(tones) * 0.8 + level(wash)


def crash(draw: Draw) -> np.ndarray:
    length = draw.number("length", 1.0, 3.6)
    low = draw.number("tone_hz", 280, 1500)
    sound = _cymbal(draw, length, 40, low, 13000, -1.0)
    n = len(sound)
    splash = highpass(noise(draw.rng, n), 3000) * decay(n, 0.12)
    return sound * rise(n, 0.001) + level(splash) * draw.number("stick", 0.2, 0.8, "soft", "hard")


def ride(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.7, 2.5)
    sound = _cymbal(draw, length, 24, draw.number("tone_hz", 350, 1400), 11000, -2.0) * 0.5
    n = len(sound)
    bell = modes(
        n,
        draw.number("bell_hz", 450, 900) * np.array([1, 1.48, 2.1, 2.9, 4.2]),
        length * np.array([0.7, 0.6, 0.5, 0.4, 0.3]),
        np.array([0.5, 1, 0.8, 0.6, 0.5]),
    )
    ping = level(_click(draw, n, 4000, 0.03))
    return sound + level(bell) * draw.number("bell", 0.1, 1, "", "bell-like") + 0.6 * ping


def tom(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.25, 1.1)
    pitch = draw.number("pitch_hz", 65, 260)
    n = len(times(length))
    tilt = draw.number("bend", 1.15, 1.8)
    f = glide(n, pitch * tilt, pitch, 0.05)
    skin = sum(
        (
            g * sine(f * r, n) * decay(n, length * d, 0.0008)
            for r, g, d in ((1, 1, 1), (1.59, 0.4, 0.5), (2.14, 0.25, 0.35), (2.65, 0.15, 0.25))
        ),
        np.zeros(n),
    )
    stick = lowpass(_click(draw, n, 500, 0.03), draw.number("tone_hz", 1500, 9000))
    place_word = "low" if pitch < 103 else "high" if pitch > 164 else "mid"
    draw.name = (
        {"low": "floor tom", "mid": "mid tom", "high": "high tom"}[place_word]
        if draw.rng.random() < 0.8
        else "tom drum"
    )
    return level(skin) + level(stick) * draw.number("stick", 0.08, 0.5, "soft", "hard")


def tom_electronic(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.2, 1.0)
    pitch = draw.number("pitch_hz", 70, 280, "low", "high")
    n = len(times(length))
    f = glide(n, pitch * draw.number("bend", 1.5, 4), pitch, draw.number("bend_s", 0.02, 0.12))
    hiss = lowpass(noise(draw.rng, n), 6000) * decay(n, length * 0.3) * draw.number("hiss", 0.02, 0.3, "clean", "noisy")
    return saturate(sine(f, n), draw.number("drive", 0.3, 3)) * decay(n, length, 0.001) + hiss


def conga(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.15, 0.6)
    pitch = draw.number("pitch_hz", 150, 420, "low", "high")
    n = len(times(length))
    slap = draw.chance("slap", 0.3, "slapped")
    skin = modes(
        n,
        pitch * np.array([1, 1.5, 2.0, 2.6, 3.5, 4.4]),
        length * np.array([1, 0.5, 0.35, 0.25, 0.15, 0.1]),
        np.array([1, 0.5, 0.3, 0.25, 0.2, 0.2]) * (np.array([0.5, 1, 1.4, 1.8, 2, 2]) if slap else 1),
    )
    hand = bandpass(noise(draw.rng, n), 700, draw.number("tone_hz", 2500, 9000), 1) * decay(n, 0.025)
    return level(skin) + level(hand) * (0.7 if slap else 0.2)


def bongo(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.08, 0.3)
    pitch = draw.number("pitch_hz", 300, 720, "low", "high")
    n = len(times(length))
    skin = modes(
        n,
        pitch * np.array([1, 1.59, 2.2, 2.9, 3.8]),
        length * np.array([1, 0.6, 0.4, 0.25, 0.2]),
        np.array([1, 0.6, 0.35, 0.3, 0.2]),
    )
    hand = highpass(noise(draw.rng, n), draw.number("tone_hz", 1200, 5000)) * decay(n, 0.015)
    return level(skin) + level(hand) * draw.number("hand", 0.1, 0.6, "soft", "hard")


def cowbell(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.7)
    pitch = draw.number("pitch_hz", 430, 800, "low", "high")
    n = len(times(length))
    two = pulse(pitch, n) + pulse(pitch * 1.504, n, 0.5, 0.3)
    two = bandpass(two, pitch * 0.9, draw.number("tone_hz", 2500, 9000), 1)
    return two * (decay(n, length, 0.0005) * 0.6 + decay(n, 0.04))


def clave(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.05, 0.18)
    pitch = draw.number("pitch_hz", 1500, 3100, "low", "high")
    n = len(times(length * 1.2))
    return level(
        modes(n, pitch * np.array([1, 2.7, 4.9]), length * np.array([1, 0.4, 0.2]), np.array([1, 0.2, 0.1]))
    ) + 0.15 * level(_click(draw, n, 3000, 0.008))


def woodblock(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.06, 0.22)
    pitch = draw.number("pitch_hz", 520, 1350, "low", "high")
    n = len(times(length * 1.2))
    bar = modes(
        n, pitch * np.array([1, 1.83, 2.71, 3.9]), length * np.array([1, 0.6, 0.4, 0.25]), np.array([1, 0.5, 0.35, 0.2])
    )
    return (
        level(bar)
        + level(bandpass(noise(draw.rng, n), 800, draw.number("tone_hz", 2500, 8000))) * decay(n, 0.012) * 0.4
    )


def shaker(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.06, 0.3)
    n = len(times(length * 1.3))
    grain = noise(draw.rng, n) * np.abs(noise(draw.rng, n)) ** draw.number("grain", 0.3, 2.5, "smooth", "grainy")
    grain = bandpass(grain, draw.number("tone_hz", 2200, 7500), 15000, 2)
    swell = rise(n, length * draw.rng.uniform(0.15, 0.5)) * decay(n, length, length * 0.3)
    return grain * swell


def tambourine(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.7)
    n = len(times(length))
    rng, count = draw.rng, 30
    f = rng.uniform(draw.number("tone_hz", 3200, 6500), 14500, count)
    jingle = np.zeros(n)
    for at in np.sort(rng.exponential(length * 0.12, 7)):
        few = rng.choice(count, 9)
        place(
            jingle,
            modes(n, f[few], rng.uniform(0.3, 1, 9) * length, rng.uniform(0.2, 1, 9), rng.random(9)),
            int(at * 44100),
            np.exp(-3 * at / length) * rng.uniform(0.4, 1),
        )
    hiss = highpass(noise(rng, n), 6000) * decay(n, length * 0.5)
    return level(jingle) + 0.25 * level(hiss)


def triangle(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.6, 3.0)
    base = draw.number("pitch_hz", 900, 1900, "low", "high")
    n = len(times(length))
    ratio = np.array([1, 2.39, 3.4, 4.24, 5.6, 7.1, 9.1, 11.4])
    return modes(
        n, base * ratio, length * draw.rng.uniform(0.4, 1, 8), draw.rng.uniform(0.2, 1, 8), draw.rng.random(8)
    ) + 0.1 * _click(draw, n, 5000, 0.01)


def finger_snap(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.06, 0.3)
    n = len(times(length + 0.03))
    centre = draw.number("tone_hz", 1500, 3600)
    snap = peak(noise(draw.rng, n), centre, 3) + 0.4 * bandpass(noise(draw.rng, n), centre, 9000, 1)
    envelope = np.zeros(n)
    place(envelope, decay(n, 0.012), 0, 0.4)
    place(envelope, decay(n, length), int(0.014 * 44100))
    return snap * envelope


def guiro(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.15, 0.6)
    n = len(times(length + 0.06))
    rng = draw.rng
    count = int(length * draw.number("rate_hz", 40, 110, "slow", "fast"))
    tooth = bandpass(noise(rng, 2000), draw.number("tone_hz", 1400, 3600), 9000, 1) * decay(2000, 0.02)
    out = np.zeros(n)
    for i in range(count):
        place(out, tooth, int((i / count) ** 0.9 * length * 44100), rng.uniform(0.5, 1) * (0.4 + i / count))
    return out


def cabasa_roll(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.4, 1.6)
    n = len(times(length))
    rate = draw.number("rate_hz", 9, 22, "slow", "fast")
    beat = np.maximum(0, np.sin(2 * np.pi * rate * times(length)[:n])) ** 2
    return (
        highpass(noise(draw.rng, n), draw.number("tone_hz", 3000, 7000))
        * beat
        * np.sin(np.pi * np.linspace(0, 1, n)) ** 0.5
    )


def snare_roll(draw: Draw) -> np.ndarray:
    length = draw.number("seconds", 0.8, 3)
    rate = draw.number("rate_hz", 11, 26, "slow", "fast")
    swell = draw.chance("swell", 0.5, "+with a crescendo")
    out = np.zeros(len(times(length + 0.4)))
    hit = level(snare(Draw(draw.rng, fixed={"length": draw.rng.uniform(0.12, 0.25)})))
    count = int(length * rate)
    for i in range(count):
        gain = draw.rng.uniform(0.7, 1) * ((0.15 + 0.85 * (i / count) ** 1.5) if swell else 1) * (0.85 if i % 2 else 1)
        place(out, lowpass(hit, 5000 + 9000 * gain, 1), int(i / rate * 44100), gain)
    return out


def timpani(draw: Draw) -> np.ndarray:
    f = draw.pitch(40, 57)
    length = draw.number("length", 0.8, 3)
    n = len(times(length))
    hard = draw.number("mallet", 0.1, 0.8, "soft", "hard")
    # the preferred modes of a kettledrum stand nearly 1 : 1.5 : 2 : 2.44 : 2.9
    skin = modes(
        n,
        f * np.array([1, 1.5, 1.99, 2.44, 2.9, 0.85]),
        length * np.array([1, 0.8, 0.6, 0.5, 0.4, 0.15]),
        np.array([1, 0.6, 0.35, 0.2, 0.15, 0.3]) * np.array([1, hard + 0.4, hard + 0.3, hard, hard, 1]),
    )
    return level(skin) + level(lowpass(noise(draw.rng, n), 300 + 2500 * hard) * decay(n, 0.05)) * 0.3 * hard


def gong(draw: Draw) -> np.ndarray:
    length = draw.number("length", 2.5, 5.8)
    n = len(times(length))
    f = draw.number("pitch_hz", 60, 170, "deep", "high")
    count, rng = 36, draw.rng
    ratio = np.sort(np.r_[1, 2, rng.uniform(1.4, 22, count - 2)])
    bloom = rng.uniform(0.1, 0.5)
    low = modes(n, f * ratio[:12], length * rng.uniform(0.6, 1, 12), rng.uniform(0.4, 1, 12), rng.random(12))
    high = modes(
        n,
        f * ratio[12:],
        length * rng.uniform(0.3, 0.7, count - 12),
        rng.uniform(0.1, 0.6, count - 12),
        rng.random(count - 12),
    )
    return level(low) + draw.number("shimmer", 0.2, 1, "", "shimmering") * level(high) * rise(n, bloom)


def brush(draw: Draw) -> np.ndarray:
    length = draw.number("length", 0.12, 0.6)
    n = len(times(length * 1.2))
    wire = bandpass(noise(draw.rng, n), 1000, draw.number("tone_hz", 5000, 14000), 1)
    hit = wire * rise(n, draw.number("drag_s", 0.004, 0.08)) * decay(n, length)
    return level(hit) + 0.25 * modes(
        n, 190 * np.array([1, 1.6, 2.2]), np.array([0.12, 0.08, 0.06]), np.array([1, 0.6, 0.3])
    )


DRUMS = (
    Kind("kick 808", "drum", ("808 kick", "808 bass drum", "808 kick drum"), kick_808),
    Kind("kick 909", "drum", ("909 kick", "house kick drum", "techno kick", "kick drum"), kick_909),
    Kind("kick acoustic", "drum", ("acoustic kick", "acoustic bass drum", "kick drum", "bass drum hit"), kick_acoustic),
    Kind("snare", "drum", ("snare drum", "acoustic snare", "snare hit", "snare"), snare),
    Kind("snare 808", "drum", ("808 snare", "drum machine snare", "electronic snare"), snare_808),
    Kind("rimshot", "drum", ("rimshot", "rim click", "side stick"), rimshot),
    Kind("clap", "drum", ("hand clap", "clap", "808 style clap", "drum machine clap"), clap),
    Kind("closed hat", "drum", ("closed hi-hat", "closed hat", "hi-hat tick"), hat_closed),
    Kind("open hat", "drum", ("open hi-hat", "open hat"), hat_open),
    Kind("crash", "drum", ("crash cymbal", "cymbal crash"), crash),
    Kind("ride", "drum", ("ride cymbal", "ride hit"), ride),
    Kind("tom", "drum", ("tom drum",), tom),
    Kind("electronic tom", "drum", ("electronic tom", "synth tom", "808 tom"), tom_electronic),
    Kind("snare roll", "drum", ("snare roll", "snare drum roll"), snare_roll, 0.5),
    Kind("brush snare", "drum", ("brush snare", "brushed snare hit", "snare with brushes"), brush),
    Kind("timpani", "percussion", ("timpani", "timpani hit", "kettledrum"), timpani),
    Kind("gong", "percussion", ("gong", "gong hit", "tam-tam"), gong),
    Kind("conga", "percussion", ("conga hit", "conga"), conga),
    Kind("bongo", "percussion", ("bongo hit", "bongo"), bongo),
    Kind("cowbell", "percussion", ("cowbell", "808 cowbell", "cowbell hit"), cowbell),
    Kind("clave", "percussion", ("clave", "claves hit", "clave click"), clave),
    Kind("woodblock", "percussion", ("woodblock", "wood block hit"), woodblock),
    Kind("shaker", "percussion", ("shaker", "shaker hit", "egg shaker"), shaker),
    Kind("tambourine", "percussion", ("tambourine", "tambourine hit"), tambourine),
    Kind("triangle", "percussion", ("triangle", "triangle ding"), triangle),
    Kind("finger snap", "percussion", ("finger snap", "snap"), finger_snap),
    Kind("guiro", "percussion", ("guiro", "guiro scrape"), guiro, 0.6),
    Kind("cabasa", "percussion", ("cabasa roll", "shaker roll"), cabasa_roll, 0.6),
)
