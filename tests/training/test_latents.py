"""Latents shards: what is written, read, resumed, split over processes, fetched from a server, or refused."""

import functools
import hashlib
import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from model.config import ARC_MINI, MODELS, TINY, ModelConfig, OobleckConfig
from model.contour import LEVELS, PITCH, ROWS, contour
from model.controls import CONTOUR, INSIDE, NOTE, control_signals, named_note, phase_ahead
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.spectral import SpectralAutoencoder
from model.text import minilm
from model.weights import save_model
from training import encoding
from training.corpus import Corpora, Corpus
from training.encoding import (
    CaptionEncoder,
    encode,
    encode_splits,
    identity_of,
    plan_view,
    posterior,
    view_samples,
    where_it_sounds,
)
from training.latents import Latents, Traits, open_held_out, open_latents, statistics, told_of
from training.packing import Entry, pack_folder
from training.shards import member_index

VIEWS = 3
OOBLECK = replace(
    TINY, name="tiny-oobleck", canvas_multiple=16, autoencoder=OobleckConfig(channels=4, multiples=(1, 1, 2, 2, 2))
)

DEAF = replace(TINY, dit=replace(TINY.dit, control_width=0))  # it takes no control signals


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("autoencoder") / "autoencoder.safetensors"
    save_file(SpectralAutoencoder.of(TINY).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def encoded(packed: Path, autoencoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both splits in shards of four clips."""
    folder = tmp_path_factory.mktemp("encoded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "CLIPS_OF_A_SHARD", 4)
        encode_splits([str(packed)], [VIEWS], TINY, autoencoder, folder)
    return folder


@pytest.fixture(scope="module")
def train(encoded: Path) -> Latents:
    return open_latents([str(encoded)], "train", TINY)


@pytest.fixture
def copy(encoded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(encoded, tmp_path / "copy"))


def network_of(path: Path) -> SpectralAutoencoder:
    network = encoding.load_autoencoder(TINY, path)
    assert isinstance(network, SpectralAutoencoder)
    return network


def test_every_clip_has_its_views_on_the_planned_canvas(train: Latents, packed: Path) -> None:
    corpus = Corpus(packed, "train")
    assert len(train.captions) == len(corpus)
    assert len(train.views) == VIEWS * len(train.captions)
    for i, view in enumerate(train.views):
        plan = plan_view(corpus.entries[view.clip], view.clip, TINY, i % VIEWS)
        assert (view.frames, view.seconds) == (plan.canvas, plan.length / TINY.sample_rate)


def test_most_canvases_are_those_of_inference_and_some_go_on_in_silence() -> None:
    entries = [Entry(("a",), key=str(i), frames=30_000 + 40 * i) for i in range(2_000)]
    plans = [plan_view(entry, i, ARC_MINI, 0) for i, entry in enumerate(entries)]
    usual = [ARC_MINI.canvas_frames(plan.length) for plan in plans]
    beyond = np.array([plan.canvas for plan in plans]) - usual
    seconds = beyond * ARC_MINI.autoencoder.frame_samples / ARC_MINI.sample_rate
    assert beyond.min() == 0
    assert np.mean(beyond > 0) == pytest.approx(encoding.BEYOND_SHARE * 0.87, abs=0.04)  # short ones stay on the canvas
    assert 1 < seconds.max() <= encoding.BEYOND_SECONDS + 8 * ARC_MINI.autoencoder.frame_samples / 44_100
    assert max(plan.canvas for plan in plans) <= ARC_MINI.max_frames


def test_a_stored_view_is_the_posterior_of_its_samples_alone(train: Latents, packed: Path, autoencoder: Path) -> None:
    corpus, network = Corpus(packed, "train"), network_of(autoencoder)
    for i in (0, 7, len(train.views) - 1):
        view = train.views[i]
        plan = plan_view(corpus.entries[view.clip], view.clip, TINY, i % VIEWS)
        canvas = torch.zeros(1, 2, view.frames * TINY.autoencoder.frame_samples)
        canvas[0, :, : plan.length] = torch.from_numpy(view_samples(corpus, plan).T.copy())
        assert view.seconds == plan.length / TINY.sample_rate
        expected = posterior(network, canvas)[0].T.detach().numpy()
        np.testing.assert_allclose(train._values(view), expected, atol=5e-3, rtol=5e-3)


def test_a_stored_contour_is_that_of_the_encoded_view(train: Latents, packed: Path) -> None:
    corpus, pitched, noted = Corpus(packed, "train"), 0, 0
    for i in range(0, len(train.views), 4):
        view = train.views[i]
        plan = plan_view(corpus.entries[view.clip], view.clip, TINY, i % VIEWS)
        samples = view_samples(corpus, plan)
        note = 35 if corpus.entries[view.clip].captions[0] == "low thump" else None  # B1
        expected = contour(samples, view.frames, TINY.autoencoder.frame_samples, TINY.sample_rate, note)
        stored = train._contour(view)
        assert stored.shape == (ROWS, view.frames)
        np.testing.assert_allclose(stored, expected, rtol=2**-10, atol=2**-14)  # a float16 has 11 bits
        assert stored[LEVELS].max() == 1
        pitched += stored[PITCH].any()
        noted += (stored[PITCH] == 35).any()
    assert pitched > noted > 0


def test_a_note_is_told_with_the_phases_of_its_clip_whichever_caption_names_it(train: Latents) -> None:
    thump = next(view for view in train.views if train.captions[view.clip][0] == "low thump")
    traits = train.collate([thump], np.random.default_rng(0)).traits
    ahead_t = phase_ahead(TINY, train._contour(thump), 35)
    np.testing.assert_array_equal(traits[0].ahead_t, ahead_t)
    assert ahead_t.any()
    caption = next(caption for caption in train.captions[thump.clip] if named_note(caption))
    seconds_b = torch.tensor([thump.seconds])
    for said in (caption, "noise burst"):  # no note, no phases
        told = train.told([said], seconds_b, [Traits(None, ahead_t)], thump.frames)
        assert told.controls_bst is not None
        assert told.controls_bst[0, NOTE].any() == (said is caption)
        expected = control_signals(TINY, thump.frames, seconds_b.item(), said, None, ahead_t)
        np.testing.assert_array_equal(told.controls_bst[0], expected)


def test_control_signals_are_those_of_the_caption_the_length_and_what_is_told_of_the_contour(train: Latents) -> None:
    followed = 0
    for seed in range(20):
        batch = train.batch(64, np.random.default_rng(seed))
        text_bld, seconds_b, controls_bst = batch.told
        frames = batch.latents_bct.shape[2]
        assert controls_bst is not None
        assert torch.equal(text_bld, train.text(batch.captions))
        lengths = seconds_b.tolist()
        for i, (caption, seconds, traits) in enumerate(zip(batch.captions, lengths, batch.traits, strict=True)):
            expected = torch.from_numpy(control_signals(TINY, frames, seconds, caption, *traits))
            assert torch.equal(controls_bst[i], expected)
            rows_st = traits.contour_st
            assert controls_bst[i, CONTOUR].any() == (rows_st is not None and bool(rows_st[:PITCH].any()))
            inside = controls_bst[i, INSIDE].sum().item() * TINY.autoencoder.frame_samples / TINY.sample_rate
            assert inside == pytest.approx(seconds, abs=1e-4)
            followed += rows_st is not None
    assert followed > 0


def test_what_is_told_goes_with_its_items_into_any_part_of_a_batch(train: Latents) -> None:
    batch = train.batch(64, np.random.default_rng(1))
    part = batch[1:4]
    assert part.captions == batch.captions[1:4]
    assert all(x is y for x, y in zip(part.traits, batch.traits[1:4], strict=True))
    some = torch.tensor([3, 1])
    for all_of_them, sliced, chosen in zip(batch.told, part.told, batch.told.part(some), strict=True):
        assert torch.equal(sliced, all_of_them[1:4])
        assert torch.equal(chosen, all_of_them[some])
    moved = batch.to(torch.device("cpu"))
    assert moved.traits is batch.traits
    assert all(torch.equal(x, y) for x, y in zip(moved.told, batch.told, strict=True))


def test_what_is_told_of_one_prompt_is_the_same_for_all_items_and_nothing_to_a_model_without_controls() -> None:
    text_bld = torch.randn(3, TINY.text.max_tokens, TINY.text.width)
    told = told_of(TINY, text_bld, 0.3, "bass A1, 97 BPM")
    assert told.controls_bst is not None
    expected = torch.from_numpy(control_signals(TINY, TINY.canvas_frames(13_230), 0.3, "bass A1, 97 BPM"))
    assert told.controls_bst.shape == (3, *expected.shape)
    assert all(torch.equal(item, expected) for item in told.controls_bst)
    assert torch.equal(told.text_bld, text_bld)
    torch.testing.assert_close(told.seconds_b, torch.full((3,), 0.3))
    assert told_of(DEAF, text_bld, 0.3, "bass A1, 97 BPM").controls_bst is None
    assert told_of(DEAF, text_bld, 0.3).part(slice(1)).to(torch.device("cpu")).controls_bst is None


def test_a_model_without_controls_has_latents_without_contours(
    packed: Path, autoencoder: Path, encoded: Path, tmp_path: Path
) -> None:
    corpus, network = Corpus(packed, "test"), network_of(autoencoder)
    encode([("c", corpus, 1.0, 1)], network, DEAF, CaptionEncoder(DEAF, None), "x", tmp_path / "test")
    (shard,) = (tmp_path / "test").glob("*.tar")
    assert not [name for name in member_index(np.memmap(shard, np.uint8, "r")) if "contour" in name]
    batch = open_latents([str(tmp_path)], "test", DEAF).batch(64, np.random.default_rng(0))
    assert batch.told.controls_bst is None
    assert set(batch.traits) == {(None, 0.0)}
    for folder, config in ((encoded, DEAF), (tmp_path, TINY)):
        with pytest.raises(ValueError, match="was encoded for another model"):
            open_latents([str(folder)], "test", config)


def test_a_view_keeps_the_sound_then_is_silent_and_never_clicks(packed: Path) -> None:
    corpus = Corpus(packed, "train")
    for number in range(20):
        plan = plan_view(corpus.entries[0], 0, TINY, number)
        view, whole = view_samples(corpus, plan), corpus.audio(0)
        assert len(view) == plan.length >= int(encoding.MIN_VIEW_SECONDS * TINY.sample_rate)
        assert not view[plan.kept :].any()
        assert np.abs(view).max() == pytest.approx(plan.peak)
        if plan.kept < len(whole):
            assert not view[plan.kept - 1].any()


@pytest.mark.parametrize(("bow", "last"), [(3.0, True), (-3.0, False)])
def test_of_what_rises_a_cut_keeps_the_end_and_of_what_falls_the_beginning(
    tmp_path: Path, bow: float, last: bool
) -> None:
    rising = np.linspace(0.02, 1, 60_000)[:: 1 if bow > 0 else -1] ** abs(bow)
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "a riser.wav", 0.5 * rising * np.sin(np.arange(60_000) / 5), 44_100)
    pack_folder(tmp_path / "sounds", tmp_path / "packed", 1)
    corpus = Corpus(tmp_path / "packed", "train")
    plan = next(p for n in range(99) if (p := plan_view(corpus.entries[0], 0, ARC_MINI, n)).length < 20_000)
    moved = where_it_sounds(corpus, plan, ARC_MINI)
    assert moved.start == (60_000 - plan.kept if last else 0)
    assert moved._replace(start=0) == plan
    view = view_samples(corpus, moved)
    assert np.abs(view[0]).max() < 0.01 * np.abs(view).max()
    whole = plan._replace(kept=60_000, length=70_000)
    assert where_it_sounds(corpus, whole, ARC_MINI) == whole


def test_loops_mostly_stay_whole() -> None:
    def whole(**said: object) -> float:
        entries = [Entry(("a",), key=str(i), frames=30_000, **said) for i in range(1_000)]  # type: ignore[arg-type]
        return float(np.mean([plan_view(entry, i, TINY, 0).length == 30_000 for i, entry in enumerate(entries)]))

    assert whole(bpm=120.0) == pytest.approx(0.8, abs=0.04)
    assert whole() == pytest.approx(0.3, abs=0.05)


def test_latents_have_zero_mean_and_unit_variance_per_channel(train: Latents) -> None:
    rng = np.random.default_rng(0)
    everything = torch.cat([train.collate([v], rng).latents_bct[0] for v in train.views for _ in range(20)], dim=1)
    torch.testing.assert_close(everything.mean(1), torch.zeros(64), atol=0.05, rtol=0)
    torch.testing.assert_close(everything.std(1), torch.ones(64), atol=0.05, rtol=0)


def test_statistics_are_those_of_the_sampled_channel() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((50, 4)).astype(np.float16)
    shift, scale = statistics(encoding._add(encoding._add(None, [values[:20]]), [values[20:]]))
    mean, log_std = np.split(values.astype(np.float64), 2, axis=1)
    np.testing.assert_allclose(shift[:, 0], mean.mean(0), rtol=1e-5)
    np.testing.assert_allclose(scale[:, 0] ** 2, mean.var(0) + np.exp(2 * log_std).mean(0), rtol=1e-5)


def test_token_states_are_those_of_the_encoder_with_zeros_after_them(train: Latents) -> None:
    captions = ["low thump", "a noise burst", "high tone, one shot"]
    expected = minilm(max_tokens=TINY.text.max_tokens).encode(captions).tokens_bld
    torch.testing.assert_close(train.text(captions), expected, atol=5e-3, rtol=5e-3)


def test_captions_are_sampled_among_the_alternatives(train: Latents) -> None:
    drawn = {train.collate([train.views[0]], np.random.default_rng(i)).captions[0] for i in range(40)}
    assert drawn == set(train.captions[0])
    assert len(drawn) == 3


def test_processes_together_see_the_batch_of_one(train: Latents) -> None:
    whole = train.batch(64, np.random.default_rng(5))
    parts = [train.batch(64, np.random.default_rng(5), rank, 3) for rank in range(3)]
    assert sorted(row for part in parts for row in part.rows) == list(range(len(whole.captions)))
    for part in parts:
        rows = list(part.rows)
        assert part.everyone == whole.captions
        assert part.captions == tuple(whole.captions[row] for row in rows)
        assert torch.equal(part.latents_bct, whole.latents_bct[rows])
        for mine, all_of_them in zip(part.told, whole.told, strict=True):
            assert torch.equal(mine, all_of_them[rows])
        for mine, row in zip(part.traits, rows, strict=True):
            np.testing.assert_equal(mine, whole.traits[row])


def test_a_batch_holds_the_frames_asked_for_and_cost_follows_length(train: Latents) -> None:
    sizes = {}
    for i in range(30):
        batch = train.batch(48, np.random.default_rng(i))
        sizes[batch.latents_bct.shape[2]] = len(batch.captions)
    assert len(sizes) > 1
    assert all(size == 48 // frames for frames, size in sizes.items())


def test_one_length_alone_when_the_canvas_is_always_full(packed: Path, autoencoder: Path, tmp_path: Path) -> None:
    full = replace(TINY, canvas_multiple=TINY.max_frames)
    corpus, network = Corpus(packed, "train"), network_of(autoencoder)
    encode([("c", corpus, 1.0, 1)], network, full, CaptionEncoder(full, None), "x", tmp_path / "train")
    latents = open_latents([str(tmp_path)], "train", full)
    assert list(latents.buckets) == [TINY.max_frames]
    assert latents.views[0].seconds < TINY.max_seconds


def test_a_clips_chance_follows_its_source_its_corpus_and_not_its_views(
    packed: Path, autoencoder: Path, tmp_path: Path
) -> None:
    corpus, network = Corpus(packed, "train"), network_of(autoencoder)
    both = [("a", corpus, 1.0, 1), ("b", corpus, 3.0, 2)]
    encode(both, network, TINY, CaptionEncoder(TINY, None), "x", tmp_path / "train")
    latents = open_latents([str(tmp_path)], "train", TINY)
    chance = np.bincount([view.clip for view in latents.views], latents._weights)
    expected = Corpora([(corpus, 1.0), (corpus, 3.0)]).weights()
    np.testing.assert_allclose(chance / chance.sum(), expected, rtol=1e-6)
    twice = open_latents([str(tmp_path), f"{tmp_path}=0.5"], "train", TINY)
    again = np.bincount([view.clip for view in twice.views], twice._weights)
    assert again[len(chance) :].sum() / again.sum() == pytest.approx(1 / 3)


def test_split_shards_give_each_process_its_own(encoded: Path, train: Latents) -> None:
    parts = [Latents([(str(encoded), 1.0)], "train", TINY, rank=r, world=2, split_shards=True) for r in range(2)]
    assert sum(len(part.captions) for part in parts) == len(train.captions)
    assert all(len(part.captions) < len(train.captions) for part in parts)
    batches = [part.batch(64, np.random.default_rng(0), rank, 2) for rank, part in enumerate(parts)]
    for part, batch in zip(parts, batches, strict=True):
        part.text(batch.everyone)
    assert not set(batches[0].rows) & set(batches[1].rows)
    with pytest.raises(ValueError, match="fewer shards than processes"):
        Latents([(str(encoded), 1.0)], "train", TINY, rank=90, world=91, split_shards=True)


def test_nothing_held_out_is_no_error_and_what_is_held_out_is_normalised_as_training_is(
    encoded: Path, copy: Path, train: Latents, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "test")
    assert open_held_out([str(copy)], TINY, train) is None
    assert "no test split" in capsys.readouterr().out
    held_out = open_held_out([str(copy), f"{encoded}=0.5"], TINY, train)
    assert held_out is not None
    assert torch.equal(held_out.shift, train.shift)
    assert torch.equal(held_out.scale, train.scale)


def test_an_encoding_stopped_half_way_goes_on_and_writes_the_same(
    packed: Path, autoencoder: Path, encoded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "CLIPS_OF_A_SHARD", 4)
    calls, whole = iter(range(2)), encoding.encode_views

    def stop_at_the_third(*arguments) -> list[np.ndarray]:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(encoding, "encode_views", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        encode_splits([str(packed)], [VIEWS], TINY, autoencoder, tmp_path)
    with pytest.raises(ValueError, match="has not finished"):
        open_latents([str(tmp_path)], "train", TINY)
    monkeypatch.setattr(encoding, "encode_views", whole)
    encode_splits([str(packed)], [VIEWS], TINY, autoencoder, tmp_path)
    index, expected = (json.loads((folder / "train" / "index.json").read_text()) for folder in (tmp_path, encoded))
    for shard, other in zip(index["shards"], expected["shards"], strict=True):
        assert shard["clips"] == other["clips"]
        names = shard["file"], other["file"]
        mine, theirs = (folder / "train" / name for folder, name in zip((tmp_path, encoded), names, strict=True))
        assert mine.read_bytes() == theirs.read_bytes()


def test_the_published_kind_of_autoencoder_is_encoded_too(packed: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = OobleckAutoencoder(OOBLECK.autoencoder).eval()  # type: ignore[arg-type]
    corpus = Corpus(packed, "test")
    encode([("c", corpus, 1.0, 1)], network, OOBLECK, CaptionEncoder(OOBLECK, None), "x", tmp_path / "test")
    latents = open_latents([str(tmp_path)], "test", OOBLECK)
    torch.testing.assert_close(latents.shift, torch.zeros(64, 1))
    torch.testing.assert_close(latents.scale, torch.ones(64, 1))
    plan = plan_view(corpus.entries[2], 2, OOBLECK, 0)
    canvas = torch.zeros(1, 2, OOBLECK.max_samples)
    canvas[0, :, : plan.length] = torch.from_numpy(view_samples(corpus, plan).T.copy())
    mean, std = network.posterior(canvas)
    stored = latents._values(latents.views[2])
    np.testing.assert_allclose(stored[:, :64], mean[0].T.detach(), atol=2e-3, rtol=2e-3)
    np.testing.assert_allclose(np.exp(stored[:, 64:]), std[0].T.detach(), rtol=1e-2)


def test_the_autoencoder_beside_the_latents_normalises_as_they_do(encoded: Path, train: Latents) -> None:
    network = network_of(encoded / "autoencoder.safetensors")
    torch.testing.assert_close(network.shift, train.shift)
    torch.testing.assert_close(network.scale, train.scale)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server that keeps what it calls private to itself."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_GET(self) -> None:
            if self.path.startswith("/private"):
                self.send_error(403)
            else:
                super().do_GET()

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def server(encoded: Path) -> Iterator[str]:
    with served(encoded) as url:
        yield url


def test_a_server_without_a_test_split_holds_none_out_and_one_that_refuses_is_an_error(
    copy: Path, train: Latents, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "test")
    with served(copy) as url:
        assert open_held_out([url], TINY, train) is None
        assert "no test split" in capsys.readouterr().out
        with pytest.raises(ValueError, match="cannot be fetched: the server answers 403"):
            open_held_out([f"{url}/private"], TINY, train)
    with pytest.raises(ValueError, match="cannot be fetched"):
        open_held_out([url], TINY, train)


def test_latents_encoded_anew_on_a_server_are_not_mixed_with_those_fetched_before(copy: Path, tmp_path: Path) -> None:
    index = json.loads((copy / "train" / "index.json").read_text())
    path = copy / "train" / index["shards"][0]["file"]
    with served(copy) as url:
        before = Latents([(url, 1.0)], "train", TINY, cache=tmp_path / "cache")
        data = np.fromfile(path, np.uint8)
        data[before.views[0].start : before.views[0].start + 64] = 0  # of as many bytes as before
        data.tofile(path)
        with pytest.raises(ValueError, match=r"tar is not the file that its index tells of: [^\n]*$"):
            Latents([(url, 1.0)], "train", TINY, cache=tmp_path / "another cache")
        index["shards"][0]["sha256"] = hashlib.sha256(data).hexdigest()
        (copy / "train" / "index.json").write_text(json.dumps(index))
        after = Latents([(url, 1.0)], "train", TINY, cache=tmp_path / "cache")
    assert before._values(before.views[0])[0, :32].any()
    assert not after._values(after.views[0])[0, :32].any()


def test_latents_are_read_from_a_web_server(server: str, train: Latents, tmp_path: Path) -> None:
    remote = Latents([(server, 1.0)], "train", TINY, cache=tmp_path)
    ours, theirs = (latents.batch(64, np.random.default_rng(3)) for latents in (train, remote))
    assert torch.equal(ours.latents_bct, theirs.latents_bct)
    assert ours.captions == theirs.captions
    fetched = sorted(tmp_path.rglob("*.tar"))
    assert fetched
    before = [path.stat().st_mtime_ns for path in fetched]
    Latents([(server, 1.0)], "train", TINY, cache=tmp_path)
    assert [path.stat().st_mtime_ns for path in fetched] == before


@pytest.mark.parametrize("case", ["missing", "no index", "cut off", "damaged", "a shard missing", "other model"])
def test_wrong_latents_are_refused_in_one_sentence(copy: Path, case: str) -> None:
    shard = sorted((copy / "train").glob("*.tar"))[1]
    config: ModelConfig = TINY
    if case == "missing":
        copy = copy / "nowhere"
    elif case == "no index":
        (copy / "train" / "index.json").write_text("{")
    elif case == "cut off":
        shard.write_bytes(shard.read_bytes()[:-5_000])
    elif case == "damaged":
        shard.write_bytes(b"\xa5" * shard.stat().st_size)
    elif case == "a shard missing":
        shard.unlink()
    else:
        config = MODELS["arc-mini"]
    with pytest.raises(ValueError, match=str(copy)) as caught:
        open_latents([str(copy)], "train", config)
    assert "\n" not in str(caught.value)


def test_another_autoencoder_does_not_go_on_with_the_shards_of_one(packed: Path, copy: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    save_file(SpectralAutoencoder.of(TINY).state_dict(), tmp_path / "other.safetensors")
    assert identity_of(network_of(tmp_path / "other.safetensors")) != identity_of(
        network_of(copy / "autoencoder.safetensors")
    )
    with pytest.raises(ValueError, match="another corpus, autoencoder or model"):
        encode_splits([str(packed)], [VIEWS], TINY, tmp_path / "other.safetensors", copy)


def test_a_finished_encoding_is_kept_and_refused_for_other_options_or_captions(
    packed: Path, autoencoder: Path, copy: Path
) -> None:
    index = copy / "train" / "index.json"
    before = index.read_bytes()
    encode_splits([str(packed)], [VIEWS], TINY, autoencoder, copy)
    corpus, network, text = Corpus(packed, "train"), network_of(autoencoder), CaptionEncoder(TINY, None)
    refused = pytest.raises(ValueError, match="another corpus, autoencoder or model, or with other options")

    def again(keep_statistics: bool = False) -> None:
        clips, identity = [(packed.name, corpus, 1.0, VIEWS)], identity_of(network)
        encode(clips, network, TINY, text, identity, copy / "train", keep_statistics)

    again()
    with refused:
        again(keep_statistics=True)
    entries = corpus.entries
    corpus.entries = [replace(entries[0], captions=("another",)), *entries[1:]]
    with refused:
        again()
    corpus.entries = entries
    again()
    next(text._encoder.network.parameters()).data[0] += 1
    with refused:
        again()
    assert index.read_bytes() == before


def test_latents_that_do_not_tell_their_options_are_read_and_not_gone_on_with(
    packed: Path, autoencoder: Path, copy: Path, train: Latents
) -> None:
    path = copy / "train" / "index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({name: index[name] for name in index if name not in ("text", "keep_statistics")}))
    assert open_latents([str(copy)], "train", TINY).captions == train.captions
    with pytest.raises(ValueError, match="or with other options: choose another --out"):
        encode_splits([str(packed)], [VIEWS], TINY, autoencoder, copy)


@pytest.mark.parametrize(
    "arguments",
    [("--corpus", "nowhere", "--autoencoder", "nowhere"), ("--corpus", "a", "--views", "1", "2", "--autoencoder", "b")],
)
def test_the_command_refuses_in_one_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.latents", "--out", str(tmp_path), "--model", "tiny", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_latents_are_read_where_audio_and_text_packages_are_missing(encoded: Path) -> None:
    code = f"""
import sys
for name in ("soundfile", "soxr", "webdataset", "transformers", "tokenizers", "lightning_fabric"):
    sys.modules[name] = None
import numpy as np
from model.config import TINY
from training.latents import open_latents
print(len(open_latents([{str(encoded)!r}], "train", TINY).batch(64, np.random.default_rng(0)).captions))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1


def test_the_autoencoder_of_a_whole_model_folder_encodes(tmp_path: Path) -> None:
    generator, autoencoder = Generator(TINY), SpectralAutoencoder.of(TINY)
    save_model(tmp_path, {**dict(generator.named_children()), "autoencoder": autoencoder}, {"model": TINY.name})
    loaded = encoding.load_autoencoder(TINY, tmp_path).state_dict()
    for name, tensor in autoencoder.state_dict().items():
        torch.testing.assert_close(loaded[name], tensor.half().to(tensor.dtype), rtol=0, atol=0)
