"""Where notes and hits begin in a sound, and how far two sounds begin theirs together.

Spectral flux, as in Bello et al., "A Tutorial on Onset Detection in Music Signals" (2005), on logarithmic bands as in
Böck and Widmer, "Maximum Filter Vibrato Suppression" (2013). Our own: librosa's takes 4.2 s to import here, this none.
"""

from collections.abc import Sequence

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


def onset_times(clip: Clip) -> tuple[float, ...]:
    """Onsets in seconds from the clip's start, ascending; a clip that begins with a sound has one at its start."""
    rise = _rise(clip)
    if len(rise) == 0:
        return ()
    threshold = max(_THRESHOLD_DB, _BELOW_STRONGEST * float(rise.max()))
    reach = round(MIN_GAP_S / 2 / _HOP_S)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(rise, reach), 2 * reach + 1)
    width = 2 * round(_AVERAGE_S / _HOP_S) + 1
    average = np.convolve(np.pad(rise, width // 2), np.full(width, 1 / width), "valid")
    peaks = np.flatnonzero((rise == around.max(axis=1)) & (rise >= threshold) & (rise >= 2 * average))
    times: list[float] = []
    for hop in peaks:
        time = max(0.0, float(hop - 1) * _HOP_S)  # the window sees an onset 5 ms late (median of kicks, snares, hats)
        if not times or time - times[-1] >= MIN_GAP_S:
            times.append(time)
    return tuple(times)


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


def _rise(clip: Clip) -> np.ndarray:
    """For each hop, how many dB the bands rise there in the mean; silence before the clip is part of it."""
    hop, window = round(_HOP_S * clip.rate_hz), round(_WINDOW_S * clip.rate_hz)
    if len(clip.samples) < hop:
        return np.zeros(0)
    mono = np.asarray(clip.samples, np.float32).mean(axis=1)
    # The window that ends where hop k ends: what begins at a hop is first seen there.
    padded = np.pad(mono, (window + hop, 0))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[hop::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32))) ** 2
    bands = power @ _bands(clip.rate_hz, window)
    level = 10 * np.log10(np.maximum(bands, bands.max() * 10 ** (_FLOOR_DB / 10)) + 1e-12)
    rise = np.maximum(level[2:] - level[:-2], 0.0).mean(axis=1)
    return rise if bands.max() > 1e-9 else np.zeros(0)


def _bands(rate_hz: int, window: int) -> np.ndarray:
    """(frequencies, bands): 1 where an FFT bin belongs to a band of a sixth of an octave; empty bands are left out."""
    frequencies = np.fft.rfftfreq(window, 1 / rate_hz)
    band = np.floor(_BANDS_PER_OCTAVE * np.log2(np.maximum(frequencies, 1e-3) / _LOWEST_HZ)).astype(int)
    kept = np.unique(band[band >= 0])
    return (band[:, None] == kept[None, :]).astype(np.float32)
