"""What the model is judged by, end to end on a tiny model, and its parts on sounds made for the purpose."""

import json
import shutil
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from model.config import TINY
from model.engine import PackedEngine
from model.generator import Generator
from model.pipeline import Pipeline
from model.spectral import SpectralAutoencoder
from model.text import load_encoder
from model.weights import save_model
from training import evaluate
from training.corpus import RATE_HZ, Corpus, by_name
from training.evaluation import adherence, melody
from training.evaluation import takes as takes_module
from training.evaluation.adherence import Heard, Judges, figures, generated, moved, real_clips, reconstructed
from training.evaluation.asked import SOUNDS, combined_prompts, held_out, likest, word_pairs
from training.evaluation.card import card
from training.evaluation.melody import follow, is_melody, kept, melodies
from training.evaluation.pitch import Pitch, track
from training.evaluation.promise import row
from training.evaluation.reconstruction import ONSET_SAMPLES, compare, reconstruction
from training.evaluation.results import read_section, write_section
from training.evaluation.soundness import soundness
from training.evaluation.takes import Takes, Way, beyond_the_end
from training.evaluation.transfer import transfer
from training.packing import Entry
from training.tower import Tower, TowerRecipe, info_nce, save, train

RECIPE = TowerRecipe(steps=60, batch=12, widths=(8, 12, 16, 16), embedding=16)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Path]:
    """An untrained tiny model, and the folder of its weights."""
    torch.manual_seed(0)
    generator, autoencoder = Generator(TINY).eval(), SpectralAutoencoder.of(TINY).eval()
    folder = tmp_path_factory.mktemp("tiny")
    save_model(folder, {"dit": generator.dit, "seconds": generator.seconds, "autoencoder": autoencoder}, {})
    engine = PackedEngine(TINY, generator.requires_grad_(False), autoencoder.requires_grad_(False), torch.float32)
    return Pipeline(TINY, engine, load_encoder(TINY.text), "", ""), folder


@pytest.fixture(scope="module")
def tower(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Tower:
    """A tower trained for a moment, written and read back."""
    folder = tmp_path_factory.mktemp("tower")
    save(train([Corpus(packed, "train")], RECIPE), RECIPE, {}, folder)
    return Tower.open(folder)


def test_info_nce_is_log_of_the_choices_where_nothing_is_known_and_zero_where_all_is() -> None:
    audio, same, scale = torch.eye(4), torch.eye(4), torch.tensor(100.0)
    assert info_nce(torch.ones(4, 4), torch.ones(4, 4), same, torch.tensor(1.0)).item() == pytest.approx(np.log(4))
    assert info_nce(audio, audio, same, scale).item() == pytest.approx(0, abs=1e-6)
    assert info_nce(torch.ones(4, 4), torch.ones(4, 4), torch.ones(4, 4), scale).item() == pytest.approx(np.log(4))


def test_a_tower_finds_the_caption_of_a_held_out_clip_whatever_its_level(packed: Path, tower: Tower) -> None:
    corpus = Corpus(packed, "test")
    captions = sorted({entry.captions[0] for entry in corpus.entries})
    texts = tower.embed_captions(captions)
    for i, entry in enumerate(corpus.entries):
        clip = corpus.audio(i).mean(1)
        assert captions[int(np.argmax(texts @ tower.embed(clip)))] == entry.captions[0]
        assert tower.embed(clip) == pytest.approx(tower.embed(0.1 * clip), abs=1e-3)
        assert tower.category(tower.embed(clip)) == "drum"  # the only one it knows


def test_training_a_tower_again_gives_the_same_weights(packed: Path) -> None:
    recipe = TowerRecipe(steps=3, batch=8, widths=(4, 4), embedding=8)
    first, again = (train([Corpus(packed, "train")], recipe).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_shipped_tower_weighs_less_than_a_mebibyte(tmp_path: Path) -> None:
    from training.tower import WEIGHTS_FILE, TowerNetwork

    save(TowerNetwork(TowerRecipe()), TowerRecipe(), {}, tmp_path)
    assert (tmp_path / WEIGHTS_FILE).stat().st_size < 2**20


def test_small_splits_are_asked_whole_and_lengths_fit_the_model(packed: Path) -> None:
    asked = held_out({"made": Corpus(packed, "test")}, longest_seconds=0.4)
    assert len(asked) == len(Corpus(packed, "test"))
    assert all(0.25 <= item.seconds <= 0.4 for item in asked)
    assert len(held_out({"made": Corpus(packed, "test")}, 0.4, limit=2)) == 2


def test_what_was_rendered_is_asked_for_in_words_that_no_train_clip_has() -> None:
    class Made:
        def __init__(self, *entries: Entry):
            self.entries = entries

        def __len__(self) -> int:
            return len(self.entries)

    said = {"parameters": {"length": 1.0}, "frames": 44_100, "category": "drum"}
    rendered = Made(
        Entry(("kick", "short kick", "short dull kick"), key="a", **said),
        Entry(("kick",), key="b", **said),
        Entry(("clap", "kick"), key="c", **said),
    )
    recorded = Made(Entry(("kick", "my kick"), key="d", frames=44_100), Entry(("gong",), key="e", frames=44_100))
    corpora = cast("dict[str, Corpus]", {"rendered": rendered, "recorded": recorded})
    asked = held_out(corpora, 5.0, learnt={"kick", "short kick"})
    found = [(item.corpus, item.clip, item.prompt, item.learnt) for item in asked]
    assert found == [
        ("rendered", 0, "short dull kick", False),
        ("rendered", 2, "clap", False),
        ("recorded", 0, "kick", True),
        ("recorded", 1, "gong", False),
    ]


def test_large_splits_are_asked_for_as_many_of_each_category_as_have_new_words(packed: Path) -> None:
    class Many:
        entries = tuple(
            Entry((f"kick {i % 100}",), key=str(i), frames=9_999, category="drum", parameters={"i": 1.0})
            for i in range(400)
        )

        def __len__(self) -> int:
            return len(self.entries)

    asked = held_out(cast("dict[str, Corpus]", {"many": Many()}), 5.0, 20, learnt={f"kick {i}" for i in range(90)})
    assert [item.clip for item in asked] == [*range(90, 100), *range(190, 200)]


def test_corpora_of_one_name_are_one_sentence(packed: Path, tmp_path: Path) -> None:
    assert list(by_name([packed], "test")) == [packed.name]
    with pytest.raises(ValueError, match="two corpora have the same folder name"):
        by_name([packed, tmp_path / packed.name], "test")


def test_the_real_counterpart_has_the_same_words(packed: Path) -> None:
    train_split = {"made": Corpus(packed, "train")}
    for item in held_out({"made": Corpus(packed, "test")}, 0.7):
        name, i = likest(item, train_split)[0]
        assert train_split[name].entries[i].captions[0] == item.prompt


def test_prompts_made_of_words_are_all_different() -> None:
    assert len(set(combined_prompts(1_000))) == 1_000
    assert len(word_pairs("brightness")) == len(SOUNDS) >= 20
    with pytest.raises(ValueError, match="ask for at most"):
        combined_prompts(10**6)


def test_a_take_is_made_once_and_another_way_is_another_take(model: tuple[Pipeline, Path], tmp_path: Path) -> None:
    takes = Takes(tmp_path, *model)
    first = takes.make("kick", 0.3, 2, Way(1))
    made = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert first.shape == (2, round(0.3 * RATE_HZ))
    assert not np.array_equal(first[0], first[1])
    assert np.array_equal(takes.make("kick", 0.3, 2, Way(1)), first)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == made
    other = takes.make("kick", 0.3, 2, Way(2, "euler", 3.0))
    assert not np.array_equal(other, first)


def test_takes_of_another_sampler_are_made_anew(
    model: tuple[Pipeline, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Takes(tmp_path, *model).make("kick", 0.3, 1, Way(1))
    code = tmp_path / "model"
    shutil.copytree(Path(takes_module.model.__file__).parent, code, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(takes_module.model, "__file__", str(code / "__init__.py"))
    assert len(list(tmp_path.glob("*.npy"))) == 1
    Takes(tmp_path, *model).make("kick", 0.3, 1, Way(1))
    assert len(list(tmp_path.glob("*.npy"))) == 1
    (code / "sampler.py").write_text((code / "sampler.py").read_text() + "# another\n")
    Takes(tmp_path, *model).make("kick", 0.3, 1, Way(1))
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_the_canvas_beyond_the_end_is_decoded_too(model: tuple[Pipeline, Path]) -> None:
    assert beyond_the_end(model[0], "kick", 0.2, 2, 1, 0.4).shape == (2, round(0.6 * RATE_HZ), 2)


def test_an_exact_copy_is_a_perfect_reconstruction() -> None:
    clip = np.random.default_rng(0).standard_normal((ONSET_SAMPLES + RATE_HZ, 2)).astype(np.float32) / 4
    clip[:ONSET_SAMPLES] = 0
    found = compare(clip, clip)
    assert found["log_mel_distance_db"] == 0
    assert found["energy_before_onset_db"] < -100


def test_opus_comes_nearer_with_more_bits(packed: Path, model: tuple[Pipeline, Path]) -> None:
    found = reconstruction(model[0], Corpus(packed, "test"), limit=3)
    assert found["opus 96"]["kbit"]["median"] > found["opus 48"]["kbit"]["median"] > found["opus 24"]["kbit"]["median"]
    for better, worse in (("opus 96", "opus 24"), ("opus 24", "tiny")):
        better_db, worse_db = (found[name]["log_mel_distance_db"]["median"] for name in (better, worse))
        assert better_db < worse_db
    assert found["opus 96"]["si_sdr_db"]["median"] > 10


def test_words_are_heard_in_sounds_that_have_them() -> None:
    t = np.arange(RATE_HZ) / RATE_HZ
    rng = np.random.default_rng(0)
    bright, dark = rng.standard_normal((3, RATE_HZ)), np.sin(2 * np.pi * 100 * t) * np.ones((3, 1))
    assert moved("brightness", bright, dark)[1] == [True] * 3
    assert moved("brightness", dark, bright)[0] < 1
    assert moved("length", bright * np.exp(-5 * t), bright * np.exp(-20 * t))[0] == pytest.approx(4, rel=0.2)


def heard(category: str, midi: float | None = None, bpm: float | None = None) -> Heard:
    scores = np.roll(np.arange(30) / 30, 10 * ["drum", "bass", "loop"].index(category))  # ten best classes of its own
    return Heard(scores, np.ones(2), category, Pitch(midi, 1.0) if midi else None, bpm)


def test_figures_count_what_was_heard(packed: Path) -> None:
    from training.evaluation.asked import Asked

    asked = [
        Asked("a", 0, "bass C2", 1.0, "bass"),
        Asked("a", 1, "drum loop, 120 BPM", 1.0, "loop"),
        Asked("a", 2, "kick", 1.0, "drum"),
    ]
    real = [heard("bass"), heard("loop"), heard("drum")]
    sounds = [
        [heard("bass", 36.4), heard("bass", 48.0), heard("drum", None)],
        [heard("loop", bpm=121), heard("loop", bpm=60.5), heard("loop", bpm=None)],
        [heard("drum"), heard("drum"), heard("drum")],
    ]
    found = figures(asked, real, sounds)
    assert found["retrieval"]["ratio"] == pytest.approx(8 / 9, abs=1e-4)
    by_category = {name: (share["successes"], share["of"]) for name, share in found["by_category"].items()}
    assert by_category == {"bass": (2, 3), "drum": (3, 3), "loop": (3, 3)}
    assert (found["pitch"]["successes"], found["pitch"]["of"]) == (1, 3)
    assert found["pitch_any_octave"]["successes"] == 2
    assert (found["tempo"]["successes"], found["tempo_exact"]["successes"], found["tempo"]["of"]) == (2, 1, 3)
    assert found["kl"]["median"] == 0
    assert found["best_in_10"]["successes"] == 8


def test_the_same_sounds_are_at_no_distance_and_copies_have_no_diversity() -> None:
    rng = np.random.default_rng(0)
    points, spread = rng.standard_normal((40, 1, 4)), rng.standard_normal((40, 3, 4))
    copies = np.repeat(points, 3, axis=1)
    found = row(copies, copies.reshape(-1, 4), first_psd=spread)
    assert found["frechet"]["value"] == pytest.approx(0, abs=1e-3)
    assert found["diversity"]["value"] == pytest.approx(0, abs=1e-3)
    assert found["coverage"] == 1
    against = row(spread, copies.reshape(-1, 4), first_psd=spread)
    for name in ("frechet", "diversity"):
        assert against[name]["ratio"] == {"value": 1, "interval_95": [1, 1]}


def test_every_section_comes_out_of_a_tiny_model_and_goes_into_the_card(
    model: tuple[Pipeline, Path], packed: Path, tower: Tower, tmp_path: Path
) -> None:
    pipeline, folder = model
    takes, test = Takes(tmp_path / "takes", pipeline, folder), {"made": Corpus(packed, "test")}
    asked, judges = held_out(test, pipeline.max_seconds), Judges(None, tower)
    real = real_clips(asked, test, judges, pipeline.max_seconds)
    rows = {"1 step": {"made": figures(asked, real, generated(asked, takes, judges, 2, Way(1)))}}
    sections = {
        "reconstruction": {"made": reconstruction(pipeline, test["made"], 2)},
        "prompts": {"prompts": len(asked), "seeds": 2, "rows": rows},
        "soundness": soundness(pipeline, 3),
        "transfer": transfer(pipeline, [test["made"].audio(0)], tower, ["thump"]),
        "melody": follow(pipeline, [sung(57, 60, 64)], ["thump"]),
    }
    for name, found in sections.items():
        write_section(tmp_path, name, found, {"model": folder}, 0.0)
    about = (read_section(tmp_path, "prompts") or {})["about"]
    digest = json.loads((folder / "sha256.json").read_text())["model.safetensors"]
    assert digest.startswith(about["weights"]["model"])
    text = card(tmp_path)
    assert text.count("### ") == len(sections)
    assert "| made: category found | 1 step |" in text
    assert "nan" not in text


def sung(*notes: int, seconds: float = 0.2) -> np.ndarray:
    """Notes (n, 2) with four harmonics, one after the other."""
    t = np.arange(int(seconds * 44_100)) / 44_100
    hz = [440 * 2 ** ((note - 69) / 12) for note in notes]
    mono = np.concatenate([sum(0.1 * np.sin(2 * np.pi * k * f * t) / k for k in range(1, 5)) for f in hz])
    return np.stack([mono, mono], axis=1).astype(np.float32)


def test_a_melody_is_kept_by_itself_in_another_octave_by_one_an_octave_above_and_by_no_other() -> None:
    notes = (52, 55, 59, 60)
    own = track(sung(*notes).mean(1))
    assert is_melody(own)
    assert kept(own, own) == 1
    above, other = (track(sung(*(note + step for note in notes)).mean(1)) for step in (12, 2))
    assert kept(own, above) < 0.1 < 0.9 < kept(own, above, any_octave=True)
    assert kept(own, other, any_octave=True) < 0.25  # 52 and 55 two above are none of the others'
    half = np.where(np.arange(len(own)) % 2, own, 0)
    assert kept(own, half) == pytest.approx(0.5, abs=0.05)
    assert kept(half, own) == 1


def glide(low_hz: float, high_hz: float, seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * 44_100)) / 44_100
    return np.sin(2 * np.pi * (low_hz * t + (high_hz - low_hz) * t**2 / (2 * seconds)))


def test_one_note_in_several_octaves_a_glide_noise_and_silence_are_no_melody() -> None:
    noise = np.random.default_rng(0).standard_normal(44_100)
    t = np.arange(44_100) / 44_100
    vibrato = np.sin(2 * np.pi * 440 * t + 30 * np.sin(2 * np.pi * 5 * t))
    for samples in (sung(60, 48, 72, seconds=0.4).mean(1), glide(300, 1200, 1.5), vibrato, noise, np.zeros(44_100)):
        assert not is_melody(track(samples))
    assert not is_melody(np.zeros(2))


def test_melodies_are_taken_from_all_corpora_in_turn() -> None:
    class Made:
        def __init__(self, *clips: np.ndarray):
            self.entries = [Entry(("a",), key=str(i), frames=len(clip)) for i, clip in enumerate(clips)]
            self.audio = lambda i, start, frames: clips[i][start : start + frames]

    def tune(step: int) -> np.ndarray:
        return sung(57 + step, 60 + step, 64 + step, seconds=0.4)

    corpora = [cast("Corpus", Made(sung(60, seconds=1.2), *(tune(step + k) for k in (0, 1)))) for step in (0, 5)]
    for count, steps in ((3, (0, 5, 1)), (9, (0, 5, 1, 6))):
        found = melodies(corpora, count)
        assert len(found) == len(steps)
        for clip, step in zip(found, steps, strict=True):
            np.testing.assert_array_equal(clip, tune(step))


def test_corpora_without_a_melody_are_one_sentence(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", "melody", "--corpus", str(packed), "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        evaluate.main()
    assert "hold no melody to start from" in capsys.readouterr().err.splitlines()[-1]


def test_a_melody_through_a_perfect_autoencoder_is_kept(
    model: tuple[Pipeline, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(melody, "through_model", lambda pipeline, samples, seed: samples)
    found = follow(model[0], [sung(57, 60, 64)], ["thump"])["levels"]
    assert found["0"] == {"kept": 1, "in_any_octave": 1}
    assert found["1"]["kept"] < 0.5  # an untrained model knows no note


def test_a_perfect_autoencoder_is_heard_as_the_clips_themselves(
    model: tuple[Pipeline, Path], packed: Path, tower: Tower, monkeypatch: pytest.MonkeyPatch
) -> None:
    test, judges = {"made": Corpus(packed, "test")}, Judges(None, tower)
    asked = held_out(test, model[0].max_seconds)
    monkeypatch.setattr(adherence, "through_model", lambda pipeline, samples, seed: samples)
    heard = reconstructed(asked, test, model[0], judges, model[0].max_seconds)
    for own, (through,) in zip(real_clips(asked, test, judges, model[0].max_seconds), heard, strict=True):
        assert np.array_equal(own.embedding_d, through.embedding_d)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["reconstruction", "--corpus", "nowhere"], "nowhere"),
        (["reconstruction"], "give --corpus FOLDER"),
        (["melody"], "give --corpus FOLDER"),
        (["card"], "holds no results"),
        (["transfer"], "give --tower FOLDER"),
    ],
)
def test_a_missing_corpus_tower_or_result_is_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", *arguments, "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        evaluate.main()
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]
