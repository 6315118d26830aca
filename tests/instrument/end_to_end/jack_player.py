"""usage: python jack_player.py FILE — a program of its own that loops a WAV into JACK until its stdin ends."""

import sys

import numpy as np
import sounddevice
import soundfile


def jack_output() -> int:
    host_apis = sounddevice.query_hostapis()
    return next(api["default_output_device"] for api in host_apis if api["name"].startswith("JACK"))


def main() -> None:
    samples, rate_hz = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
    frame = 0

    def play(outdata, frames, _time, _status) -> None:
        nonlocal frame
        outdata[:] = samples[np.arange(frame, frame + frames) % len(samples)]
        frame += frames

    output = sounddevice.OutputStream(
        rate_hz, device=jack_output(), channels=samples.shape[1], dtype="float32", callback=play
    )
    with output:
        sys.stdin.read()


if __name__ == "__main__":
    main()
