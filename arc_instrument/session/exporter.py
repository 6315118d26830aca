"""Exporter: what a person hands on to other programs, written in the thread for files."""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial, partialmethod
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from arc_instrument.audio.wavfile import FORMATS, read_clip
from arc_instrument.domain import Clip, Take, UserError
from arc_instrument.session.history import History
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import ExportProgress, SessionState
from arc_instrument.session.store import Store
from arc_instrument.takefile import comment_of

if TYPE_CHECKING:
    from arc_instrument.export import Pad

FORMAT_TITLES = {name: kind.title for name, kind in FORMATS.items()}
SHOWN_S = 0.1  # between two figures of a progress: the window takes some milliseconds to show one
UNREAD_TOLD = 5  # of what cannot be read, in the tooltip
Sound = Callable[[], tuple[Clip, Take]]  # called in the thread for files
Steps = Generator[Path | None, None, None]  # a path whenever something of use lies there, and None between


@dataclass
class _Export:
    """One order: its steps, and what came of them so far. The thread for files fills it."""

    what: str  # "takes" or "pads"
    count: int
    steps: Steps
    sounds_a_path: int = 1
    stop: Event = field(default_factory=Event)
    begun_s: float = 0.0
    shown_s: float = 0.0
    paths: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # a sentence for each sound that could not be read

    @property
    def written(self) -> int:
        """How many sounds are whole on disk."""
        return len(self.paths) * self.sounds_a_path

    @property
    def folder(self) -> Path:
        """Where they lie, once one does."""
        return self.paths[-1] if self.paths[-1].is_dir() else self.paths[-1].parent

    def run(self) -> Iterator[tuple[int, int]]:
        """How many steps are done of all; one that is stopped leaves nothing half done."""
        with closing(self.steps):
            for done, path in enumerate(self.steps, 1):
                if path is not None:
                    self.paths.append(path)
                yield done, self.count
                if self.stop.is_set():
                    return


class Exporter(QObject):
    """Writes into the folder `exports_of` the takes, one order after the other; takes are saved in between.

    `state.exporting` is how far it is, `state.exported` what was written last.
    """

    def __init__(self, store: Store, shelf: Shelf, history: History):
        super().__init__(store)
        self._store, self._shelf, self._history = store, shelf, history
        self._orders: deque[_Export] = deque()  # the first one is at work

    def shutdown(self) -> None:
        """Write no more. What is written stays; a folder of pads that is not whole goes."""
        while self._orders:
            order = self._orders.pop()
            order.stop.set()
            self._shelf.run(order.steps.close, lambda _: None, lambda _: None)

    @property
    def folder(self) -> Path:
        """Where exports go, not among the takes."""
        return exports_of(self._shelf.folder)

    def set_format(self, format: str) -> None:
        """One of `wavfile.FORMATS`, from the next export on."""
        before = self._store.state.export_format
        if format in FORMATS and format != before:
            self._use(format)
            self._history.record("export format", lambda: self._use(before), lambda: self._use(format))
            self._store.say(f"Exports are {FORMAT_TITLES[format]} from now on.", is_error=False)

    use_wav16 = partialmethod(set_format, "wav16")
    use_wav24 = partialmethod(set_format, "wav24")
    use_wav32f = partialmethod(set_format, "wav32f")
    use_flac = partialmethod(set_format, "flac")

    def export_current(self) -> None:
        """Write the current sound in the chosen format, with every setting in it."""
        sound = self._store.state.current
        if sound is None or sound.take is None:
            self._store.say("There is no take to export: make a sound first.")
            return
        self.export_takes([sound.take])

    def export_selected(self) -> None:
        """Write the selected takes, each as a file of its own."""
        state = self._store.state
        chosen = set(state.selection)
        self.export_takes([take for take in state.takes if take.path in chosen])

    def export_takes(self, takes: Iterable[Take]) -> None:
        """Write these takes; the one that is the current sound as it is heard: edited, and with its loop."""
        state = self._store.state
        sounds = [(take, _sound(state, take)) for take in takes]
        if not sounds:
            self._store.say("No take is selected: choose takes in the list, with Ctrl or Shift for several.")
            return
        unread: list[str] = []
        steps = _write_takes(sounds, self.folder, state.export_format, unread)
        self._order(_Export("takes", len(sounds), steps, unread=unread))

    def export_pads(self, pads: "Sequence[Pad]", name: str) -> None:
        """Write a folder of these pads with its SFZ."""
        from arc_instrument.export import export_pads

        steps = export_pads(pads, self.folder, name, self._store.state.export_format)
        self._order(_Export("pads", len(pads), steps, sounds_a_path=len(pads)))

    def stop(self) -> None:
        """Write no more of what is exported, nor of what waits; what is written stays."""
        while len(self._orders) > 1:
            self._orders.pop()
        if self._orders:
            self._orders[0].stop.set()

    # --- one order after the other ------------------------------------------------------------------------------

    def _order(self, export: _Export) -> None:
        self._orders.append(export)
        if len(self._orders) == 1:
            self._store.dismiss_message()
            self._begin(export)

    def _begin(self, export: _Export) -> None:
        export.begun_s = time.monotonic()
        if export.count > 1:
            self._store.update(exporting=ExportProgress(export.what, 0, export.count))
        self._shelf.step(
            export.run(),
            partial(self._on_progress, export),
            lambda: self._end(export, partial(self._tell, export)),
            lambda sentence: self._end(export, partial(self._tell_failure, export, sentence)),
        )

    def _on_progress(self, export: _Export, done: int, count: int) -> None:
        now_s = time.monotonic()
        if done < count and now_s - export.shown_s >= SHOWN_S:
            export.shown_s = now_s
            left_ms = 1_000 * (now_s - export.begun_s) / done * (count - done)
            self._store.update(exporting=ExportProgress(export.what, done, count, left_ms))

    def _end(self, export: _Export, tell: Callable[[], None]) -> None:
        if self._orders and self._orders[0] is export:
            self._orders.popleft()
            self._store.update(exporting=None)
            tell()
            if self._orders:
                self._begin(self._orders[0])

    def _tell(self, export: _Export) -> None:
        count, what = export.count, export.what
        if export.written == count:
            whole = f"{count} {what if count > 1 else what.removesuffix('s')}"
            self._say(export, f"Exported {whole} to “{export.folder.name}”.")
        elif export.stop.is_set():
            self._tell_part(export, "Stopped: ", ".", is_error=False)
        elif export.paths:
            self._tell_part(export, "", ": the others cannot be read.", is_error=True)
        else:
            self._store.say(export.unread[0])

    def _tell_part(self, export: _Export, before: str, after: str, *, is_error: bool) -> None:
        if export.paths:
            where = f"{export.written} of {export.count} {export.what} are exported to “{export.folder.name}”"
            self._say(export, f"{before}{where}{after}", is_error=is_error)
        else:
            self._store.say(f"{before}none of the {export.count} {export.what} is exported{after}", is_error=is_error)

    def _tell_failure(self, export: _Export, sentence: str) -> None:
        if export.paths:
            self._tell_part(export, "", f". {sentence}", is_error=True)
        else:
            self._store.say(sentence)

    def _say(self, export: _Export, text: str, *, is_error: bool = False) -> None:
        """Say what was written, with a way to it."""
        place = export.paths[-1] if export.count == 1 else export.folder
        detail = "\n".join([text, str(place), *export.unread[:UNREAD_TOLD]])
        self._store.update(exported=export.paths[-1])
        self._store.say(text, is_error=is_error, action="show_exports", action_title="Show", detail=detail)

    def _use(self, format: str) -> None:
        self._store.update(export_format=format)
        self._store.settingsChanged.emit()


def exports_of(takes: Path) -> Path:
    """The folder beside that of the takes: an export is no take. Beside the root of a disk is another disk, or nothing:
    there it lies within, deeper than the library looks."""
    if not takes.name or os.path.ismount(takes):
        return takes / "ARC Instrument" / "exports"
    return takes.with_name(f"{takes.name} exports")


def _write_takes(sounds: Sequence[tuple[Take, Sound]], folder: Path, format: str, unread: list[str]) -> Steps:
    """A file for each; those that cannot be read are told in `unread`, one that cannot be written ends it."""
    from arc_instrument.export import export_sound

    for take, sound in sounds:
        try:
            clip, told = sound()
        except UserError as error:
            unread.append(str(error))
            yield None
        else:
            yield export_sound(clip, comment_of(told), folder, take.path.stem, format)


def _sound(state: SessionState, take: Take) -> Sound:
    """The take's samples and what their file shall tell; read, or heard anew, only when it is called."""
    from arc_instrument.export import as_heard

    current = state.current
    if current is None or current.take is None or current.take.path != take.path:
        return lambda: (read_clip(take.path), take)
    loop = state.loop
    return partial(as_heard, current.clip, take, current.edit, (loop.start, loop.end) if loop else None)
