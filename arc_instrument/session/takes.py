"""Takes: the sounds a person kept: lists them, finds among them, keeps new ones, and moves their folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.domain import Clip, Generated, Take, Timing
from arc_instrument.marks import identity
from arc_instrument.session.history import History
from arc_instrument.session.player import Player
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import CurrentSound
from arc_instrument.session.store import Store

LOOK_MS = 2_000  # how soon takes of another instance, or a disk that is back, are noticed


class Takes(QObject):
    """Lives in the GUI thread. What is done shows at once; the file thread follows, and if it fails the list is read
    again and a sentence says why.

    Signals:
        made(Take): a new take is on disk.
        listed(): the folder was read.
    """

    made = Signal(object)
    listed = Signal()

    def __init__(self, store: Store, history: History, player: Player, shelf: Shelf):
        super().__init__(store)
        self._store, self._history, self._player, self._shelf = store, history, player, shelf
        self._take_of: WeakKeyDictionary[Clip, Take] = WeakKeyDictionary()  # sounds in memory that have a file
        self._deleted: set[str] = set()  # by `identity`: a new take may get the path of a deleted one
        self._changes = 0  # a list that was read before the last change is out of date
        self._look_again = QTimer(self, interval=LOOK_MS)
        self._look_again.timeout.connect(self.look)

    def shutdown(self) -> None:
        self._look_again.stop()

    # --- listing ------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Show the takes that are on disk."""
        changes = self._changes

        def show(takes: list[Take]) -> None:
            if changes == self._changes:
                self._show(takes)
            else:
                self.load()

        self._shelf.list_takes(show, self._on_away)

    def watch(self) -> None:
        """From now on notice what other instances do, and a folder that goes and comes back. Go on with a move that was
        cut off, and empty the trash of what is old."""
        self._look_again.start()
        self._shelf.empty_trash()
        self._shelf.resume_fetching(self._on_fetching, self._on_fetched, self.on_failure)

    @Slot()
    def look(self) -> None:
        """Look once whether anything changed."""
        changes = self._changes

        def show(takes: list[Take] | None) -> None:
            if self._store.state.folder_problem:
                self._store.update(folder_problem="")
                self._store.say(f"The takes folder is back: {self.folder}.", is_error=False)
                self._retry()
            if takes is not None and changes == self._changes:
                self._show(takes)

        self._shelf.look(show, self._on_away)

    def find(self, text: str) -> None:
        """Show only the takes with every word of `text` (a prefix, a "phrase in quotes", or a #tag); "" shows all."""
        self._store.update(search=text)
        if not text.strip():
            self._store.update(found=None)
            return

        def show(found: frozenset[Path]) -> None:
            if self._store.state.search == text:  # and not what was typed since
                self._update(found=found)

        self._shelf.search(text, show, self._store.say)

    def toggle_favourites_only(self) -> None:
        self._update(favourites_only=not self._store.state.favourites_only)

    def show_tag(self, tag: str) -> None:
        """Show only the takes with `tag`; "" or the same tag again shows all."""
        self._update(tag="" if tag == self._store.state.tag else tag)

    # --- one by one ---------------------------------------------------------------------------------------------

    def take_of(self, clip: Clip | None) -> Take | None:
        """The take that a sound in memory was written to or read from, unless that is deleted."""
        take = self._take_of.get(clip) if clip is not None else None
        return None if take is None or identity(take) in self._deleted else take

    def dropped(self, path: Path) -> Take | None:
        """The take of a file that was dropped where a take belongs; another file is refused with a sentence."""
        take = next((take for take in self._store.state.takes if take.path == path), None)
        if take is None:
            text = f"“{path.name}” is not among the takes: only one of the list can be dropped here."
            self._store.say(text, is_error=False)
        return take

    def bind(self, clip: Clip, take: Take) -> None:
        """`clip` was read from the file of `take`."""
        self._take_of[clip] = take

    def with_take(self, sound: CurrentSound) -> CurrentSound:
        """`sound` with the take that it is now."""
        return replace(sound, take=self.take_of(sound.clip))

    def now(self, takes: list[Take]) -> list[Take]:
        """The same takes as they are now: they may have been marked or moved since they were named."""
        by_path = {take.path: take for take in self._store.state.takes}
        if all(take.path in by_path for take in takes):
            return [by_path[take.path] for take in takes]
        by_identity = {identity(take): take for take in by_path.values()}
        return [by_path.get(take.path) or by_identity.get(identity(take), take) for take in takes]

    def keep(self, generated: Generated, kept: Callable[[Take], None] | None = None) -> None:
        """Write a sound that was made; `kept` is called when it is on disk."""

        def saved(generated: Generated, take: Take) -> None:
            self._on_saved(generated, take)
            if kept is not None:
                kept(take)

        self._shelf.keep(generated, saved, self._on_not_saved)

    def duplicate_current(self) -> None:
        """Keep the current take a second time; the copy is then the current one."""
        current = self._store.state.current
        if current and current.take and current.request:
            take = current.take
            request = replace(current.request, init_noise=take.init_noise, settings=dict(take.settings))
            timing = Timing(0.0, 0.0, 0.0, 0.0, current.generation_ms)
            self.keep(Generated(request, current.clip, timing, take.model_name, take.weights_licence))

    def change(self, takes: tuple[Take, ...], **also: object) -> None:
        """List `takes` from now on; `also` are further fields of the state that change with them."""
        self._changes += 1
        self._update(takes=takes, **also)

    def unlist(self, takes: list[Take], selection: tuple[Path, ...]) -> None:
        """List `takes` no longer, for their files go; what is current can still be played."""
        gone, state = {take.path for take in takes}, self._store.state
        self._deleted |= {identity(take) for take in takes}
        left = tuple(take for take in state.takes if take.path not in gone)
        self.change(left, selection=selection, current=self.with_take(state.current) if state.current else None)

    def list_again(self, takes: list[Take]) -> None:
        """List and select `takes`, for their files come back."""
        state = self._store.state
        self._deleted -= {identity(take) for take in takes}
        there = {take.path for take in state.takes}
        both = (*state.takes, *(take for take in takes if take.path not in there))
        self.change(
            tuple(sorted(both, key=lambda take: (take.created, str(take.path)), reverse=True)),
            selection=tuple(take.path for take in takes),
            current=self.with_take(state.current) if state.current else None,
        )

    # --- the folder ---------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self._shelf.folder

    def set_folder(self, folder: Path) -> None:
        """Keep takes in `folder` from now on, and write there what could not be written before."""
        before, count = self.folder, len(self._store.state.takes)
        if folder == before:
            self._retry()
            self.load()
            return
        self._open_folder(folder)
        self._store.update(previous_folder=before)
        self._history.record("takes folder", lambda: self._open_folder(before), lambda: self._open_folder(folder))
        if count:
            text = f"Takes are kept in {folder} now; the {count} of before lie in {before}."
            self._store.say(text, is_error=False, action="move_takes", action_title="Move them too")

    def move_along(self) -> None:
        """Bring the takes of the folder before the last change into the present one."""
        source = self._store.state.previous_folder
        if source is not None:
            self._store.update(previous_folder=None)
            self._shelf.fetch(source, self._on_fetching, self._on_fetched, self.on_failure)

    def retry(self) -> None:
        """Write again what could not be written."""
        self._store.dismiss_message()
        self._retry()

    # --- inside -------------------------------------------------------------------------------------------------

    def _update(self, **changes: object) -> None:
        """Change what is listed or shown. What this hides is selected no longer: a key must not delete the unseen."""
        state = replace(self._store.state, **changes)  # pyright: ignore[reportArgumentType]
        if state.selection:
            shown = {take.path for take in state.visible_takes}
            changes["selection"] = tuple(path for path in state.selection if path in shown)
        self._store.update(**changes)

    def _retry(self) -> None:
        self._shelf.retry(self._on_saved, self._on_not_saved)

    def _open_folder(self, folder: Path) -> None:
        self._shelf.move_to(folder)
        self.change((), selection=(), previous_folder=None, folder_problem="", takes_folder=folder, message=None)
        self._store.settingsChanged.emit()
        self.load()
        self._retry()

    def _show(self, takes: list[Take]) -> None:
        there = {take.path for take in takes}
        self._deleted -= {identity(take) for take in takes}  # what a delete failed on; one in flight comes before this
        self._update(takes=tuple(takes))
        current = self._store.state.current
        if current is not None and current.take is not None and current.take.path not in there:
            (moved,) = self.now([current.take])
            self._take_of[current.clip] = moved
            self._store.update(current=replace(current, take=moved))
        self.listed.emit()
        self.find_again()

    def find_again(self) -> None:
        """Search once more, for the takes have changed."""
        if self._store.state.found is not None:
            self.find(self._store.state.search)

    def _on_saved(self, generated: Generated, take: Take) -> None:
        state = self._store.state
        self._take_of[generated.clip] = take
        is_listed = any(known.path == take.path for known in state.takes)  # by a reading of the folder since
        self.change(state.takes if is_listed else (take, *state.takes))
        if state.current is not None and state.current.clip is generated.clip:
            self._player.tell_take(take)
        self.made.emit(take)
        self.find_again()

    def _on_not_saved(self, sentence: str) -> None:
        text = f"The take is not saved in its folder, but can be played. {sentence}"
        self._store.say(text, action="choose_folder", action_title="Choose folder")

    def _on_away(self, sentence: str) -> None:
        if self._store.state.folder_problem != sentence:
            self._store.update(folder_problem=sentence)
            self._store.say(sentence, action="choose_folder", action_title="Choose folder")

    def on_failure(self, sentence: str) -> None:
        """What was done to files failed: say why, and list what is there."""
        self._store.say(sentence)
        self.load()

    def _on_fetching(self, done: int, count: int) -> None:
        self._store.say(f"Moving takes: {done} of {count}.", is_error=False)

    def _on_fetched(self) -> None:
        self._store.say(f"All takes lie in {self.folder}; the old folder is emptied when you quit.", is_error=False)
        self._store.settingsChanged.emit()
        self.load()
