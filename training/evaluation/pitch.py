"""The fundamental of a clip, as a judge of what the model makes: the model's own contour.py shares no code with it.

YIN (de Cheveigné & Kawahara 2002), its difference function by FFT, then a loudness-weighted median over frames.
"""

import math
from dataclasses import dataclass

import numpy as np

RATE_HZ = 44_100
LOWEST_HZ, HIGHEST_HZ = 27.0, 4_400.0  # A0 to C8
WINDOW, HOP = 3072, 1024  # samples; the window holds two periods of the lowest note that is asked for
DIP = 0.15  # the first lag whose normalised difference falls below is the period
APERIODIC = 0.35  # frames whose best dip is above have no pitch
LOUD_DB = -30.0  # frames below this, relative to the loudest, are not asked


@dataclass(frozen=True)
class Pitch:
    """MIDI number (60 = C4), not rounded; `voiced` is the share of loud frames that have a pitch."""

    midi: float
    voiced: float


def frame_pitch(frame_n: np.ndarray, window: int = WINDOW) -> tuple[float, float]:
    """(f0 in Hz, normalised difference at its lag) of `window` + longest lag samples; f0 is 0 if there is none."""
    longest = len(frame_n) - window
    shortest = int(RATE_HZ / HIGHEST_HZ)
    size = 1 << (len(frame_n) + window).bit_length()
    spectrum, head = np.fft.rfft(frame_n, size), np.fft.rfft(frame_n[:window], size)
    correlation = np.fft.irfft(spectrum * head.conj(), size)[: longest + 1]
    energy = np.concatenate([[0.0], np.cumsum(frame_n.astype(float) ** 2)])
    windows = energy[window : window + longest + 1] - energy[: longest + 1]
    difference = np.maximum(windows[0] + windows - 2 * correlation, 0)
    sums = np.cumsum(difference[1:])
    normalised = np.ones(longest + 1)
    normalised[1:] = difference[1:] * np.arange(1, longest + 1) / np.maximum(sums, 1e-12)
    below = np.flatnonzero(normalised[shortest:-1] < DIP) + shortest
    if len(below):
        lag = int(below[0])
        while lag + 1 < longest and normalised[lag + 1] < normalised[lag]:
            lag += 1
    else:
        lag = int(np.argmin(normalised[shortest:-1])) + shortest
    left, centre, right = difference[lag - 1], difference[lag], difference[lag + 1]
    curvature = left - 2 * centre + right
    offset = 0.5 * (left - right) / curvature if curvature > 0 else 0.0
    return RATE_HZ / (lag + float(np.clip(offset, -0.5, 0.5))), float(normalised[lag])


def frames_and_power(mono_n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames (t, `WINDOW` + longest lag) every `HOP` samples; their mean power (t,), 0 where that is not loud."""
    span = WINDOW + int(RATE_HZ / LOWEST_HZ)
    padded = np.pad(mono_n.astype(np.float64), (0, max(0, span - len(mono_n))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, span)[::HOP]
    power = (frames[:, :WINDOW] ** 2).mean(1)
    return frames, power * (power > max(power.max() * 10 ** (LOUD_DB / 10), 1e-10))


def track(mono_n: np.ndarray) -> np.ndarray:
    """MIDI numbers (t,), not rounded, every `HOP` samples; 0 where a frame is not loud or has no pitch."""
    frames, power = frames_and_power(mono_n)
    midi_t = np.zeros(len(frames))
    for i in np.flatnonzero(power):
        hz, dip = frame_pitch(frames[i])
        if dip < APERIODIC:
            midi_t[i] = 69 + 12 * np.log2(hz / 440)
    return midi_t


def pitch(mono_n: np.ndarray) -> Pitch | None:
    """The clip's fundamental; None where fewer than a tenth of the loud frames are periodic."""
    frames, power = frames_and_power(mono_n)
    loud = np.flatnonzero(power)
    if not len(loud):
        return None
    loud = loud[np.argsort(-power[loud])[:120]]  # enough for a median of long sounds
    found = np.array([frame_pitch(frames[i]) for i in loud])
    voiced = found[:, 1] < APERIODIC
    if voiced.mean() < 0.1:
        return None
    weights = np.sqrt(power[loud][voiced]) * (1 - found[voiced, 1])
    midi = 69 + 12 * np.log2(found[voiced, 0] / 440)
    order = np.argsort(midi)
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return Pitch(float(midi[order][min(half, len(order) - 1)]), float(voiced.mean()))


def cents_off(found: Pitch, note: int) -> float:
    """How far above the note, in cents."""
    return 100 * (found.midi - note)


def within(cents: float, tolerance: float = 50.0, *, any_octave: bool = False) -> bool:
    """Whether a deviation is at most `tolerance`, if wanted of the note in any octave."""
    if any_octave:
        cents = math.remainder(cents, 1200)
    return abs(cents) <= tolerance
