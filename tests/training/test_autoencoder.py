"""Training autoencoders: with an adversary, with a frozen encoder, stopped and resumed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.config import TINY
from training import autoencoder
from training.config import AdversaryConfig, AutoencoderRecipe
from training.corpus import Corpus, random_crops
from training.run import averaged_weights, open_fabric, read_metrics

ADVERSARY = AdversaryConfig(n_ffts=(512, 128), filters=4, first_kernel=(1, 8), first_stride=8, compression=0.4)
RECIPE = AutoencoderRecipe(
    steps=5, batch=2, crop_latents=4, warmup=1, adversarial_from=1, adversarial_ramp=1, adversary=ADVERSARY
)


def test_an_adversarial_run_stopped_half_way_ends_with_the_same_weights(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(packed, "train")
    crops = iter(range(3))  # the fourth crop cannot be had: the process stops between two checkpoints

    def stop_after_three(*arguments) -> torch.Tensor:
        if next(crops, None) is None:
            raise KeyboardInterrupt
        return random_crops(*arguments)

    autoencoder.train(TINY, corpus, RECIPE, tmp_path / "whole", open_fabric())
    monkeypatch.setattr(autoencoder, "random_crops", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        autoencoder.train(TINY, corpus, RECIPE, tmp_path / "run", open_fabric())
    monkeypatch.undo()
    autoencoder.train(TINY, corpus, RECIPE, tmp_path / "run", open_fabric())
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
