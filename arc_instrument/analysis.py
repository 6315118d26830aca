"""What the instrument hears in a sound: pitch, tempo, loudness, brightness, and whether anything is wrong with it."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from arc_instrument.domain import Clip, SoundFacts
from arc_instrument.pitch import pitch_of
from arc_instrument.tempo import rhythm_of

SILENT_PEAK = 1e-3  # −60 dBFS
FULL_SCALE, CLIPPED_SAMPLES = 0.9999, 3  # so many samples in a row at full scale are no peak of a sound
SHORTEST_LUFS_SECONDS = 0.4  # a block of BS.1770; shorter sounds are measured by their mean square alone
FINER = 4  # steps between samples that a true peak is looked for at
MAX_ONSETS = 128


def analysed(clip: Clip, asked_bpm: float | None = None) -> SoundFacts:
    """The facts of `clip`; where half and double a tempo fit too, the one nearest to `asked_bpm` is told.

    Some 80 ms for a sound of 3 s on one core.
    """
    samples = clip.samples
    if not np.isfinite(samples).all():
        return SoundFacts(has_bad_samples=True)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < SILENT_PEAK:
        return SoundFacts(is_silent=True)
    mono = _mono(samples)
    pitch, rhythm = pitch_of(mono, clip.rate_hz), rhythm_of(mono, clip.rate_hz, asked_bpm)
    return SoundFacts(
        root_note=round(pitch.midi, 4) if pitch else None,
        pitch_confidence=round(pitch.confidence, 3) if pitch else 0.0,
        tempo_bpm=rhythm.bpm,
        beats=round(clip.seconds * rhythm.bpm / 60, 2) if rhythm.bpm else None,
        onsets=rhythm.onsets[:MAX_ONSETS],
        loudness_lufs=_loudness_lufs(clip),
        true_peak_dbtp=round(20 * np.log10(_true_peak(clip)), 2),
        centroid_hz=round(_centroid_hz(mono, clip.rate_hz), 1),
        is_clipped=_is_clipped(samples),
    )


def facts_to_json(facts: SoundFacts) -> dict[str, Any]:
    """What was found, as a JSON object; what is as in a sound of which nothing is known is left out."""
    unknown = asdict(SoundFacts())
    said = {name: value for name, value in asdict(facts).items() if value != unknown[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}


def facts_from_json(said: object) -> SoundFacts | None:
    """The facts that a file tells; None if it tells none, or what no facts are. Fields of later versions are left."""
    if not isinstance(said, Mapping):
        return None
    values = {}
    for field in fields(SoundFacts):
        value = said.get(field.name, field.default)
        if isinstance(value, list):
            value = tuple(value)
        if field.name == "onsets":
            fits = isinstance(value, tuple) and all(type(frame) is int and frame >= 0 for frame in value)
        elif isinstance(field.default, bool):
            fits = isinstance(value, bool)
        else:
            numeric = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
            fits = numeric or (value is None and field.default is None)
        if not fits:
            return None
        values[field.name] = value
    return SoundFacts(**values)


def _mono(samples: np.ndarray) -> np.ndarray:
    """Both channels, or the louder one where they cancel each other."""
    both, power = samples.mean(axis=1), (samples**2).mean(axis=0)
    return both if (both**2).mean() > 0.1 * power.max() else np.ascontiguousarray(samples[:, power.argmax()])


def _loudness_lufs(clip: Clip) -> float | None:
    """ITU-R BS.1770-4; short sounds without weighting and gate. None for what is all below the gate.

    pyloudnorm's figure to 0.1 LU, without scipy: loading that made the first take of a session wait for seconds.
    """
    samples = clip.samples.astype(np.float64)
    if clip.seconds < SHORTEST_LUFS_SECONDS:
        return round(float(-0.691 + 10 * np.log10((samples**2).mean(axis=0).sum())), 2)
    size = 1 << (len(samples) + clip.rate_hz // 4).bit_length()  # silence between the end and the start
    weighted = np.fft.irfft(
        np.fft.rfft(samples, size, axis=0) * _k_weighting(size, clip.rate_hz)[:, None], size, axis=0
    )
    energy = np.concatenate([[0.0], np.cumsum((weighted[: len(samples)] ** 2).sum(axis=1))])
    block = round(SHORTEST_LUFS_SECONDS * clip.rate_hz)
    starts = np.arange(0, len(samples) - block + 1, block // 4)
    power = (energy[starts + block] - energy[starts]) / block
    audible = power[power > 10 ** ((-70 + 0.691) / 10)]
    if not len(audible):
        return None
    gated = audible[audible > audible.mean() / 10]  # 10 LU below the loudness of what is audible
    return round(float(-0.691 + 10 * np.log10(gated.mean())), 2)


def _k_weighting(size: int, rate_hz: int) -> np.ndarray:
    """Magnitude of BS.1770's two filters at the bins of an FFT, for any rate (De Man 2014)."""
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    shelf, high = 1.0, 1.0
    for hz, q in ((1681.974450955533, 0.7071752369554196), (38.13547087602444, 0.5003270373238773)):
        k = np.tan(np.pi * hz / rate_hz)
        poles = (1 + k / q + k**2) + 2 * (k**2 - 1) * z + (1 - k / q + k**2) * z**2
        if hz > 1_000:
            gain, middle = 10 ** (3.999843853973347 / 20), 10 ** (0.4996667741545416 * 3.999843853973347 / 20)
            shelf = (gain + middle * k / q + k**2) + 2 * (k**2 - gain) * z + (gain - middle * k / q + k**2) * z**2
            shelf = shelf / poles
        else:
            high = (1 - z) ** 2 / poles * (1 + k / q + k**2)
    return np.abs(shelf * high)


def _true_peak(clip: Clip) -> float:
    """The highest magnitude at and between the samples, interpolated fourfold (BS.1770-4, annex 2)."""
    import soxr

    padded = np.pad(clip.samples, ((256, 256), (0, 0)))
    between = np.abs(soxr.resample(padded, clip.rate_hz, FINER * clip.rate_hz)).max()
    return max(float(between), float(np.abs(clip.samples).max()))


def _centroid_hz(mono: np.ndarray, rate_hz: int) -> float:
    magnitude = np.abs(np.fft.rfft(mono))
    return float((magnitude * np.fft.rfftfreq(len(mono), 1 / rate_hz)).sum() / max(magnitude.sum(), 1e-12))


def _is_clipped(samples: np.ndarray) -> bool:
    full = np.abs(samples) >= FULL_SCALE
    run = full.copy()
    for step in range(1, CLIPPED_SAMPLES):
        run[:-step] &= full[step:]
        run[len(run) - step :] = False
    return bool(run.any())
