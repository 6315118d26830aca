"""Packing: every kind of sound goes in, every kind of bad input is counted or refused; and reading back."""

import functools
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.clips import RATE_HZ, caption_of_name
from training.corpus import Augmentation, Corpora, Corpus, folder_and_share, open_corpora, random_crops
from training.packing import pack, pack_folder


def tone(seconds: float, rate_hz: int = RATE_HZ, channels: int = 1, hz: float = 440.0) -> np.ndarray:
    """Samples (n, channels) float32; each further channel is half as loud."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    wave = 0.5 * np.sin(2 * np.pi * hz * t)
    return np.stack([wave / 2**c for c in range(channels)], axis=1).astype(np.float32)


def encoded(samples: np.ndarray, rate_hz: int = RATE_HZ, form: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()


def shard(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def said(**values: object) -> bytes:
    return json.dumps({"caption": "a tone"} | values).encode()


GOOD = {"good.wav": encoded(tone(0.1)), "good.json": said()}


@pytest.mark.parametrize(
    ("form", "subtype", "extension"),
    [
        ("WAV", "PCM_U8", "wav"),
        ("WAV", "FLOAT", "wav"),
        ("FLAC", "PCM_24", "flac"),
        ("OGG", "VORBIS", "ogg"),
        ("MP3", None, "mp3"),
        ("AIFF", "PCM_16", "aiff"),
    ],
)
def test_every_common_format_is_decoded(tmp_path: Path, form: str, subtype: str | None, extension: str) -> None:
    path = shard(tmp_path / "a.tar", {f"k.{extension}": encoded(tone(0.5), form=form, subtype=subtype), "k.txt": b"a"})
    pack([str(path)], tmp_path / "out")
    corpus = Corpus(tmp_path / "out", "train")
    samples = corpus.audio(0)
    assert np.array_equal(samples[:, 0], samples[:, 1])
    assert corpus.entries[0].channels == 1
    error = samples[2_000:20_000, 0] - tone(0.5)[2_000:20_000, 0]
    if extension != "mp3":  # its decoder delays
        assert np.abs(error).max() < 0.03
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000, 192_000])
def test_any_rate_becomes_44100_hz_without_a_change_of_pitch(tmp_path: Path, rate_hz: int) -> None:
    path = shard(tmp_path / "a.tar", {"k.wav": encoded(tone(1, rate_hz), rate_hz), "k.txt": b"a"})
    pack([str(path)], tmp_path / "out")
    samples = Corpus(tmp_path / "out", "train").audio(0)
    assert abs(len(samples) - RATE_HZ) <= 1
    middle = slice(RATE_HZ // 4, 3 * RATE_HZ // 4)
    assert np.abs(samples[middle, 0] - tone(1)[middle, 0]).max() < 1e-3


def test_three_channels_are_mixed_down_and_two_equal_ones_are_stored_once(tmp_path: Path) -> None:
    three, twice = tone(0.1, channels=3), np.repeat(tone(0.1), 2, axis=1)
    members = {"a.wav": encoded(three), "a.txt": b"a", "b.wav": encoded(twice), "b.txt": b"b"}
    pack([str(shard(tmp_path / "a.tar", members))], tmp_path / "out")
    corpus = Corpus(tmp_path / "out", "train")
    expected = (three[:, :2] + three[:, 2:]) / 2
    np.testing.assert_allclose(corpus.audio(0), expected, atol=1e-4)
    assert corpus.entries[1].channels == 1
    np.testing.assert_allclose(corpus.audio(1), twice, atol=1e-4)
    size = sum(file.stat().st_size for file in (tmp_path / "out").glob("*.i16"))
    assert size == 2 * (2 * len(three) + len(twice))


BAD = {
    "not audio": {"k.wav": b"RIFF this is no sound", "k.json": said()},
    "without caption": {"k.wav": encoded(tone(0.1))},
    "with a caption that is not text": {"k.wav": encoded(tone(0.1)), "k.json": said(caption=7)},
    "with JSON that cannot be read": {"k.wav": encoded(tone(0.1)), "k.json": b"{"},
    "with NaN or infinite samples": {
        "k.wav": encoded(tone(0.1) * np.float32(np.nan), subtype="FLOAT"),
        "k.json": said(),
    },
    "shorter than 10 ms": {"k.wav": encoded(tone(0.1)[:1]), "k.json": said()},
    "silent": {"k.wav": encoded(0 * tone(0.1)), "k.json": said()},
    "without sound": {"k.json": said()},
    "with the key of another clip": GOOD,
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_clip_is_skipped_and_counted(tmp_path: Path, reason: str) -> None:
    paths = [shard(tmp_path / "a.tar", GOOD), shard(tmp_path / "b.tar", BAD[reason])]
    packed = pack([str(path) for path in paths], tmp_path / "out")
    assert str(packed) == f"packed 1 clips; skipped 1 of 2 clips: 1 {reason}"
    assert [entry.key for entry in Corpus(tmp_path / "out", "train").entries] == ["good"]


def test_an_empty_caption_counts_as_none_and_infinity_as_nan(tmp_path: Path) -> None:
    infinite = tone(0.1)
    infinite[7] = np.inf
    members = GOOD | {"a.wav": encoded(tone(0.1)), "a.json": said(caption="  ")}
    members |= {"b.wav": encoded(infinite, subtype="FLOAT"), "b.json": said()}
    packed = pack([str(shard(tmp_path / "a.tar", members))], tmp_path / "out")
    assert packed.skipped == {"without caption": 1, "with NaN or infinite samples": 1}


def test_a_truncated_shard_gives_its_whole_clips_and_a_warning(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", GOOD | {"z.json": said(), "z.wav": encoded(tone(3))})
    path.write_bytes(path.read_bytes()[:-50_000])
    packed = pack([str(path)], tmp_path / "out")
    assert packed.clips == 1
    assert packed.skipped["cut off at the end of an archive"] == 1


def test_a_destroyed_header_costs_its_clip_and_no_other(tmp_path: Path) -> None:
    members = {}
    for i in range(4):
        members |= {f"{i}.wav": encoded(tone(0.1)), f"{i}.json": said()}
    path = shard(tmp_path / "a.tar", members)
    with tarfile.open(path) as tar:
        offset = tar.getmember("1.wav").offset
    data = bytearray(path.read_bytes())
    data[offset : offset + 512] = b"\xa5" * 512
    path.write_bytes(data)
    packed = pack([str(path)], tmp_path / "out")
    assert [entry.key for entry in Corpus(tmp_path / "out", "train").entries] == ["0", "2", "3"]
    assert packed.skipped == {"in a damaged part of an archive": 1, "without sound": 1}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.corpus", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server of the folder `served`."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    (tmp_path / "served").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("case", ["missing", "empty folder", "nothing usable", "not a tar", "no server"])
def test_what_cannot_be_packed_is_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    given: str | Path = tmp_path / "sounds"
    (tmp_path / "sounds").mkdir()
    if case == "missing":
        given = tmp_path / "no-*.tar"
    elif case == "nothing usable":
        given = shard(tmp_path / "a.tar", BAD["silent"])
    elif case == "not a tar":
        given = tmp_path / "a.tar"
        given.write_bytes(b"not a tar" * 1_000)
    elif case == "no server":
        given = "http://127.0.0.1:9/a.tar"
    done = run(given, "--out", tmp_path / "out", "--processes", "1")
    assert done.returncode == 1
    sentence = [line for line in re.split(r"[\r\n]", done.stderr) if line.strip() and not line.startswith("packing")]
    assert len(sentence) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "index.json").exists()


@pytest.mark.parametrize("where", ["here", "on a server"])
def test_a_full_disk_is_refused_in_one_sentence_and_leaves_no_half_part(
    server: str, tmp_path: Path, where: str
) -> None:
    path = shard(tmp_path / "served" / "a.tar", {"k.wav": encoded(tone(20)), "k.txt": b"long"})
    given = path if where == "here" else f"{server}/a.tar"
    command = f"ulimit -f 100; exec {sys.executable} -m training.corpus {given} --out {tmp_path / 'out'}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "cannot be written (File too large); free space and repeat" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").glob("*.i16*"))


def test_sources_are_opened_read_only_and_stay_as_they_are(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", GOOD)
    os.chmod(path, 0o444)
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    pack([str(path)], tmp_path / "out")
    assert (
        path.read_bytes(),
        path.stat().st_mtime_ns,
        sorted(p for p in tmp_path.iterdir() if p.name != "out"),
    ) == before


def test_several_processes_pack_what_one_packs(shards: list[str], packed: Path, tmp_path: Path) -> None:
    done = run(*shards, "--out", tmp_path, "--processes", "2")
    assert done.returncode == 0, done.stderr
    for split in ("train", "test"):
        one, two = Corpus(packed, split), Corpus(tmp_path, split)
        assert one.entries == two.entries
        assert one.fingerprint() == two.fingerprint()
        assert all(np.array_equal(one.audio(i), two.audio(i)) for i in range(len(one)))


def test_a_stopped_packing_goes_on_at_the_next_shard(shards: list[str], packed: Path, tmp_path: Path) -> None:
    second = tmp_path / "b.tar"
    second.write_bytes(b"\xff" * 1024)
    with pytest.raises(ValueError, match="not a tar archive"):
        pack([shards[0], str(second)], tmp_path / "out")
    first_part = (tmp_path / "out" / "000000.i16").stat()
    second.write_bytes(Path(shards[1]).read_bytes())
    pack([shards[0], str(second)], tmp_path / "out")
    assert (tmp_path / "out" / "000000.i16").stat().st_mtime_ns == first_part.st_mtime_ns
    assert [e.key for e in Corpus(tmp_path / "out", "train").entries] == [
        e.key for e in Corpus(packed, "train").entries
    ]


def test_a_pack_is_kept_when_asked_for_again_and_refused_for_other_shards(shards: list[str], packed: Path) -> None:
    before = (packed / "index.json").stat().st_mtime_ns
    pack(shards, packed)
    assert (packed / "index.json").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="holds a pack of other sounds"):
        pack(shards[:1], packed)


OTHERS_THAN_BEFORE = "holds these sounds as they were before: delete it, or choose another --out"


def test_a_pack_of_sounds_that_have_changed_is_refused_and_stays(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", GOOD)
    pack([str(path)], tmp_path / "out")
    shard(path, GOOD | {"good.json": said(caption="b tone")})  # as many bytes as before
    before = (tmp_path / "out" / "index.json").read_bytes()
    with pytest.raises(ValueError, match=OTHERS_THAN_BEFORE):
        pack([str(path)], tmp_path / "out")
    assert (tmp_path / "out" / "index.json").read_bytes() == before


@pytest.mark.parametrize("changed", ["a.wav", "a.json", "b.txt"])
def test_a_pack_of_a_folder_is_refused_when_a_sound_or_what_is_said_of_it_changes(tmp_path: Path, changed: str) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for name in ("a.wav", "b.wav"):
        (sounds / name).write_bytes(encoded(tone(0.1)))
    (sounds / "a.json").write_bytes(said())
    pack_folder(sounds, tmp_path / "out")
    assert pack_folder(Path(os.path.relpath(sounds)), tmp_path / "out").clips == 2
    (sounds / changed).write_bytes(encoded(tone(0.2)) if changed == "a.wav" else said(caption="else"))
    with pytest.raises(ValueError, match=OTHERS_THAN_BEFORE):
        pack_folder(sounds, tmp_path / "out")


def test_shards_of_one_name_on_a_server_are_packed_as_two(server: str, tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "served" / split).mkdir()
        members = {f"{split}.wav": encoded(tone(0.1)), f"{split}.json": said(split=split)}
        shard(tmp_path / "served" / split / "0000.tar", members)
    done = run(f"{server}/train/0000.tar", f"{server}/test/0000.tar", "--out", tmp_path / "out", "--processes", "2")
    assert done.returncode == 0, done.stderr
    assert [Corpus(tmp_path / "out", split).entries[0].key for split in ("train", "test")] == ["train", "test"]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix not in (".i16", ".json")]


def test_a_pack_of_a_server_is_kept_until_the_server_says_that_a_shard_is_another(server: str, tmp_path: Path) -> None:
    path, names = tmp_path / "served" / "a.tar", [f"{server}/a.tar"]
    shard(path, GOOD)
    pack(names, tmp_path / "out")
    assert pack(names, tmp_path / "out").clips == 1
    os.utime(path, (1, 1))
    with pytest.raises(ValueError, match=OTHERS_THAN_BEFORE):
        pack(names, tmp_path / "out")
    path.unlink()  # nothing is said of it
    assert pack(names, tmp_path / "out").clips == 1


def test_a_pack_made_before_its_sources_were_told_is_read_and_kept(shards: list[str], tmp_path: Path) -> None:
    pack(shards, tmp_path)
    path = tmp_path / "index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({name: index[name] for name in ("made_of", "skipped", "entries")}))
    assert pack(shards, tmp_path).clips == 24
    before = Corpus(tmp_path, "train").fingerprint()
    assert Corpus(tmp_path, "train").fingerprint() == before
    os.utime(tmp_path / "000000.i16", (1, 1))
    assert Corpus(tmp_path, "train").fingerprint() != before


def test_a_fingerprint_tells_captions_and_samples_and_not_when_they_were_packed(tmp_path: Path) -> None:
    sounds = {"same": GOOD, "again": GOOD, "caption": GOOD | {"good.json": said(caption="else")}}
    sounds["category"] = GOOD | {"good.json": said(category="drum")}
    sounds["samples"] = GOOD | {"good.wav": encoded(tone(0.1, hz=441))}
    found = {}
    for name, members in sounds.items():
        (tmp_path / name).mkdir()
        pack([str(shard(tmp_path / name / "a.tar", members))], tmp_path / name / "out")
        found[name] = Corpus(tmp_path / name / "out", "train").fingerprint()
    assert found["same"] == found["again"]
    assert len(set(found.values())) == len(sounds) - 1


def test_a_pack_of_the_first_form_is_still_read(tmp_path: Path) -> None:
    samples = (np.random.default_rng(0).uniform(-1, 1, (2_000, 2)) * 32_767).round().astype("<i2")
    samples.tofile(tmp_path / "audio.i16")
    entry = {"captions": ["a"], "category": "drum", "source": "s", "split": "train"}
    index = [entry | {"key": "x", "start": 0, "frames": 500}, entry | {"key": "y", "start": 500, "frames": 1_500}]
    (tmp_path / "index.json").write_text(json.dumps(index))
    np.testing.assert_allclose(Corpus(tmp_path, "train").audio(1), samples[500:] / 32_767, rtol=1e-6)


def test_what_is_said_of_a_clip_comes_back(tmp_path: Path) -> None:
    about = said(
        captions_alt=["tone", "a tone"], note=69, bpm=120.5, tags=["sine"], kind="sine", parameters={"decay_s": 0.2}
    )
    path = shard(tmp_path / "a.tar", {"k.wav": encoded(tone(0.1)), "k.json": about})
    pack([str(path)], tmp_path / "out")
    entry = Corpus(tmp_path / "out", "train").entries[0]
    assert entry.captions == ("a tone", "tone")
    assert (entry.note, entry.bpm, entry.tags) == (69, 120.5, ("sine",))
    assert (entry.kind, entry.parameters) == ("sine", {"decay_s": 0.2})
    assert entry.source == "a"


def test_a_folder_of_sounds_takes_captions_from_beside_a_file_or_its_name(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    (sounds / "drums").mkdir(parents=True)
    for name in ("drums/Deep_Kick 03.wav", "beside.wav", "told.wav"):
        (sounds / name).write_bytes(encoded(tone(0.1)))
    (sounds / "beside.txt").write_text("one thing\nthe same thing\n")
    (sounds / "told.json").write_bytes(said(note=40))
    (sounds / "readme.md").write_text("no sound")
    packed = pack_folder(sounds, tmp_path / "out")
    assert str(packed) == "packed 3 clips"
    found = {entry.key: entry for entry in Corpus(tmp_path / "out", "train").entries}
    assert found["drums/Deep_Kick 03.wav"].captions == ("deep kick drum",)
    assert found["beside.wav"].captions == ("one thing", "the same thing")
    assert found["told.wav"].note == 40


def test_what_cannot_be_read_in_a_folder_is_skipped_and_counted(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    (sounds / "Loops.wav").mkdir(parents=True)
    (sounds / "told.json").mkdir()
    for name in ("good.wav", "told.wav", "Loops.wav/inside.wav"):
        (sounds / name).write_bytes(encoded(tone(0.1)))
    (sounds / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    packed = pack_folder(sounds, tmp_path / "out")
    assert str(packed) == "packed 2 clips; skipped 3 of 5 clips: 3 that cannot be read"
    keys = {entry.key for entry in Corpus(tmp_path / "out", "train").entries}
    assert keys == {"good.wav", "Loops.wav/inside.wav"}
    assert pack_folder(sounds, tmp_path / "out") == packed


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("Deep_Kick 03.wav", "deep kick"),
        ("DarkPad-C#3.flac", "dark pad c#3"),
        ("01 808 Bass (2).wav", "808 bass"),
        ("Hi-Hat_Open.ogg", "hi-hat open"),
        ("Deep_Kick take 3.wav", "deep kick"),
        ("Snare copy 2 FINAL v2.wav", "snare"),
        ("Kicks/Deep 01.wav", "deep kick"),
        ("Kicks/03.wav", "kick"),
        ("Bass/Sub Bass.wav", "sub bass"),
        ("07.wav", "my sounds"),
    ],
)
def test_file_names_become_captions(name: str, caption: str) -> None:
    assert caption_of_name(Path(name), "My_Sounds") == caption


def test_several_corpora_are_one_with_their_shares(packed: Path, tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", GOOD)
    pack([str(path)], tmp_path / "out")
    both = open_corpora([f"{packed}", f"{tmp_path / 'out'}=3"], "train")
    one, two = Corpus(packed, "train"), Corpus(tmp_path / "out", "train")
    assert isinstance(both, Corpora)
    assert len(both) == len(one) + len(two)
    assert both.entries == one.entries + two.entries
    for i in (0, len(one) - 1):
        assert np.array_equal(both.audio(i, 100, 50), one.audio(i, 100, 50))
    assert np.array_equal(both.audio(len(one)), two.audio(0))
    weights = both.weights()
    assert weights.sum() == pytest.approx(1)
    assert weights[len(one) :].sum() == pytest.approx(0.75)


def test_a_corpus_without_the_split_is_left_out_of_several(packed: Path, tmp_path: Path) -> None:
    pack([str(shard(tmp_path / "a.tar", GOOD))], tmp_path / "out")
    assert len(open_corpora([str(packed), str(tmp_path / "out")], "test")) == len(Corpus(packed, "test"))
    with pytest.raises(ValueError, match="holds no clips of the split test; it holds 1 train"):
        open_corpora([str(tmp_path / "out")], "test")
    with pytest.raises(ValueError, match="positive number"):
        folder_and_share("a=-1")
    assert folder_and_share("a=b") == (Path("a=b"), 1.0)


def test_a_source_of_many_clips_weighs_the_root_of_their_number(packed: Path) -> None:
    corpus = Corpus(packed, "train")
    corpus.entries = corpus.entries[:5]
    for entry, source in zip(corpus.entries, "aaaab", strict=True):
        object.__setattr__(entry, "source", source)
    np.testing.assert_allclose(corpus.weights(), [1 / 6] * 4 + [1 / 3])


def drawn_by(seed: int, crops: int) -> list[np.random.Generator]:
    return [np.random.default_rng((seed, i)) for i in range(crops)]


@pytest.mark.parametrize("frames", [1, 2, 100, 4_095])
def test_crops_shorter_than_the_longest_lead_are_crops_too(packed: Path, frames: int) -> None:
    corpus = Corpus(packed, "train")
    crops = random_crops(corpus, drawn_by(1, 64), frames, corpus.weights())
    assert crops.shape == (64, 2, frames)
    assert frames < 100 or (crops.abs().amax((1, 2)) > 0).all()


def test_crops_lie_where_the_clip_sounds_and_are_repeatable(tmp_path: Path) -> None:
    clip = np.zeros((5 * RATE_HZ, 1), np.float32)
    clip[: RATE_HZ // 2] = tone(0.5)  # 4.5 s of nothing after it
    clip[4 * RATE_HZ : 4 * RATE_HZ + 4_410] = tone(0.1)
    pack([str(shard(tmp_path / "a.tar", {"k.wav": encoded(clip), "k.txt": b"a"}))], tmp_path / "out")
    corpus = Corpus(tmp_path / "out", "train")
    weights = corpus.weights()
    first, again = (random_crops(corpus, drawn_by(1, 64), 8_192, weights) for _ in range(2))
    assert first.equal(again)
    assert (first.abs().amax((1, 2)) > 0.05).all()
    late = first[:, :, 4_096:].abs().amax((1, 2)) > 0
    assert late.any()


def test_augmentations_can_be_turned_off(packed: Path) -> None:
    plain = Augmentation(gain_db=(0, 0), polarity=False, channel_swap=False, from_start=1, lead_samples=0)
    corpus = Corpus(packed, "train")
    weights = np.eye(len(corpus))[3]
    crop = random_crops(corpus, drawn_by(0, 1), 4_096, weights, plain)[0]
    np.testing.assert_array_equal(crop.numpy().T, corpus.audio(3, 0, 4_096))
