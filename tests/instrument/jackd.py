"""A real JACK server with the dummy driver, for tests of sound and MIDI: import its fixtures in a conftest."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest
from programs import require

PROGRAMS = ("jackd", "jack_wait", "jack_connect", "jack_lsp")
PATIENCE_S = 30  # a busy machine starts a server in several seconds
_serial = itertools.count()


class JackServer:
    """A server of its own name; programs started by this process use it."""

    def __init__(self, log: Path, rate_hz: int = 44_100, block_frames: int = 128):
        self.name = f"arc-test-{os.getpid()}-{next(_serial)}"
        self.rate_hz, self.block_frames, self._log = rate_hz, block_frames, log
        self.process: subprocess.Popen | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {"JACK_NO_AUDIO_RESERVATION": "1", "JACK_DEFAULT_SERVER": self.name}

    def start(self) -> None:
        driver = ["-d", "dummy", "-r", str(self.rate_hz), "-p", str(self.block_frames), "-C", "2", "-P", "2"]
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                ["jackd", "--name", self.name, *driver],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._run("jack_wait", "-s", self.name, "-w", "-t", str(PATIENCE_S))

    def kill(self) -> None:
        """As a crash: kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server. One that was killed is started again first: only a server that ends by itself leaves the
        machine's table of JACK servers, and that has eight rows."""
        if self.process is None:
            return
        if self.process.poll() is not None:
            self.start()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.process = None

    def ports(self) -> list[str]:
        return self._run("jack_lsp", "-s", self.name).splitlines()

    def connect(self, source: str, destination: str) -> None:
        self._run("jack_connect", "-s", self.name, source, destination)

    def client_ports(self, client: str, direction: str) -> list[str]:
        """Audio ports of PortAudio's client, "in" or "out"."""
        return [port for port in self.ports() if re.fullmatch(rf"{client}:{direction}_\d", port)]

    def xruns(self) -> int:
        """As the server counted them."""
        return self._log.read_text(errors="replace").count("XRun")

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_S,
            check=True,
        )
        return done.stdout


def require_jack() -> None:
    require(*PROGRAMS, packages="jackd2")


@pytest.fixture(scope="session")
def shared_jack_server(tmp_path_factory):
    require_jack()
    server = JackServer(tmp_path_factory.mktemp("jack") / "jackd.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def jack_server(shared_jack_server, monkeypatch):
    """The running server; every program the test starts uses it."""
    for name, value in shared_jack_server.environment.items():
        monkeypatch.setenv(name, value)
    return shared_jack_server


@pytest.fixture
def own_jack_server(tmp_path, monkeypatch):
    """A server, not yet started, that the test may kill."""
    require_jack()
    server = JackServer(tmp_path / "jackd.log")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()
