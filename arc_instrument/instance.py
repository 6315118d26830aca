"""Which of several windows open at once this is: each has a session of its own, all share settings and takes."""

from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

MOST = 64


@dataclass(frozen=True)
class Instance:
    """The `number`th window, from 1, and where its session is kept. Holds a lock that ends with the process."""

    number: int
    session_file: Path
    lock: BaseFileLock | None


def claim(folder: Path) -> Instance:
    """Be the first instance whose place in `folder` is free; a kill frees it too.

    Where nothing can be locked this is the first one: such a folder cannot keep a session either.
    """
    for number in range(1, MOST + 1):
        session_file = folder / ("session.json" if number == 1 else f"session-{number}.json")
        lock = FileLock(session_file.with_suffix(".lock"), timeout=0)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            continue
        except (OSError, NotImplementedError):
            break
        return Instance(number, session_file, lock)
    return Instance(1, folder / "session.json", None)
