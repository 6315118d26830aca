"""The published autoencoder's own laws, on a small one; its numbers are in test_parity.py."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from model.config import OobleckConfig
from model.oobleck import OobleckAutoencoder, Snake

SMALL = OobleckConfig(channels=4, multiples=(1, 2, 2), strides=(2, 4, 4), latent_channels=3)


@pytest.fixture
def autoencoder() -> OobleckAutoencoder:
    autoencoder = OobleckAutoencoder(SMALL).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for parameter in autoencoder.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return autoencoder


def latents(frames: int) -> torch.Tensor:
    return torch.randn(1, 3, frames, generator=torch.Generator().manual_seed(frames))


@pytest.mark.parametrize(("frames", "chunk_frames"), [(1, 16), (7, 1), (30, 7), (50, 16), (80, 40), (80, 79), (80, 80)])
def test_joined_chunks_equal_one_decode(autoencoder, frames, chunk_frames):
    z = latents(frames)
    chunks = list(autoencoder.decode_chunks(z, [*range(chunk_frames, frames, chunk_frames), frames]))
    assert all(chunk.shape[-1] == chunk_frames * SMALL.frame_samples for chunk in chunks[:-1])
    torch.testing.assert_close(torch.cat(chunks, -1), autoencoder.decode(z), rtol=1e-4, atol=1e-4)


def test_a_latent_touches_nothing_beyond_the_context(autoencoder):
    z, hop, context = latents(80), SMALL.frame_samples, autoencoder.context_frames
    changed = z.clone()
    changed[..., 40] += 1
    touched = (autoencoder.decode(z) != autoencoder.decode(changed)).any(1)[0].nonzero()[:, 0]
    assert (40 - context) * hop <= touched.min()
    assert touched.max() < (41 + context) * hop
    assert touched.min() < (41 - context) * hop + hop, "the context is not wider than needed by a frame"


def test_the_published_sizes_need_ten_frames_of_context():
    with torch.device("meta"):
        assert OobleckAutoencoder(OobleckConfig()).context_frames == 10


def test_encoding_and_decoding_keep_the_length(autoencoder):
    audio = torch.randn(2, 2, 10 * SMALL.frame_samples, generator=torch.Generator().manual_seed(0))
    z = autoencoder.encode(audio)
    assert z.shape == (2, 3, 10)
    assert autoencoder.decode(z).shape == audio.shape


def test_audio_that_is_no_whole_number_of_frames_is_refused(autoencoder):
    with pytest.raises(ValueError, match="100 samples: pad the audio to a multiple of 32"):
        autoencoder.encode(torch.zeros(1, 2, 100))


def test_without_a_generator_the_mean_comes_and_with_one_samples_around_it(autoencoder):
    audio = torch.randn(1, 2, 4 * SMALL.frame_samples, generator=torch.Generator().manual_seed(0))
    mean, std = autoencoder.posterior(audio)
    assert torch.equal(autoencoder.encode(audio), mean)
    generator = torch.Generator().manual_seed(1)
    deviations = torch.stack([(autoencoder.encode(audio, generator) - mean) / std for _ in range(100)])
    assert deviations.mean().abs() < 0.1
    assert deviations.std() == pytest.approx(1, abs=0.05)


def test_snake_is_its_formula():
    snake = Snake(2)
    nn.init.constant_(snake.alpha, 0.7)
    nn.init.constant_(snake.beta, -0.3)
    x = torch.linspace(-3, 3, 20).view(1, 2, 10)
    a, b = torch.tensor(0.7).exp(), torch.tensor(-0.3).exp()
    torch.testing.assert_close(snake(x), x + torch.sin(a * x) ** 2 / b)


def test_another_dtype_of_the_layers_takes_and_gives_float32(autoencoder):
    low = deepcopy(autoencoder).bfloat16()
    z, audio = latents(12), torch.randn(1, 2, 12 * SMALL.frame_samples, generator=torch.Generator().manual_seed(1))
    for got, expected in ((low.decode(z), autoencoder.decode(z)), (low.encode(audio), autoencoder.encode(audio))):
        assert got.dtype == torch.float32
        assert (got - expected).norm() < 0.15 * expected.norm()  # these weights amplify what is rounded
