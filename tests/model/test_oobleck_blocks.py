"""Decoding in blocks against the plain network: every sample, at every border."""

import pytest
import torch

from model import oobleck_blocks
from model.config import OobleckConfig
from model.oobleck import OobleckAutoencoder
from model.oobleck_blocks import BlockDecoder, BlockEncoder
from model.workers import Workers

SMALL = OobleckConfig(channels=8, multiples=(1, 2, 4), strides=(2, 4, 8))  # 64 samples a frame


@pytest.fixture(scope="module")
def autoencoder() -> OobleckAutoencoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        autoencoder = OobleckAutoencoder(SMALL).eval().requires_grad_(False)
        for name, parameter in autoencoder.named_parameters():
            if name.endswith(("alpha", "beta")):
                parameter.normal_(0, 0.3)
    return autoencoder


@pytest.fixture(autouse=True)
def _short_blocks(monkeypatch):
    monkeypatch.setattr(oobleck_blocks, "MAX_BLOCK_ROWS", 64)


def relative_error(got: torch.Tensor, expected: torch.Tensor) -> float:
    return ((got - expected).norm() / expected.norm()).item()


@pytest.fixture(scope="module")
def workers() -> Workers:
    return Workers(2)


@torch.inference_mode()
@pytest.mark.parametrize("frames", [1, 2, 9, 40])
def test_blocks_joined_are_the_plain_decoding(autoencoder, workers, frames):
    latents = torch.randn(1, 64, frames)
    (audio,) = BlockDecoder(autoencoder.decoder, torch.float32, workers).decode(latents, [frames * 64])
    expected = autoencoder.decode(latents)
    assert audio.shape == expected.shape
    assert relative_error(audio, expected) < 1e-5


@torch.inference_mode()
def test_chunks_may_end_anywhere_and_an_unfinished_sound_is_the_start_of_the_whole(autoencoder, workers):
    latents = torch.randn(1, 64, 40)
    decoder = BlockDecoder(autoencoder.decoder, torch.float32, workers)
    (whole,) = decoder.decode(latents, [40 * 64])
    chunks = list(decoder.decode(latents, [1, 100, 1000, 1001]))
    assert [chunk.shape[-1] for chunk in chunks] == [1, 99, 900, 1]
    assert torch.equal(torch.cat(chunks, -1), whole[..., :1001])


@torch.inference_mode()
def test_bfloat16_stays_within_forty_decibels_of_float32(autoencoder, workers):
    latents = torch.randn(1, 64, 12)
    (audio,) = BlockDecoder(autoencoder.decoder, torch.bfloat16, workers).decode(latents, [12 * 64])
    assert relative_error(audio, autoencoder.decode(latents)) < 1e-2


def test_several_items_at_once_are_refused(autoencoder, workers):
    with pytest.raises(ValueError, match="2 items"):
        next(BlockDecoder(autoencoder.decoder, torch.float32, workers).decode(torch.zeros(2, 64, 1), [64]))


@torch.inference_mode()
@pytest.mark.parametrize("frames", [1, 2, 9, 40])
def test_encoding_in_blocks_is_the_plain_encoding(autoencoder, workers, frames):
    audio = torch.randn(1, 2, frames * 64)
    encoded = BlockEncoder(autoencoder.encoder, torch.float32, workers).encode(audio)
    assert relative_error(encoded, autoencoder.encoder(audio)) < 1e-5


def test_the_first_error_of_a_worker_is_raised(workers):
    def work(item: int) -> None:
        if item == 3:
            raise ValueError("block 3")

    with pytest.raises(ValueError, match="block 3"):
        workers.map(work, range(5))


def test_workers_have_one_thread_each_and_leave_the_callers_number_alone(workers):
    before = torch.get_num_threads()
    threads = set()
    workers.map(lambda item: threads.add(torch.get_num_threads()), range(8))
    assert threads == {1}
    assert torch.get_num_threads() == before
