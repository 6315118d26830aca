"""The figures of the model card: `python -m training.evaluate autoencoder|prompts --corpus FOLDER …`.

`autoencoder` reconstructs the held-out clips. `prompts` generates sounds and asks which kind of recording each is
nearest to: clips of the corpus whose caption names the kind are the reference, none of their samples are copied.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from model.config import ARC_MINI
from model.pipeline import Generation, Pipeline
from model.spectral import SpectralAutoencoder
from training.corpus import Corpus
from training.metrics import (
    energy_before_onset_db,
    log_mel_distance_db,
    low_band_snr_db,
    peak_change_db,
    timbre,
    wilson_interval,
)

PROMPTS = {
    "kick drum": "kick",
    "hi-hat": "hi-hat",
    "flute": "flute",
    "deep bass": "bass",
    "explosion": "explosion",
    "glass": "glass",
}
ONSET_SAMPLES = 4096  # silence put before each clip, so that energy before its onset can be told


@torch.inference_mode()
def reconstruction(autoencoder: SpectralAutoencoder, corpus: Corpus) -> dict[str, dict[str, float]]:
    """Median, worst decile and number of clips for each metric over a split."""
    hop = ARC_MINI.autoencoder.frame_samples
    rows = []
    for i in tqdm(range(len(corpus)), desc="reconstructing", mininterval=5):
        clip = corpus.audio(i, 0, ARC_MINI.max_samples - ONSET_SAMPLES - hop)
        padded = np.zeros((-(-(len(clip) + ONSET_SAMPLES + 128) // hop) * hop, 2), np.float32)
        padded[ONSET_SAMPLES : ONSET_SAMPLES + len(clip)] = clip
        audio = torch.from_numpy(padded.T.copy())[None]
        decoded = autoencoder.decode(autoencoder.encode(audio), torch.Generator().manual_seed(i))
        reference, estimate = audio[0].mean(0), decoded[0].mean(0)
        rows.append(
            {
                "log_mel_distance_db": log_mel_distance_db(reference, estimate),
                "peak_change_db": peak_change_db(reference, estimate),
                "low_band_snr_db": low_band_snr_db(reference, estimate),
                "energy_before_onset_db": energy_before_onset_db(reference, estimate, ONSET_SAMPLES),
            }
        )
    table = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        table[name] = {"median": float(np.median(values)), "p10": float(np.quantile(values, 0.1))}
        table[name] |= {"p90": float(np.quantile(values, 0.9)), "clips": len(values)}
    return table


def prompt_recognition(pipeline: Pipeline, corpus: Corpus, per_prompt: int, steps: int, neighbours: int = 5) -> dict:
    """For each prompt, how many of its generations have mostly recordings of its own kind as nearest neighbours."""
    references, kinds = [], []
    for kind, word in PROMPTS.items():
        members = [i for i, entry in enumerate(corpus.entries) if word in entry.captions[0].lower()]
        chosen = np.random.default_rng(0).permutation(members)[:60]
        references += [timbre(torch.from_numpy(corpus.audio(int(i), 0, 88_200).mean(1).copy())) for i in chosen]
        kinds += [kind] * len(chosen)
    space = np.stack(references)
    centre, spread = space.mean(0), space.std(0) + 1e-3
    space, labels = (space - centre) / spread, np.array(kinds)
    table = {}
    for kind in PROMPTS:
        votes = []
        for seed in tqdm(range(per_prompt), desc=kind, mininterval=5):
            sound = pipeline.generate(Generation(kind, 2.0, steps, seed))
            point = (timbre(torch.from_numpy(sound.mean(1).copy())) - centre) / spread
            distance = np.square(space - point).sum(1)
            nearest = np.argsort(distance)[:neighbours]
            weight = {k: float((1 / distance[nearest])[labels[nearest] == k].sum()) for k in PROMPTS}
            votes.append(max(weight, key=lambda k: weight[k]))
        hits = votes.count(kind)
        table[kind] = {
            "recognised": hits,
            "of": per_prompt,
            "interval_95": wilson_interval(hits, per_prompt),
            "taken_for": {k: votes.count(k) for k in PROMPTS if votes.count(k)},
        }
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("autoencoder", "prompts"))
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="model folder; the embedded one by default")
    parser.add_argument("--per-prompt", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    pipeline = Pipeline.load(args.weights)
    if args.what == "autoencoder":
        autoencoder = pipeline.engine.autoencoder
        if not isinstance(autoencoder, SpectralAutoencoder):
            parser.error(f"{pipeline.name} has the published autoencoder: this measures our own")
        table = reconstruction(autoencoder, Corpus(args.corpus, "test"))
    else:
        table = prompt_recognition(pipeline, Corpus(args.corpus, "train"), args.per_prompt, args.steps)
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
