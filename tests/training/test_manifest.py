"""The manifest and the way from sources back to shards, on made sources."""

import functools
import http.server
import io
import json
import shutil
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training import manifest, sources
from training.manifest import Line
from training.shards import Sample, ShardWriter, samples

RATE_HZ = 44_100


def tone(seconds: float, peak: float, rate_hz: int = RATE_HZ, hz: float = 300.0) -> np.ndarray:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (peak * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def wav(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    return path


def line(number: int, source: str, path: str, channels: int = 1, **more: object) -> Line:
    about = {"caption": f"sound {number}", "category": "drum", "source": source, "source_path": path}
    about |= {"channels": channels, "licence": "CC0-1.0", "author": "nobody", "split": "train", **more}
    return Line(f"{number:06}", f"corpus-{number // 2:06}.tar", "", "", 0, "", about)


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32) / 8
    wav(folder / "a" / "b" / "hit.wav", np.stack([tone(0.5, 0.5), noise[:22_050]], axis=1))
    wav(folder / "deb-kit" / "usr" / "high.wav", tone(1, 0.05, 96_000), 96_000)
    wav(folder / "a" / "b" / "track.wav", np.concatenate([0 * tone(20, 0), tone(15, 0.4)]))
    return folder


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return [
        line(0, "a/b", "hit.wav", 2),
        line(1, "deb:kit (one dir only)", "usr/high.wav"),
        line(2, "a/b", "track.wav#22.50s", note=60, licence_note="read"),
    ]


@pytest.fixture(scope="module")
def rebuilt(checkouts: Path, lines: list[Line], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("rebuilt")
    assert sources.build(lines, checkouts, folder) == []
    return sorted(map(str, folder.glob("*.tar")))


def test_the_shipped_manifest_is_the_whole_corpus() -> None:
    shipped = manifest.read()
    assert len({entry.key for entry in shipped}) == 3_563
    assert sum(entry.about["split"] == "test" for entry in shipped) == 168
    assert sum(entry.frames for entry in shipped) / RATE_HZ / 3_600 == pytest.approx(1.99, abs=0.005)
    licences = {"CC0-1.0", "PD", "Unlicense", "CC-BY-3.0", "CC-BY-4.0"}
    for entry in shipped:
        assert entry.about["licence"] in licences
        assert entry.about["caption"]
        assert entry.about["source"]
        assert entry.about["source_path"]
        assert len(entry.sha256) == len(entry.samples_sha256) == len(entry.levels) == 64
    assert manifest.SHIPPED.stat().st_size < 1_000_000


def test_sources_become_the_shards_the_manifest_names(rebuilt: list[str], lines: list[Line]) -> None:
    assert [Path(path).name for path in rebuilt] == ["corpus-000000.tar", "corpus-000001.tar"]
    found = list(manifest.lines_of(rebuilt))
    assert [entry.key for entry in found] == [entry.key for entry in lines]
    for entry, wanted in zip(found, lines, strict=True):
        assert entry.about.items() >= wanted.about.items()


def test_a_second_build_is_verified_by_how_it_sounds(rebuilt: list[str], checkouts: Path, tmp_path: Path) -> None:
    manifest.write(list(manifest.lines_of(rebuilt)), tmp_path / "manifest.jsonl.gz")
    again = [sys.executable, "-m", "training.sources", str(checkouts), "--out", str(tmp_path / "again")]
    verify = [sys.executable, "-m", "training.manifest", "verify", str(tmp_path / "again" / "*.tar")]
    for command in (again, verify):
        option = ["--manifest", str(tmp_path / "manifest.jsonl.gz")]
        done = subprocess.run([*command, *option], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("0 of 3 clips differ")


def test_what_differs_is_named(rebuilt: list[str], tmp_path: Path) -> None:
    wanted = list(manifest.lines_of(rebuilt))

    def stored(samples: np.ndarray, about: dict) -> Line:
        file = io.BytesIO()
        soundfile.write(file, samples, RATE_HZ, format="OGG")
        return manifest.line_of(Sample("000000", {"ogg": file.getvalue(), "json": json.dumps(about).encode()}), "")

    sound = soundfile.read(io.BytesIO(_ogg(rebuilt[0])), dtype="float32")[0]
    about = wanted[0].about
    assert manifest.difference(wanted[0], stored(sound, about)) == ""  # encoded twice
    assert manifest.difference(wanted[0], stored(sound / 2, about)) == "sounds different: 6 dB in one place"
    assert "lasts" in manifest.difference(wanted[0], stored(sound[:-1_000], about))
    changed = stored(sound, about | {"caption": "else", "licence": "none"})
    assert manifest.difference(wanted[0], changed) == "says another caption, licence"
    wrong = manifest.verify(wanted, [*wanted[1:], replace(wanted[0], key="new")])
    assert wrong == {"000000": "is missing", "new": "is not in the manifest"}


def test_what_a_server_has_now_is_compared_and_nothing_of_it_stays(
    rebuilt: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    served, temporary = tmp_path / "served", tmp_path / "temporary"
    served.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    shutil.copy(rebuilt[0], served / "a.tar")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}/a.tar"
        assert [entry.key for entry in manifest.lines_of([url])] == ["000000", "000001"]
        shutil.copy(rebuilt[1], served / "a.tar")
        assert [entry.key for entry in manifest.lines_of([url])] == ["000002"]
        running.shutdown()
    assert not list(temporary.iterdir())


def _ogg(path: str) -> bytes:
    return next(iter(samples(Path(path), Counter()))).members["ogg"]


def test_silence_is_trimmed_to_5_ms_before_the_onset_and_the_end_is_faded() -> None:
    sound = np.concatenate([np.zeros(10_000), np.full(5_000, 0.5), np.full(8_000, 4e-4)]).astype(np.float32)[:, None]
    out = sources.trimmed(sound)
    assert len(out) == 220 + 5_000  # −68 dBFS is below both limits
    assert not out[:220].any()
    np.testing.assert_allclose(out[-441:, 0], 0.5 * np.linspace(1, 0, 441), rtol=1e-5)
    assert len(sources.trimmed(np.full((600_000, 1), 0.1, np.float32))) == 11 * RATE_HZ


@pytest.mark.parametrize(("peak", "after"), [(0.1, 10 ** (-3 / 20)), (0.3, 0.3), (1.0, 1.0), (1.5, 10 ** (-0.3 / 20))])
def test_only_quiet_and_clipping_sounds_change_their_level(peak: float, after: float) -> None:
    clip = sources.levelled(np.array([[peak], [-peak / 2]], np.float32))
    assert np.abs(clip.samples).max() == pytest.approx(after, rel=1e-5)
    assert clip.gain_db == pytest.approx(20 * np.log10(after / peak), abs=0.006)


def test_a_segment_starts_where_its_path_says_and_lasts_11_s(checkouts: Path, lines: list[Line]) -> None:
    clip = sources.process(checkouts / "a" / "b" / "track.wav#22.50s", lines[2].about)
    assert len(clip.samples) == 11 * RATE_HZ
    expected = tone(15, 0.4)[round(2.5 * RATE_HZ) :][: 10 * RATE_HZ]
    np.testing.assert_allclose(clip.samples[: 10 * RATE_HZ, 0], expected, atol=1e-6)


def test_microphones_are_summed_to_their_sides(tmp_path: Path) -> None:
    for name, value in (("OHL", 0.1), ("OHR", 0.2), ("RoomL", 0.04), ("Snare", 0.01), ("Kick", 0.3)):
        wav(tmp_path / f"4-Snare-{name}.wav", np.full(1_000, value, np.float32))
    files = sources.microphones(tmp_path / "4-Snare-OHL.wav", 4)
    assert [file.stem.split("-")[2] for file in files] == ["OHL", "OHR", "RoomL", "Snare"]
    samples, _ = sources.mixed_down(files, 2)
    np.testing.assert_allclose(samples[0], [0.1 + 0.04 + 0.01, 0.2 + 0.01], rtol=1e-5)
    for name, value in (("front_mic", 0.1), ("overhead_mic", 0.2)):
        wav(tmp_path / name / "x.wav", np.full(1_000, value, np.float32))
    summed, _ = sources.mixed_down(sources.microphones(tmp_path / "front_mic" / "x.wav", 2), 1)
    np.testing.assert_allclose(summed, np.full((1_000, 1), 0.3), rtol=1e-5)


def test_a_missing_source_is_named_and_the_rest_is_made(checkouts: Path, lines: list[Line], tmp_path: Path) -> None:
    problems = sources.build([*lines, line(3, "a/b", "gone.wav")], checkouts, tmp_path)
    assert problems == [f"000003: {checkouts / 'a' / 'b' / 'gone.wav'} is missing"]
    assert len(list(manifest.lines_of([str(tmp_path / "*.tar")]))) == 3


def test_the_sources_are_listed_with_origin_and_licences(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [line(3, "npm:@c/d", "package/x.ogg", licence="PD"), line(4, "a/b", "y", licence="PD")]
    assert sources.listed([*lines, *more]) == [
        "a/b       https://github.com/a/b  CC0-1.0, PD",
        "deb-kit   Debian package kit      CC0-1.0",
        "npm-@c/d  npm package @c/d        PD",
    ]
    monkeypatch.setattr(sys, "argv", ["sources", "--list"])
    sources.main()
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 30
    assert {Path(row.split("  ")[0]) for row in rows} == {
        sources.folder_of(entry.about["source"]) for entry in manifest.read()
    }
    monkeypatch.setattr(sys, "argv", ["sources"])
    with pytest.raises(SystemExit):
        sources.main()
    assert "or --list" in capsys.readouterr().err


def test_a_bad_shard_or_manifest_is_one_sentence(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "bad") as writer:
        writer.write(Sample("x", {"ogg": b"no sound", "json": b"{}"}))
        path = writer.path
    with pytest.raises(ValueError, match="x is not audio"):
        list(manifest.lines_of([str(path)]))
    (tmp_path / "m.gz").write_bytes(b"no manifest")
    with pytest.raises(ValueError, match="is not a readable manifest"):
        manifest.read(tmp_path / "m.gz")
