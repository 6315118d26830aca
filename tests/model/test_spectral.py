"""The MDCT autoencoder: exact transforms, shapes, independence of chunks."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.config import ARC_MINI, SAO_SMALL, TINY, SpectralConfig
from model.spectral import Mdct, SpectralAutoencoder, compress, expand, fold_low_bins, mid_side, unfold_low_bins
from model.spectral_packed import PackedSpectralDecoder


@settings(deadline=None, max_examples=25)
@given(st.sampled_from((16, 64, 128)), st.integers(2, 12), st.integers(0, 999))
def test_the_mdct_gives_back_every_block_but_the_last(hop: int, blocks: int, seed: int) -> None:
    x = torch.randn(1, 2, hop * blocks, generator=torch.Generator().manual_seed(seed))
    mdct = Mdct(hop)
    torch.testing.assert_close(mdct.inverse(mdct(x))[..., :-hop], x[..., :-hop], atol=2e-5, rtol=0)


def test_the_mdct_keeps_energy_of_a_signal_that_ends_in_silence() -> None:
    x = torch.randn(1, 1, 128 * 40)
    x[..., -256:] = 0
    assert Mdct(128)(x).square().sum().item() == pytest.approx(x.square().sum().item(), rel=1e-4)


def test_a_tone_lands_in_its_own_mdct_bin() -> None:
    hop, bin_number = 128, 29
    x = torch.sin(math.pi / hop * (bin_number + 0.5) * torch.arange(hop * 64))[None, None]
    energy = Mdct(hop)(x).square().mean((0, 1, 2))
    assert int(energy.argmax()) == bin_number


def test_mid_side_is_its_own_inverse_and_of_mono_has_no_side() -> None:
    x = torch.randn(2, 2, 50)
    torch.testing.assert_close(mid_side(mid_side(x)), x)
    assert mid_side(x[:, :1].repeat(1, 2, 1))[:, 1].abs().max() == 0


@settings(deadline=None, max_examples=50)
@given(st.floats(-30.0, 30.0))
def test_compression_keeps_the_sign_and_is_undone_by_expansion(value: float) -> None:
    x = torch.tensor(value)
    torch.testing.assert_close(expand(compress(x)), x, rtol=1e-4, atol=3e-6)


def test_low_bins_of_one_latent_frame_meet_in_one_vector_and_come_back() -> None:
    x = torch.randn(2, 2, 5 * 16, 128)
    folded = fold_low_bins(x, bins=8, frames=16)
    torch.testing.assert_close(unfold_low_bins(folded, bins=8, frames=16), x[..., :8])
    changed = x.clone()
    changed[:, :, 3 * 16 : 4 * 16] = 0  # the MDCT frames of latent frame 3
    touched = (fold_low_bins(changed, bins=8, frames=16) != folded).any(0).any(-1)
    assert touched.tolist() == [False, False, False, True, False]


@pytest.fixture(scope="module")
def network() -> SpectralAutoencoder:
    torch.manual_seed(0)
    network = SpectralAutoencoder.of(TINY).eval().requires_grad_(False)
    torch.nn.init.normal_(network.decoder.postfilter.last.weight)  # else it is the identity
    return network


def test_one_latent_frame_is_2048_samples_both_ways(network: SpectralAutoencoder) -> None:
    latents = network.encode(torch.randn(1, 2, 5 * 2048))
    assert latents.shape == (1, 64, 5)
    assert network.decode(latents, torch.Generator().manual_seed(0)).shape == (1, 2, 5 * 2048)


def test_the_same_generator_state_decodes_to_the_same_samples(network: SpectralAutoencoder) -> None:
    latents = torch.randn(1, 64, 4)
    a, b, c = (network.decode(latents, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_a_frame_does_not_depend_on_latents_beyond_the_stated_context(network: SpectralAutoencoder) -> None:
    context, frames = network.context_frames, 24
    latents = torch.randn(1, 64, frames)
    changed = latents.clone()
    changed[..., : 12 - context] = 9.0
    changed[..., 12 + context + 1 :] = -9.0
    middle = slice(12 * 2048, 13 * 2048)
    a, b = (network.decode(x, torch.Generator().manual_seed(0))[..., middle] for x in (latents, changed))
    torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


@settings(deadline=None, max_examples=15)
@given(st.sets(st.integers(1, 24), min_size=1, max_size=5))
def test_chunks_joined_are_one_decode(network: SpectralAutoencoder, ends: set[int]) -> None:
    latents = torch.randn(1, 64, 24, generator=torch.Generator().manual_seed(3))
    chunks = network.decode_chunks(latents, sorted(ends), torch.Generator().manual_seed(0))
    whole = network.decode(latents, torch.Generator().manual_seed(0))[..., : max(ends) * 2048]
    torch.testing.assert_close(torch.cat([*chunks], -1), whole, atol=1e-6, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(("dtype", "decibels"), [(torch.float32, 90), (torch.bfloat16, 25)])
def test_the_packed_decoder_makes_the_same_samples(
    network: SpectralAutoencoder, dtype: torch.dtype, decibels: float
) -> None:
    latents = torch.randn(1, 64, 24, generator=torch.Generator().manual_seed(3))
    noise, packed = (
        network.draw_noise(latents, 24, torch.Generator().manual_seed(0)),
        PackedSpectralDecoder(network.decoder, dtype),
    )
    for start, end in ((0, 8), (8, 16), (16, 24)):
        got, expected = (network.decode_range(latents, start, end, noise, x) for x in (packed, network.synthesis))
        assert 10 * ((expected.square().mean() / (got - expected).square().mean()).log10()) > decibels


def test_training_in_bfloat16_makes_samples_in_float32(network: SpectralAutoencoder) -> None:
    """What a sample in bfloat16 is rounded by, at −48 dB, is noise that no weights could turn down."""
    noise = torch.randn(1, 64, 2), *2 * (torch.randn(1, 2, 32, 128),)
    with torch.autocast("cpu", torch.bfloat16):
        draw = network.reconstruct(torch.randn(1, 2, 2 * 2048), *noise).draw_a_bcn
    rounded = draw.bfloat16().float()
    assert ((draw - rounded).square().mean() / draw.square().mean()).log10() > -6.5


def test_latent_frames_that_the_post_filters_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="512 samples: must be a multiple of 1024"):
        SpectralAutoencoder(SpectralConfig(widths=(24, 32), encoder_depths=(1, 1), decoder_depths=(1, 1), strides=(4,)))


def test_normalisation_of_latents_is_undone_by_decoding(network: SpectralAutoencoder) -> None:
    audio = torch.randn(1, 2, 4 * 2048)
    plain = network.decode(network.encode(audio), torch.Generator().manual_seed(0))
    other = SpectralAutoencoder.of(TINY).eval()
    other.load_state_dict(network.state_dict())
    other.shift += 0.7
    other.scale *= 3.0
    torch.testing.assert_close(
        other.decode(other.encode(audio), torch.Generator().manual_seed(0)), plain, atol=1e-4, rtol=1e-3
    )


def test_the_embedded_models_weights_fit_48_mib_in_float16() -> None:
    with torch.device("meta"):
        from model.generator import Generator

        modules = (Generator(ARC_MINI), SpectralAutoencoder.of(ARC_MINI))
    parameters = sum(tensor.numel() for module in modules for tensor in module.state_dict().values())
    assert 2 * parameters <= 48 * 2**20


def test_a_model_with_another_autoencoder_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="stable-audio-open-small"):
        SpectralAutoencoder.of(SAO_SMALL)
