"""Networks that judge sounds: an AudioSet classifier from a folder of the caller's, never shipped.

Shapes: n samples, t frames, f mel bands, k classes.
"""

import csv
from pathlib import Path
from typing import Any, cast

import numpy as np

RATE_HZ = 16_000
FRAME, HOP, FFT = 400, 160, 512  # 25 ms, 10 ms
BANDS, LOW_HZ, HIGH_HZ = 64, 125.0, 7_500.0
PATCH_FRAMES, PATCH_HOP = 96, 48
SHORTEST = FRAME + (PATCH_FRAMES - 1) * HOP  # 15,600 samples: one patch
LOG_OFFSET = 1e-3
NETWORK_FILE, CLASSES_FILE = "yamnet_spectra_in.tflite", "yamnet_class_map.csv"


def mel_matrix() -> np.ndarray:
    """(257, 64): triangles linear in HTK mel, not area-normalised, nothing of DC."""
    mel = lambda hz: 1127 * np.log1p(np.asarray(hz) / 700)  # noqa: E731
    bins = mel(np.linspace(0, RATE_HZ / 2, FFT // 2 + 1))[:, None]
    edges = np.linspace(mel(LOW_HZ), mel(HIGH_HZ), BANDS + 2)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    matrix = np.minimum(rising, falling).clip(0)
    matrix[0] = 0
    return matrix


def classifier_patches(mono_n: np.ndarray) -> np.ndarray:
    """Mono samples at 16 kHz → log-mel patches (patches, 96, 64) float32; shorter sounds are followed by silence."""
    padded = np.pad(mono_n.astype(np.float64), (0, max(0, SHORTEST - len(mono_n))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    log_mel = np.log(np.abs(np.fft.rfft(frames * window, FFT)) @ mel_matrix() + LOG_OFFSET).astype(np.float32)
    starts = range(0, len(log_mel) - PATCH_FRAMES + 1, PATCH_HOP)
    return np.stack([log_mel[start : start + PATCH_FRAMES] for start in starts])


class Classifier:
    """YAMNet from a folder with the network (TensorFlow Lite, log-mel in) and its class list."""

    def __init__(self, folder: Path):
        for name in (NETWORK_FILE, CLASSES_FILE):
            if not (folder / name).is_file():
                raise ValueError(f"{folder / name}: there is no such file; give the folder of the classifier")
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError as error:
            raise ValueError("the classifier needs the package ai-edge-litert: pip install ai-edge-litert") from error

        with (folder / CLASSES_FILE).open(newline="") as file:
            self.classes = [row["display_name"] for row in csv.DictReader(file)]
        self._network = cast("Any", Interpreter)(
            str(folder / NETWORK_FILE),
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            num_threads=1,
        )
        self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        self._output = self._network.get_output_details()[0]["index"]

    def scores(self, mono_n: np.ndarray, rate_hz: int) -> np.ndarray:
        """Class probabilities (k,), mean over patches; they need not sum to 1."""
        import soxr

        resampled = soxr.resample(mono_n.astype(np.float32), rate_hz, RATE_HZ)
        total = []
        for patch in classifier_patches(resampled):
            self._network.set_tensor(self._input, patch[None])
            self._network.invoke()
            total.append(self._network.get_tensor(self._output)[0].copy())
        return np.mean(total, axis=0)

    def best(self, scores_k: np.ndarray, count: int = 3) -> list[tuple[str, float]]:
        """The highest classes by name."""
        return [(self.classes[i], float(scores_k[i])) for i in np.argsort(-scores_k)[:count]]
