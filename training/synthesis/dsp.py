"""Building blocks of rendered sound: oscillators, envelopes, noise, filters, modes, saturation, reverb.

Shapes: n samples at 44.1 kHz; mono is (n,), stereo (n, 2). Times in seconds, frequencies in Hz.
"""

import numpy as np
from numba import njit
from scipy import signal
from scipy.fft import irfft, next_fast_len, rfft

RATE_HZ = 44_100
LONGEST_S = 5.9  # the embedded model's canvas is 5.94 s
T60 = np.log(1000)


def times(seconds: float) -> np.ndarray:
    return np.arange(max(64, int(seconds * RATE_HZ))) / RATE_HZ


def decay(n: int, t60_s: float, attack_s: float = 0.0) -> np.ndarray:
    """Exponential fall by 60 dB in `t60_s`, after a raised-cosine attack."""
    t = np.arange(n) / RATE_HZ
    return rise(n, attack_s) * np.exp(-T60 * np.maximum(0, t - attack_s) / t60_s)


def rise(n: int, attack_s: float) -> np.ndarray:
    ramp = np.ones(n)
    k = min(n, int(attack_s * RATE_HZ))
    ramp[:k] = 0.5 - 0.5 * np.cos(np.pi * np.arange(k) / max(1, k))
    return ramp


def gate(n: int, attack_s: float, release_s: float, sustain: float = 1.0, decay_s: float = 0.1) -> np.ndarray:
    """Attack, decay to `sustain`, release that ends with the array."""
    t = np.arange(n) / RATE_HZ
    body = sustain + (1 - sustain) * np.exp(-3 * np.maximum(0, t - attack_s) / decay_s)
    left = np.maximum(0, n / RATE_HZ - t) / max(release_s, 1e-3)
    return rise(n, attack_s) * body * np.minimum(1, left) ** 2


def curve(n: int, points: list[tuple[float, float]]) -> np.ndarray:
    """Straight lines through (place in 0…1, value)."""
    place, value = zip(*points, strict=True)
    return np.interp(np.linspace(0, 1, n), place, value)


def glide(n: int, start: float, end: float, tau_s: float) -> np.ndarray:
    """From `start` exponentially to `end` (frequencies of drums and lasers)."""
    return end + (start - end) * np.exp(-np.arange(n) / (tau_s * RATE_HZ))


def phase_of(frequency: np.ndarray | float, n: int, start: float = 0.0) -> np.ndarray:
    """Cycles elapsed at each sample."""
    if np.ndim(frequency) == 0:
        return start + np.arange(n) * (float(frequency) / RATE_HZ)
    steps = np.asarray(frequency)[:n] / RATE_HZ
    return start + np.cumsum(steps) - steps[0]


def sine(frequency: np.ndarray | float, n: int, start: float = 0.0) -> np.ndarray:
    return np.sin(2 * np.pi * phase_of(frequency, n, start))


def _step(phase: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """Polynomial band-limited step (PolyBLEP): the correction of a saw's jump at phase 0."""
    late, early = phase / width, (phase - 1) / width
    return np.where(phase < width, 2 * late - late * late - 1, np.where(phase > 1 - width, (early + 1) ** 2, 0.0))


def saw(frequency: np.ndarray | float, n: int, start: float = 0.0) -> np.ndarray:
    phase = phase_of(frequency, n, start) % 1
    return 2 * phase - 1 - _step(phase, np.asarray(frequency) / RATE_HZ)


def pulse(frequency: np.ndarray | float, n: int, width: float = 0.5, start: float = 0.0) -> np.ndarray:
    return 0.5 * (saw(frequency, n, start) - saw(frequency, n, start + width))


def unison(rng: np.random.Generator, frequency: float, n: int, voices: int, cents: float, wide: float) -> np.ndarray:
    """(n, 2) saws over ± `cents`, an odd number: one on the note, the others in pairs whose phases mirror each other.

    A mirrored pair beats without moving the pitch, and its mean over left and right stays on the note exactly.
    """
    start, pairs = rng.random(), voices // 2
    out = np.repeat(saw(frequency, n, start)[:, None], 2, axis=1)
    for i in range(1, pairs + 1):
        lag, apart, side = rng.random(), i / pairs * rng.uniform(0.92, 1.0), wide * i / pairs * (-1) ** i
        for sign in (-1, 1):
            wave = saw(frequency * 2 ** (sign * apart * cents / 1200), n, start + sign * lag)
            out += 0.65 * pan(wave, sign * side)
    return out / np.sqrt(voices)


def noise(rng: np.random.Generator, n: int, slope_db: float = 0.0) -> np.ndarray:
    """Gaussian noise of deviation 1 with `slope_db` per octave (−3 pink, −6 brown), flat below 20 Hz."""
    if slope_db == 0:
        return rng.standard_normal(n)
    size: int = next_fast_len(n, real=True) or n
    spectrum = np.asarray(rfft(rng.standard_normal(size)))
    f = np.maximum(20.0, np.arange(len(spectrum)) * RATE_HZ / size)
    spectrum *= f ** (slope_db / 6.0206)
    spectrum[0] = 0
    out = np.asarray(irfft(spectrum, size))[:n]
    return out / (out.std() + 1e-12)


def _hz(frequency: float) -> float:
    return float(min(max(frequency, 10.0), 0.47 * RATE_HZ))


def lowpass(x: np.ndarray, frequency: float, order: int = 2) -> np.ndarray:
    return np.asarray(signal.sosfilt(signal.butter(order, _hz(frequency), "low", fs=RATE_HZ, output="sos"), x, axis=0))


def highpass(x: np.ndarray, frequency: float, order: int = 2) -> np.ndarray:
    return np.asarray(signal.sosfilt(signal.butter(order, _hz(frequency), "high", fs=RATE_HZ, output="sos"), x, axis=0))


def bandpass(x: np.ndarray, low: float, high: float, order: int = 2) -> np.ndarray:
    edges = (_hz(low), max(_hz(high), _hz(low) * 1.05))
    return np.asarray(signal.sosfilt(signal.butter(order, edges, "band", fs=RATE_HZ, output="sos"), x, axis=0))


def peak(x: np.ndarray, frequency: float, q: float) -> np.ndarray:
    """Resonance of unit gain at `frequency`."""
    b, a = signal.iirpeak(_hz(frequency), q, fs=RATE_HZ)
    return np.asarray(signal.lfilter(b, a, x, axis=0))


@njit(cache=True)
def _svf(x, cutoff, damping, mode):
    out = np.empty_like(x)
    s1 = 0.0
    s2 = 0.0
    for i in range(x.shape[0]):
        g = np.tan(np.pi * cutoff[i] / 44100.0)
        high = (x[i] - (g + damping) * s1 - s2) / (1.0 + g * (g + damping))
        band = g * high + s1
        s1 = g * high + band
        low = g * band + s2
        s2 = g * band + low
        out[i] = low if mode == 0 else (band * damping if mode == 1 else high)
    return out


def sweep(x: np.ndarray, cutoff: np.ndarray, q: float = 0.7, mode: str = "low") -> np.ndarray:
    """State-variable filter whose cutoff moves: Zavalishin's trapezoidal form, stable under modulation."""
    number = ("low", "band", "high").index(mode)
    cutoff = np.clip(np.broadcast_to(cutoff, x.shape[:1]), 20.0, 0.45 * RATE_HZ)
    if x.ndim == 2:
        return np.stack([_svf(np.ascontiguousarray(c), cutoff, 1 / q, number) for c in x.T], axis=1)
    return _svf(np.ascontiguousarray(x), cutoff, 1 / q, number)


def modes(
    n: int, frequencies: np.ndarray, t60_s: np.ndarray, gains: np.ndarray, starts: float | np.ndarray = 0.0
) -> np.ndarray:
    """Sum of decaying sines: bells, bars, drum skins, glass."""
    out = np.zeros(n)
    starts = np.broadcast_to(starts, np.shape(frequencies))
    for f, t60, gain, start in zip(frequencies, t60_s, gains, starts, strict=True):
        if f < 0.45 * RATE_HZ:
            k = min(n, int(1.2 * t60 * RATE_HZ) + 64)
            pole = np.exp((2j * np.pi * f - T60 / t60) / RATE_HZ)
            out[:k] += gain * np.imag(np.exp(2j * np.pi * start) * powers(pole, k))
    return out


def powers(pole: complex, n: int) -> np.ndarray:
    """pole**0 … pole**(n − 1) from two short tables: one product a sample instead of one exponential."""
    block = int(np.sqrt(n)) + 1
    return np.outer(pole ** (block * np.arange(block)), pole ** np.arange(block)).ravel()[:n]


def saturate(x: np.ndarray, drive: float) -> np.ndarray:
    """tanh at `drive` times the peak, brought back to that peak."""
    top = np.abs(x).max() + 1e-12
    return np.tanh(x / top * drive) / np.tanh(drive) * top


def level(x: np.ndarray) -> np.ndarray:
    return x / (np.abs(x).max() + 1e-12)


def place(out: np.ndarray, x: np.ndarray, at: int, gain: float = 1.0) -> None:
    """Add `x` into `out` from sample `at`; what lies outside is cut."""
    x, at = x[max(0, -at) :], max(0, at)
    k = max(0, min(len(x), len(out) - at))
    out[at : at + k] += gain * x[:k]


def stereo(x: np.ndarray) -> np.ndarray:
    return np.repeat(x[:, None], 2, axis=1) if x.ndim == 1 else x


def pan(x: np.ndarray, where: float) -> np.ndarray:
    """`where` −1 left … 1 right, equal power."""
    angle = (where + 1) * np.pi / 4
    return x[:, None] * np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2)


def reverb(x: np.ndarray, rng: np.random.Generator, t60_s: float, wet: float, bright: float = 0.5) -> np.ndarray:
    """(n + tail, 2): early reflections and a diffuse tail that loses its highs first; `wet` in 0…1."""
    n = int((t60_s + 0.08) * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    tail = rng.standard_normal((n, 2)) * np.exp(-T60 * t / t60_s)[:, None]
    dull = lowpass(tail, 900 + 2500 * bright, 1)
    tail = dull + (lowpass(tail, 5000 + 9000 * bright, 1) - dull) * np.exp(-T60 * t / t60_s)[:, None]
    tail = highpass(tail, 120, 1) * (1 - np.exp(-t / 0.012))[:, None]
    for _ in range(8):
        tail[int(rng.uniform(0.004, 0.05) * RATE_HZ), rng.integers(2)] += rng.choice((-1, 1)) * rng.uniform(2, 5)
    tail /= np.sqrt((tail**2).sum(0).mean())
    dry = np.concatenate([stereo(x), np.zeros((n, 2))])
    out = signal.fftconvolve(dry, tail, axes=0)[: len(dry)]
    loud = np.sqrt((dry**2).sum()), np.sqrt((out**2).sum()) + 1e-12
    return dry * (1 - 0.4 * wet) + out * wet * loud[0] / loud[1]


def arrivals(rng: np.random.Generator, per_second: float, seconds: float) -> np.ndarray:
    """Sample numbers of a Poisson process."""
    return np.sort(rng.integers(0, int(seconds * RATE_HZ), rng.poisson(per_second * seconds)))


def wander(rng: np.random.Generator, n: int, hz: float) -> np.ndarray:
    """Slow random curve of deviation 1."""
    knots = max(4, int(n / RATE_HZ * hz * 2) + 4)
    x = np.interp(np.linspace(0, knots - 1, n), np.arange(knots), rng.standard_normal(knots))
    return x / (x.std() + 1e-9)


def scatter(
    rng: np.random.Generator, n: int, per_second: float, grains: list[np.ndarray], spread: float = 3.0
) -> np.ndarray:
    """(n, 2) grains at random times, levels and places."""
    out = np.zeros((n, 2))
    for at in arrivals(rng, per_second, n / RATE_HZ):
        place(out, pan(grains[rng.integers(len(grains))], rng.uniform(-0.8, 0.8)), at, np.exp(-spread * rng.random()))
    return out


def edges(x: np.ndarray, fade_s: float = 0.15) -> np.ndarray:
    shape = gate(len(x), fade_s, fade_s)
    return x * (shape if x.ndim == 1 else shape[:, None])
