"""The thread for files: takes are written and sounds are read there, so that a slow disk never stops the window."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from arc_instrument.domain import Clip, Generated, Take, UserError
from arc_instrument.library import Library
from arc_instrument.takefile import read_settings, read_take

_log = logging.getLogger(__name__)
Deliver = Callable[[Callable[[], None]], None]


class Shelf:
    """Runs the library's and the reader's work one job after the other.

    `deliver` brings a callback to the caller's thread; every callback of every method goes through it. A take that
    could not be written stays in memory until `retry` succeeds; what still waits at the end goes to `refuge`.
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
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")
        self._unsaved: list[Generated] = []

    @property
    def folder(self) -> Path:
        return self._library.folder

    def move_to(self, folder: Path) -> None:
        """Keep takes in `folder` from now on; those already written stay where they are."""
        self._library = Library(folder)

    def keep(
        self, generated: Generated, saved: Callable[[Generated, Take], None], failed: Callable[[str], None]
    ) -> None:
        """Write a take."""
        library = self._library

        def add() -> Take:
            try:
                return library.add(generated)
            except BaseException:
                self._unsaved.append(generated)  # here, not in a callback: at shutdown nobody delivers those
                raise

        self._run(add, lambda take: saved(generated, take), failed)

    def retry(self, saved: Callable[[Generated, Take], None], failed: Callable[[str], None]) -> None:
        """Write again what could not be written."""
        waiting, self._unsaved = self._unsaved, []
        for generated in waiting:
            self.keep(generated, saved, failed)

    def list_takes(self, done: Callable[[list[Take]], None], failed: Callable[[str], None]) -> None:
        """Read every take of the library, and those that found refuge."""
        library, refuge = self._library, self._refuge

        def takes() -> list[Take]:
            kept = library.takes() + (refuge.takes() if refuge and refuge.folder.is_dir() else [])
            return sorted(kept, key=lambda take: take.created, reverse=True)

        self._run(takes, done, failed)

    def read(self, path: Path, done: Callable[[Clip], None], failed: Callable[[str], None]) -> None:
        """Read an audio file."""
        self._run(lambda: self._read_clip(path), done, failed)

    def read_take(
        self, path: Path, done: Callable[[Take | None, Clip | None], None], failed: Callable[[str], None]
    ) -> None:
        """Read the take that a file says it is, and its sound; (None, None) for another program's file."""

        def read() -> tuple[Take | None, Clip | None]:
            if read_settings(path) is None:
                return None, None
            clip = self._read_clip(path)
            return read_take(path, clip), clip

        self._run(read, lambda found: done(*found), failed)

    def shutdown(self) -> None:
        """Wait for what is still being written, and find a place for what could not be."""
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

    def run(self, job: Callable[[], object], done: Callable[..., None], failed: Callable[[str], None]) -> None:
        """Any other work with files; a `UserError` of it is told as it is."""
        self._run(job, done, failed)

    def _run(self, job: Callable[[], object], done: Callable[..., None], failed: Callable[[str], None]) -> None:
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
