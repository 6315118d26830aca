"""The instrument as people start it, and a program that records what it plays."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from desktop import PATIENCE_S, Desktop, wait_for
from jackd import JackServer

from arc_instrument.audio.mixer import Mixer

COMMAND = Path(sys.executable).with_name("arc-instrument")
AUDIBLE = 1e-3


class Instrument:
    """A running `arc-instrument` with its window on `desktop` and its folders below `home`."""

    def __init__(self, desktop: Desktop, home: Path):
        self.desktop, self.home = desktop, home
        self.started = time.monotonic()
        self._log = home.parent / "instrument.log"
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [COMMAND],
                env={**desktop.environment, "ARC_INSTRUMENT_HOME": str(home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def is_running(self) -> bool:
        return self.process.poll() is None

    def windows(self) -> list[str]:
        assert self.is_running(), f"the instrument ended: {self._log.read_text(errors='replace')}"
        return self.desktop.windows(self.process.pid, "ARC Instrument")

    @property
    def window(self) -> str:
        """Its window's id, once it is on the screen."""
        return wait_for(self.windows, "the window")[0]

    def libraries(self) -> str:
        """The shared libraries in its memory."""
        return Path(f"/proc/{self.process.pid}/maps").read_text()

    def order(self, prompt: str) -> None:
        """Type the prompt and press Enter, as a person does in a window that was just opened."""
        self.desktop.activate(self.window)
        self.desktop.type(prompt)
        self.desktop.press("Return")

    def takes(self) -> list[Path]:
        return sorted(self.home.glob("takes/*/*.wav"))

    def take(self) -> Path:
        """The one take, once it is on disk."""
        wait_for(self.takes, "a take on disk")
        (take,) = self.takes()
        return take

    def work(self) -> dict:
        """What the session file keeps, {} before it is written."""
        file = self.home / "session" / "session.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def close(self) -> None:
        """Close the window with the instrument's own shortcut; whatever still runs then is killed."""
        if self.is_running() and self.windows():
            self.desktop.activate(self.windows()[0])
            self.desktop.press("ctrl+q")
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler then writes where each thread stands
            self.process.wait(PATIENCE_S)

    def said(self) -> str:
        """What it wrote to its standard output and error."""
        return self._log.read_text(errors="replace")


class JackRecorder:
    """A second program whose inputs are connected to the instrument's outputs by `jack_connect`."""

    def __init__(self, server: JackServer, path: Path):
        self.path, self.rate_hz = path, server.rate_hz
        outputs = wait_for(lambda: stereo_ports(server, "PortAudio", "out"), "the instrument's JACK outputs")
        known = set(server.ports())
        script = Path(__file__).with_name("jack_recorder.py")
        self._process = subprocess.Popen([sys.executable, script, path], stdin=subprocess.PIPE, env=os.environ)

        def new_client() -> str | None:
            new = (port.partition(":")[0] for port in server.ports() if port not in known)
            return next((client for client in new if stereo_ports(server, client, "in")), None)

        client = wait_for(new_client, "the recorder's JACK inputs")
        for output, input_ in zip(outputs, server.client_ports(client, "in"), strict=True):
            server.connect(output, input_)
        wait_for(lambda: len(self.heard()), "the recorder's first block")

    def heard(self) -> np.ndarray:
        """What it has recorded so far, float32 (frames, 2)."""
        data = self.path.read_bytes() if self.path.exists() else b""
        return np.frombuffer(data[: len(data) // 8 * 8], np.float32).reshape(-1, 2)

    def wait_for_sound(self, after: int, frames: int) -> np.ndarray:
        """What was recorded from the first sound after frame `after` on: `frames` and the silence behind them."""

        def whole() -> list[np.ndarray]:
            heard = self.heard()[after:]
            loud = np.abs(heard).max(axis=1) > AUDIBLE
            heard = heard[loud.argmax() :] if loud.any() else heard[:0]
            is_over = len(heard) > frames and not loud[-self.rate_hz :].any()
            return [heard] if is_over else []

        return wait_for(whole, "a sound and its end at the JACK capture")[0]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)


def stereo_ports(server: JackServer, client: str, direction: str) -> list[str]:
    """Both ports of a stereo client, [] until both are there."""
    ports = server.client_ports(client, direction)
    return ports if len(ports) == 2 else []


def read_take(path: Path) -> np.ndarray:
    """float32 (frames, 2) of a finished 24-bit stereo WAV."""
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("WAV", "PCM_24", 2, 44_100)
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def limited(samples: np.ndarray) -> np.ndarray:
    """What the instrument plays of a take at full gain: loud takes come out of its limiter, which bends short attacks
    by more than `share_heard` forgives."""
    mixer, out = Mixer(44_100), np.zeros_like(samples)
    mixer.arm(samples)
    mixer.play()
    mixer.process(out)
    return out


def share_heard(heard: np.ndarray, played: np.ndarray) -> tuple[float, float]:
    """The share of the energy of `played` that is in `heard`, sample by sample but for gain; and that gain.

    Both are float32 (frames, 2). A busy sound server inserts a block of silence now and then, so each piece of 20 ms
    is looked for by itself, at most 0.1 s from where the piece before it was found.
    """
    piece, reach = 882, 4_410
    played = played[(np.abs(played).max(axis=1) > AUDIBLE).argmax() :]
    heard = np.pad(heard, ((reach, reach + len(played)), (0, 0)))
    lag, energies, found, gains = reach, [], [], []
    for start in range(0, len(played) - piece, piece):
        wanted = played[start : start + piece]
        first = max(start + lag - reach, 0)
        window = heard[first : start + lag + reach + piece]
        energies.append(float((wanted**2).sum()))
        products = sum(np.correlate(window[:, channel], wanted[:, channel]) for channel in (0, 1))
        sums = np.pad(np.cumsum((window**2).sum(axis=1), dtype=np.float64), (1, 0))
        likeness = products / np.sqrt(energies[-1] * (sums[piece:] - sums[:-piece]) + 1e-12)
        best = int(likeness.argmax())
        if likeness[best] > 0.99:
            lag = first + best - start
            found.append(energies[-1])
            gains.append(products[best] / energies[-1])
    return sum(found) / sum(energies), float(np.median(gains)) if gains else 0.0
