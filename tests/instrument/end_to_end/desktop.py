"""A real X desktop for tests: Xvfb, the window manager openbox, and xdotool as hands; a conftest imports `desktop`."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import require

PROGRAMS = ("Xvfb", "openbox", "xdotool", "import", "xprop", "xwininfo")
PATIENCE_S = 240  # for anything that a machine, however busy, has to do
DRAG_STEPS = 12
DRAG_PAUSE_S = 0.05  # between two moves of a drag: each is answered by both programs over the X server
DRAG_ATTEMPTS, DRAG_PATIENCE_S = 3, 20


def poll(condition: Callable, seconds: float):
    """The first true value of `condition()`, asked every 20 ms; its last value when `seconds` have passed."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def wait_for(condition: Callable, what: str, seconds: float = PATIENCE_S):
    """The first true value of `condition()`; fails the test when `seconds` have passed."""
    return poll(condition, seconds) or pytest.fail(f"after {seconds:g} s still waiting for {what}")


class Desktop:
    """A screen of 1600×1000 on a display number that was free."""

    def __init__(self, folder: Path):
        self._folder = folder
        reading, writing = os.pipe()
        self._server = self._start(  # -noreset: else it drops who connects just as its only client leaves
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=(writing,),
        )
        os.close(writing)
        with open(reading) as number:  # ends with a line when the server answers, without one when it died
            self.display = f":{number.readline().strip()}"
        assert self.display != ":", f"Xvfb did not start: {(folder / 'Xvfb.log').read_text(errors='replace')}"
        self._manager = self._start(["openbox", "--sm-disable"], env={**self.environment, "HOME": str(folder)})
        wait_for(lambda: "window id" in self._tool("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"), "openbox")

    @property
    def environment(self) -> dict[str, str]:
        """For programs that shall open their windows here."""
        kept = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
        return {**kept, "DISPLAY": self.display}

    def windows(self, process: int, title: str = "") -> list[str]:
        """Ids of the visible windows of `process` whose title contains the regular expression `title`."""
        return self._tool("xdotool", "search", "--all", "--onlyvisible", "--pid", str(process), "--name", title).split()

    def title(self, window: str) -> str:
        return self._tool("xdotool", "getwindowname", window).strip()

    def geometry(self, window: str) -> tuple[int, ...]:
        """Left, top, width, height in pixels of the screen, without the frame."""
        told = self._tool("xwininfo", "-id", window)
        names = ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height")
        return tuple(int(number) for name in names for number in re.findall(rf"{name}: +(-?\d+)", told))

    def place(self, window: str, left: int, top: int, width: int, height: int) -> None:
        """Move and resize; returns once the window has its size."""
        self._do("windowsize", window, str(width), str(height))
        self._do("windowmove", window, str(left), str(top))
        wait_for(lambda: self.geometry(window)[2:] == (width, height), f"the window to become {width}×{height}")

    def activate(self, window: str) -> None:
        """Bring to the front, with the keyboard."""
        self._do("windowactivate", window)
        wait_for(lambda: self._tool("xdotool", "getactivewindow").strip() == window, "the window to become active")

    def type(self, text: str) -> None:
        self._do("type", "--delay", "20", text)

    def press(self, key: str) -> None:
        self._do("key", key)

    def click(self, left: int, top: int) -> None:
        self._do("mousemove", str(left), str(top))
        self._do("click", "1")

    def drag(self, start: tuple[int, int], end: tuple[int, int], accepted: Callable, what: str) -> None:
        """Drag until `accepted()`: a busy machine can let go before the other program has answered the first time."""
        for _ in range(DRAG_ATTEMPTS):
            self._drag_once(start, end)
            if poll(accepted, DRAG_PATIENCE_S):
                return
        pytest.fail(f"dragged {DRAG_ATTEMPTS} times, and still without {what}")

    def _drag_once(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """As a hand drags: button down, many small moves, a rest over the target, button up."""
        self._do("mousemove", *map(str, start))
        time.sleep(DRAG_PAUSE_S)
        self._do("mousedown", "1")
        for step in range(1, DRAG_STEPS + 1):
            point = (round(a + (b - a) * step / DRAG_STEPS) for a, b in zip(start, end, strict=True))
            self._do("mousemove", *map(str, point))
            time.sleep(DRAG_PAUSE_S)
        for wiggle in (3, -3) * (DRAG_STEPS // 2):
            self._do("mousemove_relative", "--", str(wiggle), "0")
            time.sleep(DRAG_PAUSE_S)
        self._do("mouseup", "1")

    def pixel(self, left: int, top: int) -> bytes:
        """Red, green and blue of one point of the screen."""
        command = ["import", "-window", "root", "-crop", f"1x1+{left}+{top}", "-depth", "8", "rgb:-"]
        return subprocess.run(command, env=self.environment, capture_output=True, timeout=PATIENCE_S, check=True).stdout

    def photograph(self, path: Path, window: str = "root") -> None:
        subprocess.run(["import", "-window", window, str(path)], env=self.environment, timeout=PATIENCE_S, check=False)

    def close(self) -> None:
        for process in (self._manager, self._server):
            process.terminate()
            process.wait(PATIENCE_S)

    def _start(self, command: list[str], **options) -> subprocess.Popen:
        with open(self._folder / f"{command[0]}.log", "wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)

    def _do(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.environment, timeout=PATIENCE_S, check=True)

    def _tool(self, *command: str) -> str:
        """Standard output; a search without a result and a window that just closed give an empty one."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return done.stdout


@pytest.fixture(scope="session")
def desktop(tmp_path_factory):
    require(*PROGRAMS, packages="xvfb openbox xdotool imagemagick x11-utils")
    made = Desktop(tmp_path_factory.mktemp("desktop"))
    yield made
    made.close()
