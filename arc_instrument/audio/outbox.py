"""Messages of the audio process to the app, written by a thread of their own."""

import queue
import threading
import time
from typing import BinaryIO

from arc_instrument.audio.protocol import encode

MAX_WAITING = 2_000  # messages an app that does not read may leave; then notes and levels are left out


class Outbox:
    """Messages to the app. `put` never waits: a thread of its own writes them."""

    def __init__(self, pipe: BinaryIO):
        self._pipe = pipe
        self._queue: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._run, name="outbox", daemon=True).start()

    def put(self, kind: str, must_arrive: bool = True, **fields: object) -> None:
        if must_arrive or self._queue.qsize() < MAX_WAITING:
            self._queue.put(encode(kind, **fields))

    def flush(self, timeout_seconds: float) -> None:
        """Wait until all is in the pipe, at most so long: what the writing thread has taken is not there yet."""
        end = time.monotonic() + timeout_seconds
        while self._queue.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)

    def _run(self) -> None:
        try:
            while True:
                self._pipe.write(self._queue.get())
                if self._queue.empty():
                    self._pipe.flush()
                self._queue.task_done()
        except OSError:
            return  # the app is gone; the end of stdin ends this process
