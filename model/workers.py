"""One thread a core, each with a torch of one thread: independent blocks of work without a barrier inside them."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Threads that share a list of blocks. Used from one thread at a time."""

    def __init__(self, threads: int):
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, "block", _single_threaded)

    def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, done by a worker: weights are packed for the number of threads that packs them."""
        return self.map(lambda _: work(), [None])[0]

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results of `work` for every item, in order; the first error is raised."""
        threads = torch.get_num_threads()
        results = list(self._pool.map(work, items))
        torch.set_num_threads(threads)  # a new worker's own setting also reaches MKL's global one
        return results


def _single_threaded() -> None:
    torch.get_num_threads()  # the first call of a thread adopts the process's number, which would undo the next line
    torch.set_num_threads(1)
