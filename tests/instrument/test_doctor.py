"""The doctor finds what was really broken, and says how to mend it."""

import hashlib
import io
import json
import os
import re
import sys
from pathlib import Path

import pytest
from jackd import jack_server, shared_jack_server
from rich.console import Console

from arc_instrument import doctor
from arc_instrument.doctor import Finding

ROOT = Path(__file__).resolve().parents[2]

__all__ = ["jack_server", "shared_jack_server"]  # fixtures


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "arc-mini"
    folder.mkdir()
    digests = {}
    for name, data in {"generator.safetensors": b"velocity" * 4096, "autoencoder.safetensors": b"latents"}.items():
        (folder / name).write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    (folder / "sha256.json").write_text(json.dumps(digests))
    return folder


def test_whole_weights_are_told_with_their_size(weights):
    finding = doctor.check_weights(weights)
    assert finding.present
    assert finding.remedy == ""
    assert "0.0 MiB" in finding.detail
    assert str(weights) in finding.detail


def test_one_flipped_bit_in_the_weights_is_found_and_git_restores_that_file(weights):
    path = weights / "generator.safetensors"
    data = bytearray(path.read_bytes())
    data[20_000] ^= 1
    path.write_bytes(data)
    finding = doctor.check_weights(weights)
    assert not finding.present
    assert f"{path} is damaged" in finding.detail
    assert f"git checkout -- {path}" in finding.remedy


def test_a_weights_file_that_is_gone_is_named(weights):
    (weights / "autoencoder.safetensors").unlink()
    finding = doctor.check_weights(weights)
    assert not finding.present
    assert "autoencoder.safetensors does not exist" in finding.detail


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"3", b"[1]"])
def test_digests_that_cannot_be_read_are_named(weights, content):
    (weights / "sha256.json").write_bytes(content)
    finding = doctor.check_weights(weights)
    assert not finding.present
    assert f"{weights / 'sha256.json'} is damaged" in finding.detail
    assert f"git checkout -- {weights / 'sha256.json'}" in finding.remedy


def test_an_installation_without_weights_is_not_ready(tmp_path):
    for folder in (None, tmp_path):
        finding = doctor.check_weights(folder)
        assert not finding.present
        assert finding.needed
        assert "make run" in finding.remedy


def test_the_installed_text_encoder_is_found():
    assert doctor.check_text_encoder().present


def test_without_a_display_the_window_is_missing_and_the_remedy_names_what_still_works(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    finding = doctor.check_window()
    assert not finding.present
    assert "desktop session" in finding.remedy
    assert "arc-instrument render" in finding.remedy


def test_qt_starts_on_the_offscreen_platform(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    finding = doctor.check_window()
    assert finding.present
    assert "offscreen" in finding.detail


def test_a_qt_platform_that_does_not_exist_is_a_finding_not_a_crash(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    finding = doctor.check_window()
    assert not finding.present
    assert finding.remedy


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the wheels hold these libraries")
def test_the_remedies_for_window_and_sound_name_the_packages_that_make_run_installs(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    monkeypatch.setattr(doctor, "_SOUND_PROBE", "raise OSError('PortAudio library not found')")
    remedies = doctor.check_window().remedy, doctor.check_sound().remedy
    assert all(remedy.startswith("sudo apt-get install lib") for remedy in remedies)
    named = {word for remedy in remedies for word in remedy.split()[3:]}
    installed = re.search(r'run_packages="([^"]+)"', (ROOT / ".ci/setup").read_text())[1].split()
    assert named == {package.split("|")[-1] for package in installed} - {"fonts-dejavu-core"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the wheel holds that library")
def test_midi_without_alsas_library_is_mended_by_the_package_that_brings_it(monkeypatch):
    complaint = "libasound.so.2: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(doctor, "_MIDI_PROBE", f"raise ImportError({complaint!r})")
    assert doctor.check_midi().remedy == "sudo apt-get install libportaudio2"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for the program")
def test_a_graphics_driver_that_hangs_is_no_gpu_and_no_crash(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(doctor, "PROBE_TIMEOUT_S", 0.2)
    found = doctor.check_gpu()
    assert (found.present, found.needed) == (False, False)


def test_the_takes_folder_is_told_with_the_free_space(monkeypatch, tmp_path):
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path))
    finding = doctor.check_takes_folder()
    assert finding.present
    assert str(tmp_path) in finding.detail
    assert list(tmp_path.iterdir()) == [], "an examination makes no folder"


def test_a_file_in_the_place_of_the_takes_folder_is_found(monkeypatch, tmp_path):
    (tmp_path / "takes").write_text("not a folder")
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path))
    finding = doctor.check_takes_folder()
    assert not finding.present
    assert f"{tmp_path / 'takes'} cannot be written to" in finding.detail


def test_damaged_settings_are_found_and_named(monkeypatch, tmp_path):
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path))
    path = tmp_path / "config" / "settings.toml"
    path.parent.mkdir()
    path.write_text("takes_folder = = 1")
    finding = doctor.check_takes_folder()
    assert not finding.present
    assert finding.remedy == f"delete {path}"


def test_a_nearly_full_disk_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("ARC_INSTRUMENT_HOME", str(tmp_path))
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 2**60)
    finding = doctor.check_takes_folder()
    assert not finding.present
    assert "free at least 500 MiB" in finding.remedy


def test_a_probe_gives_the_last_line_or_the_last_complaint():
    assert doctor.probe("print('noise'); print('answer')") == ("answer", "")
    assert doctor.probe("raise OSError('no card')") == (None, "OSError: no card")
    assert doctor.probe("import os; os._exit(3)") == (None, "exit code 3")
    assert doctor.probe("import time; time.sleep(60)", timeout_s=0.2) == (None, "no answer within 0.2 s")


def test_a_running_jack_server_is_found_as_the_sound_and_as_the_midi_system(jack_server):
    sound, midi = doctor.check_sound(), doctor.check_midi()
    assert sound.present
    assert "JACK" in sound.detail
    assert "No MIDI system" not in midi.detail


def test_without_a_sound_card_the_sound_is_absent_but_not_needed(monkeypatch):
    monkeypatch.setattr(doctor, "_SOUND_PROBE", "print([])")
    finding = doctor.check_sound()
    assert not finding.present
    assert not finding.needed
    assert "takes are saved all the same" in finding.remedy


def test_only_needed_things_decide_whether_the_instrument_can_run():
    fine = Finding("Python", True, "3.11")
    no_card = Finding("sound", False, "no card", "connect one", needed=False)
    no_weights = Finding("weights", False, "none", "install")
    assert doctor.can_run([fine, no_card])
    assert not doctor.can_run([fine, no_card, no_weights])


def test_the_report_gives_every_missing_thing_its_remedy():
    console = Console(file=io.StringIO(), width=200)
    doctor.print_findings(
        [Finding("weights", False, "gone [really]", "install"), Finding("Python", True, "3")], console
    )
    lines = console.file.getvalue().splitlines()
    assert lines == [
        "missing weights: gone [really] → install",
        "ok      Python: 3",
        "The instrument cannot run yet.",
    ]


def test_every_examination_answers_on_this_machine():
    findings = doctor.examine()
    assert len({finding.subject for finding in findings}) == len(findings) == 11
    for finding in findings:
        assert finding.detail
        assert finding.present == (finding.remedy == "") or not finding.needed
