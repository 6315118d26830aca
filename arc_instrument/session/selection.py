"""Selection: what a person does to the takes they chose: favourites, tags, deletes."""

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QObject

from arc_instrument.domain import Take
from arc_instrument.session.history import History
from arc_instrument.session.shelf import Shelf
from arc_instrument.session.store import Store
from arc_instrument.session.takes import Takes
from arc_instrument.tags import tags_of
from arc_instrument.trash import KEPT_DAYS, Trashed


class Selection(QObject):
    """Lives in the GUI thread. What is done shows at once and can be undone; the file thread follows, and if it fails
    the list is read again and a sentence says why. "Takes" are by default those that are selected, and where none is
    the current one."""

    def __init__(self, store: Store, history: History, shelf: Shelf, takes: Takes):
        super().__init__(store)
        self._store, self._history, self._shelf, self._takes = store, history, shelf, takes

    def select(self, takes: Iterable[Take]) -> None:
        """What favourite, tags and delete are about."""
        selection = tuple(take.path for take in takes)
        if selection != self._store.state.selection:
            self._store.update(selection=selection)

    def toggle_favourite(self, takes: Iterable[Take] | None = None) -> None:
        """Favour `takes`, or if all of them are favourites none."""
        takes = self._meant(takes)
        favourite = not all(take.favourite for take in takes)
        label = "favourite" if favourite else "no favourite"
        self._mark(label, takes, [replace(take, favourite=favourite) for take in takes])

    def set_tags(self, tags: tuple[str, ...], takes: Iterable[Take] | None = None) -> None:
        """Give `takes` exactly these tags."""
        takes = self._meant(takes)
        self._mark("tags", takes, [replace(take, tags=tags) for take in takes])

    def write_tags(self, text: str, takes: Iterable[Take] | None = None) -> None:
        """Give `takes` the tags that `text` says, with commas between."""
        self.set_tags(tags_of(text), takes)

    def add_tag(self, text: str, takes: Iterable[Take] | None = None) -> None:
        """Give `takes` one more tag, or several with commas between."""
        takes = self._meant(takes)
        added = [replace(take, tags=tags_of(",".join((*take.tags, text)))) for take in takes]
        self._mark(f"tag {text.strip()}", takes, added)

    def remove_tag(self, tag: str, takes: Iterable[Take] | None = None) -> None:
        """Take a tag, however it is spelt, from `takes`."""
        takes = self._meant(takes)
        kept = [replace(take, tags=tuple(own for own in take.tags if own.casefold() != tag.casefold()))
                for take in takes]  # fmt: skip
        self._mark(f"no tag {tag}", takes, kept)

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
            for take, now in zip(takes, self._takes.now(takes), strict=True)
        ]
        by_path = {take.path: take for take in marked}
        self._takes.change(tuple(by_path.get(take.path, take) for take in self._store.state.takes))
        self._shelf.mark(marked, self._takes.on_failure)
        self._takes.find_again()

    def delete(self, takes: Iterable[Take] | None = None) -> None:
        """Move `takes` to the trash."""
        takes = self._meant(takes)
        if not takes:
            return
        trashed: list[Trashed] = []
        what = "The take is" if len(takes) == 1 else f"{len(takes)} takes are"
        text = f"{what} in the trash for {KEPT_DAYS} days."
        self._history.record(
            _counted("delete", takes),
            lambda: self._restore(takes, trashed),
            lambda: self._trash(takes, trashed),
        )
        self._store.say(text, is_error=False, action="undo", action_title="Undo")  # before a failure says otherwise
        self._trash(takes, trashed)

    def _trash(self, takes: list[Take], trashed: list[Trashed]) -> None:
        takes = self._takes.now(takes)
        gone, visible = {take.path for take in takes}, self._store.state.visible_takes
        last = max((row for row, take in enumerate(visible) if take.path in gone), default=-1)
        near = [*visible[last + 1 :], *reversed(visible[: last + 1])]
        neighbour = next((take for take in near if take.path not in gone), None)
        self._takes.unlist(takes, (neighbour.path,) if neighbour else ())
        self._shelf.delete(takes, trashed, self._takes.on_failure)

    def _restore(self, takes: list[Take], trashed: list[Trashed]) -> None:
        self._takes.list_again(takes)

        def check(back: list[Take]) -> None:
            if {take.path for take in back} != {take.path for take in takes}:  # another file took a name meanwhile
                self._takes.load()

        self._shelf.restore(trashed, check, self._takes.on_failure)
        self._takes.find_again()

    def _meant(self, takes: Iterable[Take] | None) -> list[Take]:
        if takes is not None:
            return self._takes.now(list(takes))
        state = self._store.state
        wanted = set(state.selection) or {state.current_path}
        return [take for take in state.takes if take.path in wanted]


def _counted(what: str, takes: list[Take]) -> str:
    return f"{what} take" if len(takes) == 1 else f"{what} {len(takes)} takes"
