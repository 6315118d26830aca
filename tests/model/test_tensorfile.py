"""Weights files good and bad: every one is read or told in one sentence, and none runs code."""

import os
import pickle
from io import BytesIO
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save as to_bytes
from safetensors.torch import save_file

from model.digests import CheckpointError
from model.tensorfile import read

WEIGHTS = {"a": torch.arange(300.0), "b": torch.ones(3, 4)}


@pytest.mark.parametrize("name", ["model.ckpt", "model.safetensors", "model", "model.bin"])
def test_the_content_says_what_a_file_is_and_its_name_does_not(tmp_path, name):
    for save in (
        lambda path: save_file(WEIGHTS, path),
        lambda path: torch.save({"state_dict": WEIGHTS}, path),
        lambda path: torch.save({"state_dict": WEIGHTS}, path, _use_new_zipfile_serialization=False),
    ):
        save(tmp_path / name)
        found = read(tmp_path / name)
        assert found.keys() == WEIGHTS.keys()
        assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


def test_safetensors_are_read_however_long_their_header_is(tmp_path):
    """The file begins with that length, one of whose low bytes is the first byte of every pickle."""
    first_bytes = set()
    for padding in range(256):
        save_file(WEIGHTS, tmp_path / "model.safetensors", {"about": "x" * padding})
        first_bytes.add((tmp_path / "model.safetensors").read_bytes()[0])
        assert read(tmp_path / "model.safetensors").keys() == WEIGHTS.keys()
    assert len(first_bytes) == 32


@pytest.mark.parametrize("name", ["model.safetensors", "model.ckpt"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x08\x00\x00\x00\x00\x00\x00\x00{bad json"])
def test_a_damaged_file_is_told_in_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name}: not a readable weights file .*; fetch it again"):
        read(tmp_path / name)


@pytest.fixture(scope="module")
def whole_files() -> dict[str, bytes]:
    """One small state dict in each format: safetensors, torch's archive, torch's pickle of old."""
    archive, old = BytesIO(), BytesIO()
    torch.save({"state_dict": WEIGHTS}, archive)
    torch.save({"state_dict": WEIGHTS}, old, _use_new_zipfile_serialization=False)
    return {"safetensors": to_bytes(WEIGHTS), "archive": archive.getvalue(), "old": old.getvalue()}


@pytest.mark.parametrize("kind", ["safetensors", "archive", "old"])
@given(part=st.floats(0, 0.999))
def test_a_file_cut_short_anywhere_is_told_in_one_sentence(tmp_path_factory, whole_files, kind, part):
    path = tmp_path_factory.getbasetemp() / "cut.ckpt"
    path.write_bytes(whole_files[kind][: int(part * len(whole_files[kind]))])
    with pytest.raises(CheckpointError, match=r"^[^\n]*cut\.ckpt[^\n]+$"):
        read(path)


@given(kind=st.sampled_from(["safetensors", "archive", "old"]), place=st.floats(0, 0.999), byte=st.integers(1, 255))
def test_a_file_with_a_wrong_byte_is_read_or_told_in_one_sentence(tmp_path_factory, whole_files, kind, place, byte):
    path = tmp_path_factory.getbasetemp() / "flipped.ckpt"
    content = bytearray(whole_files[kind])
    content[int(place * len(content))] ^= byte
    path.write_bytes(content)
    sentence = ""
    try:
        found = dict(read(path))
    except CheckpointError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert sentence or all(isinstance(tensor, torch.Tensor) for tensor in found.values())


class Touches:
    """Unpickled as Python does it, this makes the file `path`."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.mark.parametrize("name", ["model.ckpt", "model.safetensors"])
@pytest.mark.parametrize(
    "save",
    [
        lambda content, path: torch.save(content, path),
        lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
        *(lambda content, path, p=p: path.write_bytes(pickle.dumps(content, protocol=p)) for p in (2, 4)),
    ],
    ids=["archive", "old", "pickle 2", "pickle 4"],
)
def test_a_file_that_would_run_code_runs_none(tmp_path, save, name):
    for content in ({"state_dict": Touches(tmp_path / "ran")}, Touches(tmp_path / "ran")):
        save(content, tmp_path / name)
        with pytest.raises(CheckpointError, match=rf"{name} (would run|is a pickle).*refused: take a \.safetensors"):
            read(tmp_path / name)
        assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Touches(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()  # so the test would have seen it


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"a": torch.ones(2), "b": torch.ones(2)}, "holds 'a' and 1 more entries instead of a \"state_dict\""),
        ({}, 'holds a dict instead of a "state_dict"'),
        (torch.ones(2), 'holds a Tensor instead of a "state_dict"'),
        ({"state_dict": torch.ones(2)}, "holds 'state_dict' and 0 more entries instead of a \"state_dict\""),
        ({"state_dict": {"a": 1}}, ": 'a' of its \"state_dict\" is not a tensor"),
        ({"state_dict": {1: torch.ones(2)}}, ': 1 of its "state_dict" is not a tensor'),
        ({"state_dict": WEIGHTS, "ema": WEIGHTS}, "is a checkpoint of a training, with weights in ema;"),
        (
            {"state_dict": WEIGHTS, "optimizer_states": [{"state": {0: WEIGHTS}}]},
            "is a checkpoint of a training, with weights in optimizer_states;",
        ),
        (
            {"state_dict": {"diffusion.model.a": torch.ones(2), "diffusion_ema.a": torch.ones(2)}},
            "is a checkpoint of a training, with weights in diffusion and diffusion_ema;",
        ),
    ],
)
def test_a_ckpt_that_is_no_exported_model_is_told_in_one_sentence(tmp_path, content, sentence):
    torch.save(content, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match="export") as caught:
        read(tmp_path / "model.ckpt")
    assert f"model.ckpt{sentence if sentence.startswith(':') else ' ' + sentence}" in str(caught.value)


def test_numbers_and_words_beside_the_state_dict_do_no_harm(tmp_path):
    torch.save({"state_dict": WEIGHTS, "epoch": 3, "version": "2.1"}, tmp_path / "model.ckpt")
    assert torch.equal(read(tmp_path / "model.ckpt")["a"], WEIGHTS["a"])


def test_a_large_file_is_mapped_anew_and_reads_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("model.tensorfile.REOPEN_BYTES", 100)
    tensors = {f"t{i}": torch.full((20,), float(i)) for i in range(9)}
    save_file(tensors, tmp_path / "model.safetensors")
    found = read(tmp_path / "model.safetensors")
    assert {name: tensor.tolist() for name, tensor in found.items()} == {n: t.tolist() for n, t in tensors.items()}
    (tmp_path / "model.safetensors").unlink()  # while it is being read
    with pytest.raises(CheckpointError, match="fetch it again"):
        dict(found)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: there is no such weights file"):
        read(tmp_path / "gone.safetensors")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(CheckpointError, match="not a readable weights file"):
        read(tmp_path)
