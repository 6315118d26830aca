"""The discriminator of the autoencoders: what it sees, and who learns from what."""

import math

import pytest
import torch
from lightning_fabric import Fabric

from training.config import LIGHT_ADVERSARY, AdversaryConfig
from training.stft_discriminator import Adversary, StftDiscriminator, balanced, complex_planes, gradient_norm, norm_of

SMALL = AdversaryConfig(n_ffts=(512, 128), filters=4, relative_features=True, learning_rate=3e-3)


def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def sine(phase: float, samples: int = 4096) -> torch.Tensor:
    wave = 0.5 * torch.sin(2 * math.pi * 1_000 / 44_100 * torch.arange(samples) + phase)
    return wave.expand(1, 2, -1).clone()


def test_the_planes_are_real_and_imaginary_parts_and_compression_keeps_the_phase() -> None:
    torch.manual_seed(0)
    audio = torch.randn(2, 2, 4096)
    plain, compressed = (complex_planes(audio, 512, power) for power in (1.0, 0.5))
    assert plain.shape == (2, 4, 33, 257)
    for real, imaginary in ((0, 1), (2, 3)):  # left, right
        whole, root = (torch.complex(x[:, real], x[:, imaginary]) for x in (plain, compressed))
        torch.testing.assert_close(root.abs(), whole.abs().sqrt(), atol=2e-2, rtol=1e-3)
        torch.testing.assert_close(root * whole.abs(), whole * root.abs(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("config", [SMALL, LIGHT_ADVERSARY])
def test_the_logits_see_the_phase_that_magnitudes_hide(config: AdversaryConfig) -> None:
    torch.manual_seed(0)
    network = StftDiscriminator(config)
    inside = slice(2, -2)
    for shifted in (sine(math.pi / 2), -sine(0.0)):
        for judgement, other in zip(network(sine(0.0)), network(shifted), strict=True):
            assert (judgement.logits - other.logits)[:, :, inside].abs().max() > 1e-4
    magnitudes = [complex_planes(x, 512, 1.0).unflatten(1, (2, 2)).norm(dim=2) for x in (sine(0.0), -sine(0.0))]
    torch.testing.assert_close(*magnitudes)


def test_every_scale_judges_patches_and_shows_all_its_layers() -> None:
    network = StftDiscriminator(AdversaryConfig(n_ffts=(512, 128), filters=4))
    judgements = network(torch.randn(3, 2, 4096))
    assert [tuple(j.logits.shape) for j in judgements] == [(3, 1, 33, 33), (3, 1, 129, 9)]
    assert [len(j.features) for j in judgements] == [5, 5]


def test_the_discriminator_learns_to_tell_two_sounds_and_asks_nothing_of_their_maker() -> None:
    torch.manual_seed(0)
    adversary = Adversary(SMALL, fabric(), math.inf)
    tone, noise = sine(0.0).repeat(4, 1, 1), (0.3 * torch.randn(4, 2, 4096)).requires_grad_()
    losses = [adversary.learn(tone, noise, 1.0)[0] for _ in range(30)]
    assert losses[0] == pytest.approx(2, abs=0.1)  # hinge of logits near zero
    assert losses[-1] < 0.5
    assert noise.grad is None
    adversarial, features = adversary.judge(tone, [noise])
    assert adversarial > 0  # it is found out
    (adversarial + features).backward()
    assert noise.grad is not None
    assert noise.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in adversary.discriminator.parameters())


def test_judging_a_perfect_copy_costs_no_features_and_two_draws_are_one_when_equal() -> None:
    torch.manual_seed(0)
    adversary = Adversary(SMALL, fabric(), math.inf)
    tone, noise = sine(0.0), 0.3 * torch.randn(1, 2, 4096)
    assert adversary.judge(tone, [tone])[1].item() == 0
    once, twice = adversary.judge(tone, [noise]), adversary.judge(tone, [noise, noise])
    torch.testing.assert_close(torch.stack(once), torch.stack(twice), rtol=1e-5, atol=1e-6)


def test_the_pull_of_a_loss_is_the_norm_of_its_gradient() -> None:
    x = torch.tensor([3.0, 4.0], requires_grad=True)
    loss = 0.5 * x.square().sum()
    assert gradient_norm(loss, x) == pytest.approx(5)
    loss.backward()  # the graph is still there
    assert x.grad is not None


def test_a_balanced_pull_has_the_asked_share_however_strong_it_was() -> None:
    torch.manual_seed(0)
    main, other = [torch.randn(2, 3), torch.randn(4)], [torch.randn(2, 3), torch.randn(4)]
    for strength in (1e-3, 1e3):
        total = balanced(main, [strength * x for x in other], 0.5)
        added = [t - m for t, m in zip(total, main, strict=True)]
        assert norm_of(added).item() == pytest.approx(0.5 * norm_of(main).item(), rel=1e-4)
        torch.testing.assert_close(added[0] / added[0].norm(), other[0] / other[0].norm(), rtol=1e-3, atol=1e-5)
    assert all(torch.equal(t, m) for t, m in zip(balanced(main, [0 * x for x in other], 0.5), main, strict=True))
