"""Who may know whom: the rules of the README's architecture, read off the import statements.

An import counts wherever it stands; one inside a function is *lazy*: it costs nothing at start-up.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("model", "training", "arc_instrument")


@dataclass(frozen=True)
class Import:
    importer: str
    imported: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


def modules(package: str) -> dict[str, Path]:
    """Dotted name → file of every module of `package`."""
    files = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imports_of(source: str, importer: str, is_package: bool = False) -> Iterator[Import]:
    """Every import of one module, by full name; `from PySide6 import QtWidgets` counts as PySide6.QtWidgets.

    What stands under `if TYPE_CHECKING:` counts as lazy: it is never executed.
    """

    def walk(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(importer, alias.name, lazy)
        elif isinstance(node, ast.ImportFrom):
            here = importer.split(".") if is_package else importer.split(".")[:-1]
            start = [*here[: len(here) - node.level + 1]] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(importer, f"{origin}.{alias.name}", lazy)
        never_run = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        inside = lazy or never_run or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    yield from walk(ast.parse(source), False)


def all_imports() -> list[Import]:
    return [
        found
        for package in PACKAGES
        for name, path in modules(package).items()
        for found in imports_of(path.read_text(encoding="utf-8"), name, path.name == "__init__.py")
    ]


def within(name: str, *areas: str) -> bool:
    """Whether a dotted name is one of `areas` or lies inside one."""
    return any(name == area or name.startswith(f"{area}.") for area in areas)


OURS = "arc_instrument"
QT_USERS = (f"{OURS}.app", f"{OURS}.session", f"{OURS}.generation", f"{OURS}.audio.client", f"{OURS}.ui")
SERVICES = (f"{OURS}.generation", f"{OURS}.synth", f"{OURS}.library", f"{OURS}.settings", f"{OURS}.audio")
SERVICES += tuple(f"{OURS}.{name}" for name in ("marks", "osc", "relocation", "take_index", "trash"))

FREE_OF_TORCH = tuple(
    f"model.{name}" for name in ("catalogue", "config", "digests", "hub", "installation", "intake", "weights")
)

# Each rule: its sentence, and what an import that breaks it looks like.
RULES: dict[str, Callable[[Import], bool]] = {
    "model imports nothing of ours": lambda i: within(i.importer, "model") and within(i.imported, "training", OURS),
    "training never imports the instrument": lambda i: within(i.importer, "training") and within(i.imported, OURS),
    "the instrument never imports training": lambda i: within(i.importer, OURS) and within(i.imported, "training"),
    "inside the instrument only synth imports model or torch, but models what of model is free of torch": lambda i: (
        within(i.importer, OURS)
        and not within(i.importer, f"{OURS}.synth")
        and not (within(i.importer, f"{OURS}.models") and within(i.imported, *FREE_OF_TORCH))
        and within(i.imported, "model", "torch", "transformers", "safetensors", "tokenizers", "huggingface_hub")
    ),
    "synth is only imported lazily, so that torch loads behind the window": lambda i: (
        within(i.imported, f"{OURS}.synth") and not i.lazy
    ),
    "Qt only in app, session, generation, audio.client and ui": lambda i: (
        within(i.imported, "PySide6", "shiboken6") and not within(i.importer, *QT_USERS)
    ),
    "QtWidgets only in ui and app": lambda i: (
        within(i.imported, "PySide6.QtWidgets") and not within(i.importer, f"{OURS}.ui", f"{OURS}.app")
    ),
    "sounddevice only in audio.server": lambda i: (
        within(i.imported, "sounddevice") and not within(i.importer, f"{OURS}.audio.server")
    ),
    "rtmidi only in audio.midi": lambda i: (
        within(i.imported, "mido", "rtmidi") and not within(i.importer, f"{OURS}.audio.midi")
    ),
    "pythonosc only in osc, lazily": lambda i: (
        within(i.imported, "pythonosc") and not (within(i.importer, f"{OURS}.osc") and i.lazy)
    ),
    "nothing imports app but the command line, lazily": lambda i: (
        within(i.imported, f"{OURS}.app") and not (within(i.importer, f"{OURS}.cli") and i.lazy)
    ),
    "ui knows the session, not the services behind it": lambda i: (
        within(i.importer, f"{OURS}.ui") and within(i.imported, *SERVICES)
    ),
    "the session knows no widget": lambda i: within(i.importer, f"{OURS}.session") and within(i.imported, f"{OURS}.ui"),
    "services know neither session nor ui": lambda i: (
        within(i.importer, *SERVICES) and within(i.imported, f"{OURS}.session", f"{OURS}.ui")
    ),
    "the sampler knows a velocity, never the network": lambda i: (
        within(i.importer, "model.sampler", "model.flow", "model.schedule", "model.guidance")
        and within(i.imported, "model.dit", "model.pipeline", "model.generator")
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_layer_rule_holds(rule):
    broken = [str(found) for found in all_imports() if RULES[rule](found)]
    assert not broken, f"{rule}: {'; '.join(broken)}"


@pytest.mark.parametrize(
    ("rule", "importer", "source"),
    [
        ("model imports nothing of ours", "model.dit", "from training import losses"),
        ("training never imports the instrument", "training.arc", "def f():\n    import arc_instrument.domain"),
        ("the instrument never imports training", "arc_instrument.bench", "from training.losses import kl"),
        (
            "inside the instrument only synth imports model or torch, but models what of model is free of torch",
            "arc_instrument.session",
            "import model.catalogue",
        ),
        (
            "synth is only imported lazily, so that torch loads behind the window",
            "arc_instrument.app",
            "from .synth import Synth",
        ),
        ("Qt only in app, session, generation, audio.client and ui", "arc_instrument.library", "import PySide6.QtCore"),
        ("QtWidgets only in ui and app", "arc_instrument.session", "from PySide6 import QtWidgets"),
        ("sounddevice only in audio.server", "arc_instrument.audio.mixer", "import sounddevice"),
        ("rtmidi only in audio.midi", "arc_instrument.session", "import rtmidi"),
        ("pythonosc only in osc, lazily", "arc_instrument.osc", "from pythonosc import osc_packet"),
        ("nothing imports app but the command line, lazily", "arc_instrument.ui.window", "from ..app import run"),
        (
            "ui knows the session, not the services behind it",
            "arc_instrument.ui.window",
            "from arc_instrument.audio import client",
        ),
        ("the session knows no widget", "arc_instrument.session", "from arc_instrument.ui.window import Window"),
        ("services know neither session nor ui", "arc_instrument.library", "from .session import Session"),
        ("the sampler knows a velocity, never the network", "model.sampler", "from .dit import DiffusionTransformer"),
    ],
)
def test_an_import_that_breaks_the_rule_is_seen(rule, importer, source):
    assert any(RULES[rule](found) for found in imports_of(source, importer))


def test_every_rule_is_shown_to_be_breakable():
    (cases,) = (mark.args[1] for mark in test_an_import_that_breaks_the_rule_is_seen.pytestmark)
    assert {case[0] for case in cases} == set(RULES)


def loaded_by(statement: str) -> set[str]:
    """Top-level names of all modules that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in child.stdout.split()}


def test_importing_the_whole_instrument_but_synth_loads_no_torch():
    names = [name for name in modules("arc_instrument") if name != "arc_instrument.synth"]
    assert not loaded_by(f"import {', '.join(names)}") & {"torch", "transformers", "safetensors", "huggingface_hub"}


def test_the_audio_process_loads_neither_qt_nor_torch():
    assert not loaded_by("import arc_instrument.audio.server") & {"PySide6", "torch", "transformers"}


def test_the_command_line_starts_without_qt_torch_or_sound():
    heavy = {"PySide6", "torch", "transformers", "model", "sounddevice", "rtmidi", "numba", "soundfile"}
    assert not loaded_by("import arc_instrument.cli") & heavy


def tree_in_readme() -> set[str]:
    """The module paths that the README's annotated tree names: `  dit.py   what` below `model/   what`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(part for part in text.split("```")[1::2] if "\nmodel/" in part)
    listed, folders = set(), {}
    for line in block.splitlines():
        name = line.split()[0] if line.split() else ""
        depth = (len(line) - len(line.lstrip())) // 2
        if name.endswith("/"):
            folders = {level: folder for level, folder in folders.items() if level < depth} | {depth: name}
        elif name.endswith(".py"):
            listed.add("".join(folders[level] for level in range(depth)) + name)
    return listed


def test_the_tree_in_the_readme_lists_exactly_the_modules_that_exist():
    existing = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in modules(package).values()
        if path.name != "__init__.py"
    }
    assert tree_in_readme() == existing
