"""Auditions: hearing the takes: what is chosen is read, becomes the current sound, and plays."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import Clip, GenerationRequest, Take, UserError
from arc_instrument.editing import UNEDITED, Edit, edited
from arc_instrument.session.history import History
from arc_instrument.session.player import Player
from arc_instrument.session.selection import Selection
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import CurrentSound
from arc_instrument.session.store import Store
from arc_instrument.session.takes import Takes
from arc_instrument.waveform import peaks


class Auditions(QObject):
    """Commands of choosing the current sound; renders into the store. Lives in the GUI thread."""

    def __init__(
        self,
        store: Store,
        history: History,
        player: Player,
        shelf: Shelf,
        takes: Takes,
        selection: Selection,
        request_of: Callable[[Take], GenerationRequest],
    ):
        """`request_of` tells what made a take, for variations of it."""
        super().__init__(store)
        self._store, self._history, self._player, self._shelf = store, history, player, shelf
        self._takes, self._selection, self._request_of = takes, selection, request_of
        self._wanted: Take | None = None
        self._recalled: Path | None = None
        self._recalled_edit = UNEDITED
        takes.listed.connect(self._on_listed)

    def recall(self, path: Path) -> None:
        """Make the take at `path` the current sound as soon as it is listed, without playing it: nothing to undo."""
        self._recalled = path

    def recall_edit(self, edit: Edit) -> None:
        """What was done to the take that `recall` names."""
        self._recalled_edit = edit

    @property
    def edit(self) -> Edit:
        """Of the current sound; as it was recalled until that is there."""
        current = self._store.state.current
        if current is not None:
            return current.edit
        return UNEDITED if self._recalled is None else self._recalled_edit

    @property
    def path(self) -> Path | None:
        """The file of the current take; as it was recalled while its folder is away or it is still being read."""
        state = self._store.state
        return self._recalled if state.current is None else state.current_path

    def audition(self, take: Take) -> None:
        """Hear a take: read it, make it the current sound, play it."""
        if take.path == self._store.state.current_path:
            self._wanted = None  # nor shall one that is still being read take its place
            self._player.play()
            return

        def hear(sound: CurrentSound) -> None:
            self.choose(sound, "choose take", merge="choose take")
            self._player.play()

        self._read(take, hear)

    def hear(self, take: Take, clip: Clip) -> None:
        """Make a take that was read already the current sound, and play it."""
        self._wanted = take
        self.choose(self._sound(take, clip), "choose take")
        self._player.play()

    def choose(
        self,
        sound: CurrentSound,
        label: str,
        merge: str = "",
        also: tuple[Callable[[], object], Callable[[], object]] = (int, int),
    ) -> None:
        """Make `sound` the current one, undoably; `also` undoes and redoes what else belongs to it."""
        before = self._store.state.current

        def put(chosen: CurrentSound | None, other: Callable[[], object]) -> None:
            self._load(chosen)
            other()

        self._load(sound)
        kept = before.clip.samples.nbytes if before else 0
        self._history.record(
            label, lambda: put(before, also[0]), lambda: put(sound, also[1]), merge=merge, holds_bytes=kept
        )

    def step(self, takes: int) -> None:
        """Hear the take that many further down the visible list; stays within it."""
        visible = self._store.state.visible_takes
        if visible:
            state = self._store.state
            rows = {take.path: row for row, take in enumerate(visible)}
            heard = self._wanted.path if self._wanted else state.current_path
            if heard in rows:
                row = min(max(rows[heard] + takes, 0), len(visible) - 1)
            else:  # the neighbour of one that was deleted, or the first
                row = next((rows[path] for path in state.selection if path in rows), 0)
            self._selection.select([visible[row]])
            self.audition(visible[row])

    def next(self) -> None:
        self.step(1)

    def previous(self) -> None:
        self.step(-1)

    def _read(self, take: Take, done: Callable[[CurrentSound], None]) -> None:
        self._wanted = take

        def show(clip: Clip) -> None:
            if self._wanted is take:  # and not another one that was chosen while this was read
                done(self._sound(take, clip))

        self._shelf.read(take.path, show, self._store.say)

    def _sound(self, take: Take, clip: Clip) -> CurrentSound:
        self._takes.bind(clip, take)
        made_by = self._request_of(take)
        return CurrentSound(clip, peaks(clip.samples), take.prompt, take.seed, take.generation_ms, take, made_by)

    def _load(self, sound: CurrentSound | None) -> None:
        self._wanted = self._recalled = None
        self._selection.select(())  # the current take is what is meant now
        if sound is None:
            self._store.update(current=None)
        else:
            self._player.load(self._takes.with_take(sound))

    def _load_recalled(self, sound: CurrentSound) -> None:
        try:
            edited(sound.clip, self._recalled_edit)
        except (UserError, TypeError):  # the file is another than it was, or what was recalled is no edit
            self._load(sound)
        else:
            self._load(replace(sound, edit=self._recalled_edit))

    @Slot()
    def _on_listed(self) -> None:
        if self._recalled is None or self._wanted is not None or self._store.state.current is not None:
            return
        take = next((take for take in self._store.state.takes if take.path == self._recalled), None)
        if take is not None:
            self._read(take, self._load_recalled)
        else:  # it was deleted
            self._recalled = None
