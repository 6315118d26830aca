"""The classifier's front end against a tone, and the tower trained on a made corpus."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from training.evaluation.embedders import CLASSES_FILE, NETWORK_FILE, Classifier, classifier_patches, mel_matrix

SHARED = Path(os.environ.get("ARC_CLASSIFIER") or Path(__file__).parents[3] / "shared" / "eval")


def sine(hz: float, rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz).astype(np.float32)


def test_a_tone_is_classed_a_beep_whatever_its_rate() -> None:
    classifier = Classifier(SHARED)
    for rate_hz in (16_000, 44_100):
        name, score = classifier.best(classifier.scores(sine(1_000, rate_hz), rate_hz))[0]
        assert name == "Beep, bleep"
        assert score == pytest.approx(0.72, abs=0.01)


def test_a_folder_without_the_classifier_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give the folder of the classifier"):
        Classifier(tmp_path)


def test_a_classifier_without_its_package_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (NETWORK_FILE, CLASSES_FILE):
        (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ValueError, match="pip install ai-edge-litert"):
        Classifier(tmp_path)


def test_patches_are_a_second_long_and_half_a_second_apart() -> None:
    assert classifier_patches(np.zeros(10)).shape == (1, 96, 64)
    assert classifier_patches(np.zeros(15_600)).shape == (1, 96, 64)
    assert classifier_patches(np.zeros(15_600 + 48 * 160)).shape == (2, 96, 64)
    assert classifier_patches(np.zeros(10)) == pytest.approx(np.full((1, 96, 64), np.log(1e-3)))


def test_a_tone_lies_in_the_band_around_it() -> None:
    mel = 1127 * np.log1p(np.array([125, 1_000, 7_500]) / 700)
    band = (mel[1] - mel[0]) / (mel[2] - mel[0]) * 65 - 1
    assert abs(int(classifier_patches(sine(1_000, 16_000))[0].mean(0).argmax()) - band) <= 1
    assert mel_matrix()[0].sum() == 0
