"""Sounds whose pitch, beat and level are known because they are made so."""

import numpy as np

RATE_HZ = 44_100


def times(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def hz_of(midi: float) -> float:
    return 440 * 2 ** ((midi - 69) / 12)


def sine(midi: float, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz_of(midi) * times(seconds))


def saw(midi: float, seconds: float = 0.5) -> np.ndarray:
    """Band-limited: every harmonic below half the rate, 1/k."""
    hz, t = hz_of(midi), times(seconds)
    return 0.3 * sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, int(RATE_HZ / 2 / hz) + 1))


def pluck(midi: float, seconds: float = 0.5) -> np.ndarray:
    """Harmonics that die away the faster the higher they are, slightly stretched as those of a stiff string."""
    hz, t = hz_of(midi), times(seconds)
    partials = range(1, min(24, int(RATE_HZ / 2.2 / hz)) + 1)
    wave = sum(
        np.sin(2 * np.pi * hz * k * np.sqrt(1 + 2e-5 * k**2) * t + k) * np.exp(-k * t / 0.7) / k for k in partials
    )
    return 0.3 * np.asarray(wave)


def noise(seconds: float = 0.5, seed: int = 0) -> np.ndarray:
    return np.clip(0.2 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ)), -1, 1)


def glide(start_hz: float, end_hz: float, tau: float, decay: float, seconds: float = 0.5) -> np.ndarray:
    """A drum: its pitch falls within `tau`, its level within `decay` seconds."""
    t = times(seconds)
    hz = end_hz + (start_hz - end_hz) * np.exp(-t / tau)
    return 0.7 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ) * np.exp(-t / decay)


def clicks(bpm: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Short bursts on every beat from the start on, and the frames at which they begin."""
    starts = np.round(np.arange(0, seconds - 0.02, 60 / bpm) * RATE_HZ).astype(int)
    wave, burst = np.zeros(round(seconds * RATE_HZ)), noise(0.02) * np.exp(-times(0.02) / 0.004)
    for start in starts:
        wave[start : start + len(burst)] += burst[: len(wave) - start]
    return wave, starts


def stereo(mono: np.ndarray) -> np.ndarray:
    return np.stack([mono, mono], axis=1).astype(np.float32)
