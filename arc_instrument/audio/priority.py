"""Priority of the audio process: whoever holds the GIL that the callback waits for must not be put aside meanwhile."""

import os
import sys
import threading
from contextlib import suppress

ABOVE_ALL_OTHERS = 1  # the least of the real-time priorities: JACK's own is 10


def run_before_others() -> None:
    """Give every thread of this process, and those it starts, a real-time priority, where the system allows it.

    A driver gives one to the callback's thread alone. Another thread of this process that was interrupted by some
    program while it held the GIL then kept the callback waiting. Linux only, where rtprio is granted.
    """
    if sys.platform == "linux":
        for thread in threading.enumerate():
            with suppress(OSError):  # not granted, or it has just ended
                os.sched_setscheduler(thread.native_id or 0, os.SCHED_RR, os.sched_param(ABOVE_ALL_OTHERS))
