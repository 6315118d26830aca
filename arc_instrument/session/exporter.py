"""Exporter: what a person hands on to other programs, written in the thread for files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from arc_instrument.session.shelf import Shelf
from arc_instrument.session.store import Store
from arc_instrument.takefile import comment_of

if TYPE_CHECKING:
    from arc_instrument.export import Pad


class Exporter(QObject):
    """Writes into a folder beside that of the takes; `state.exported` is what was written last."""

    def __init__(self, store: Store, shelf: Shelf):
        super().__init__(store)
        self._store, self._shelf = store, shelf

    @property
    def folder(self) -> Path:
        """Beside the takes and not among them: an export is no take."""
        takes = self._shelf.folder
        return takes.with_name(f"{takes.name} exports")

    def set_format(self, format: str) -> None:
        """One of `wavfile.FORMATS`."""
        self._store.update(export_format=format)

    def export_current(self) -> None:
        """Write the current sound in the chosen format, with every setting in it."""
        from arc_instrument.export import export_sound

        state = self._store.state
        sound = state.current
        if sound is None or sound.take is None:
            self._store.say("There is no take to export: make a sound first.")
            return
        take, format, folder = sound.take, state.export_format, self.folder
        self._write(lambda: export_sound(sound.heard, comment_of(take), folder, take.path.stem, format))

    def export_pads(self, pads: "Sequence[Pad]", name: str) -> None:
        """Write a folder of these pads with its SFZ."""
        from arc_instrument.export import export_pads

        format, folder = self._store.state.export_format, self.folder
        self._write(lambda: export_pads(pads, folder, name, format))

    def _write(self, job: Callable[[], Path]) -> None:
        def done(path: Path) -> None:
            self._store.update(exported=path)
            self._store.say(f"Exported to {path}.", is_error=False)

        self._shelf.run(job, done, self._store.say)
