"""The contour of a recording: how loud it is, where it strikes, its pitch and that one's phase in each latent frame.

What a voice or a beat tells a model over time, apart from its timbre: loudness and pitch that vary, as in Sketch2Sound
(García et al. 2024), and onset strength in place of its spectral centroid, which is timbre already.

Shapes: n samples, t latent frames, s rows of a contour, p parts of a latent frame, w analysis windows, k FFT bins.
"""

from typing import TypeVar

import numpy as np

Midi = TypeVar("Midi", float, np.ndarray)

PARTS = 4  # of a latent frame of 46 ms, for levels and onsets: 11.6 ms each
ROWS = 2 * PARTS + 2
LEVELS, ONSETS, PITCH, PHASE = slice(0, PARTS), slice(PARTS, 2 * PARTS), 2 * PARTS, 2 * PARTS + 1
RANGE_DB = 60.0  # below the loudest part: level 0
STRONG_RISE_DB = 20.0  # mean rise of the bands that is an onset of strength 1
BANDS, LOWEST_BAND_HZ, HIGHEST_BAND_HZ = 24, 60.0, 16_000.0
LOWEST_HZ, HIGHEST_HZ = 30.0, 2_100.0
PITCH_WINDOW_SECONDS = 0.07  # two periods of the lowest pitch
APERIODIC = 0.2  # YIN's normalised difference above which a frame has no pitch
PITCHED_DB = -40.0  # frames below this, relative to the loudest, have none either


def contour(samples: np.ndarray, frames: int, frame_samples: int, rate_hz: int, note: int | None = None) -> np.ndarray:
    """(s, t) float32 of samples (n, 2), as much of them as `frames` latent frames hold.

    `LEVELS` and `ONSETS` are from 0 to 1, relative to the loudest part; `PITCH` is a MIDI number with a fraction,
    0 where there is none; `PHASE` is that of the pitch's cosine in the middle of the frame, in turns from 0 to 1.
    Where the clip's `note` is known, loud frames without a pitch, or with the note's in some octave, have that note:
    estimates err by octaves. Silence is all 0.
    """
    rows_st = np.zeros((ROWS, frames), np.float32)
    canvas = np.zeros((frames * frame_samples, 2), np.float32)
    canvas[: len(samples)] = samples[: len(canvas)]
    power_p = (canvas**2).mean(1).reshape(frames * PARTS, -1).mean(1)
    loudest = float(power_p.max())
    if loudest < 1e-10:
        return rows_st
    level_p = 1 + 10 * np.log10(np.maximum(power_p / loudest, 1e-12)) / RANGE_DB
    mono_n = canvas.mean(1)
    rows_st[LEVELS] = level_p.clip(0, 1).reshape(frames, PARTS).T
    rows_st[ONSETS] = _rises(mono_n, frame_samples // PARTS, rate_hz).reshape(frames, PARTS).T
    power_t = power_p.reshape(frames, PARTS).mean(1)
    loud_t = power_t > power_t.max() * 10 ** (PITCHED_DB / 10)
    half_n = mono_n.reshape(-1, 2).mean(1)
    rows_st[PITCH] = midi_t = _pitches(half_n, loud_t, frame_samples // 2, rate_hz / 2)
    if note is not None and note > 0:
        octaves_t = (midi_t - note) / 12
        unsure_t = (midi_t == 0) | (np.abs(octaves_t - octaves_t.round()) < 0.5 / 12)
        rows_st[PITCH, loud_t & unsure_t] = note
    rows_st[PHASE] = _phases(half_n, rows_st[PITCH], frame_samples // 2, rate_hz / 2)
    return rows_st


def frequency(midi: Midi) -> Midi:
    """Hz of MIDI numbers, which may have fractions; A4 is 440 Hz."""
    return 440 * 2 ** ((midi - 69) / 12)


def _rises(mono_n: np.ndarray, hop: int, rate_hz: int) -> np.ndarray:
    """How far the bands rise in each hop, 0 to 1: spectral flux on logarithmic bands."""
    padded = np.pad(mono_n, (2 * hop, 0))  # window i ends with hop i − 1; the first is silence before
    windows_wn = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop]
    power_wk = np.abs(np.fft.rfft(windows_wn * np.hanning(2 * hop).astype(np.float32))) ** 2
    edges = np.geomspace(LOWEST_BAND_HZ, HIGHEST_BAND_HZ, BANDS + 1) * 2 * hop / rate_hz
    starts = np.unique(np.round(edges).astype(int))
    bands = np.add.reduceat(power_wk[:, : starts[-1]], starts[:-1], axis=1)
    decibels = 10 * np.log10(np.maximum(bands, bands.max() * 10 ** (-RANGE_DB / 10)) + 1e-12)
    rise_p = np.maximum(np.diff(decibels, axis=0), 0).mean(1)
    return (rise_p / STRONG_RISE_DB).clip(0, 1)


def _pitches(half_n: np.ndarray, loud_t: np.ndarray, hop: int, half_hz: float) -> np.ndarray:
    """MIDI numbers (t,) of loud frames, 0 where there is none: YIN (de Cheveigné & Kawahara 2002), by FFT."""
    window, shortest, longest = (
        round(PITCH_WINDOW_SECONDS * half_hz),
        int(half_hz / HIGHEST_HZ),
        int(half_hz / LOWEST_HZ),
    )
    span = window + longest
    midi_t = np.zeros(len(loud_t), np.float32)
    loud = np.flatnonzero(loud_t)
    padded = np.pad(half_n, (span // 2 - hop // 2, span))  # the span of a frame is centred on it
    spans_wn = np.lib.stride_tricks.sliding_window_view(padded, span)[loud * hop].astype(np.float32)
    size = 1 << (span + window - 1).bit_length()
    spectrum, head = np.fft.rfft(spans_wn, size), np.fft.rfft(spans_wn[:, :window], size)
    correlation = np.fft.irfft(spectrum * head.conj(), size)[:, : longest + 1]
    energy = np.pad(np.cumsum(spans_wn.astype(np.float64) ** 2, axis=1), ((0, 0), (1, 0)))
    windows = energy[:, window : window + longest + 1] - energy[:, : longest + 1]
    difference = np.maximum(windows[:, :1] + windows - 2 * correlation, 0)
    lags = np.arange(1, longest + 1)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * lags / np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-12)
    inside = normalised[:, shortest:-1]
    valley = (inside <= normalised[:, shortest - 1 : -2]) & (inside < normalised[:, shortest + 1 :])
    good = valley & (inside < APERIODIC)
    rows, lag = np.arange(len(loud)), shortest + good.argmax(1)
    left, centre, right = (difference[rows, lag + step] for step in (-1, 0, 1))
    curvature = left - 2 * centre + right
    offset = np.where(curvature > 0, 0.5 * (left - right) / np.where(curvature > 0, curvature, 1), 0).clip(-0.5, 0.5)
    midi_t[loud] = np.where(good.any(1), 69 + 12 * np.log2(half_hz / (lag + offset) / 440), 0)
    return midi_t


def _phases(half_n: np.ndarray, midi_t: np.ndarray, hop: int, half_hz: float) -> np.ndarray:
    """Turns (t,) of the pitch in the middle of each frame, 0 where there is none: demodulated in two frames' window."""
    span = 2 * hop
    times_w = (np.arange(span) + 0.25 - hop) / half_hz  # each is the mean of two samples of the whole rate
    window_w = np.hanning(span + 1)[:-1].astype(np.float32)
    pitched = np.flatnonzero(midi_t > 0)
    padded = np.pad(half_n.astype(np.float32), hop // 2)
    windows_tw = np.lib.stride_tricks.sliding_window_view(padded, span)[pitched * hop]
    turns_tw = np.multiply.outer(frequency(midi_t[pitched].astype(np.float64)), times_w) % 1
    carriers_tw = np.exp(np.complex64(-2j * np.pi) * turns_tw.astype(np.float32))
    turns_t = np.zeros(len(midi_t), np.float32)
    turns_t[pitched] = np.angle(np.einsum("tw,tw,w->t", windows_tw, carriers_tw, window_w)) / (2 * np.pi) % 1
    return turns_t
