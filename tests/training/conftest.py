"""A small captioned corpus, made here: tones, noise bursts and thumps in WebDataset shards."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.corpus import RATE_HZ

SOUNDS = ("low thump", "high tone", "noise burst")


def sound(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Samples (n, 2) float32, 0.2 to 0.6 s."""
    t = np.arange(int(rng.uniform(0.2, 0.6) * RATE_HZ)) / RATE_HZ
    wave = {
        "low thump": np.sin(2 * np.pi * 60 * t) * np.exp(-8 * t),
        "high tone": np.sin(2 * np.pi * 2_000 * t) * np.exp(-3 * t),
        "noise burst": rng.standard_normal(len(t)) * np.exp(-12 * t) / 4,
    }[kind]
    return np.repeat((0.5 * wave).astype(np.float32)[:, None], 2, axis=1)


NOTES = {"low thump": " B1"}


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two shards of twelve clips each: nine for training and three held out."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    paths = []
    for number in range(2):
        path = folder / f"made-{number:06}.tar"
        with tarfile.open(path, "w") as tar:
            for i in range(12):
                kind = SOUNDS[i % 3]
                ogg = io.BytesIO()
                soundfile.write(ogg, sound(kind, rng), RATE_HZ, format="OGG", subtype="VORBIS")
                about = {
                    "caption": kind,
                    "captions_alt": [f"a {kind}", f"{kind}{NOTES.get(kind, '')}, one shot"],
                    "category": "drum",
                    "source": f"made {kind}",
                    "split": "test" if i >= 9 else "train",
                }
                members = {f"{number}{i:05}.ogg": ogg.getvalue(), f"{number}{i:05}.json": json.dumps(about).encode()}
                for name, data in members.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
        paths.append(str(path))
    return paths


@pytest.fixture(scope="session")
def packed(shards: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shards, decoded once."""
    from training.corpus import pack

    folder = tmp_path_factory.mktemp("packed")
    pack(shards, folder)
    return folder
