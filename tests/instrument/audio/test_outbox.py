"""Messages of the audio process reach the app, also the last one before the process leaves."""

import io
import time

from arc_instrument.audio.outbox import MAX_WAITING, Outbox
from arc_instrument.audio.protocol import decode


class SlowPipe(io.BytesIO):
    """Takes a while for each write; holds back what is not flushed."""

    arrived = b""

    def write(self, line) -> int:
        time.sleep(0.05)
        return super().write(line)

    def flush(self) -> None:
        self.arrived = self.getvalue()


def test_after_a_flush_every_message_is_in_the_pipe_also_the_one_that_was_being_written():
    pipe = SlowPipe()
    outbox = Outbox(pipe)
    for number in range(3):
        outbox.put("note", note=number)
    outbox.flush(10)
    assert [decode(line)[1]["note"] for line in pipe.arrived.splitlines()] == [0, 1, 2]


def test_a_flush_gives_up_on_an_app_that_does_not_read():
    class Full(io.BytesIO):
        def write(self, line) -> int:
            raise BrokenPipeError

    outbox = Outbox(Full())
    outbox.put("levels")
    outbox.flush(0.05)
    assert outbox._queue.unfinished_tasks == 1


def test_what_need_not_arrive_is_left_out_when_too_much_waits():
    pipe = SlowPipe()
    outbox = Outbox(pipe)
    for _ in range(MAX_WAITING + 2):
        outbox.put("levels", must_arrive=False)
    outbox.put("recorded")
    assert MAX_WAITING <= outbox._queue.qsize() <= MAX_WAITING + 1
