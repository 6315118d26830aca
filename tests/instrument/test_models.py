"""`arc-instrument models` with tiny models, a hub on this machine, and processes that are really killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_server import Hub, start, stop
from stand_ins import BASE, SMALL, TINY_CATALOGUE, TINY_T5, published_file, write_t5

from arc_instrument import cli, models
from arc_instrument.models import gate_screen, installed_models
from model.catalogue import CATALOGUE, CatalogueEntry, HubFile
from model.config import TINY
from model.generator import Generator
from model.installation import gathering, install
from model.intake import take
from model.spectral import SpectralAutoencoder
from model.weights import WEIGHTS_FILE, embedded_folder, save_model

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = f"{SMALL.repository}/model.safetensors"
WITH_TINY_MODELS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests themselves run in the background
from stand_ins import TINY_CATALOGUE
from arc_instrument import cli, models
models.CATALOGUE = TINY_CATALOGUE
sys.argv = ["arc-instrument", "models", *sys.argv[1:]]
cli.main()
"""


@pytest.fixture(autouse=True)
def _tiny_models(monkeypatch):
    monkeypatch.setattr(models, "CATALOGUE", TINY_CATALOGUE)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def t5_folder(tmp_path_factory) -> Path:
    return write_t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture
def folder(home) -> Path:
    """The models folder of this user."""
    return home / "models"


@pytest.fixture
def local(tmp_path, t5_folder) -> Path:
    """A folder with the tiny model and its text encoder."""
    path = tmp_path / "local"
    shutil.copytree(t5_folder, path / TINY_T5.name)
    (path / "model.safetensors").write_bytes(published_file())
    return path


@pytest.fixture
def installed(local, folder) -> Path:
    for _ in take(SMALL, local, folder):
        pass
    return folder / SMALL.name


@pytest.fixture
def own(folder) -> Path:
    """A model that was fine-tuned here, as training.finetune installs it."""
    files = (HubFile(WEIGHTS_FILE, 0), HubFile("MODEL_CARD.md", 0))
    entry = CatalogueEntry("my drums", "my drums", TINY, "yours; base Apache-2.0", "", files=files, base="arc-mini")
    generator, autoencoder = Generator(TINY), SpectralAutoencoder.of(TINY)
    with gathering(entry, folder) as partial:
        save_model(
            partial / "ready", {**dict(generator.named_children()), "autoencoder": autoencoder}, {"model": TINY.name}
        )
        (partial / "ready" / "MODEL_CARD.md").write_text("# my drums\n")
        install(entry, partial / "ready", partial / "ready" / WEIGHTS_FILE, folder, "fine-tuned on 5 sounds")
    return folder / "my drums"


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `arc-instrument models ARGUMENTS` in this process: (exit code, stdout, stderr)."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # what main() sets, so that no test leaves it behind

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["arc-instrument", "models", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def hub(t5_folder) -> Iterator[Hub]:
    made = Hub(gated={SMALL.repository}, members={"hf_member"})
    made.files = {WEIGHTS: published_file()} | {
        f"{TINY_T5.repository}/{file.name}": (t5_folder / file.name).read_bytes() for file in TINY_T5.files
    }
    servers = start(made)
    yield made
    stop(made, servers)


@pytest.fixture
def process(hub, home, tmp_path):
    """Starts `arc-instrument models ARGUMENTS` as a process of its own that knows the hub by HF_ENDPOINT."""
    started = []

    def begin(*arguments: object, **environment: str) -> subprocess.Popen:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "model"), *sys.path])
        own = {
            "PYTHONPATH": paths,
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_TOKEN": "hf_member",
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", WITH_TINY_MODELS, *map(str, arguments)],
                env=os.environ | own | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


# List


def states(command) -> dict[str, str]:
    code, out, err = command("list", "--json")
    assert (code, err) == (0, "")
    return {row["name"]: row["state"] for row in json.loads(out)}


def test_a_fresh_installation_lists_the_embedded_model_and_those_to_get(command):
    assert states(command) == {
        "arc-mini": "embedded",
        SMALL.name: "not installed",
        BASE.name: "not installed",
        TINY_T5.name: "not installed",
    }


def test_the_list_shows_size_licence_and_place_of_each(command, installed):
    code, out, _ = command("list")
    assert code == 0
    lines = out.splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith(f"{SMALL.name} "))
    assert re.search(r" installed +\d+ kB", lines[place])
    assert lines[place + 1] == f"  Stability AI Community License · {installed}"
    assert f"  Apache-2.0 · {embedded_folder()}" in lines


def test_a_file_that_is_gone_or_short_makes_the_model_damaged_at_a_glance(command, installed):
    path = installed / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-1])
    assert states(command)[SMALL.name] == "damaged"
    path.unlink()
    assert states(command)[SMALL.name] == "damaged"


def test_a_model_without_its_text_encoder_is_incomplete_and_the_list_says_how_to_mend_it(command, installed, folder):
    shutil.rmtree(folder / TINY_T5.name)
    assert states(command)[SMALL.name] == "incomplete"
    assert f"{SMALL.name} lacks its text encoder: arc-instrument models get {SMALL.name}" in command("list")[1]


def test_the_published_catalogue_lists_the_known_sizes(monkeypatch, command):
    monkeypatch.setattr(models, "CATALOGUE", CATALOGUE)
    sizes = {row["name"]: row["bytes"] for row in json.loads(command("list", "--json")[1])}
    assert sizes["stable-audio-open-small"] == sizes["stable-audio-open-small-base"] == 1_988_957_832
    assert 890e6 < sizes["t5-base"] < 895e6


# What the window asks


def test_the_window_is_offered_the_embedded_model_first_then_what_is_installed_whole(installed, folder):
    offered = installed_models(folder)
    assert [(model.name, model.path) for model in offered] == [("arc-mini", None), (SMALL.name, installed)]
    assert offered[1].licence == "Stability AI Community License"
    assert offered[1].licence_link == "https://huggingface.co/stabilityai/stable-audio-open-small"
    assert offered[1].max_seconds == pytest.approx(16 * 8 / 44_100)


@pytest.mark.parametrize("missing", [f"{SMALL.name}/{WEIGHTS_FILE}", f"{TINY_T5.name}/tokenizer.json"])
def test_a_model_that_could_not_play_is_not_offered(installed, folder, missing):
    (folder / missing).unlink()
    assert [model.name for model in installed_models(folder)] == ["arc-mini"]


def test_asking_loads_no_torch(folder):
    code = f"""
import sys
from pathlib import Path
from arc_instrument.models import installed_models
assert [model.name for model in installed_models(Path({str(folder)!r}))] == ["arc-mini"]
print(*sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "safetensors", "huggingface_hub"} & set(answer.stdout.split())


# Fine-tuned here


def test_an_own_model_is_offered_and_listed_by_its_name_with_its_base(command, own, folder):
    offered = installed_models(folder)
    assert [(model.name, model.title, model.path) for model in offered[1:]] == [("my drums", "my drums", own)]
    assert (offered[1].licence, offered[1].max_seconds) == ("yours; base Apache-2.0", pytest.approx(TINY.max_seconds))
    row = next(row for row in json.loads(command("list", "--json")[1]) if row["name"] == "my drums")
    assert (row["state"], row["base"]) == ("installed", "arc-mini")
    lines = command("list")[1].splitlines()
    assert f"  yours; base Apache-2.0 · fine-tuned from arc-mini · {own}" in lines


def test_an_own_model_is_verified_and_removed_like_any_other_and_not_to_be_got(command, own, folder):
    assert "my drums: intact\n" in command("verify")[1]
    assert command("get", "my drums") == (
        2, "", "arc-instrument: my drums was made on this machine: there is nothing to get.\n",
    )  # fmt: skip
    (own / "MODEL_CARD.md").write_text("# other words\n")
    code, _, err = command("verify", "my drums")
    assert code == 2
    assert "my drums is damaged" in err
    assert command("remove", "my drums", "--yes") == (0, "my drums is removed\n", "")
    assert names(folder) == []
    assert "There is no model my drums" in command("verify", "my drums")[2]


def test_a_take_of_an_own_model_tells_its_name_and_licence(own):
    from arc_instrument.domain import Generated, GenerationRequest
    from arc_instrument.synth import Synth

    synth = Synth(own)
    *_, made = synth.stream(GenerationRequest(1, "kick", 0.2, 1, 0))
    assert isinstance(made, Generated)
    assert (made.model_name, made.weights_licence) == ("my drums", "yours; base Apache-2.0")


# Get


def test_a_local_folder_is_installed_by_one_command(command, local, folder):
    code, out, err = command("get", SMALL.name, "--from", local)
    assert (code, err) == (0, "")
    assert "Stability AI Community License, https://huggingface.co/stabilityai/stable-audio-open-small" in out
    assert out.endswith(f"{SMALL.name} is installed in {folder / SMALL.name}\n")
    assert states(command)[SMALL.name] == "installed"


def test_the_text_encoder_may_come_from_another_folder(command, local, folder, t5_folder):
    shutil.rmtree(local / TINY_T5.name)
    code, _, err = command("get", SMALL.name, "--from", local / "model.safetensors", "--t5", t5_folder)
    assert (code, err) == (0, "")
    assert names(folder) == [SMALL.name, TINY_T5.name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "sao"], "There is no model sao: the known ones are arc-mini, stable-audio-open-small,"),
        (["get", "arc-mini"], "arc-mini comes with the program: there is nothing to get."),
        (["get", "t5-base", "--t5", "."], "t5-base needs no text encoder: leave --t5 out."),
        (["get", SMALL.name, "--from", "absent"], "absent: there is no such file or folder; choose another."),
        (["get", SMALL.name, "--from", embedded_folder()], "is of another model"),
        (["verify", "sao"], "There is no model sao"),
        (["verify", SMALL.name], f"{SMALL.name} is not installed: arc-instrument models get {SMALL.name}"),
        (["remove", "sao", "--yes"], "There is no model sao"),
        (["remove", SMALL.name, "--yes"], f"{SMALL.name} is not installed: there is nothing to remove."),
        (["remove", "arc-mini", "--yes"], "arc-mini comes with the program and stays."),
    ],
)
def test_bad_input_ends_with_code_2_and_one_sentence(command, arguments, words, folder):
    code, _, err = command(*arguments)
    assert code == 2
    assert words in err
    assert len(err.splitlines()) == 1
    assert not folder.exists() or names(folder) == []


def test_a_command_without_its_arguments_shows_what_there_is(command):
    _, out, err = command()
    assert all(word in out + err for word in ("list", "get", "verify", "remove"))


def test_the_gate_is_explained_in_one_screen(process, folder):
    said = process("get", SMALL.name, HF_TOKEN="")
    _, err = said.communicate(timeout=120)
    assert said.returncode == 2, err
    assert err == f"arc-instrument: {gate_screen(SMALL, 'you are not logged in')}\n"
    lines = err.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    for what in (
        "Stability AI Community License",
        "https://huggingface.co/stabilityai/stable-audio-open-small",
        "https://huggingface.co/settings/tokens",
        "hf auth login",
        "HF_TOKEN",
        "goes on where it stopped",
        f"arc-instrument models get {SMALL.name} --from model.safetensors --t5 FOLDER",
    ):
        assert what in err


def test_the_screen_names_the_sizes_of_the_published_files():
    screen = gate_screen(CATALOGUE[1], "you are not logged in")
    assert "1.99 GB, and 893 MB for t5-base" in screen


def test_offline_is_one_sentence(process, folder):
    got = process("get", SMALL.name, HF_HUB_OFFLINE="1")
    _, err = got.communicate(timeout=120)
    assert got.returncode == 2
    assert err == (
        f"arc-instrument: HF_HUB_OFFLINE forbids to fetch {SMALL.name}: unset it, or install from a file: "
        f"arc-instrument models get {SMALL.name} --from PATH.\n"
    )


def wait_for_bytes(partial: Path, size: int, running: subprocess.Popen) -> None:
    """Until the download has written `size` bytes."""
    while sum(file.stat().st_size for file in partial.rglob("*.safetensors")) < size:
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_download_that_is_ended_leaves_no_model_and_the_same_command_goes_on(
    process, hub, folder, command, ending, code
):
    hub.hold_after = 40_000
    first = process("get", SMALL.name)
    partial = folder / f"{SMALL.name}.partial"
    wait_for_bytes(partial, 30_000, first)
    first.send_signal(ending)
    _, err = first.communicate(timeout=60)
    assert first.returncode == code, err
    if ending == signal.SIGINT:
        assert err == "arc-instrument: cancelled; the same command goes on with what has arrived.\n"
    assert names(folder) == [partial.name]
    assert states(command)[SMALL.name] == "not installed"
    kept = sum(file.stat().st_size for file in partial.rglob("*.safetensors"))
    assert f"{kept / 1000:.3g} kB of it fetched" in command("list")[1]

    hub.hold_after = None
    second = process("get", SMALL.name)
    _, err = second.communicate(timeout=120)
    assert (second.returncode, err) == (0, "")
    assert hub.downloads(WEIGHTS)[-1].range == f"bytes={kept}-"
    assert names(folder) == [SMALL.name, TINY_T5.name]
    assert command("verify")[0] == 0


# Verify


def test_what_is_intact_is_said_of_every_installed_model(command, installed):
    assert command("verify") == (0, f"arc-mini: intact\n{SMALL.name}: intact\n{TINY_T5.name}: intact\n", "")
    assert command("verify", "arc-mini") == (0, "arc-mini: intact\n", "")


def test_one_changed_bit_is_found_and_another_get_mends_it(command, installed, local):
    data = bytearray((installed / WEIGHTS_FILE).read_bytes())
    data[-2] ^= 1
    (installed / WEIGHTS_FILE).write_bytes(data)
    code, out, err = command("verify")
    assert code == 2
    assert out == f"arc-mini: intact\n{TINY_T5.name}: intact\n"
    assert err == (
        f"arc-instrument: {SMALL.name} is damaged: {installed / WEIGHTS_FILE} does not match its digest in "
        "sha256.json; fetch it again.\n"
    )
    assert command("get", SMALL.name, "--from", local)[0] == 0
    assert command("verify")[0] == 0


# Remove


@pytest.mark.parametrize(("answer", "code", "stays"), [("y", 0, False), ("n", 2, True), (None, 2, True)])
def test_removing_asks_first(command, installed, monkeypatch, answer, code, stays):
    questions = []

    def confirm(question: str) -> bool:
        questions.append(question)
        if answer is None:
            raise cli.typer.Abort
        return answer == "y"

    monkeypatch.setattr(cli.typer, "confirm", confirm)
    ended, _, err = command("remove", SMALL.name)
    assert (ended, installed.exists()) == (code, stays)
    assert re.fullmatch(rf"Remove {SMALL.name} \(\d+ kB\) from {installed.parent}\?", questions[0])
    assert ("was kept" in err) == stays


def test_nobody_there_to_answer_keeps_the_model(process, installed):
    asked = process("remove", SMALL.name)
    _, err = asked.communicate(timeout=60)
    assert asked.returncode == 2
    assert f"arc-instrument: {SMALL.name} was kept: answer y, or give --yes.\n" in err
    assert installed.exists()


def test_yes_removes_without_asking_what_is_installed_damaged_or_half_fetched(command, installed, folder):
    (installed / WEIGHTS_FILE).unlink()
    (folder / f"{BASE.name}.partial").mkdir()
    (folder / f"{BASE.name}.partial" / "base_model.ckpt").write_bytes(b"half")
    for name in (SMALL.name, BASE.name):
        assert command("remove", name, "--yes") == (0, f"{name} is removed\n", "")
    assert names(folder) == [TINY_T5.name]


def test_removing_a_text_encoder_names_the_models_that_need_it(command, installed, monkeypatch):
    questions = []
    monkeypatch.setattr(cli.typer, "confirm", lambda question: questions.append(question) or True)
    assert command("remove", TINY_T5.name)[0] == 0
    assert questions[0].endswith(f"? {SMALL.name} cannot play without it.")
