"""Drops: what a file is for that somebody drops on the window."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from arc_instrument.audio.sampler_chunks import chosen_loop
from arc_instrument.domain import Clip, Take
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.store import Store

AUDIO_SUFFIXES = {".wav", ".aif", ".aiff", ".flac", ".mp3", ".ogg"}


class Drops(QObject):
    """A file of ours brings back its take, whatever else sounds is something to start from.

    `start_from(path)` makes a file the init, `set_init(name, clip)` a sound; `restore(take)` sets the controls to what
    made it, `select(take, clip)` makes it the current sound, `loop_between(start, end)` loops it, and
    `choose_model(name)` says whether that model is here, and loads it.
    """

    def __init__(
        self,
        store: Store,
        shelf: Shelf,
        start_from: Callable[[Path], None],
        set_init: Callable[[str, Clip], None],
        restore: Callable[[Take], None],
        select: Callable[[Take, Clip], None],
        choose_model: Callable[[str], bool],
        clear_init: Callable[[], None],
        loop_between: Callable[[int, int], None],
    ):
        super().__init__(store)
        self._store, self._shelf = store, shelf
        self._start_from, self._set_init, self._restore, self._select = start_from, set_init, restore, select
        self._choose_model, self._clear_init, self._loop_between = choose_model, clear_init, loop_between

    def restore_or_start_from(self, paths: list[Path]) -> None:
        """Dropped anywhere: restore the one file of ours, start from any other; refuse the rest with a sentence."""
        path = self._one_audio_file(paths)
        if path is None:
            return

        def use(clip: Clip | None, take: Take | None) -> None:
            if clip is None or take is None:
                self._start_from(path)
            else:
                self._bring_back(take, clip)

        self._shelf.read_take(path, use, self._store.say)

    def start_from(self, paths: list[Path]) -> None:
        """Dropped on the waveform: start from the one audio file, whoever made it."""
        path = self._one_audio_file(paths)
        if path is not None:
            self._start_from(path)

    def _bring_back(self, take: Take, clip: Clip) -> None:
        self._store.dismiss_message()
        self._restore(take)
        self._select(take, clip)
        loop = chosen_loop(take.settings)
        if loop is not None and 0 <= loop.start < loop.end <= len(clip.samples):
            self._loop_between(loop.start, loop.end)
        self._find_recording(take)
        if not self._choose_model(take.model_name):
            self._store.say(
                f"The model {take.model_name} made it, which is not installed: another makes another sound."
            )

    def _find_recording(self, take: Take) -> None:
        """What the take started from: what is loaded, or the file beside it; without one the name is told."""
        name, init = take.settings.get("init_name"), self._store.state.init
        if take.init_noise == 1 or not isinstance(name, str):
            self._clear_init()
        elif init is None or init.name != name:
            beside = take.path.parent / Path(name).name
            missing = f"It started from “{name}”, which is not beside it: drop that on the waveform for the same sound."
            self._shelf.read(beside, lambda clip: self._set_init(name, clip), lambda _: self._store.say(missing))

    def _one_audio_file(self, paths: list[Path]) -> Path | None:
        if len(paths) != 1:
            what = "Nothing that lies on this computer was" if not paths else f"{len(paths)} files were"
            self._store.say(f"{what} dropped: drop one audio file (WAV, AIFF, FLAC, MP3 or OGG).")
        elif paths[0].suffix.lower() not in AUDIO_SUFFIXES:
            self._store.say(f"“{paths[0].name}” is not an audio file: drop a WAV, AIFF, FLAC, MP3 or OGG.")
        else:
            return paths[0]
        return None
