"""The models of this user: which are installed, and the command `arc-instrument models`.

Listing loads no torch, so the window may ask; getting and checking weights does.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from arc_instrument.domain import UserError
from model.catalogue import CATALOGUE, CODE_LICENCE, EMBEDDED, CatalogueEntry
from model.config import ModelConfig
from model.digests import CheckpointError, check_digests
from model.weights import WEIGHTS_FILE, embedded_folder, is_installed, own_models

GATE = """{title} is behind a licence, and {reason}.

  {licence}{note}
  1. Log in there and accept it:  {link}
  2. Make a token that may read:  https://huggingface.co/settings/tokens
     (kind "Read", or fine-grained with read access to public gated repositories)
  3. Keep it on this machine:     hf auth login       (or set HF_TOKEN)
  4. Once more:                   arc-instrument models get {name}

  Size: {size}{text_size}. What was cut off goes on where it stopped.
  Without network here: fetch {file} from that page on another machine, then
     arc-instrument models get {name} --from {file}{text_option}"""
TEXT_FOLDER = """ --t5 FOLDER
  where FOLDER holds {files} of {repository}"""


@dataclass(frozen=True)
class InstalledModel:
    """A model that can be chosen. `path` None: the embedded one. The licence is that of the weights."""

    name: str
    title: str
    path: Path | None
    licence: str
    licence_link: str
    max_seconds: float


@dataclass(frozen=True)
class Row:
    """A model in the list. `state`: embedded, installed, incomplete (no text encoder), damaged or not installed.

    `base` names the model from which this user fine-tuned it; it is empty for all others.
    """

    name: str
    title: str
    state: str
    bytes: int
    bytes_fetched: int  # of an unfinished download
    licence: str
    licence_link: str
    where: str
    base: str = ""


def known(models_folder: Path) -> tuple[CatalogueEntry, ...]:
    """The catalogue, then the models that this user fine-tuned."""
    return (*CATALOGUE, *own_models(models_folder))


def installed_models(models_folder: Path) -> tuple[InstalledModel, ...]:
    """The embedded model, then those in `models_folder` with all that they need. Reads no weights: verify does."""
    return tuple(
        InstalledModel(
            entry.name,
            entry.title,
            None if entry == EMBEDDED else models_folder / entry.name,
            entry.licence,
            entry.licence_link,
            entry.config.max_seconds,
        )
        for entry in known(models_folder)
        if isinstance(entry.config, ModelConfig) and _state(entry, models_folder) in ("embedded", "installed")
    )


def rows(models_folder: Path) -> list[Row]:
    """Every known model and text encoder, installed or not, and the user's own."""
    found = []
    for entry in known(models_folder):
        state, folder = _state(entry, models_folder), _folder(entry, models_folder)
        here = state != "not installed"
        size = sum(file.stat().st_size for file in folder.iterdir()) if here else entry.bytes
        partial = models_folder / f"{entry.name}.partial"
        fetched = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
        where = str(folder) if here else f"huggingface.co/{entry.repository}"
        licence = (entry.licence, entry.licence_link)
        found.append(Row(entry.name, entry.title, state, size, fetched, *licence, where, entry.base))
    return found


def print_rows(found: list[Row], as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(row) for row in found], indent=2))
        return
    print(f"{'name':30}{'state':15}size")
    for row in found:
        fetched = f", {_size(row.bytes_fetched)} of it fetched" if row.bytes_fetched else ""
        print(f"{row.name:30}{row.state:15}{_size(row.bytes)}{fetched}")
        print(f"  {row.licence} · {f'fine-tuned from {row.base} · ' if row.base else ''}{row.where}")
    print(f"These are the licences of the weights; the code of all models is {CODE_LICENCE[0]}.")
    for row in found:
        if row.state == "incomplete":
            print(f"{row.name} lacks its text encoder: arc-instrument models get {row.name} fetches it.")


def get(name: str, models_folder: Path, source: Path | None, text: Path | None) -> None:
    """Install a model from the hub, or from `source`; its text encoder from the folder `text` if given."""
    entry = find(name, models_folder)
    if entry.repository is None:
        made = "was made on this machine" if entry.base else "comes with the program"
        raise UserError(f"{name} {made}: there is nothing to get.")
    if text and not entry.text:
        raise UserError(f"{name} needs no text encoder: leave --t5 out.")
    with _sentences():
        from model.intake import fetch, take

        print(f"{entry.title}: {entry.licence}, {entry.licence_link}")
        steps = take(entry, source, models_folder, text) if source else fetch(entry, models_folder, text)
        _show(steps)
    print(f"{name} is installed in {models_folder / name}")


def verify(name: str | None, models_folder: Path) -> None:
    """Hash every file again, of one model or all installed ones. Raises UserError naming each that is damaged."""
    entries = [find(name, models_folder)] if name else known(models_folder)
    wanted = [entry for entry in entries if name or _state(entry, models_folder) != "not installed"]
    damaged = []
    for entry in wanted:
        if _state(entry, models_folder) == "not installed":
            raise UserError(f"{entry.name} is not installed: arc-instrument models get {entry.name} fetches it.")
        try:
            check_digests(_folder(entry, models_folder), [WEIGHTS_FILE])
            print(f"{entry.name}: intact")
        except CheckpointError as error:
            damaged.append(f"{entry.name} is damaged: {error}.")
    if damaged:
        raise UserError("\n".join(damaged))


def remove(name: str, models_folder: Path, is_sure: Callable[[str], bool]) -> None:
    """Remove an installed model, or what was fetched of it, if `is_sure` says yes to the question."""
    entry = find(name, models_folder)
    if entry == EMBEDDED:
        raise UserError(f"{name} comes with the program and stays.")
    places = [models_folder / f"{name}{end}" for end in ("", ".partial")]
    if not any(place.exists() for place in places):
        raise UserError(f"{name} is not installed: there is nothing to remove.")
    users = [e.name for e in CATALOGUE if e.text == entry and (models_folder / e.name).exists()]
    needed = f" {', '.join(users)} cannot play without it." if users else ""
    size = sum(file.stat().st_size for place in places for file in place.rglob("*") if file.is_file())
    if not is_sure(f"Remove {name} ({_size(size)}) from {models_folder}?{needed}"):
        raise UserError(f"{name} was kept.")
    with _sentences():
        from model.installation import remove as remove_folder

        remove_folder(entry, models_folder)
    print(f"{name} is removed")


def find(name: str, models_folder: Path) -> CatalogueEntry:
    """The known or own model of this name. Raises UserError that lists the names."""
    entries = known(models_folder)
    for entry in entries:
        if entry.name == name:
            return entry
    raise UserError(f"There is no model {name}: the known ones are {', '.join(entry.name for entry in entries)}.")


def _folder(entry: CatalogueEntry, models_folder: Path) -> Path:
    return embedded_folder() if entry == EMBEDDED else models_folder / entry.name


def _state(entry: CatalogueEntry, models_folder: Path) -> str:
    folder = _folder(entry, models_folder)
    if entry == EMBEDDED:
        return "embedded" if (folder / WEIGHTS_FILE).is_file() else "damaged"
    if not folder.exists():
        return "not installed"
    if not is_installed(folder):
        return "damaged"
    return "installed" if entry.text is None or is_installed(models_folder / entry.text.name) else "incomplete"


def _show(steps: Iterator) -> None:
    """Run an installation with a bar on the terminal, if there is one."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(16), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {}
        for step in steps:
            if step.total and step.doing not in tasks:
                tasks[step.doing] = bar.add_task(step.doing, total=step.total)
            if step.total:
                bar.update(tasks[step.doing], completed=step.done)
            elif console.is_terminal:
                bar.console.print(step.doing)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn the model's errors into sentences for a person; a licence gate into a screen."""
    from model.hub import GateError

    try:
        yield
    except GateError as error:
        raise UserError(gate_screen(error.entry, error.reason)) from error
    except CheckpointError as error:
        raise UserError(f"{error}.") from error


def gate_screen(entry: CatalogueEntry, reason: str) -> str:
    """Everything a person has to know and do before the hub gives the weights."""
    text = entry.text
    return GATE.format(
        title=entry.title,
        reason=reason,
        licence=entry.licence,
        note=f": {entry.licence_note}" if entry.licence_note else "",
        link=entry.licence_link,
        name=entry.name,
        size=_size(entry.bytes),
        text_size=f", and {_size(text.bytes)} for {text.name}" if text else "",
        file=entry.files[0].name,
        text_option=TEXT_FOLDER.format(files=", ".join(file.name for file in text.files), repository=text.repository)
        if text
        else "",
    )


def _size(size: int) -> str:
    """A size as people read it: 1.99 GB, 892 MB, 3.1 kB."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size / 1000:.3g} kB"
