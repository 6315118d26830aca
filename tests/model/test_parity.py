"""Numbers of the reference implementation, from stand-in weights (tests/data/parity/README.md), float32.

ARC_PARITY_REFERENCE may name another file of the same arrays; a file may hold more times, levels and numbers of steps.
The published sizes are built once, one network at a time: 1.4 GB for the transformer, 0.6 for the autoencoder.
"""

import gc
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from model.checkpoint import load_published
from model.conditioning import Conditioning, SecondsEmbedder
from model.config import SAO_SMALL, OobleckConfig
from model.dit import DiffusionTransformer
from model.dit_packed import PackedTransformer
from model.flow import interpolate
from model.guidance import guided
from model.oobleck import OobleckAutoencoder
from model.oobleck_blocks import BlockDecoder, BlockEncoder
from model.sampler import Velocity, draw_noise, euler, pingpong
from model.schedule import log_snr_times
from model.workers import Workers

FOLDER = Path(__file__).parents[1] / "data" / "parity"
REFERENCE = Path(os.environ.get("ARC_PARITY_REFERENCE") or FOLDER / "reference.npz")
TOLERANCE = 1e-4  # of the issue; float32 rounding on our machines reaches 2e-6

with np.load(REFERENCE) as file:
    NAMES = frozenset(file.files)

DIT_INPUTS = {"dit_x", "dit_text", "dit_global", "dit2_x", "dit2_text", "dit2_global", "dit2_t"}
OTHER_INPUTS = {"seconds", "vae_z", "vae_audio", "seed", "pp_noise", "a2a_init"}
OUTPUTS = {"dit2_v", "seconds_embed", "vae_decoded", "vae_encoded", "pp_latents", "a2a_latents", "euler_latents"}
VELOCITIES = re.compile(r"dit_v_t(?P<time>[\d.]+)")
GUIDED = re.compile(r"cfg_v_t(?P<time>[\d.]+)_s(?P<scale>[\d.]+)")
TIMES = re.compile(r"sigmas_(?P<steps>\d+)(_init(?P<start>[\d.]+))?")
ASKED_FOR = {"dit_v_t1.0", "dit_v_t0.880797", "dit_v_t0.268941", "cfg_v_t0.5_s4"} | {
    *(f"sigmas_{steps}" for steps in (1, 2, 4, 8, 16)),
    *(f"sigmas_8_init{start}" for start in (0.7, 0.3, 0.05)),
}

pytestmark = pytest.mark.slow


def arrays(kind: re.Pattern[str]) -> list[str]:
    """The file's arrays of one kind, by name."""
    return sorted(name for name in NAMES if kind.fullmatch(name))


def numbers(kind: re.Pattern[str], name: str) -> dict[str, float]:
    """What the name of an array says of how it was made."""
    match = kind.fullmatch(name)
    assert match
    return {key: float(number) for key, number in match.groupdict().items() if number}


def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_fill", FOLDER / "fill.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    """Published sizes are worth more threads than other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(4, os.cpu_count() or 1))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def reference() -> dict[str, Tensor]:
    with np.load(REFERENCE) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


@pytest.fixture(scope="module")
def dit() -> Iterator[DiffusionTransformer]:
    with torch.device("meta"):
        dit = DiffusionTransformer(SAO_SMALL.dit).eval().requires_grad_(False)
    load_published({"dit": dit}, recipe().state_dict("model.model."))
    yield dit
    del dit
    gc.collect()


@pytest.fixture(scope="module")
def autoencoder() -> Iterator[OobleckAutoencoder]:
    with torch.device("meta"):
        autoencoder = OobleckAutoencoder(OobleckConfig()).eval().requires_grad_(False)
    load_published({"autoencoder": autoencoder}, recipe().state_dict("pretransform.model."))
    yield autoencoder
    del autoencoder
    gc.collect()


@pytest.fixture
def conditioning(reference) -> Conditioning:
    return Conditioning(reference["dit_text"], reference["dit_global"])


@pytest.fixture(scope="module")
def packed(dit) -> Callable[[int], PackedTransformer]:
    """The transformer as `PackedEngine` runs it on a CPU, by its number of frames."""
    return cache(lambda frames: PackedTransformer(dit, frames))


@pytest.fixture(params=["plain", "packed"])
def velocity(request, dit, packed, conditioning) -> Velocity:
    prepared = dit.prepare(conditioning)
    if request.param == "plain":
        return lambda x, t: dit.velocity(x, t, prepared)
    return torch.inference_mode()(lambda x, t: packed(x.shape[-1]).velocity(x, dit.time_embedding(t), prepared))


def assert_agrees(got: Tensor, expected: Tensor) -> None:
    assert got.shape == expected.shape
    assert ((got - expected).norm() / expected.norm()).item() < TOLERANCE


def test_every_array_asked_for_is_there_and_every_array_there_is_used():
    reproduced = {name for kind in (VELOCITIES, GUIDED, TIMES) for name in arrays(kind)}
    assert reproduced >= ASKED_FOR
    assert reproduced | OUTPUTS | DIT_INPUTS | OTHER_INPUTS == NAMES


@pytest.mark.parametrize("name", arrays(VELOCITIES))
def test_the_transformers_velocity_is_the_references(velocity, reference, name):
    time = numbers(VELOCITIES, name)["time"]
    assert_agrees(velocity(reference["dit_x"], torch.tensor([time])), reference[name])


def test_so_is_a_batch_of_two_with_another_length_and_a_time_each(dit, reference):
    conditioning = Conditioning(reference["dit2_text"], reference["dit2_global"])
    assert_agrees(dit(reference["dit2_x"], reference["dit2_t"], conditioning), reference["dit2_v"])


@pytest.mark.parametrize("name", arrays(GUIDED))
def test_so_is_the_velocity_under_guidance(dit, velocity, conditioning, reference, name):
    how = numbers(GUIDED, name)
    velocity = guided(velocity, lambda x, t: dit(x, t, conditioning.null()), how["scale"])
    assert_agrees(velocity(reference["dit_x"], torch.tensor([how["time"]])), reference[name])


def test_so_are_four_ping_pong_steps_from_the_same_seed(velocity, reference):
    generator = torch.Generator().manual_seed(int(reference["seed"]))
    noise = draw_noise(reference["pp_noise"].shape, generator)  # the stream of torch.manual_seed on a CPU
    assert torch.equal(noise, reference["pp_noise"])
    *_, last = pingpong(velocity, noise, log_snr_times(4), generator)
    assert_agrees(last.latent_bct, reference["pp_latents"])


def test_so_is_audio_to_audio_from_level_06(velocity, reference):
    generator = torch.Generator().manual_seed(int(reference["seed"]))
    times = log_snr_times(4, 0.6)
    noise = draw_noise(reference["a2a_init"].shape, generator)
    *_, last = pingpong(velocity, interpolate(reference["a2a_init"], noise, times[0]), times, generator)
    assert_agrees(last.latent_bct, reference["a2a_latents"])


def test_so_are_four_euler_steps(velocity, reference):
    *_, last = euler(velocity, reference["pp_noise"], log_snr_times(4))
    assert_agrees(last.latent_bct, reference["euler_latents"])


def test_the_seconds_embedding_is_the_references_at_and_beyond_its_range(reference):
    embedder = SecondsEmbedder(SAO_SMALL.seconds)
    load_published({"seconds": embedder}, recipe().state_dict("conditioner."))
    assert_agrees(embedder(reference["seconds"])[:, None], reference["seconds_embed"])


@pytest.mark.parametrize("name", arrays(TIMES))
def test_sampler_times_are_the_references(reference, name):
    how = numbers(TIMES, name)
    times = log_snr_times(int(how["steps"]), how.get("start", 1.0), published_rise=True)
    assert_agrees(torch.tensor(times), reference[name])


@torch.inference_mode()
def test_decoded_audio_is_the_references(autoencoder, reference):
    assert_agrees(autoencoder.decode(reference["vae_z"]), reference["vae_decoded"])


@torch.inference_mode()
def test_encoded_means_and_scales_are_the_references(autoencoder, reference):
    assert_agrees(autoencoder.encoder(reference["vae_audio"]), reference["vae_encoded"])


def test_decoding_and_encoding_in_blocks_are_the_references_too(autoencoder, reference):
    workers, samples = Workers(2), reference["vae_decoded"].shape[-1]
    decoder = workers.run(lambda: BlockDecoder(autoencoder.decoder, torch.float32, workers))
    assert_agrees(torch.cat(list(decoder.decode(reference["vae_z"], [2048, samples])), -1), reference["vae_decoded"])
    encoder = workers.run(lambda: BlockEncoder(autoencoder.encoder, torch.float32, workers))
    assert_agrees(encoder.encode(reference["vae_audio"]), reference["vae_encoded"])
