"""Where notes and hits begin in a sound, and how far two sounds begin theirs together.

Spectral flux, as in Bello et al., "A Tutorial on Onset Detection in Music Signals" (2005), on logarithmic bands as in
Böck and Widmer, "Maximum Filter Vibrato Suppression" (2013). Our own: librosa's takes 4.2 s to import here, this none.
Shapes: n samples, h hops, k FFT bins, b bands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arc_instrument.domain import Clip

TOLERANCE_S = 0.05  # MIREX counts an onset as found within ±50 ms
MIN_GAP_S = 0.05  # two onsets nearer than this are one
_HOP_S, _WINDOW_S = 0.005, 0.023
_BANDS_PER_OCTAVE, _LOWEST_HZ = 6, 40.0
_FLOOR_DB = -60.0  # below the loudest band: what is softer does not count
_THRESHOLD_DB = 3.0  # mean rise over all bands within two hops
_BELOW_STRONGEST = 0.15  # an onset rises at least so much of what the strongest one rises
_AVERAGE_S = 0.1
_AROUND_MS = 15


@dataclass(frozen=True)
class OnsetEnvelope:
    """How many dB the bands rise in the mean, (h,), from two hops before the end of each hop; all 0 in silence.

    Silence before the sound is part of it, so that a sound that begins at once rises there.
    """

    rise: np.ndarray
    hop: int  # samples

    def hops(self, seconds: float, rate_hz: int) -> int:
        return round(seconds * rate_hz / self.hop)


def onset_envelope(mono: np.ndarray, rate_hz: int) -> OnsetEnvelope:
    """The envelope of `mono` (n,), 5 ms a hop; empty for a sound shorter than that."""
    hop, window = round(_HOP_S * rate_hz), round(_WINDOW_S * rate_hz)
    if len(mono) < hop:
        return OnsetEnvelope(np.zeros(0), hop)
    # The window that ends where hop h ends: what begins at a hop is first seen there.
    padded = np.pad(mono.astype(np.float32), (window + hop, 0))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[hop::hop]
    power_hk = np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32))) ** 2
    bands_hb = power_hk @ _bands(rate_hz, window)
    loudest = float(bands_hb.max())
    level = 10 * np.log10(np.maximum(bands_hb, loudest * 10 ** (_FLOOR_DB / 10)) + 1e-12)
    rise = np.maximum(level[2:] - level[:-2], 0.0).mean(axis=1)
    return OnsetEnvelope(rise if loudest > 1e-9 else 0 * rise, hop)


def onset_frames(mono: np.ndarray, rate_hz: int, envelope: OnsetEnvelope) -> tuple[int, ...]:
    """Onsets of `mono`, whose envelope is given, in samples from its start, ascending."""
    rise = envelope.rise
    if len(rise) == 0 or not rise.any():
        return ()
    threshold = max(_THRESHOLD_DB, _BELOW_STRONGEST * float(rise.max()))
    reach = envelope.hops(MIN_GAP_S / 2, rate_hz)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rise, reach), 2 * reach + 1)
    width = 2 * envelope.hops(_AVERAGE_S, rate_hz) + 1
    average = np.convolve(np.pad(rise, width // 2), np.full(width, 1 / width), "valid")
    peaks = np.flatnonzero((rise == around.max(axis=1)) & (rise >= threshold) & (rise >= 2 * average))
    onsets: list[int] = []
    for hop in peaks.tolist():
        onset = _steepest(mono, max(0, hop - 1) * envelope.hop, rate_hz)  # the window sees an onset a hop late
        if not onsets or onset - onsets[-1] >= MIN_GAP_S * rate_hz:
            onsets.append(onset)
    return tuple(onsets)


def onset_times(clip: Clip) -> tuple[float, ...]:
    """Onsets in seconds from the clip's start, ascending; a clip that begins with a sound has one at its start."""
    mono = np.asarray(clip.samples, np.float32).mean(axis=1)
    return tuple(frame / clip.rate_hz for frame in onset_frames(mono, clip.rate_hz, onset_envelope(mono, clip.rate_hz)))


def onset_f1(reference: Sequence[float], estimated: Sequence[float], tolerance_s: float = TOLERANCE_S) -> float:
    """Harmonic mean of precision and recall, 0 … 1; each onset is matched at most once. 1 where neither has any.

    In order of time the nearest free partner is the first one within the tolerance: that matches as many as possible.
    """
    if not reference and not estimated:
        return 1.0
    matches, waiting = 0, list(estimated)
    for time in reference:
        while waiting and waiting[0] < time - tolerance_s:
            waiting.pop(0)
        if waiting and waiting[0] <= time + tolerance_s:
            waiting.pop(0)
            matches += 1
    return 2 * matches / (len(reference) + len(estimated))


def _steepest(mono: np.ndarray, near: int, rate_hz: int) -> int:
    """The sample within 15 ms of `near` from which the level rises most: the envelope is only good to a hop."""
    step = max(1, rate_hz // 1_000)
    first = near - _AROUND_MS * step
    piece = np.abs(np.pad(mono, (max(0, -first), 0))[max(0, first) :][: 2 * _AROUND_MS * step])
    level = piece[: len(piece) // step * step].reshape(-1, step).max(axis=1, initial=0.0)
    if len(level) < 2:
        return min(near, len(mono) - 1)
    return min(max(0, first + (int(np.diff(level).argmax()) + 1) * step), len(mono) - 1)


def _bands(rate_hz: int, window: int) -> np.ndarray:
    """(k, b): 1 where an FFT bin belongs to a band of a sixth of an octave; empty bands are left out."""
    frequencies = np.fft.rfftfreq(window, 1 / rate_hz)
    band = np.floor(_BANDS_PER_OCTAVE * np.log2(np.maximum(frequencies, 1e-3) / _LOWEST_HZ)).astype(int)
    kept = np.unique(band[band >= 0])
    return (band[:, None] == kept[None, :]).astype(np.float32)
