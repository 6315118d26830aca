"""Exporter: what a person hands on to other programs, written in the thread for files."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, partialmethod
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from arc_instrument.audio.wavfile import FORMATS, read_clip
from arc_instrument.domain import Clip, Take, UserError
from arc_instrument.session.history import History
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import SessionState
from arc_instrument.session.store import Store
from arc_instrument.takefile import comment_of

if TYPE_CHECKING:
    from arc_instrument.export import Pad

FORMAT_TITLES = {name: kind.title for name, kind in FORMATS.items()}
Sound = Callable[[], tuple[Clip, Take]]  # called in the thread for files


class Exporter(QObject):
    """Writes into a folder beside that of the takes; `state.exported` is what was written last."""

    def __init__(self, store: Store, shelf: Shelf, history: History):
        super().__init__(store)
        self._store, self._shelf, self._history = store, shelf, history

    @property
    def folder(self) -> Path:
        """Beside the takes and not among them: an export is no take."""
        takes = self._shelf.folder
        return takes.with_name(f"{takes.name} exports")

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
        state, format, folder = self._store.state, self._store.state.export_format, self.folder
        sounds = [(take, _sound(state, take)) for take in takes]
        if not sounds:
            self._store.say("No take is selected: choose takes in the list, with Ctrl or Shift for several.")
            return

        def write() -> list[Path]:
            from arc_instrument.export import export_sound

            paths: list[Path] = []
            for take, sound in sounds:
                try:
                    clip, told = sound()
                    paths.append(export_sound(clip, comment_of(told), folder, take.path.stem, format))
                except UserError as error:
                    if not paths:
                        raise
                    raise UserError(f"{len(paths)} of {len(sounds)} takes are exported to {folder}. {error}") from error
            return paths

        if len(sounds) > 1:
            self._store.say(f"Exporting {len(sounds)} takes.", is_error=False)
        self._shelf.run(write, self._tell, self._store.say)

    def export_pads(self, pads: "Sequence[Pad]", name: str) -> None:
        """Write a folder of these pads with its SFZ."""
        from arc_instrument.export import export_pads

        format, folder = self._store.state.export_format, self.folder
        self._shelf.run(lambda: [export_pads(pads, folder, name, format)], self._tell, self._store.say)

    def _tell(self, paths: list[Path]) -> None:
        what = f"Exported to {paths[-1]}." if len(paths) == 1 else f"Exported {len(paths)} takes to {self.folder}."
        self._store.update(exported=paths[-1])
        self._store.say(what, is_error=False, action="show_exports", action_title="Show")

    def _use(self, format: str) -> None:
        self._store.update(export_format=format)
        self._store.settingsChanged.emit()


def _sound(state: SessionState, take: Take) -> Sound:
    """The take's samples and what their file shall tell; read, or heard anew, only when it is called."""
    from arc_instrument.export import as_heard

    current = state.current
    if current is None or current.take is None or current.take.path != take.path:
        return lambda: (read_clip(take.path), take)
    loop = state.loop
    return partial(as_heard, current.clip, take, current.edit, (loop.start, loop.end) if loop else None)
