"""`python -m training.finetune` on a few made sounds with the TINY model, as a process of its own where that counts."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from arc_instrument.settings import folders
from model.config import TINY
from model.controls import SIGNALS
from model.generator import Generator
from model.installation import user_models
from model.pipeline import Generation, Pipeline
from model.spectral import SpectralAutoencoder
from model.weights import open_folder, own_models, save_model
from training import finetune
from training.config import FinetuneRecipe
from training.corpus import Corpus, pack_folder
from training.lora import merged, with_adapters
from training.prior import Prior, others
from training.sounds import cut, described

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 44_100


def tone(hz: float, seconds: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * t) * np.exp(-6 * t)).astype(np.float32)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Four sounds of other rates, channels and formats, and two files that are none."""
    folder = tmp_path / "my sounds"
    (folder / "Kicks").mkdir(parents=True)
    soundfile.write(folder / "Kicks" / "Deep 01.wav", tone(60, 0.3), RATE_HZ)
    soundfile.write(folder / "zorp_02.flac", np.stack([tone(900, 0.2, 48_000)] * 2, 1), 48_000)
    soundfile.write(folder / "zorp_03.ogg", tone(1_000, 0.25, 22_050), 22_050)
    soundfile.write(folder / "zorp_04.aiff", np.stack([tone(1_100, 0.2)] * 3, 1), RATE_HZ)
    (folder / "notes.txt").write_text("not a sound")
    (folder / "zorp_05.wav").write_bytes(b"RIFF, or so it says")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TINY model as training.export writes it."""
    folder = tmp_path_factory.mktemp("base") / "model"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator, autoencoder = Generator(TINY), SpectralAutoencoder.of(TINY)
    save_model(folder, {**dict(generator.named_children()), "autoencoder": autoencoder}, {"model": TINY.name})
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """A pipeline takes all cores; where others use them too, its threads wait for each other in every later test."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs `python -m training.finetune ARGUMENTS` in this process: (exit code, stdout, stderr)."""

    def order(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["training.finetune", *map(str, arguments)])
        code = 0
        try:
            finetune.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return order


def digests(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def test_one_command_makes_a_model_that_plays_and_another_replaces_it_when_told(
    sounds: Path, base: Path, home: Path, run
) -> None:
    before = digests(sounds)
    order = (sounds, "--name", "my drums", "--base", base, "--steps", "3")
    code, out, err = run(*order)
    assert code == 0, err
    assert "4 sounds, 1 s; captions such as “zorp”, “deep kick”" in out
    assert "1 not audio" in out
    assert out.endswith("To play it: arc-instrument, then my drums in the Model menu\n")
    assert digests(sounds) == before
    folder = home / "models" / "my drums"
    assert sorted(path.name for path in folder.iterdir()) == [
        "MODEL_CARD.md", "after.wav", "before.wav", "model.json", "model.safetensors", "sha256.json",
    ]  # fmt: skip
    assert sorted(path.name for path in folder.parent.iterdir() if path.name[0] != ".") == ["my drums"]
    start, end = read(base), read(folder)
    assert start.keys() == end.keys()
    changed = {name.split(".")[0] for name in start if not torch.equal(start[name], end[name])}
    assert "dit" in changed
    assert "autoencoder" not in changed
    card = (folder / "MODEL_CARD.md").read_text()
    assert "3 steps, LoRA of rank 16, merged" in card
    assert "The licence of your sounds is yours to keep" in card
    assert "Deep 01.wav" not in card

    refused = "training.finetune: my drums is installed already: choose another --name, or give --replace\n"
    assert run(*order) == (2, "", refused)
    (folder / "before.wav").unlink()
    code, _, err = run(*order, "--replace", "--list-files", "--method", "full")
    assert code == 0, err
    assert (folder / "before.wav").exists()
    card = (folder / "MODEL_CARD.md").read_text()
    assert "3 steps, all weights" in card
    assert "- `Kicks/Deep 01.wav` " in card
    (model,) = own_models(home / "models")
    assert (model.base, model.name) == ("tiny", "my drums")
    other = read(folder)
    assert any(not torch.equal(end[name], other[name]) for name in end)

    pipeline = Pipeline.load(folder)
    assert (pipeline.name, pipeline.licence) == ("my drums", "yours; base not stated")
    sound = pipeline.generate(Generation("zorp", 0.3, 2))
    assert len(sound) == round(0.3 * RATE_HZ)
    assert np.isfinite(sound).all()

    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ValueError, match="does not match its digest"):
        open_folder(folder)


def read(folder: Path) -> dict[str, torch.Tensor]:
    from model.tensorfile import read as read_file

    return dict(read_file(folder / "model.safetensors"))


def test_a_stopped_training_is_kept_and_the_same_command_ends_it(sounds: Path, base: Path, home: Path, run) -> None:
    order = (sounds, "--name", "mine", "--base", base, "--method", "full", "--steps")
    command = [sys.executable, "-m", "training.finetune", *map(str, order), "40000"]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    models = home / "models"
    try:
        while not any(path.read_text() for path in models.glob("mine.partial/*/run/metrics.jsonl")):
            assert started.poll() is None, started.communicate()
            time.sleep(0.05)
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=300)
    finally:
        started.kill()
        started.communicate()
    assert started.returncode == 130
    assert said.endswith("stopped; what was learnt is kept, and the same command goes on\n")
    assert own_models(models) == ()
    (checkpoint,) = models.glob("mine.partial/*/run/checkpoint.pt")
    reached = torch.load(checkpoint, weights_only=True)["step"]
    assert reached > 0
    code, out, err = run(*order, reached + 2)
    assert code == 0, err
    assert f"at step {reached}\n" in out + err
    assert [model.name for model in own_models(models)] == ["mine"]


def test_minutes_become_as_many_steps_as_fit_and_a_stopped_training_keeps_their_number(tmp_path, monkeypatch) -> None:
    clock = iter((0.0, 4 * 30.0))  # four steps in two minutes
    monkeypatch.setattr(finetune, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))}))
    monkeypatch.setattr(finetune, "adapt", lambda *arguments: arguments[-1].mkdir())
    base = finetune.Base("tiny-model", tmp_path, TINY, "", "", Generator(TINY), SpectralAutoencoder.of(TINY))
    for minutes in (3, 30):
        assert finetune.steps_in(minutes, base, None, None, FinetuneRecipe(), tmp_path) == 6


@pytest.mark.parametrize(
    ("name", "folder", "words"),
    [
        ("arc-mini", "sounds", "a model of the program is called that"),
        ("../mine", "sounds", "take up to 40 letters"),
        ("mine", "absent", "is not a folder"),
        ("mine", "empty", "holds no sound files"),
        ("mine", "broken", "nothing to train on: skipped 1 of 1 clips: 1 not audio"),
        ("mine", "home/models/other", "lie in one another"),
        ("mine", ".", "lie in one another"),
    ],
)
def test_bad_input_is_refused_with_one_sentence(
    tmp_path: Path, home: Path, base: Path, run, name: str, folder: str, words: str
) -> None:
    for made in ("sounds", "empty", "broken", "home/models/other"):
        (tmp_path / made).mkdir(parents=True)
    (tmp_path / "broken" / "kick.wav").write_bytes(b"nothing")
    code, _, err = run(tmp_path / folder, "--name", name, "--base", base)
    said = err.splitlines()[-1]
    assert code == 2
    assert words in said
    assert said.startswith("training.finetune: ")
    assert own_models(home / "models") == ()


def test_a_model_of_another_kind_cannot_learn(tmp_path: Path) -> None:
    from stand_ins import SMALL, published_file

    (tmp_path / "model.safetensors").write_bytes(published_file())
    (tmp_path / "model.json").write_text(json.dumps({"name": SMALL.name}))
    with pytest.raises(ValueError, match="model"):
        finetune.Base.open(tmp_path)


def test_long_files_are_cut_into_pieces_and_very_long_ones_only_in_part(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    ramp = np.linspace(0, 0.5, 20 * RATE_HZ, dtype=np.float32)
    soundfile.write(sounds / "slow rise.wav", ramp, RATE_HZ)
    pack_folder(sounds, tmp_path / "packed", longest_seconds=16)
    corpus = Corpus(tmp_path / "packed", "train")
    whole = corpus.audio(0)
    assert len(whole) == 16 * RATE_HZ
    corpus.entries = cut(corpus.entries, 8, RATE_HZ)
    assert len(corpus) == 8
    assert {entry.frames for entry in corpus.entries} == {RATE_HZ}
    np.testing.assert_array_equal(corpus.audio(0), whole[:RATE_HZ])
    np.testing.assert_array_equal(corpus.audio(7), whole[-RATE_HZ:])
    assert described(corpus, 1) == "1 sound (cut into 8 pieces), 8 s; captions such as “slow rise”"


def test_adapters_change_nothing_until_they_learn_and_merge_into_plain_layers() -> None:
    torch.manual_seed(1)
    generator = Generator(TINY)
    names = generator.state_dict().keys()
    arguments = (
        torch.randn(2, 64, 8),
        torch.rand(2),
        torch.randn(2, 32, 384),
        torch.rand(2),
        torch.rand(2, SIGNALS, 8),
    )
    with torch.no_grad():
        for block in generator.dit.blocks:
            block.feed_forward.output.weight.normal_()
        expected = generator(*arguments)
        adapted = with_adapters(generator, 4)
        torch.testing.assert_close(adapted(*arguments), expected)
        for name, parameter in adapted.named_parameters():
            assert parameter.requires_grad == ("lora_" in name)
            if "lora_B" in name:
                parameter.normal_(std=0.1)
        learnt = adapted(*arguments)
        assert not torch.allclose(learnt, expected)
        plain = merged(adapted)
        torch.testing.assert_close(plain(*arguments), learnt, rtol=1e-3, atol=1e-3)
    assert plain.state_dict().keys() == names


def test_prompts_that_share_a_word_with_the_sounds_are_not_held_to_what_the_base_makes() -> None:
    prompts = ("kick drum", "hi-hat", "piano note", "banjo, plucked")
    assert others(prompts, ("Deep kick", "banjo")) == ["hi-hat", "piano note"]


def test_what_the_base_makes_goes_to_the_device_without_taking_the_base_there() -> None:
    base = Generator(TINY)
    prior = Prior(base, ()).to(torch.device("meta"))
    assert {parameter.device.type for parameter in prior.base.parameters()} == {"meta"}
    assert {parameter.device.type for parameter in base.parameters()} == {"cpu"}


def test_training_and_instrument_agree_on_where_models_lie(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_models() == folders().models == home / "models"
    monkeypatch.delenv("ARC_INSTRUMENT_HOME")
    assert user_models() == folders().models
