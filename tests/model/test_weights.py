"""Weights from a hub on this machine and from local files: whole, checked, resumed; and what can go wrong."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hub_server import COMMIT, Hub, start, stop
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from stand_ins import BASE, CONFIG, SMALL, TINY_CATALOGUE, TINY_T5, published_file, published_tensors, write_t5

from model import hub as hub_module
from model.digests import DIGESTS_FILE, CheckpointError, check_digests, sha256
from model.hub import GateError
from model.installation import remove
from model.intake import Progress, fetch, take
from model.weights import ABOUT_FILE, WEIGHTS_FILE, embedded_folder, is_installed, open_folder

WEIGHTS = f"{SMALL.repository}/model.safetensors"
MEMBER = "hf_member"


@pytest.fixture(scope="session")
def t5_folder(tmp_path_factory) -> Path:
    return write_t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture
def hub(tmp_path, monkeypatch, t5_folder) -> Iterator[Hub]:
    """A hub with the tiny model behind its gate and the tiny T5; nobody is logged in."""
    made = Hub(gated={SMALL.repository}, members={MEMBER}, strangers={"hf_stranger"})
    made.files = {WEIGHTS: published_file()} | {
        f"{TINY_T5.repository}/{file.name}": (t5_folder / file.name).read_bytes() for file in TINY_T5.files
    }
    servers = start(made)
    # What HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE set when huggingface_hub is imported, which is long ago.
    monkeypatch.setattr(constants, "ENDPOINT", made.address)
    template = made.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(hub_module, "PAUSE_SECONDS", 0.0)
    yield made
    stop(made, servers)


@pytest.fixture
def member(hub, monkeypatch) -> Hub:
    """The hub, met by somebody who accepted the licence."""
    monkeypatch.setenv("HF_TOKEN", MEMBER)
    return hub


@pytest.fixture
def models(tmp_path) -> Path:
    return tmp_path / "models"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.exists() else []


def run(steps: Iterator[Progress]) -> None:
    for _ in steps:
        pass


def test_a_fetched_model_is_whole_says_what_it_is_and_opens(member, models):
    run(fetch(SMALL, models))
    folder = models / SMALL.name
    assert (folder / WEIGHTS_FILE).read_bytes() == published_file()
    about = json.loads((folder / ABOUT_FILE).read_text())
    assert about["name"] == SMALL.name
    assert about["source"] == f"{SMALL.repository} at {COMMIT}"
    assert about["licence"] == "Stability AI Community License"
    assert about["licence_link"] == SMALL.licence_link
    digests = json.loads((folder / DIGESTS_FILE).read_text())
    assert digests == {name: sha256(folder / name) for name in (WEIGHTS_FILE, ABOUT_FILE)}
    assert digests[WEIGHTS_FILE] == hashlib.sha256(published_file()).hexdigest()
    opened = open_folder(folder, TINY_CATALOGUE)
    assert (opened.config, opened.published, opened.weights) == (SMALL.config, True, folder / WEIGHTS_FILE)
    assert (opened.licence, opened.licence_link) == (SMALL.licence, SMALL.licence_link)
    assert opened.text_folder == models / TINY_T5.name
    assert visible(models) == [SMALL.name, TINY_T5.name]


def test_the_progress_counts_every_byte_of_every_file(member, models):
    last = {step.doing: (step.done, step.total) for step in fetch(SMALL, models) if step.total}
    sizes = {f"{SMALL.name}: model.safetensors": len(published_file())} | {
        f"{TINY_T5.name}: {file.name}": len(member.files[f"{TINY_T5.repository}/{file.name}"]) for file in TINY_T5.files
    }
    assert last == {doing: (size, size) for doing, size in sizes.items()}


def test_large_files_come_by_plain_http_and_their_host_is_never_sent_the_token(member, models):
    member.xet = True
    run(fetch(SMALL, models))
    assert len(member.downloads(WEIGHTS)) == 1
    assert {request.token for request in member.requests if request.on_storage} == {None}
    assert {request.token for request in member.requests if not request.on_storage} == {MEMBER}
    assert not [request for request in member.requests if "xet" in request.path]


def test_all_files_are_of_the_commit_that_the_first_answer_named(member, models):
    run(fetch(TINY_T5, models))
    paths = [request.path for request in member.requests if "/resolve/" in request.path]
    assert [path.split("/")[4] for path in paths] == ["main"] + [COMMIT] * (len(paths) - 1)


def test_the_ckpt_of_the_base_model_is_kept_as_safetensors_under_published_names(member, models, tmp_path):
    torch.save({"state_dict": published_tensors()}, tmp_path / "base_model.ckpt")
    member.files[f"{BASE.repository}/base_model.ckpt"] = (tmp_path / "base_model.ckpt").read_bytes()
    run(fetch(BASE, models))
    kept = load_file(models / BASE.name / WEIGHTS_FILE)
    assert kept.keys() == published_tensors().keys()
    assert all(torch.equal(kept[name], tensor) for name, tensor in published_tensors().items())
    assert visible(models / BASE.name) == [ABOUT_FILE, WEIGHTS_FILE, DIGESTS_FILE]
    assert open_folder(models / BASE.name, TINY_CATALOGUE).config == BASE.config


def test_what_is_intact_is_not_fetched_again_and_what_is_damaged_is(member, models):
    run(fetch(SMALL, models))
    run(fetch(SMALL, models))
    assert len(member.downloads(WEIGHTS)) == 1
    flip_last_byte(models / SMALL.name / WEIGHTS_FILE)
    run(fetch(SMALL, models))
    assert len(member.downloads(WEIGHTS)) == 2
    assert (models / SMALL.name / WEIGHTS_FILE).read_bytes() == published_file()


def flip_last_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


# The connection


def test_a_connection_cut_midway_goes_on_from_the_byte_it_had(member, models):
    member.cut_after = [10_000, 5_000]
    run(fetch(SMALL, models))
    assert [request.range for request in member.downloads(WEIGHTS)] == ["bytes=0-", "bytes=10000-", "bytes=15000-"]
    check_digests(models / SMALL.name)


def test_a_host_that_knows_no_ranges_is_asked_from_the_start(member, models):
    member.cut_after, member.ranges = [10_000], False
    run(fetch(SMALL, models))
    assert (models / SMALL.name / WEIGHTS_FILE).read_bytes() == published_file()


def test_a_connection_that_stays_cut_is_one_sentence_and_the_next_command_goes_on(member, models):
    member.cut_after = [10_000] + [0] * hub_module.TRIES
    with pytest.raises(CheckpointError, match=r"type the command again|check the connection"):
        run(fetch(SMALL, models))
    assert visible(models) == [f"{SMALL.name}.partial"]
    run(fetch(SMALL, models))
    assert member.downloads(WEIGHTS)[-1].range == "bytes=10000-"
    assert visible(models) == [SMALL.name, TINY_T5.name]


def test_a_new_version_on_the_hub_is_fetched_from_its_start(member, models):
    member.cut_after = [10_000] + [0] * hub_module.TRIES
    with pytest.raises(CheckpointError):
        run(fetch(SMALL, models))
    member.files[WEIGHTS] = published_file(seed=1)
    run(fetch(SMALL, models))
    assert member.downloads(WEIGHTS)[0].range == "bytes=0-"
    assert (models / SMALL.name / WEIGHTS_FILE).read_bytes() == published_file(seed=1)
    assert visible(models / SMALL.name) == [ABOUT_FILE, WEIGHTS_FILE, DIGESTS_FILE]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda hub, m: m.setattr(constants, "HF_HUB_OFFLINE", True), "HF_HUB_OFFLINE forbids .* --from PATH"),
        (lambda hub, m: setattr(hub, "status", 404), "answered 404 .* --from PATH"),
        (lambda hub, m: setattr(hub, "status", 500), "answered 500 .*: try later"),
        (lambda hub, m: setattr(hub, "is_hub", False), "does not answer like a Hugging Face hub: check HF_ENDPOINT"),
        (lambda hub, m: hub.files.pop(WEIGHTS), "answered 404 .* --from PATH"),
        (lambda hub, m: m.setenv("HF_TOKEN", "hf_ä"), "letters that no token has"),
        (
            lambda hub, m: m.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:1/{repo_id}"),
            "cannot be reached .*: check the connection, or install from a file: .* --from PATH",
        ),
        (lambda hub, m: hub.told.update({WEIGHTS: b"other"}), "does not match the digest .* thrown away"),
        (
            lambda hub, m: hub.told.update({f"{TINY_T5.repository}/config.json": b"other"}),
            "config.json .* does not match the digest .* thrown away",
        ),
    ],
)
def test_what_a_hub_can_refuse_is_one_sentence_and_leaves_no_model(member, models, monkeypatch, change, sentence):
    change(member, monkeypatch)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        run(fetch(SMALL, models))
    assert "\n" not in str(caught.value)
    assert not {SMALL.name, TINY_T5.name} <= set(visible(models))


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (None, "you are not logged in"),
        ("hf_stranger", "your account has not accepted it"),
        ("hf_expired", "the hub does not accept your token"),
    ],
)
def test_the_gate_says_what_stands_in_the_way_before_anything_is_fetched(hub, models, monkeypatch, token, reason):
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(GateError) as caught:
        run(fetch(SMALL, models))
    assert caught.value.entry == SMALL
    assert reason in caught.value.reason
    assert not [request for request in hub.requests if request.on_storage]
    assert visible(models) == []


def test_a_wrong_token_is_told_where_no_gate_is(hub, models, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(
        CheckpointError, match="does not accept your token: type hf auth login again, or unset HF_TOKEN"
    ):
        run(fetch(TINY_T5, models))


def test_the_token_that_a_login_keeps_is_used(hub, models):
    Path(constants.HF_TOKEN_PATH).write_text(MEMBER)
    run(fetch(SMALL, models))
    assert is_installed(models / SMALL.name)


def test_another_models_weights_on_the_hub_are_refused_and_dropped(member, models):
    member.files[WEIGHTS] = (embedded_folder() / WEIGHTS_FILE).read_bytes()
    with pytest.raises(CheckpointError, match="is of another model"):
        run(fetch(SMALL, models))
    assert visible(models) == []


# The disk


def test_too_small_a_disk_is_told_before_the_first_byte(member, models, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(CheckpointError, match=r"0\.00 GB free, but .* are needed"):
        run(fetch(SMALL, models))
    assert not [request for request in member.requests if request.method == "GET"]


@dataclass
class Disk:
    """A small disk that can be filled: a tmpfs where one may be mounted, else a limit on what one file may hold."""

    folder: Path
    is_mounted: bool = False
    free_limit: tuple[int, int] = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        if not self.is_mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, self.free_limit[1]))
            return
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    def empty(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.free_limit)
        (self.folder / "filler").unlink(missing_ok=True)


@pytest.fixture(params=["mounted if possible", "limited"])
def disk(request, tmp_path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    made.folder.mkdir()
    if request.param != "limited":
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(made.folder)]
        made.is_mounted = (
            shutil.which("mount") is not None and subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0
        )
    yield made
    made.empty()
    if made.is_mounted:
        subprocess.run(["umount", str(made.folder)], check=True)


def test_a_disk_that_fills_up_is_one_sentence_and_what_arrived_is_used_later(member, disk):
    models = disk.folder / "models"
    steps = fetch(SMALL, models)
    while next(steps).done < 20_000:
        pass
    disk.fill()
    with pytest.raises(CheckpointError, match=r"The disk of .* is full: make room and type the command again"):
        run(steps)
    disk.empty()
    assert visible(models) == [f"{SMALL.name}.partial"]
    (kept,) = (models / f"{SMALL.name}.partial").rglob("*.safetensors")
    start_at = kept.stat().st_size
    run(fetch(SMALL, models))
    assert [request.range for request in member.downloads(WEIGHTS)] == ["bytes=0-", f"bytes={start_at}-"]
    assert visible(models) == [SMALL.name, TINY_T5.name]
    check_digests(models / SMALL.name)


def test_a_disk_that_fills_up_while_a_ckpt_is_converted_keeps_the_download(member, disk, tmp_path):
    torch.save({"state_dict": published_tensors()}, tmp_path / "base_model.ckpt")
    ckpt = f"{BASE.repository}/base_model.ckpt"
    member.files[ckpt] = (tmp_path / "base_model.ckpt").read_bytes()
    models = disk.folder / "models"
    steps = fetch(BASE, models)
    while next(steps).doing != f"{BASE.name}: checking that it is this model":
        pass
    disk.fill()
    with pytest.raises(CheckpointError, match=r"The disk of .* is full"):
        run(steps)
    disk.empty()
    run(fetch(BASE, models))
    assert len(member.downloads(ckpt)) == 1
    check_digests(models / BASE.name)


def test_a_local_file_that_does_not_fit_leaves_nothing(local, models, t5_folder):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        with pytest.raises(CheckpointError, match=r"The disk of .* is full"):
            run(take(SMALL, local, models, t5_folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert visible(models) == []


def test_a_models_folder_that_cannot_be_made_is_one_sentence(local, tmp_path, t5_folder):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot be written to .*: check that folder"):
        run(take(SMALL, local, tmp_path / "file" / "models", t5_folder))


def test_two_processes_do_not_write_the_same_model(member, models):
    first = fetch(SMALL, models)
    next(first)
    told = []

    def second() -> None:
        try:
            run(fetch(SMALL, models))
        except CheckpointError as error:
            told.append(str(error))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    assert told == [f"{SMALL.name} is just being installed by another process: wait for it"]
    run(first)
    assert is_installed(models / SMALL.name)


def test_what_a_killed_replacement_left_is_cleared(member, models):
    run(fetch(SMALL, models))
    shutil.copytree(models / SMALL.name, models / f"{SMALL.name}.old")
    flip_last_byte(models / SMALL.name / WEIGHTS_FILE)
    run(fetch(SMALL, models))
    assert visible(models) == [SMALL.name, TINY_T5.name]


# Local files


@pytest.fixture
def local(tmp_path) -> Path:
    """The published file as somebody fetched it with a browser."""
    path = tmp_path / "from browser" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(published_file())
    return path


@pytest.mark.parametrize("given", ["file", "folder"])
def test_a_local_model_and_text_encoder_are_taken_without_any_network(local, models, t5_folder, monkeypatch, given):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    run(take(SMALL, local if given == "file" else local.parent, models, t5_folder))
    opened = open_folder(models / SMALL.name, TINY_CATALOGUE)
    assert opened.text_folder == models / TINY_T5.name
    assert local.read_bytes() == published_file()
    assert visible(models) == [SMALL.name, TINY_T5.name]


def test_a_text_encoder_inside_the_given_folder_is_taken_too(local, models, t5_folder, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    shutil.copytree(t5_folder, local.parent / TINY_T5.name)
    run(take(SMALL, local.parent, models))
    assert is_installed(models / TINY_T5.name)


def test_a_local_ckpt_becomes_safetensors_and_stays_where_it_is(models, tmp_path, t5_folder):
    path = tmp_path / "downloaded.ckpt"
    torch.save({"state_dict": published_tensors()}, path)
    run(take(BASE, path, models, t5_folder))
    assert load_file(models / BASE.name / WEIGHTS_FILE).keys() == published_tensors().keys()
    assert path.exists()


def test_the_missing_text_encoder_of_a_local_model_is_fetched(hub, local, models):
    run(take(SMALL, local, models))
    assert open_folder(models / SMALL.name, TINY_CATALOGUE).text_folder == models / TINY_T5.name


def test_an_installed_folder_of_another_machine_is_taken(member, local, models, tmp_path):
    run(fetch(SMALL, tmp_path / "other machine"))
    run(take(SMALL, tmp_path / "other machine" / SMALL.name, models, tmp_path / "other machine" / TINY_T5.name))
    assert is_installed(models / SMALL.name)
    with pytest.raises(CheckpointError, match=f"holds {SMALL.name}, not {BASE.name}: choose another folder"):
        run(take(BASE, tmp_path / "other machine" / SMALL.name, models))


NAME = "model.model.transformer.layers.1.ff_norm.gamma"


def changed(**changes) -> dict[str, torch.Tensor]:
    tensors = published_tensors() | changes.pop("add", {})
    return {
        name: changes.get("put", {}).get(name, tensor)
        for name, tensor in tensors.items()
        if name != changes.get("drop")
    }


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        (changed(drop=NAME), f"{NAME} is missing from these weights"),
        (changed(add={"surplus": torch.zeros(1)}), "surplus is not a tensor of this architecture"),
        (changed(put={NAME: torch.zeros(3)}), rf"{NAME} has shape \[3\] instead of \[64\]"),
        (changed(put={NAME: torch.full((64,), torch.nan)}), f"{NAME} holds values that are not finite"),
    ],
)
def test_a_file_that_is_not_strictly_the_model_is_refused_naming_the_tensor(tensors, sentence, models, tmp_path):
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=sentence) as caught:
        run(take(SMALL, tmp_path / "model.safetensors", models))
    assert "\n" not in str(caught.value)
    assert visible(models) == []


def test_weights_of_arc_mini_are_not_taken_for_the_published_model(models):
    with pytest.raises(CheckpointError, match=f"{WEIGHTS_FILE} is of another model"):
        run(take(SMALL, embedded_folder() / WEIGHTS_FILE, models))
    assert visible(models) == []


class RunsCode:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_in_a_ckpt_is_refused_and_not_run(models, tmp_path):
    path, proof = tmp_path / "model.ckpt", tmp_path / "the code was run"
    torch.save({"state_dict": published_tensors() | {"x": RunsCode(proof)}}, path)
    with pytest.raises(CheckpointError, match=r"would run \w+.mkdir when opened; it was refused"):
        run(take(SMALL, path, models))
    assert not proof.exists()
    torch.load(path, weights_only=False)
    assert proof.exists()  # so the file would have done it


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.safetensors", published_file()[:-1000], "not a readable weights file .*; fetch it again"),
        ("model.safetensors", b"", "not a readable weights file .*; fetch it again"),
        ("model.safetensors", b"<!DOCTYPE html><html>", "is a web page, not weights"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        ("model.ckpt", b"PK\x03\x04" + bytes(99), "not a readable weights file .*; fetch it again"),
        ("model.ckpt", b"\x80\x04N.", "is a pickle, which can run code when opened; it was refused"),
    ],
)
def test_a_file_that_is_no_whole_weights_file_is_one_sentence(models, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        run(take(SMALL, tmp_path / name, models))
    assert "\n" not in str(caught.value)
    assert visible(models) == []


@pytest.mark.parametrize("name", ["renamed.ckpt", "renamed.bin"])
def test_what_a_file_holds_counts_and_not_what_it_is_called(local, models, tmp_path, t5_folder, name):
    run(take(SMALL, local.rename(tmp_path / name), models, t5_folder))
    assert (models / SMALL.name / WEIGHTS_FILE).read_bytes() == published_file()
    torch.save({"state_dict": published_tensors()}, tmp_path / "renamed.safetensors")
    run(take(BASE, tmp_path / "renamed.safetensors", models))
    assert load_file(models / BASE.name / WEIGHTS_FILE).keys() == published_tensors().keys()


def test_a_place_without_the_model_is_named(models, tmp_path, local):
    for source, sentence in (
        (tmp_path / "nowhere", "there is no such file or folder"),
        (tmp_path, "holds no model.safetensors or model.ckpt: choose the weights file itself"),
    ):
        with pytest.raises(CheckpointError, match=sentence):
            run(take(SMALL, source, models))


# The text encoder


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json is missing: choose the folder"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json is not a readable tokenizer"),
        (lambda folder: (folder / "config.json").write_text("[1"), "config.json cannot be read"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "not of a t5 model"),
        (lambda folder: write_t5(folder, d_ff=40), r"parameters, t5-base has [\d,]+: choose another"),
        (lambda folder: write_t5(folder, d_model=48), r"parameters, t5-base has [\d,]+: choose another"),
        (
            lambda folder: save_file({"shared.weight": torch.zeros(7, 24)}, folder / "model.safetensors"),
            "is missing from .*: fetch the folder again",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(published_file()[:5000]),
            "not a readable weights file",
        ),
    ],
)
def test_a_folder_that_is_not_this_text_encoder_is_refused(t5_folder, models, tmp_path, damage, sentence):
    folder = shutil.copytree(t5_folder, tmp_path / "t5")
    damage(folder)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        run(take(TINY_T5, folder, models))
    assert "\n" not in str(caught.value)
    assert visible(models) == []


def test_the_encoder_that_was_taken_encodes(t5_folder, models):
    from model.text import load_encoder

    run(take(TINY_T5, t5_folder, models))
    embedding = load_encoder(CONFIG.text, models / TINY_T5.name).encode(["kick drum"])
    assert embedding.mask_bl.sum() == 3


def test_a_file_is_no_text_encoder(t5_folder, models):
    with pytest.raises(CheckpointError, match="is a file: choose the folder that holds"):
        run(take(TINY_T5, t5_folder / "model.safetensors", models))


# Opening


def test_the_embedded_folder_opens_as_arc_mini_under_its_own_licence():
    opened = open_folder(embedded_folder())
    assert (opened.config.name, opened.published, opened.text_folder) == ("arc-mini", False, None)
    assert opened.licence == "Apache-2.0"


def test_weights_somebody_trained_open_as_arc_mini_with_a_licence_nobody_stated(tmp_path):
    shutil.copy(embedded_folder() / WEIGHTS_FILE, tmp_path)
    opened = open_folder(tmp_path)
    assert (opened.config.name, opened.licence) == ("arc-mini", "not stated")


@pytest.fixture
def installed(local, models, t5_folder) -> Path:
    run(take(SMALL, local, models, t5_folder))
    return models / SMALL.name


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / WEIGHTS_FILE).unlink(), "there is no such weights file"),
        (lambda folder: flip_last_byte(folder / WEIGHTS_FILE), "does not match its digest"),
        (lambda folder: flip_last_byte(folder / ABOUT_FILE), "does not tell which model|does not match its digest"),
        (lambda folder: (folder / DIGESTS_FILE).unlink(), "does not tell the digest"),
        (
            lambda folder: (folder / ABOUT_FILE).write_text('{"name": "new"}'),
            "the model new, which this program does not",
        ),
        (lambda folder: shutil.rmtree(folder.parent / TINY_T5.name), "needs t5-base beside it; type: arc-instrument"),
        (lambda folder: flip_last_byte(folder.parent / TINY_T5.name / WEIGHTS_FILE), "does not match its digest"),
    ],
)
def test_an_installed_folder_that_was_damaged_does_not_open(installed, damage, sentence):
    damage(installed)
    with pytest.raises(CheckpointError, match=sentence):
        open_folder(installed, TINY_CATALOGUE)


def test_the_folder_of_a_text_encoder_is_no_model(installed):
    with pytest.raises(CheckpointError, match="not a model; choose another folder"):
        open_folder(installed.parent / TINY_T5.name, TINY_CATALOGUE)


def test_a_removed_model_leaves_nothing(installed, models):
    remove(SMALL, models)
    assert visible(models) == [TINY_T5.name]
