"""One thread a core, each with a torch of one thread: independent blocks of work without a barrier inside them."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch


class Workers:
    """Threads that share a list of blocks. Used from one thread at a time."""

    def __init__(self, threads: int):
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, "block", _single_threaded)

    def each(self, work: Callable[[int], None], items: Iterable[int]) -> None:
        """Call `work` for every item and return when all are done; the first error is raised."""
        threads = torch.get_num_threads()
        for _ in self._pool.map(work, items):
            pass
        torch.set_num_threads(threads)  # a new worker's own setting also reaches MKL's global one


def _single_threaded() -> None:
    torch.get_num_threads()  # the first call of a thread adopts the process's number, which would undo the next line
    torch.set_num_threads(1)
