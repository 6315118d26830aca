"""A running recording on disk: a thread copies it from the ring into a WAV that is whole after every write."""

import os
import struct
import threading
from pathlib import Path

import numpy as np

from arc_instrument.audio.recorder import Recorder

WRITE_SECONDS = 0.2  # what kill -9 may cost; the ring would forgive a disk that is a second late
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")  # RIFF, fmt of 16 bytes, data: IEEE float, stereo


class Tape:
    """Writes what `recorder` records to `path` until `stop`; made while the recording runs or waits for its start.

    A disk that cannot be written costs the recording only its safety: `problem` then says why.
    """

    def __init__(self, recorder: Recorder, path: Path):
        self.path, self.problem = path, ""
        self._recorder, self._start = recorder, recorder.start_frame or 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tape", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write no more; returns once the file is closed. What is on disk may lack the last 0.2 s."""
        self._ended.set()
        self._thread.join(0.3)  # a slow disk must not keep the notes waiting

    def _run(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "xb", buffering=0) as file:
                frames, rate_hz = 0, round(self._recorder.rate_hz)
                file.write(_header(0, rate_hz))
                while not self._ended.wait(WRITE_SECONDS):
                    samples = self._recorder.read(self._start + frames, self._recorder.written)
                    if len(samples):
                        frames += len(samples)
                        _append(file, samples, _header(frames, rate_hz))
        except OSError as error:
            self.problem = (
                f"The recording is kept in memory only: {self.path.parent} cannot be written "
                f"({error.strerror or error}), make room on the disk."
            )


def _append(file, samples: np.ndarray, header: bytes) -> None:
    """Samples first, then the header that counts them: a process killed between leaves a readable file."""
    file.seek(0, os.SEEK_END)
    file.write(np.ascontiguousarray(samples, "<f4").tobytes())
    file.seek(0)
    file.write(header)
    os.fsync(file.fileno())


def _header(frames: int, rate_hz: int) -> bytes:
    size = 8 * frames
    fields = (b"RIFF", _HEADER.size - 8 + size, b"WAVE", b"fmt ", 16, 3, 2, rate_hz, 8 * rate_hz, 8, 32, b"data", size)
    return _HEADER.pack(*fields)
