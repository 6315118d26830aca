"""The thread for files: takes are written and sounds are read there, so that a slow disk never stops the window."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from arc_instrument import relocation
from arc_instrument.domain import Clip, Generated, Take, UserError
from arc_instrument.library import Library
from arc_instrument.takefile import read_settings, read_take
from arc_instrument.trash import Trashed

_log = logging.getLogger(__name__)
Deliver = Callable[[Callable[[], None]], None]
Result = TypeVar("Result")
Failed = Callable[[str], None]


class Shelf:
    """Runs the library's and the reader's work one job after the other.

    `deliver` brings a callback to the caller's thread; every callback of every method goes through it. A take that
    cannot be written where it belongs is written to `refuge`; if that fails too it stays in memory until `retry`
    succeeds, and is tried once more at the end.
    """

    def __init__(
        self,
        library: Library,
        read_clip: Callable[[Path], Clip],
        deliver: Deliver,
        executor: Executor | None = None,
        refuge: Library | None = None,
    ):
        self._library, self._read_clip, self._deliver, self._refuge = library, read_clip, deliver, refuge
        self._libraries = [library]  # every one of this session, for takes that lie in an earlier one
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")
        self._unsaved: deque[Generated] = deque()  # filled by the file thread
        self._copied: list[tuple[Path, Path]] = []  # whose originals go at the end
        self._is_open = True

    @property
    def folder(self) -> Path:
        return self._library.folder

    def move_to(self, folder: Path) -> None:
        """Keep takes in `folder` from now on; those already written stay where they are."""
        known = next((library for library in self._libraries if library.folder == folder), None)
        self._library = known or Library(folder)
        if known is None:
            self._libraries.append(self._library)

    # --- takes in and out ---------------------------------------------------------------------------------------

    def keep(self, generated: Generated, saved: Callable[[Generated, Take], None], failed: Failed) -> None:
        """Write a take. If it reaches only the refuge, `failed` says why before `saved` tells where it is."""
        library = self._library

        def add() -> Take:
            try:
                return library.add(generated)
            except BaseException as error:
                taken = self._take_refuge(generated, error)
                if taken is None:
                    self._unsaved.append(generated)  # here, not in a callback: at shutdown nobody delivers those
                    raise
                return taken

        def tell(take: Take) -> None:
            saved(generated, take)
            if self._refuge and take.path.is_relative_to(self._refuge.folder):
                failed(f"It lies in {take.path.parent} until {library.folder} can be written again.")

        self._run(add, tell, failed)

    def retry(self, saved: Callable[[Generated, Take], None], failed: Failed) -> None:
        """Write again what could not be written."""
        for _ in range(len(self._unsaved)):  # each that fails again waits again
            self.keep(self._unsaved.popleft(), saved, failed)

    def list_takes(self, done: Callable[[list[Take]], None], failed: Failed) -> None:
        """Read every take of the library, and those that found refuge."""
        library = self._library
        self._run(lambda: self._takes(library), done, failed)

    def look(self, done: Callable[[list[Take] | None], None], failed: Failed) -> None:
        """The takes again if anything changed since they were listed, else None. Brings home what found refuge."""
        library = self._library

        def takes() -> list[Take] | None:
            stale = library.is_stale()
            return self._takes(library) if self._bring_home(library) or stale else None

        self._run(takes, done, failed)

    def search(self, text: str, done: Callable[[frozenset[Path]], None], failed: Failed) -> None:
        """Paths of the takes that have the words of `text`."""
        library, refuge = self._library, self._refuge
        self._run(lambda: library.search(text) | (refuge.search(text) if refuge else frozenset()), done, failed)

    def mark(self, takes: list[Take], failed: Failed) -> None:
        """Keep the favourites and tags that `takes` say."""

        def write() -> None:
            for library in {self._home(take.path): None for take in takes}:
                library.mark([take for take in takes if self._home(take.path) is library])

        self._run(write, lambda _: None, failed)

    def delete(self, takes: list[Take], trashed: list[Trashed], failed: Failed) -> None:
        """Move takes to the trash; each is put into `trashed`, in the file thread, when it is there."""

        def move() -> None:
            for take in takes:
                self._home(take.path).delete([take], trashed.append)

        self._run(move, lambda _: None, failed)

    def restore(self, trashed: list[Trashed], done: Callable[[list[Take]], None], failed: Failed) -> None:
        """Bring back what `delete` put into `trashed`, and empty that."""

        def bring_back() -> list[Take]:
            back = []
            while trashed:
                back += self._home(trashed[-1].take.path).restore([trashed[-1]])
                trashed.pop()
            return back

        self._run(bring_back, done, failed)

    def read(self, path: Path, done: Callable[[Clip], None], failed: Failed) -> None:
        """Read an audio file."""
        self._run(lambda: self._read_clip(path), done, failed)

    def read_take(
        self, path: Path, done: Callable[[Clip | None, Take | None], None], failed: Callable[[str], None]
    ) -> None:
        """Read a file of ours, sound and settings; both are None for another program's file."""

        def read() -> tuple[Clip | None, Take | None]:
            if read_settings(path) is None:
                return None, None
            clip = self._read_clip(path)
            return clip, read_take(path, clip)

        self._run(read, lambda found: done(*found), failed)

    def empty_trash(self) -> None:
        """Remove for good what was deleted long ago, from the library and from the refuge."""
        for library in filter(None, (self._library, self._refuge)):
            self._run(library.empty_trash, lambda _: None, lambda _: None)

    # --- the takes folder moves ---------------------------------------------------------------------------------

    def fetch(self, source: Path, progress: Callable[[int, int], None], done: Callable[[], None], failed: Failed):
        """Copy the takes in `source` here, other jobs in between; at the end of the session the originals go."""
        target = self._library.folder

        def copy() -> Iterator[tuple[int, int]]:
            relocation.begin(source, target)
            yield from relocation.copy(source, target)
            self._copied.append((source, target))

        self.step(copy(), progress, done, failed, at_once=20)

    def resume_fetching(self, progress: Callable[[int, int], None], done: Callable[[], None], failed: Failed) -> None:
        """Go on with a move into the library that was cut off."""
        library = self._library

        def go_on(source: Path | None) -> None:
            if source is not None:
                self.fetch(source, progress, done, failed)

        self._run(lambda: relocation.unfinished(library.folder), go_on, failed)

    def shutdown(self) -> None:
        """Wait for what is still being written, and find a place for what could not be. The settings must be saved
        by now: originals of a moved library go here."""
        self._is_open = False
        self._executor.shutdown(wait=True)
        for generated in self._unsaved:
            for library in filter(None, (self._library, self._refuge)):
                try:
                    take = library.add(generated)
                except Exception:
                    _log.exception("a take could not be written")
                else:
                    _log.warning("a take that could not be written before lies in %s", take.path)
                    break
        for source, target in self._copied:
            if target == self._library.folder:  # and nobody went back to the old folder
                try:
                    relocation.finish(source, target)
                except UserError:
                    _log.exception("a takes folder could not be emptied")

    def run(self, job: Callable[[], object], done: Callable[..., None], failed: Callable[[str], None]) -> None:
        """Do any other work that the window must not wait for; a `UserError` of it is told as it is."""
        self._run(job, done, failed)

    def step(
        self,
        steps: Iterator[tuple[int, int]],
        progress: Callable[[int, int], None],
        done: Callable[[], None],
        failed: Failed,
        at_once: int = 1,
    ) -> None:
        """Run `steps` as many small jobs, so that what a person does meanwhile need not wait for all of them."""
        if not self._is_open:
            return  # a marker in the new folder makes the next start go on with a move

        def some() -> tuple[int, int] | None:
            reached = None
            for _ in range(at_once):
                reached = next(steps, None)
                if reached is None:
                    break
            return reached

        def go_on(reached: tuple[int, int] | None) -> None:
            if reached is None:
                done()
            else:
                progress(*reached)
                self.step(steps, progress, done, failed, at_once)

        self._run(some, go_on, failed)

    # --- inside -------------------------------------------------------------------------------------------------

    def _takes(self, library: Library) -> list[Take]:
        refuge = self._refuge
        kept = library.takes()
        if refuge and refuge.folder.is_dir():
            kept = sorted(kept + refuge.takes(), key=lambda take: take.created, reverse=True)
        return kept

    def _take_refuge(self, generated: Generated, error: BaseException) -> Take | None:
        if self._refuge is None or not isinstance(error, UserError):
            return None
        try:
            return self._refuge.add(generated)
        except UserError:
            return None

    def _bring_home(self, library: Library) -> bool:
        """Move what found refuge into the library; whether there was anything."""
        refuge = self._refuge
        if refuge is None or refuge.folder == library.folder or not any(refuge.folder.glob("*/*.wav")):
            return False
        relocation.begin(refuge.folder, library.folder)
        relocation.finish(refuge.folder, library.folder)
        return True

    def _home(self, path: Path) -> Library:
        """The library in whose folder `path` lies."""
        libraries = [*self._libraries, *([self._refuge] if self._refuge else [])]
        return next((library for library in libraries if path.is_relative_to(library.folder)), self._library)

    def _run(self, job: Callable[[], Result], done: Callable[[Result], None], failed: Failed) -> None:
        def work() -> None:
            try:
                result = job()
            except UserError as error:
                sentence = str(error)
                self._deliver(lambda: failed(sentence))
            except Exception as error:
                _log.exception("a file job failed")
                sentence = f"That failed on {type(error).__name__} ({error}): choose another folder or file."
                self._deliver(lambda: failed(sentence))
            else:
                self._deliver(lambda: done(result))

        self._executor.submit(work)
