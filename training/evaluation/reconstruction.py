"""Held-out clips through the autoencoder and through Opus, side by side."""

from collections.abc import Callable

import numpy as np
import torch
from tqdm import tqdm

from model.pipeline import Pipeline
from training.corpus import Corpus
from training.evaluation.intervals import spread
from training.evaluation.metrics import (
    RATE_HZ,
    energy_before_onset_db,
    log_mel_distance_db,
    low_band_snr_db,
    peak_change_db,
    si_sdr_db,
    stft_distance,
)
from training.evaluation.opus import through_opus

ONSET_SAMPLES = 4096  # silence put before each clip, so that energy before its onset can be told
TAIL_SAMPLES = 2048  # and after it, as overlapping windows reach beyond
OPUS_KBIT = (24, 48, 96)
SILENT_PEAK = 1e-3  # a clip below −60 dBFS says nothing

Codec = Callable[[np.ndarray, int], tuple[np.ndarray, float]]  # (samples (n, 2), seed) → samples, kbit


def compare(reference_n2: np.ndarray, estimate_n2: np.ndarray) -> dict[str, float]:
    """Every distance of two stereo signals, on their mid channel; the sound starts at ONSET_SAMPLES."""
    reference, estimate = (torch.from_numpy(x.mean(1).copy()) for x in (reference_n2, estimate_n2))
    return {
        "log_mel_distance_db": log_mel_distance_db(reference, estimate),
        "stft_distance": stft_distance(reference, estimate),
        "si_sdr_db": si_sdr_db(reference, estimate),
        "peak_change_db": peak_change_db(reference, estimate),
        "low_band_snr_db": low_band_snr_db(reference, estimate),
        "energy_before_onset_db": energy_before_onset_db(reference, estimate, ONSET_SAMPLES),
    }


@torch.inference_mode()
def through_model(pipeline: Pipeline, samples_n2: np.ndarray, seed: int) -> np.ndarray:
    """Encode and decode as the app does. Samples beyond the model's longest sound are not asked for."""
    frame = pipeline.config.autoencoder.frame_samples
    frames = pipeline.config.canvas_frames(len(samples_n2))
    rng = torch.Generator().manual_seed(seed)
    latents_bct = pipeline.encode(samples_n2, frames, rng)
    chunks = list(pipeline.engine.decode(latents_bct, [-(-len(samples_n2) // frame)], rng))
    return torch.cat(chunks, -1)[0, :, : len(samples_n2)].T.float().cpu().numpy()


def codecs(pipeline: Pipeline) -> dict[str, Codec]:
    """The model and its yardsticks by name."""
    config = pipeline.config
    latents_per_second = config.sample_rate / config.autoencoder.frame_samples * config.autoencoder.latent_channels

    def model(samples: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
        return through_model(pipeline, samples, seed), latents_per_second * 16 / 1000  # latents as float16

    def opus(kbit: float) -> Codec:
        def code(samples: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
            coded = through_opus(samples, RATE_HZ, kbit)
            return coded.samples, 8 * coded.bytes / (len(samples) / RATE_HZ) / 1000

        return code

    return {pipeline.name: model, **{f"opus {kbit}": opus(kbit) for kbit in OPUS_KBIT}}


def reconstruction(pipeline: Pipeline, corpus: Corpus, limit: int | None = None) -> dict[str, dict[str, dict]]:
    """For each codec, the spread of every distance and of the bit rate over the clips of a split.

    The bit rate of Opus is of the whole file, headers included: on clips under a second they show.
    """
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in codecs(pipeline)}
    for i in tqdm(range(len(corpus))[:limit], desc="reconstructing", mininterval=5):
        clip = corpus.audio(i, 0, pipeline.config.max_samples - ONSET_SAMPLES - TAIL_SAMPLES)
        if np.abs(clip).max(initial=0) < SILENT_PEAK:
            continue
        padded = np.pad(clip, ((ONSET_SAMPLES, TAIL_SAMPLES), (0, 0)))
        for name, codec in codecs(pipeline).items():
            estimate, kbit = codec(padded, i)
            rows[name].append({**compare(padded, estimate), "kbit": kbit})
    return {
        name: {metric: spread([row[metric] for row in found]) for metric in found[0]} if found else {}
        for name, found in rows.items()
    }
