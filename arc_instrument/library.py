"""Takes on disk. The WAV is the truth: it is written first and holds its own settings; the index only saves reading.

`Library` may be used from one thread at a time; the window calls it from its file thread.
"""

import gc
import os
import re
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from arc_instrument import trash
from arc_instrument.domain import Generated, Take, UserError
from arc_instrument.marks import Mark, Marks, identity, mark_of, marked
from arc_instrument.take_index import DamagedIndex, Row, TakeIndex
from arc_instrument.takefile import comment_of, read_take, take_of
from arc_instrument.trash import Trashed
from arc_instrument.waveform import fewer

SLUG_CHARACTERS = 40
SETTLED_S = 2  # a folder changed less long ago may change again without its time stamp telling
MAX_SAME_NAME = 10_000
ABANDONED_S = 60  # a file that a crash kept from being finished; writing one takes milliseconds
_RESERVED_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def slug(prompt: str, length: int = SLUG_CHARACTERS) -> str:
    """The prompt as a piece of a file name, safe on every system: lower case words joined by `-`."""
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:length].rstrip("-")
    return "take" if not words or words in _RESERVED_NAMES else words


class Library:
    """The takes below `folder`, one sub-folder per month."""

    def __init__(self, folder: Path, must_exist: bool = False):
        """`must_exist`: a missing `folder` is not made, for its disk is away. Nor is one that was seen before."""
        self.folder = folder
        self._must_exist = must_exist
        self._device: int | None = None  # the disk it was seen on: an empty mount point is another
        self._index = TakeIndex(folder)
        self._marks = Marks(folder)
        self._known: dict[str, tuple[int, Take]] = {}  # file below the folder → its bytes, its take
        self._months: dict[str, int] = {}  # sub-folder → its time of change when it was read, ns
        self._marks_size = -1
        self._is_indexed = False

    def check(self) -> None:
        """Raises `UserError` if the folder should be there and is not."""
        try:
            device = self.folder.stat().st_dev if self.folder.is_dir() else None
        except OSError:
            device = None
        if device is not None and self._device in (None, device):
            self._device, self._must_exist = device, True
        elif self._must_exist:
            raise UserError(f"The takes folder {self.folder} is away: connect its disk, or choose another folder.")

    def add(self, generated: Generated) -> Take:
        """Write the WAV, then its index row; returns the take. Raises `UserError` if the WAV cannot be written."""
        from arc_instrument.audio import wavfile

        self.check()
        request, now = generated.request, datetime.now()
        month = self.folder / f"{now:%Y-%m}"
        try:
            month.mkdir(parents=True, exist_ok=True)
            self.check()
            with _reserved(month, f"{now:%Y-%m-%d}_{slug(request.prompt)}_s{request.seed}") as path:
                take = take_of(generated, path, now)
                wavfile.write_clip(path, generated.clip, comment_of(take))
        except OSError as error:
            raise UserError(
                f"The folder {month} cannot be written ({error.strerror or error}): choose another folder for takes."
            ) from error
        take = replace(take, peaks=fewer(take.peaks))
        self._remember([take])
        return take

    # --- listing ------------------------------------------------------------------------------------------------

    def takes(self) -> list[Take]:
        """Every take, newest first. A WAV that the index lacks, or that changed, is read from its own comment;
        a WAV that is not ours, or is damaged, is left out. Later calls only look into folders that changed.

        Raises `UserError` if the folder is away.
        """
        self.check()
        with _no_collector():
            if not self._is_indexed:
                with suppress(sqlite3.Error, OSError):
                    self._known = {file: (size, take) for file, size, take in self._index.rows()}
                for _, take in self._known.values():
                    hash(take.path)  # a path keeps its hash: else the first search takes 40 ms longer
                self._is_indexed = True
            self._scan()
            self._read_marks()
            in_order = sorted(((take.created, file) for file, (_, take) in self._known.items()), reverse=True)
            return [self._known[file][1] for _, file in in_order]

    def is_stale(self) -> bool:
        """Whether files or marks came, went or changed since `takes`, by whomever; a look at a few time stamps.

        Raises `UserError` if the folder is away.
        """
        self.check()
        return self._marks.size() != self._marks_size or self._changed_months() != ({}, set())

    def search(self, text: str) -> frozenset[Path]:
        """Paths of the takes in which every word of `text` begins a word; of all takes if it has none."""
        try:
            found = self._index.search(text)
        except sqlite3.Error as error:  # the index is being repaired: plain words are better than none
            if isinstance(error, DamagedIndex):
                self._index_anew()
            words = text.casefold().split()
            found = [file for file, (_, take) in self._known.items() if all(w in take.prompt.casefold() for w in words)]
        return frozenset(self._known[file][1].path for file in found if file in self._known)

    # --- what a person does with takes --------------------------------------------------------------------------

    def mark(self, takes: Iterable[Take]) -> None:
        """Keep the favourites and tags that `takes` say. Raises `UserError` if they cannot be written."""
        self.check()
        takes = list(takes)
        self._marks.write({identity(take): mark_of(take) for take in takes})
        self._remember(takes)

    def delete(self, takes: Iterable[Take], done: Callable[[Trashed], None]) -> None:
        """Move takes to the trash, telling each; raises `UserError` at the first that cannot be moved."""
        gone = []
        try:
            for take in takes:
                done(trash.discard(self.folder, take))
                gone.append(self._file(take.path))
        finally:
            self._forget(gone)

    def restore(self, trashed: Iterable[Trashed]) -> list[Take]:
        """Bring deleted takes back; each has its name again unless another file took it meanwhile."""
        back = []
        try:
            for deleted in trashed:
                path = trash.bring_back(deleted)
                back.append(deleted.take if path == deleted.take.path else replace(deleted.take, path=path))
        finally:
            self._remember(back)
        return back

    def empty_trash(self) -> None:
        """Remove for good what was deleted long ago; see `trash.empty`."""
        trash.empty(self.folder)

    # --- the inside ---------------------------------------------------------------------------------------------

    def _file(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _changed_months(self) -> tuple[dict[str, int], set[str]]:
        """Sub-folders that are new or changed, with their time of change (ns), and those that are gone."""
        try:
            with os.scandir(self.folder) as entries:
                months = {
                    entry.name: entry.stat().st_mtime_ns
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_dir()
                }
        except OSError:
            months = {}
        changed = {name: changed_ns for name, changed_ns in months.items() if self._months.get(name) != changed_ns}
        return changed, self._months.keys() - months.keys()

    def _scan(self) -> None:
        """Bring `_known` and the index up to what lies in the folders that changed."""
        changed, gone = self._changed_months()
        settled_ns = time.time_ns() - int(SETTLED_S * 1e9)
        new: list[Take] = []
        seen: set[str] = set()
        for month, changed_ns in changed.items():
            for file, size in _wavs(self.folder / month):
                seen.add(file)
                known = self._known.get(file)
                if known is None or known[0] != size:
                    take = read_take(self.folder / file)
                    if take is None:
                        seen.discard(file)
                    else:
                        new.append(marked(replace(take, peaks=fewer(take.peaks)), self._marks.get(take)))
            self._months[month] = changed_ns if changed_ns < settled_ns else -1
        for month in gone:
            del self._months[month]
        looked_at = changed.keys() | gone
        lost = [
            file
            for file in self._known
            if file not in seen and ((month := file.partition("/")[0]) in looked_at or month not in self._months)
        ]
        self._forget(lost)
        self._remember(new)

    def _read_marks(self) -> None:
        """Put the marks of the journal on the takes; a lost journal is written anew from what the index says."""
        size = self._marks.size()
        if size == self._marks_size:
            return
        self._marks.refresh()
        self._marks_size = size
        takes = [take for _, take in self._known.values()]
        if not self._marks and size == 0:
            said = {identity(take): mark_of(take) for take in takes if mark_of(take) != Mark()}
            if said:
                with suppress(UserError):
                    self._marks.write(said)
            return
        self._remember([now for take in takes if (now := marked(take, self._marks.get(take))) is not take])

    def _remember(self, takes: list[Take]) -> None:
        """Keep takes in memory and in the index, which is only a cache: if it cannot be written, that is no failure."""
        rows: list[Row] = []
        for take in takes:
            with suppress(OSError):  # deleted or moved by another instance in this very moment
                row = (self._file(take.path), take.path.stat().st_size, take)
                rows.append(row)
                self._known[row[0]] = row[1:]
        if rows:
            self._write_index(lambda: self._index.put(rows))

    def _forget(self, files: list[str]) -> None:
        for file in files:
            self._known.pop(file, None)
        if files:
            self._write_index(lambda: self._index.remove(files))

    def _write_index(self, write: Callable[[], None]) -> None:
        try:
            write()
        except DamagedIndex:
            self._index_anew()
        except (sqlite3.Error, OSError):
            pass

    def _index_anew(self) -> None:
        """Put all that is known into an index that was damaged and is empty."""
        with suppress(sqlite3.Error, OSError):
            self._index.put((file, size, take) for file, (size, take) in self._known.items())


@contextmanager
def _reserved(folder: Path, stem: str) -> Iterator[Path]:
    """A path of its own for a new file: two instances never write the same, and nobody sees it before it is whole.

    The claim is a hidden file beside it; one that a crash left makes the next take choose another name.
    """
    for name in (f"{stem}.wav", *(f"{stem}-{number}.wav" for number in range(2, MAX_SAME_NAME))):
        path, claim = folder / name, folder / f".{name}.claim.part"
        if path.exists():
            continue
        try:
            os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            continue
        try:
            if not path.exists():  # written and released between the two looks
                yield path
                return
        finally:
            claim.unlink(missing_ok=True)
    raise UserError(f"{folder} holds {MAX_SAME_NAME:,} takes of the name {stem}: choose another seed.")


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep Python's garbage collector out: it would walk through 20,000 new takes many times, 1.1 s instead of 0.6."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _wavs(folder: Path) -> list[tuple[str, int]]:
    """The WAVs in a month's folder: name below the library, and bytes. What a crash left unfinished is removed."""
    found = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(".wav") and not name.startswith("."):
                found.append((f"{folder.name}/{name}", entry.stat().st_size))
                continue
            if not (name.startswith(".") and name.endswith(".part")):
                continue
            if time.time() - entry.stat().st_mtime > ABANDONED_S:
                with suppress(OSError):
                    os.unlink(entry.path)
    return found
