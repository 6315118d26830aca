"""The thread for files: takes are written and sounds are read there, so that a slow disk never stops the window."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from arc_instrument.domain import Clip, Generated, Take, UserError
from arc_instrument.library import Library

_log = logging.getLogger(__name__)
Deliver = Callable[[Callable[[], None]], None]


class Shelf:
    """Runs the library's and the reader's work one job after the other.

    `deliver` brings a callback to the caller's thread; every callback of every method goes through it. A take that
    could not be written stays in memory until `retry` succeeds.
    """

    def __init__(
        self, library: Library, read_clip: Callable[[Path], Clip], deliver: Deliver, executor: Executor | None = None
    ):
        self._library, self._read_clip, self._deliver = library, read_clip, deliver
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

        def lost(sentence: str) -> None:
            self._unsaved.append(generated)
            failed(sentence)

        self._run(lambda: library.add(generated), lambda take: saved(generated, take), lost)

    def retry(self, saved: Callable[[Generated, Take], None], failed: Callable[[str], None]) -> None:
        """Write again what could not be written."""
        waiting, self._unsaved = self._unsaved, []
        for generated in waiting:
            self.keep(generated, saved, failed)

    def list_takes(self, done: Callable[[list[Take]], None], failed: Callable[[str], None]) -> None:
        """Read every take of the library."""
        self._run(self._library.takes, done, failed)

    def read(self, path: Path, done: Callable[[Clip], None], failed: Callable[[str], None]) -> None:
        """Read an audio file."""
        self._run(lambda: self._read_clip(path), done, failed)

    def shutdown(self) -> None:
        """Wait for what is still being written."""
        self._executor.shutdown(wait=True)

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
