"""When sounds begin, and how fast they follow each other.

Shapes: n samples, f mel bands, t frames of 256 samples (5.8 ms).
"""

import numpy as np
import torch

from training.evaluation.metrics import RATE_HZ, magnitudes, mel_filters

WINDOW, HOP = 1024, 256
FRAMES_PER_SECOND = RATE_HZ / HOP
TOLERANCE_SECONDS = 0.05
SLOWEST_BPM, FASTEST_BPM = 55.0, 215.0
BPM_STEP = 0.25
TEMPO_CENTRE_BPM, TEMPO_OCTAVES = 115.0, 1.0  # preference among multiples of one pulse: log-normal


def onset_envelope(mono_n: np.ndarray) -> np.ndarray:
    """How much louder each frame (t,) is than the one before, mean over mel bands, in dB above −60 of the loudest."""
    padded = torch.from_numpy(np.pad(mono_n.astype(np.float32), (WINDOW, WINDOW)))  # what begins at 0 has an onset
    mel = 10 * (magnitudes(padded, WINDOW).square() @ mel_filters(WINDOW, 40)).clamp_min(1e-12).log10()
    mel = mel.clamp_min(float(mel.max()) - 60)
    rise = (mel[2:] - mel[:-2]).clamp_min(0).mean(1)  # over two frames: attacks last longer than one
    # Row i of `rise` compares frames i and i + 2, centred at i + 1; the padding put sample 0 at frame WINDOW / HOP.
    return rise.numpy()[WINDOW // HOP - 1 : -(WINDOW // HOP) or None]


def onsets(mono_n: np.ndarray) -> np.ndarray:
    """Times of onsets in seconds: peaks of the envelope over ±30 ms that stand out of the ±0.4 s around them."""
    envelope = onset_envelope(mono_n)
    if envelope.max(initial=0) <= 0:
        return np.zeros(0)
    near, wide = round(0.03 * FRAMES_PER_SECOND), round(0.4 * FRAMES_PER_SECOND)
    padded = np.pad(envelope, wide)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * wide + 1)
    highest = windows[:, wide - near : wide + near + 1].max(1)
    threshold = windows.mean(1) + 0.12 * envelope.max()
    frames = np.flatnonzero((envelope == highest) & (envelope > threshold))
    kept: list[int] = []
    for frame in frames:
        if not kept or frame - kept[-1] > near:
            kept.append(int(frame))
    return np.array(kept) / FRAMES_PER_SECOND


def onset_f1(reference_s: np.ndarray, estimate_s: np.ndarray, tolerance_s: float = TOLERANCE_SECONDS) -> float:
    """Harmonic mean of precision and recall, each onset matched once, in order; 1 where neither has any."""
    if not len(reference_s) and not len(estimate_s):
        return 1.0
    i = j = matched = 0
    while i < len(reference_s) and j < len(estimate_s):
        gap = estimate_s[j] - reference_s[i]
        if abs(gap) <= tolerance_s:
            matched, i, j = matched + 1, i + 1, j + 1
        elif gap > 0:
            i += 1
        else:
            j += 1
    return 2 * matched / (len(reference_s) + len(estimate_s))


def tempo_bpm(mono_n: np.ndarray) -> float | None:
    """Tempo from the envelope's autocorrelation summed over whole multiples of a beat; None under 1.5 s or if flat."""
    envelope = onset_envelope(mono_n)
    if len(envelope) < 1.5 * FRAMES_PER_SECOND or envelope.std() < 1e-6:
        return None
    width = np.hanning(7)
    envelope = np.convolve(envelope - envelope.mean(), width / width.sum(), "same")
    size = 1 << (2 * len(envelope)).bit_length()
    correlation = np.fft.irfft(np.abs(np.fft.rfft(envelope, size)) ** 2, size)[: len(envelope)]
    lags = np.arange(len(envelope))
    unbiased = correlation / (len(envelope) - lags)
    usable = int(0.75 * len(envelope))  # longer lags are means over too little
    candidates = np.arange(SLOWEST_BPM, FASTEST_BPM, BPM_STEP)
    scores = np.full(len(candidates), -np.inf)
    for i, bpm in enumerate(candidates):
        multiples = np.arange(1, 9) * 60 / bpm * FRAMES_PER_SECOND
        multiples = multiples[multiples < usable]
        if len(multiples):
            preference = np.exp(-0.5 * (np.log2(bpm / TEMPO_CENTRE_BPM) / TEMPO_OCTAVES) ** 2)
            scores[i] = np.interp(multiples, lags, unbiased).mean() * preference
    return float(candidates[int(np.argmax(scores))])


def same_tempo(found_bpm: float, asked_bpm: float, tolerance_bpm: float = 2.0, *, any_octave: bool = True) -> bool:
    """Whether a tempo is within 2 BPM of the asked one.

    With `any_octave` also its half or double, the deviation taken at the asked tempo: 60 for 120 is right, 59 is not
    unless 118 is.
    """
    factors = (0.5, 1.0, 2.0) if any_octave else (1.0,)
    return any(abs(found_bpm * factor - asked_bpm) <= tolerance_bpm for factor in factors)
