"""Onsets: where hits were put they are found; librosa and a brute-force matching are the oracles."""

from itertools import combinations, permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from arc_instrument.domain import Clip
from arc_instrument.onsets import onset_f1, onset_times

RATE_HZ = 44_100

settings.register_profile("onsets", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("onsets")


def hit(kind: str, rng: np.random.Generator) -> np.ndarray:
    n = round(0.2 * RATE_HZ)
    t = np.arange(n) / RATE_HZ
    if kind == "kick":
        return (
            0.8
            * np.minimum(1, (0.2 - t) / 0.05)
            * np.sin(2 * np.pi * (50 * t + 1.3 * (1 - np.exp(-30 * t))))
            * np.exp(-14 * t)
        )
    if kind == "snare":
        return 0.3 * rng.normal(size=n) * np.exp(-25 * t)
    if kind == "hat":
        return 0.08 * np.diff(rng.normal(size=n + 1)) * np.exp(-60 * t)
    tone = sum(np.sin(2 * np.pi * 200 * k * t) / k for k in range(1, 8))  # a sung syllable
    return 0.3 * tone * np.minimum(1, t / 0.02) * np.minimum(1, (0.2 - t) / 0.05)


def pattern(times, kinds, noise_db: float, seed: int = 0) -> Clip:
    rng = np.random.default_rng(seed)
    wave = 10 ** (noise_db / 20) * rng.normal(size=round((max(times) + 0.6) * RATE_HZ))
    for time, kind in zip(times, kinds, strict=True):
        sound, at = hit(kind, rng), round(time * RATE_HZ)
        wave[at : at + len(sound)] += sound
    return Clip(np.stack([wave, wave], axis=1).astype(np.float32))


@given(
    start=st.floats(0.0, 0.5),
    gaps=st.lists(st.floats(0.2, 0.6), min_size=1, max_size=10),
    kind=st.sampled_from(["kick", "snare", "mixed"]),
    noise_db=st.sampled_from([-90, -60]),
    seed=st.integers(0, 9),
)
def test_every_hit_of_a_beat_is_found_within_15_ms_and_nothing_else(start, gaps, kind, noise_db, seed):
    times = start + np.cumsum([0.0, *gaps])
    kinds = [["kick", "hat", "snare", "hat"][i % 4] if kind == "mixed" else kind for i in range(len(times))]
    found = onset_times(pattern(times, kinds, noise_db, seed))
    assert len(found) == len(times)
    assert np.abs(np.array(found) - times).max() < 0.015


def test_sung_syllables_with_gaps_are_found():
    times = [0.1 + 0.35 * i for i in range(8)]
    assert onset_f1(times, onset_times(pattern(times, ["voice"] * 8, -60))) == 1


def test_a_steady_tone_or_noise_begins_once_and_silence_never():
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 220 * t)[:, None].repeat(2, 1)
    noise = 0.1 * np.random.default_rng(0).normal(size=(2 * RATE_HZ, 2))
    for samples in (tone, noise):
        assert onset_times(Clip(samples.astype(np.float32))) == (0.0,)
    assert onset_times(Clip(np.zeros((RATE_HZ, 2), np.float32))) == ()
    assert onset_times(Clip(np.zeros((0, 2), np.float32))) == ()


def test_librosa_hears_the_same_beat():
    import librosa  # 4 s

    times = [0.3 + 0.25 * i for i in range(12)]
    clip = pattern(times, ["kick", "hat", "snare", "hat"] * 3, -60)
    theirs = librosa.onset.onset_detect(y=clip.samples.mean(axis=1), sr=RATE_HZ, units="time")
    assert onset_f1(list(theirs), onset_times(clip)) == 1


onsets = st.lists(st.floats(0, 1), max_size=4).map(sorted)


@given(reference=onsets, estimated=onsets, tolerance=st.floats(0.01, 0.3))
def test_f1_counts_the_best_matching_of_all(reference, estimated, tolerance):
    best = 0
    for size in range(1, min(len(reference), len(estimated)) + 1):
        for some in combinations(reference, size):
            for others in permutations(estimated, size):
                if all(b >= a - tolerance and b <= a + tolerance for a, b in zip(some, others, strict=True)):
                    best = size
    total = len(reference) + len(estimated)
    assert onset_f1(reference, estimated, tolerance) == (2 * best / total if total else 1.0)


def test_f1_is_one_for_the_same_beat_and_none_for_another():
    assert onset_f1([0.0, 0.5, 1.0], [0.04, 0.46, 1.0]) == 1
    assert onset_f1([0.0, 0.5], [0.25, 0.75]) == 0
    assert onset_f1([0.0, 0.5], []) == 0
