"""Undo and redo of everything a person does, in one order."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject

from arc_instrument.session.store import Store

MERGE_S = 1.0  # a drag or typing goes on if it pauses no longer than this
MAX_STEPS_KEPT = 1_000
MAX_BYTES = 256 * 2**20  # of sounds that only the history still holds

Change = Callable[[], object]


@dataclass
class _Step:
    label: str
    undo: Change
    redo: Change
    merge: str
    holds_bytes: int
    at_s: float


class History(QObject):
    """Lives in the GUI thread; renders what would be undone and redone next into the store.

    Every part of the session records what it did: `undo` and `redo` set absolute values, so that they hold whatever
    the program itself (a loaded model, a finished variation) changed in between.
    """

    def __init__(self, store: Store, now_s: Callable[[], float] = time.monotonic):
        super().__init__(store)
        self._store, self._now_s = store, now_s
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._is_replaying = False

    def record(self, label: str, undo: Change, redo: Change, *, merge: str = "", holds_bytes: int = 0) -> None:
        """`label` was done, as in "delete 3 takes". Steps of the same `merge` in quick succession become one.

        `holds_bytes`: memory that only this step keeps alive; the oldest steps go when all hold too much.
        """
        if self._is_replaying:
            return
        now_s = self._now_s()
        last = self._done[-1] if self._done and not self._undone else None
        self._undone.clear()
        if last is not None and merge and last.merge == merge and now_s - last.at_s <= MERGE_S:
            last.redo, last.at_s, last.holds_bytes = redo, now_s, max(last.holds_bytes, holds_bytes)
        else:
            self._done.append(_Step(label, undo, redo, merge, holds_bytes, now_s))
        while len(self._done) > 1 and (
            len(self._done) > MAX_STEPS_KEPT or sum(step.holds_bytes for step in self._done) > MAX_BYTES
        ):
            del self._done[0]
        self._render()

    def settle(self) -> None:
        """A gesture has ended: what comes next is a step of its own, however soon."""
        if self._done:
            self._done[-1].merge = ""

    def undo(self) -> None:
        """Take back the last step, if there is one."""
        if self._done:
            step = self._done.pop()
            self._undone.append(step)
            self._replay(step.undo)

    def redo(self) -> None:
        """Do again what was undone last, if nothing else was done since."""
        if self._undone:
            step = self._undone.pop()
            self._done.append(step)
            self._replay(step.redo)

    def _replay(self, change: Change) -> None:
        self._is_replaying = True
        try:
            change()
        finally:
            self._is_replaying = False
            self.settle()
            self._render()

    def _render(self) -> None:
        message = self._store.state.message
        self._store.update(
            undo_label=self._done[-1].label if self._done else "",
            redo_label=self._undone[-1].label if self._undone else "",
            message=None if message and message.action == "undo" else message,  # it offered to undo another step
        )
