"""Training autoencoders: with an adversary, a frozen encoder, in two processes, from shards, stopped and resumed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from model.config import SAO_SMALL, TINY, OobleckConfig
from model.oobleck import OobleckAutoencoder
from model.spectral import SpectralAutoencoder
from model.weights import embedded_folder
from training import autoencoder, oobleck
from training.config import AdversaryConfig, AutoencoderRecipe, OobleckRecipe
from training.corpus import Corpus, random_crops
from training.crops import held_out_clips, rows_of
from training.launch import Launch
from training.oobleck import fold, initialize, normed
from training.run import averaged_weights, initial_weights, open_fabric, read_metrics

ADVERSARY = AdversaryConfig(n_ffts=(512, 128), filters=4, first_kernel=(1, 8), first_stride=8, compression=0.4)
RECIPE = AutoencoderRecipe(
    steps=5, batch=2, crop_latents=4, warmup=1, adversarial_from=1, adversarial_ramp=1, adversary=ADVERSARY
)

WAVES = replace(SAO_SMALL, name="small waves", autoencoder=OobleckConfig(channels=8, multiples=(1, 2), strides=(2, 4)))
WAVE_RECIPE = OobleckRecipe(steps=6, batch=2, crop_latents=512, adversarial_from=1, adversary=ADVERSARY)


@pytest.mark.parametrize(("trainer", "config", "recipe"), [(autoencoder, TINY, RECIPE), (oobleck, WAVES, WAVE_RECIPE)])
def test_an_adversarial_run_stopped_half_way_ends_with_the_same_weights(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer, config, recipe
) -> None:
    corpus = Corpus(packed, "train")
    crops = iter(range(3))  # the fourth crop cannot be had: the process stops between two checkpoints

    def stop_after_three(*arguments) -> torch.Tensor:
        if next(crops, None) is None:
            raise KeyboardInterrupt
        return random_crops(*arguments)

    trainer.train(config, corpus, recipe, tmp_path / "whole", open_fabric())
    monkeypatch.setattr("training.crops.random_crops", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(config, corpus, recipe, tmp_path / "run", open_fabric())
    monkeypatch.undo()
    trainer.train(config, corpus, recipe, tmp_path / "run", open_fabric())
    stopped, whole = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("run", "whole"))
    for part in ("network", "discriminator", "ema"):
        for name in whole[part]:
            assert torch.equal(stopped[part][name], whole[part][name]), (part, name)


def test_a_frozen_encoder_stays_as_it_was_while_the_decoder_learns(packed: Path, tmp_path: Path) -> None:
    corpus = Corpus(packed, "train")
    autoencoder.train(TINY, corpus, replace(RECIPE, steps=0), tmp_path / "before", open_fabric())
    before = averaged_weights(tmp_path / "before")
    recipe = replace(RECIPE, steps=3, freeze_encoder=True)
    autoencoder.train(TINY, corpus, recipe, tmp_path / "after", open_fabric(), before)
    after = averaged_weights(tmp_path / "after")
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}


def test_alone_the_post_filter_learns_and_all_else_stays_as_it_was(packed: Path, tmp_path: Path) -> None:
    corpus = Corpus(packed, "train")
    autoencoder.train(TINY, corpus, replace(RECIPE, steps=0), tmp_path / "before", open_fabric())
    before = averaged_weights(tmp_path / "before")
    recipe = replace(RECIPE, steps=3, only_postfilter=True, log_mel_weight=0.25)
    autoencoder.train(TINY, corpus, recipe, tmp_path / "after", open_fabric(), before)
    after = averaged_weights(tmp_path / "after")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.startswith("decoder.postfilter.")}
    assert all("log_mel" in line for line in read_metrics(tmp_path / "after"))


def test_the_adversary_pulls_only_from_its_step_on(packed: Path, tmp_path: Path) -> None:
    corpus = Corpus(packed, "train")
    recipe = replace(RECIPE, steps=2)
    autoencoder.train(TINY, corpus, recipe, tmp_path / "with", open_fabric())
    autoencoder.train(TINY, corpus, replace(recipe, adversarial_from=2), tmp_path / "without", open_fabric())
    first, other = (read_metrics(tmp_path / name)[0] for name in ("with", "without"))
    assert {**first, "time": 0} == {**other, "time": 0}  # step 0 knows of no adversary
    states = [torch.load(tmp_path / n / "checkpoint.pt", weights_only=True) for n in ("with", "without")]
    assert not states[1]["discriminator_optimizer"]["state"]
    assert states[0]["discriminator_optimizer"]["state"]


def test_a_frozen_waveform_encoder_stays_as_it_was_too(packed: Path, tmp_path: Path) -> None:
    corpus = Corpus(packed, "train")
    oobleck.train(WAVES, corpus, replace(WAVE_RECIPE, steps=0), tmp_path / "before", open_fabric())
    before = averaged_weights(tmp_path / "before")
    recipe = replace(WAVE_RECIPE, steps=3, freeze_encoder=True)
    oobleck.train(WAVES, corpus, recipe, tmp_path / "after", open_fabric(), before)
    after = averaged_weights(tmp_path / "after")
    for name, tensor in after.items():
        if name.startswith("encoder."):  # a length times a direction is rounded once
            torch.testing.assert_close(tensor, before[name], rtol=1e-5, atol=1e-7)
    assert not torch.equal(before["decoder.layers.0.weight"], after["decoder.layers.0.weight"])


def test_weight_norm_changes_nothing_and_folding_it_gives_the_plain_network_that_learned() -> None:
    torch.manual_seed(0)
    config = OobleckConfig(channels=8, multiples=(1, 2), strides=(2, 4))
    plain, network = OobleckAutoencoder(config), OobleckAutoencoder(config)
    initialize(plain)
    network.load_state_dict(plain.state_dict())
    normed(network)
    audio, latents = torch.randn(1, 2, 64), torch.randn(1, 64, 8)
    torch.testing.assert_close(network.decode(latents), plain.decode(latents), rtol=1e-4, atol=1e-6)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network.reconstruct(audio, torch.randn(1, 64, 8))[0].square().mean().backward()
    optimizer.step()
    assert not torch.allclose(network.decode(latents), plain.decode(latents), rtol=1e-3)
    fold(network, plain)
    torch.testing.assert_close(network.decode(latents), plain.decode(latents), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(network.encoder(audio), plain.encoder(audio), rtol=1e-4, atol=1e-6)


def test_an_untrained_waveform_autoencoder_passes_signals_on_at_a_sane_level() -> None:
    torch.manual_seed(0)
    network = OobleckAutoencoder(OobleckConfig(channels=16))
    initialize(network)
    mean, std = network.posterior(0.3 * torch.randn(1, 2, 16 * 2048))
    assert 0.03 < mean.std() < 3
    assert std.mean().item() == pytest.approx(0.05, abs=0.02)  # nearly deterministic latents
    assert 0.01 < network.decode(torch.randn(1, 64, 16)).std() < 1


def test_the_published_sizes_have_the_published_number_of_trained_parameters() -> None:
    with torch.device("meta"):
        network = normed(OobleckAutoencoder(OobleckConfig()))
    assert sum(parameter.numel() for parameter in network.parameters()) == 156_112_514
    assert len(network.state_dict()) == 365


def test_a_small_waveform_autoencoder_learns_one_sound(packed: Path, tmp_path: Path) -> None:
    corpus = Corpus(packed, "train")
    corpus.entries = corpus.entries[:1]
    recipe = replace(WAVE_RECIPE, steps=21, learning_rate=3e-3, inverse_warmup=0.0, adversarial_from=21)
    oobleck.train(WAVES, corpus, recipe, tmp_path, open_fabric())
    first, *_, last = (line["spectral"] for line in read_metrics(tmp_path))
    assert last < 0.5 * first


def test_a_training_may_start_from_the_embedded_model() -> None:
    from model.config import ARC_MINI

    weights = initial_weights(embedded_folder(), ("autoencoder",))
    SpectralAutoencoder.of(ARC_MINI).load_state_dict(weights)
    assert not torch.equal(weights["scale"], torch.ones_like(weights["scale"]))
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_two_processes_learn_what_one_learns_and_only_the_first_writes(packed: Path, tmp_path: Path) -> None:
    """Until the adversary pulls: its features are relative to the mean of a process' own items."""
    recipe = AutoencoderRecipe(
        steps=5, batch=4, crop_latents=2, adversarial_from=3, adversarial_ramp=1, kl_warmup=(0, 2)
    )
    launch = Launch(precision="32-true", log_every=1)
    autoencoder.train(TINY, Corpus(packed, "train"), recipe, tmp_path / "one", open_fabric(launch), None, launch)
    options = "--model tiny --devices 2 --precision 32-true --log-every 1 --preview-every 0 --no-compile --steps 5 "
    options += "--batch 4 --crop-latents 2 --adversarial-from 3 --adversarial-ramp 1 --kl-warmup 0 2"
    command = [sys.executable, "-m", "training.autoencoder", "--corpus", packed, "--run", tmp_path / "two"]
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, *options.split()],
        cwd=root,
        env=environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    one, two = (read_metrics(tmp_path / name) for name in ("one", "two"))
    assert len((tmp_path / "two" / "metrics.jsonl").read_text().splitlines()) == len(one) == 5
    for ours, theirs in zip(one[:3], two[:3], strict=True):
        assert {**ours, "time": 0} == pytest.approx({**theirs, "time": 0}, rel=2e-4, abs=1e-6)
    for name in ("distance", "coherence", "d_loss", "d_grad_norm", "pull_of_distance"):  # of before the first pull
        assert one[3][name] == pytest.approx(two[3][name], rel=1e-3), name
    assert one[4] == pytest.approx(two[4] | {"time": one[4]["time"]}, rel=0.2)


def test_processes_share_a_batch_equally_or_not_at_all() -> None:
    pair = Fabric(accelerator="cpu", devices=2)
    assert list(rows_of(6, pair)) == [0, 2, 4]
    with pytest.raises(ValueError, match="--batch 5: must be a multiple of the number of processes, 2"):
        rows_of(5, pair)


def test_crops_may_come_straight_from_shards_and_previews_are_of_the_held_out_clips(
    shards: list[str], tmp_path: Path
) -> None:
    launch = Launch(precision="32-true", log_every=1, preview_every=2)
    heard = held_out_clips((), shards)
    assert heard is not None
    recipe = replace(RECIPE, steps=2, crop_latents=2, adversarial_from=2)
    autoencoder.train(TINY, shards, recipe, tmp_path, open_fabric(launch), None, launch, heard)
    assert len(read_metrics(tmp_path)) == 2
    pictures = sorted((tmp_path / "previews" / "step-000002").iterdir())
    assert [path.name for path in pictures if path.suffix == ".wav"] == [f"clip-{i}.wav" for i in range(4)]
    assert pictures[-1].stat().st_size == 44 + 2 * 2 * 2 * heard.shape[-1]  # the clip, then its reconstruction


def test_a_run_without_a_discriminator_is_refused_with_what_to_do(packed: Path, tmp_path: Path) -> None:
    corpus, recipe = Corpus(packed, "train"), replace(RECIPE, steps=0)
    autoencoder.train(TINY, corpus, recipe, tmp_path, open_fabric())
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    kept = {name: part for name, part in state.items() if not name.startswith("discriminator")}
    torch.save(kept, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"holds no discriminator, .* choose another folder, to which --init"):
        autoencoder.train(TINY, corpus, recipe, tmp_path, open_fabric())
