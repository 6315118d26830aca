"""Takes: what a person does with the sounds they kept. Finds, hears, marks, deletes, and moves their folder."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.domain import Clip, Generated, GenerationRequest, Take
from arc_instrument.marks import identity, tags_of
from arc_instrument.session.history import History
from arc_instrument.session.player import Player
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.state import CurrentSound
from arc_instrument.session.store import Store
from arc_instrument.trash import KEPT_DAYS, Trashed
from arc_instrument.waveform import peaks

LOOK_MS = 2_000  # how soon takes of another instance, or a disk that is back, are noticed


class Takes(QObject):
    """Lives in the GUI thread. What is done shows at once; the file thread follows, and if it fails the list is read
    again and a sentence says why.

    Signals:
        made(Take): a new take is on disk.
    """

    made = Signal(object)

    def __init__(
        self,
        store: Store,
        history: History,
        player: Player,
        shelf: Shelf,
        request_of: Callable[[Take], GenerationRequest],
    ):
        """`request_of` tells what made a take, for variations of it."""
        super().__init__(store)
        self._request_of = request_of
        self._store, self._history, self._player, self._shelf = store, history, player, shelf
        self._take_of: WeakKeyDictionary[Clip, Take] = WeakKeyDictionary()  # sounds in memory that have a file
        self._wanted: Take | None = None
        self._deleted: set[Path] = set()
        self._recalled: Path | None = None
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
        self._shelf.resume_fetching(self._on_fetching, self._on_fetched, self._on_failure)

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
                self._store.update(found=found)

        self._shelf.search(text, show, self._store.say)

    def toggle_favourites_only(self) -> None:
        self._store.update(favourites_only=not self._store.state.favourites_only)

    def show_tag(self, tag: str) -> None:
        """Show only the takes with `tag`; "" or the same tag again shows all."""
        self._store.update(tag="" if tag == self._store.state.tag else tag)

    def select(self, takes: Iterable[Take]) -> None:
        """What favourite, tags and delete are about."""
        selection = tuple(take.path for take in takes)
        if selection != self._store.state.selection:
            self._store.update(selection=selection)

    # --- hearing ------------------------------------------------------------------------------------------------

    def recall(self, path: Path) -> None:
        """Make the take at `path` the current sound as soon as it is listed, without playing it: nothing to undo."""
        self._recalled = path

    def audition(self, take: Take) -> None:
        """Hear a take: read it, make it the current sound, play it."""
        if take.path == self._store.state.current_path:
            self._player.play()
            return

        def hear(sound: CurrentSound) -> None:
            self.choose(sound, "choose take", merge="choose take")
            self._player.play()

        self._read(take, hear)

    def _read(self, take: Take, done: Callable[[CurrentSound], None]) -> None:
        self._wanted = take

        def show(clip: Clip) -> None:
            if self._wanted is take:  # and not another one that was chosen while this was read
                done(self._sound(take, clip))

        self._shelf.read(take.path, show, self._store.say)

    def hear(self, take: Take, clip: Clip) -> None:
        """Make a take that was read already the current sound, and play it."""
        self._wanted = take
        self.choose(self._sound(take, clip), "choose take")
        self._player.play()

    def _sound(self, take: Take, clip: Clip) -> CurrentSound:
        self._take_of[clip] = take
        made_by = self._request_of(take)
        return CurrentSound(clip, peaks(clip.samples), take.prompt, take.seed, take.generation_ms, take, made_by)

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
            self.select([visible[row]])
            self.audition(visible[row])

    def next(self) -> None:
        self.step(1)

    def previous(self) -> None:
        self.step(-1)

    # --- marks --------------------------------------------------------------------------------------------------

    def toggle_favourite(self, takes: Iterable[Take] | None = None) -> None:
        """Favour `takes`, or if all of them are favourites none; by default those that are selected."""
        takes = self._meant(takes)
        favourite = not all(take.favourite for take in takes)
        label = "favourite" if favourite else "no favourite"
        self._mark(label, takes, [replace(take, favourite=favourite) for take in takes])

    def set_tags(self, tags: tuple[str, ...], takes: Iterable[Take] | None = None) -> None:
        """Give `takes`, by default those that are selected, exactly these tags."""
        takes = self._meant(takes)
        self._mark("tags", takes, [replace(take, tags=tags) for take in takes])

    def write_tags(self, text: str, takes: Iterable[Take] | None = None) -> None:
        """Give `takes` the tags that `text` says, with commas between."""
        self.set_tags(tags_of(text), takes)

    def add_tag(self, tag: str, takes: Iterable[Take] | None = None) -> None:
        """Give `takes`, by default those that are selected, one more tag."""
        takes = [take for take in self._meant(takes) if tag not in take.tags]
        self._mark(f"tag {tag}", takes, [replace(take, tags=(*take.tags, tag)) for take in takes])

    def _mark(self, label: str, before: list[Take], after: list[Take]) -> None:
        changed = [(was, now) for was, now in zip(before, after, strict=True) if was.tags != now.tags
                   or was.favourite != now.favourite]  # fmt: skip
        if not changed:
            return
        before, after = [was for was, _ in changed], [now for _, now in changed]
        self._write_marks(after)
        self._history.record(
            _counted(label, after), lambda: self._write_marks(before), lambda: self._write_marks(after)
        )

    def _write_marks(self, takes: list[Take]) -> None:
        marked = [
            replace(now, favourite=take.favourite, tags=take.tags)
            for take, now in zip(takes, self._now(takes), strict=True)
        ]
        by_path = {take.path: take for take in marked}
        self._change(tuple(by_path.get(take.path, take) for take in self._store.state.takes))
        self._shelf.mark(marked, self._on_failure)
        self._find_again()

    # --- deleting -----------------------------------------------------------------------------------------------

    def delete(self, takes: Iterable[Take] | None = None) -> None:
        """Move `takes`, by default those that are selected, to the trash."""
        takes = self._meant(takes)
        if not takes:
            return
        trashed: list[Trashed] = []
        what = "The take is" if len(takes) == 1 else f"{len(takes)} takes are"
        text = f"{what} in the trash for {KEPT_DAYS} days."
        self._store.say(text, is_error=False, action="undo", action_title="Undo")
        self._trash(takes, trashed)
        self._history.record(
            _counted("delete", takes),
            lambda: self._restore(takes, trashed),
            lambda: self._trash(takes, trashed),
        )

    def _trash(self, takes: list[Take], trashed: list[Trashed]) -> None:
        takes = self._now(takes)
        gone = {take.path for take in takes}
        state = self._store.state
        visible = state.visible_takes
        last = max((row for row, take in enumerate(visible) if take.path in gone), default=-1)
        near = [*visible[last + 1 :], *reversed(visible[: last + 1])]
        neighbour = next((take for take in near if take.path not in gone), None)
        self._deleted |= gone
        self._change(
            tuple(take for take in state.takes if take.path not in gone),
            selection=(neighbour.path,) if neighbour else (),
            current=self._with_take(state.current) if state.current else None,  # it can still be played
        )
        self._shelf.delete(takes, trashed, self._on_failure)

    def _restore(self, takes: list[Take], trashed: list[Trashed]) -> None:
        state = self._store.state
        self._deleted -= {take.path for take in takes}
        there = {take.path for take in state.takes}
        both = (*state.takes, *(take for take in takes if take.path not in there))
        self._change(
            tuple(sorted(both, key=lambda take: (take.created, str(take.path)), reverse=True)),
            selection=tuple(take.path for take in takes),
            current=self._with_take(state.current) if state.current else None,
        )

        def check(back: list[Take]) -> None:
            if {take.path for take in back} != {take.path for take in takes}:  # another file took a name meanwhile
                self.load()

        self._shelf.restore(trashed, check, self._on_failure)
        self._find_again()

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
            self._shelf.fetch(source, self._on_fetching, self._on_fetched, self._on_failure)

    def retry(self) -> None:
        """Write again what could not be written."""
        self._store.dismiss_message()
        self._retry()

    def take_of(self, clip: Clip | None) -> Take | None:
        """The take that a sound in memory was written to or read from, unless that is deleted."""
        take = self._take_of.get(clip) if clip is not None else None
        return None if take is None or take.path in self._deleted else take

    def keep(self, generated: Generated, kept: Callable[[Take], None] | None = None) -> None:
        """Write a sound that was made; `kept` is called when it is on disk."""

        def saved(generated: Generated, take: Take) -> None:
            self._on_saved(generated, take)
            if kept is not None:
                kept(take)

        self._shelf.keep(generated, saved, self._on_not_saved)

    # --- inside -------------------------------------------------------------------------------------------------

    def _retry(self) -> None:
        self._shelf.retry(self._on_saved, self._on_not_saved)

    def _open_folder(self, folder: Path) -> None:
        self._shelf.move_to(folder)
        self._change((), selection=(), previous_folder=None, folder_problem="", takes_folder=folder, message=None)
        self._store.settingsChanged.emit()
        self.load()
        self._retry()

    def _load(self, sound: CurrentSound | None) -> None:
        self._wanted = None
        self.select(())  # the current take is what is meant now
        if sound is None:
            self._store.update(current=None)
        else:
            self._player.load(self._with_take(sound))

    def _with_take(self, sound: CurrentSound) -> CurrentSound:
        return replace(sound, take=self.take_of(sound.clip))

    def _meant(self, takes: Iterable[Take] | None) -> list[Take]:
        if takes is not None:
            return self._now(list(takes))
        state = self._store.state
        wanted = set(state.selection) or {state.current_path}
        return [take for take in state.takes if take.path in wanted]

    def _now(self, takes: list[Take]) -> list[Take]:
        """The same takes as they are now: they may have been marked or moved since they were named."""
        by_path = {take.path: take for take in self._store.state.takes}
        if all(take.path in by_path for take in takes):
            return [by_path[take.path] for take in takes]
        by_identity = {identity(take): take for take in by_path.values()}
        return [by_path.get(take.path) or by_identity.get(identity(take), take) for take in takes]

    def _change(self, takes: tuple[Take, ...], **also: object) -> None:
        self._changes += 1
        self._store.update(takes=takes, **also)

    def _show(self, takes: list[Take]) -> None:
        there = {take.path for take in takes}
        selection = tuple(path for path in self._store.state.selection if path in there)
        self._store.update(takes=tuple(takes), selection=selection)
        current = self._store.state.current
        if current is not None and current.take is not None and current.take.path not in there:
            (moved,) = self._now([current.take])
            self._take_of[current.clip] = moved
            self._store.update(current=replace(current, take=moved))
        recalled, self._recalled = self._recalled, None
        if recalled is not None and current is None:
            for take in takes:
                if take.path == recalled:
                    self._read(take, self._load)
        self._find_again()

    def _find_again(self) -> None:
        if self._store.state.found is not None:
            self.find(self._store.state.search)

    def _on_saved(self, generated: Generated, take: Take) -> None:
        state = self._store.state
        self._take_of[generated.clip] = take
        is_listed = any(known.path == take.path for known in state.takes)  # by a reading of the folder since
        self._change(state.takes if is_listed else (take, *state.takes))
        if state.current is not None and state.current.clip is generated.clip:
            self._player.tell_take(take)
        self.made.emit(take)
        self._find_again()

    def _on_not_saved(self, sentence: str) -> None:
        text = f"The take is not saved in its folder, but can be played. {sentence}"
        self._store.say(text, action="choose_folder", action_title="Choose folder")

    def _on_away(self, sentence: str) -> None:
        if self._store.state.folder_problem != sentence:
            self._store.update(folder_problem=sentence)
            self._store.say(sentence, action="choose_folder", action_title="Choose folder")

    def _on_failure(self, sentence: str) -> None:
        self._store.say(sentence)
        self.load()

    def _on_fetching(self, done: int, count: int) -> None:
        self._store.say(f"Moving takes: {done} of {count}.", is_error=False)

    def _on_fetched(self) -> None:
        self._store.say(f"All takes lie in {self.folder}; the old folder is emptied when you quit.", is_error=False)
        self._store.settingsChanged.emit()
        self.load()


def _counted(what: str, takes: list[Take]) -> str:
    return f"{what} take" if len(takes) == 1 else f"{what} {len(takes)} takes"
