"""The post-filter: gains in closed form, the same for both channels, no further reach than it says."""

import math

import pytest
import torch
from torch import Tensor

from model.postfilter import Fft, PostFilter
from model.programs import FourierProducts


@pytest.fixture
def trained() -> PostFilter:
    """Weights as training might leave them: gains of every size."""
    torch.manual_seed(0)
    network = PostFilter(4).requires_grad_(False)
    torch.nn.init.normal_(network.last.weight, 0.0, 1.0)
    return network


def noise(*shape: int, seed: int = 1) -> Tensor:
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_untrained_it_changes_no_sample() -> None:
    audio = noise(2, 2, 5_000)
    assert torch.equal(PostFilter(4)(audio), audio)


@pytest.mark.parametrize("samples", [1_023, 1_024, 7_001])
def test_one_gain_for_all_bands_is_that_gain_for_every_sample_of_what_is_no_bass(samples: int) -> None:
    network = PostFilter(4).requires_grad_(False)
    torch.nn.init.constant_(network.get_parameter("last.bias"), 3 * math.atanh(0.2))  # 0.2 of 30 dB
    fade = torch.hann_window(samples, periodic=False)  # a cut would reach the last bin, which has no gain
    audio = (fade * torch.cos(0.5 * torch.arange(samples))).expand(1, 2, samples)
    torch.testing.assert_close(network(audio), audio * 10 ** (6 / 20), atol=1e-5, rtol=0)


def test_bass_passes_as_it_is(trained: PostFilter) -> None:
    tone = torch.sin(2 * math.pi * 110 / 44_100 * torch.arange(20_480)).expand(1, 2, -1)
    within = slice(4_096, -4_096)  # its own start and end are no tone
    torch.testing.assert_close(trained(tone)[..., within], tone[..., within], atol=3e-3, rtol=0)


def test_what_both_channels_hold_keeps_its_place_between_them(trained: PostFilter) -> None:
    left = noise(1, 1, 9_000)
    filtered = trained(torch.cat([left, -0.3 * left], 1))
    assert (filtered[:, 0] - left[:, 0]).abs().mean() > 0.01  # it does something
    torch.testing.assert_close(filtered[:, 1], -0.3 * filtered[:, 0], atol=1e-6, rtol=1e-5)


def test_a_quieter_sound_is_filtered_as_the_loud_one_is(trained: PostFilter) -> None:
    audio = noise(1, 2, 9_000)
    torch.testing.assert_close(100 * trained(0.01 * audio), trained(audio), atol=1e-4, rtol=1e-3)


def test_a_network_in_bfloat16_makes_nearly_the_same_samples(trained: PostFilter) -> None:
    audio = noise(1, 2, 9_000)
    filtered = trained(audio)
    error = trained.in_dtype(torch.bfloat16)(audio) - filtered
    assert trained.first.weight.dtype == torch.float32  # a copy
    assert 10 * (filtered.square().mean() / error.square().mean()).log10() > 40


def test_silence_stays_silence(trained: PostFilter) -> None:
    assert trained(torch.zeros(1, 2, 4_096)).abs().max() == 0


def test_an_output_depends_on_nothing_beyond_the_stated_reach(trained: PostFilter) -> None:
    audio, start, end = noise(1, 2, 20 * 1_024), 8 * 1_024, 10 * 1_024
    near = trained(audio[..., start - trained.reach : end + trained.reach])[..., trained.reach : -trained.reach]
    torch.testing.assert_close(near, trained(audio)[..., start:end], atol=1e-6, rtol=1e-5)
    nearer = trained.reach - 1_024
    short = trained(audio[..., start - nearer : end + nearer])[..., nearer:-nearer]
    assert (short - near).abs().max() > 1e-4  # the stated reach is not too long either


def test_it_learns_to_turn_down_noise_beside_a_partial() -> None:
    torch.manual_seed(2)
    network = PostFilter(8)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)

    def sounds(seed: int) -> tuple[Tensor, Tensor]:
        rng = torch.Generator().manual_seed(seed)
        hertz = 200 + 4_000 * torch.rand((4, 1, 1), generator=rng)
        tone = torch.sin(2 * math.pi / 44_100 * hertz * torch.arange(8_192)).expand(4, 2, -1)
        return tone, tone + 0.1 * torch.randn(tone.shape, generator=rng)

    for step in range(60):
        tone, noisy = sounds(step)
        (network(noisy) - tone).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    tone, noisy = sounds(1_000)
    before, after = ((x - tone).square().mean().item() for x in (noisy, network(noisy)))
    assert after < before / 2


def test_products_of_matrices_are_the_fourier_transform_and_its_inverse() -> None:
    frames, products = noise(1, 2, 3, 2_048), FourierProducts()
    parts = Fft().analyse(frames)
    torch.testing.assert_close(products.analyse(frames), parts, atol=1e-4, rtol=0)
    torch.testing.assert_close(products.synthesise(parts), Fft().synthesise(parts), atol=1e-5, rtol=0)
