"""How fast a sound's events follow each other: the beat whose multiples its onset envelope repeats after."""

from dataclasses import dataclass

import numpy as np

from arc_instrument.onsets import onset_envelope, onset_frames

SLOWEST_BPM, FASTEST_BPM, BPM_STEP = 40.0, 240.0, 0.1
COMMON_BPM, PRIOR_OCTAVES, ASKED_OCTAVES = 120.0, 0.9, 0.4  # where octaves are in doubt: common, or near the asked one
MULTIPLES = 8  # of the beat, at which the envelope must repeat
REGULAR = 0.25  # correlation at those; below it nothing repeats
FEWEST_ONSETS = 3


@dataclass(frozen=True)
class Rhythm:
    """`onsets` in frames of the sound; `bpm` None where nothing repeats regularly."""

    onsets: tuple[int, ...]
    bpm: float | None


def rhythm_of(mono: np.ndarray, rate_hz: int, asked_bpm: float | None = None) -> Rhythm:
    """Onsets and tempo of `mono` (n,). Where half and double the tempo fit too, the one nearest to the asked counts."""
    envelope = onset_envelope(mono, rate_hz)
    onsets = onset_frames(mono, rate_hz, envelope)
    bpm = _tempo(envelope.rise, rate_hz / envelope.hop, asked_bpm) if len(onsets) >= FEWEST_ONSETS else None
    return Rhythm(onsets, bpm)


def _tempo(rise: np.ndarray, hops_per_second: float, asked_bpm: float | None) -> float | None:
    smooth = np.convolve(rise - rise.mean(), np.hanning(9), mode="same")
    size = 1 << (2 * len(smooth)).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(smooth, size)) ** 2)[: len(smooth)]
    overlap = len(smooth) - np.arange(len(smooth))
    correlation = correlation / correlation[0] * len(smooth) / overlap
    usable = 0.8 * len(smooth)  # where less overlaps, chance decides
    bpm = np.arange(SLOWEST_BPM, FASTEST_BPM, BPM_STEP)
    lags = 60 * hops_per_second / bpm[:, None] * np.arange(1, MULTIPLES + 1)
    values = np.where(lags < usable, np.interp(lags, np.arange(len(smooth)), correlation), 0.0)
    counts = (lags < usable).sum(1)
    regularity = np.divide(values.sum(1), counts, out=np.zeros(len(bpm)), where=counts > 0)
    centre, octaves = (asked_bpm, ASKED_OCTAVES) if asked_bpm else (COMMON_BPM, PRIOR_OCTAVES)
    best = int((regularity * np.exp(-0.5 * (np.log2(bpm / centre) / octaves) ** 2)).argmax())
    near = np.flatnonzero(np.abs(bpm / bpm[best] - 1) < 0.03)
    best = int(near[regularity[near].argmax()])  # the prior chooses the octave, not the figure
    return round(float(bpm[best]), 1) if regularity[best] > REGULAR else None
