"""Ogg Opus, the yardstick of reconstruction: encode and decode through libsndfile."""

import io
from dataclasses import dataclass

import numpy as np

OPUS_HZ = 48_000
MAX_KBIT_PER_CHANNEL = 256.0
MIN_KBIT_PER_CHANNEL = 6.0


@dataclass(frozen=True, eq=False)
class Coded:
    """Samples (n, 2) at the original rate, and how many bytes the file had."""

    samples: np.ndarray
    bytes: int


def through_opus(samples_n2: np.ndarray, rate_hz: int, kbit: float) -> Coded:
    """Encode at about `kbit` per second (both channels together, variable rate), decode again.

    libsndfile maps compression level 0–1 linearly to 256–6 kbit/s a channel. It takes the codec's own delay off:
    the lag of best correlation of what came back was 0 samples on the held-out clips.
    """
    import soundfile
    import soxr

    span = MAX_KBIT_PER_CHANNEL - MIN_KBIT_PER_CHANNEL
    level = 1 - (kbit / samples_n2.shape[1] - MIN_KBIT_PER_CHANNEL) / span
    file = io.BytesIO()
    upsampled = soxr.resample(samples_n2, rate_hz, OPUS_HZ)
    soundfile.write(file, upsampled, OPUS_HZ, format="OGG", subtype="OPUS", compression_level=level)
    size = file.tell()
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32", always_2d=True)
    back = soxr.resample(decoded, OPUS_HZ, rate_hz)[: len(samples_n2)]
    return Coded(np.pad(back, ((0, len(samples_n2) - len(back)), (0, 0))), size)
