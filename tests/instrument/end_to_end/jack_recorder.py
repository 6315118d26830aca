"""usage: python jack_recorder.py FILE — a program of its own that records two JACK inputs until its stdin ends.

FILE grows as it records: raw float32 (frames, 2), native byte order.
"""

import queue
import sys
import threading

import sounddevice


def jack_input() -> int:
    host_apis = sounddevice.query_hostapis()
    return next(api["default_input_device"] for api in host_apis if api["name"].startswith("JACK"))


def main() -> None:
    blocks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=lambda: (sys.stdin.read(), blocks.put(None)), daemon=True).start()

    def hear(indata, _frames, _time, _status) -> None:
        blocks.put(indata.tobytes())

    inputs = sounddevice.InputStream(device=jack_input(), channels=2, dtype="float32", callback=hear)
    with open(sys.argv[1], "wb", buffering=0) as file, inputs:
        while (block := blocks.get()) is not None:
            file.write(block)


if __name__ == "__main__":
    main()
