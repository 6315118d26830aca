"""The one pitch of a sound, if it has one: what the keys call its root.

YIN (de Cheveigné & Kawahara 2002), its difference function by FFT, over the loudest frames at once: some 15 ms for any
sound, where librosa's pyin takes 0.5 to 5 s and minutes to compile. Shapes: f frames, n samples, l lags.
"""

from dataclasses import dataclass

import numpy as np

LOWEST_HZ, HIGHEST_HZ = 27.0, 4_400.0  # A0 to C8
WINDOW_SECONDS, HOP_SECONDS = 0.07, 0.023  # the window holds two periods of the lowest
MAX_FRAMES = 48  # the loudest; enough for a median of long sounds
LOUD = 1e-3  # of the loudest frame's power, −30 dB: quieter ones are not asked
DIP, APERIODIC = 0.15, 0.3  # YIN's threshold; a frame whose best dip is above the second has no pitch
STEADY_CENTS = 60.0
DRUM_HZ, DRUM_SECONDS = 100.0, 0.25  # a thump that low, nine tenths of it over that soon, is a drum
PITCHED = 0.5  # share of the energy that must agree: half of a falling drum is somewhere else


@dataclass(frozen=True)
class Pitch:
    """MIDI number with a fraction (60 = C4); `confidence` is the share of the loud energy within 60 cents of it."""

    midi: float
    confidence: float


def pitch_of(mono: np.ndarray, rate_hz: int) -> Pitch | None:
    """The pitch that most of the energy of `mono` (n,) has; None for noise, drums, silence and what glides.

    Frames weigh by their power, so that a drum counts by its falling attack and not by its quiet, steady tail.
    """
    window, longest = round(WINDOW_SECONDS * rate_hz), round(rate_hz / LOWEST_HZ)
    span = window + longest
    padded = np.pad(mono.astype(np.float64), (0, max(0, span - len(mono))))
    frames_fn = np.lib.stride_tricks.sliding_window_view(padded, span)[:: round(HOP_SECONDS * rate_hz)]
    power_f = (frames_fn[:, :window] ** 2).mean(1)
    if power_f.max() < 1e-10:
        return None
    loudest = np.argsort(-power_f)[:MAX_FRAMES]
    loudest = loudest[power_f[loudest] > LOUD * power_f.max()]
    lags_f, dips_f = _periods(frames_fn[loudest], window, round(rate_hz / HIGHEST_HZ))
    midi_f, weight_f = 69 + 12 * np.log2(rate_hz / lags_f / 440), power_f[loudest]
    periodic = dips_f < APERIODIC
    if not periodic.any():
        return None
    midi = _median(midi_f[periodic], weight_f[periodic])
    agreeing = periodic & (np.abs(midi_f - midi) < STEADY_CENTS / 100)
    confidence = float(weight_f[agreeing].sum() / weight_f.sum())
    if confidence < PITCHED:
        return None
    midi = _median(midi_f[agreeing], weight_f[agreeing])
    energy = np.cumsum(padded**2)
    is_short = np.searchsorted(energy, 0.9 * energy[-1]) < DRUM_SECONDS * rate_hz
    if is_short and midi < 69 + 12 * np.log2(DRUM_HZ / 440):
        return None
    return Pitch(midi, confidence)


def _periods(frames_fn: np.ndarray, window: int, shortest: int) -> tuple[np.ndarray, np.ndarray]:
    """The period of each frame in samples, with a fraction, and the normalised difference there (0: periodic)."""
    longest = frames_fn.shape[1] - window
    size = 1 << (frames_fn.shape[1] + window).bit_length()
    spectrum, head = np.fft.rfft(frames_fn, size), np.fft.rfft(frames_fn[:, :window], size)
    correlation_fl = np.fft.irfft(spectrum * head.conj(), size)[:, : longest + 1]
    energy = np.pad(np.cumsum(frames_fn**2, axis=1), ((0, 0), (1, 0)))
    windows_fl = energy[:, window : window + longest + 1] - energy[:, : longest + 1]
    difference_fl = np.maximum(windows_fl[:, :1] + windows_fl - 2 * correlation_fl, 0)
    normalised_fl = np.ones_like(difference_fl)
    sums = np.cumsum(difference_fl[:, 1:], axis=1)
    normalised_fl[:, 1:] = difference_fl[:, 1:] * np.arange(1, longest + 1) / np.maximum(sums, 1e-12)

    inside = normalised_fl[:, shortest:-1]
    valley = (inside <= normalised_fl[:, shortest - 1 : -2]) & (inside < normalised_fl[:, shortest + 1 :])
    good = valley & (inside < DIP)
    lag_f = shortest + np.where(good.any(1), good.argmax(1), inside.argmin(1))
    rows = np.arange(len(lag_f))
    left, centre, right = (difference_fl[rows, lag_f + step] for step in (-1, 0, 1))
    curvature = left - 2 * centre + right
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.where(curvature > 0, np.clip(0.5 * (left - right) / curvature, -0.5, 0.5), 0.0)
    return lag_f + offset, normalised_fl[rows, lag_f]


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order][min(half, len(order) - 1)])
