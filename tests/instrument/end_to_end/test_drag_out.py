"""The card of a take, dragged with the mouse onto another program's window, gives that program the take's file."""

import subprocess
from pathlib import Path

import pytest
from desktop import PATIENCE_S, Desktop, require, wait_for
from instrument import Instrument

pytestmark = pytest.mark.slow

INSTRUMENT_PLACE = (10, 30, 900, 560)
OTHER_PLACE = (940, 30, 640, 560)
CARD_RIGHT_PX, CARD_TOP_PX = 170, 237  # the middle of the first card, from the window's right and top edge


class OtherProgram:
    """A program of other people with its window beside the instrument's, its settings in `folder`."""

    def __init__(self, desktop: Desktop, folder: Path, *command: str):
        self.desktop = desktop
        folder.mkdir()
        places = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), str(folder))
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                command, env={**desktop.environment, **places}, cwd=folder, stdout=log, stderr=subprocess.STDOUT
            )
        self.window = wait_for(lambda: desktop.windows(self.process.pid), f"the window of {command[0]}")[-1]
        desktop.place(self.window, *OTHER_PLACE)

    @property
    def middle(self) -> tuple[int, int]:
        left, top, width, height = self.desktop.geometry(self.window)
        return left + width // 2, top + height // 2

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def other(desktop, tmp_path):
    """Starts a program; it is ended with the test."""
    started = []

    def start(*command: str) -> OtherProgram:
        started.append(OtherProgram(desktop, tmp_path / command[0], *command))
        return started[-1]

    yield start
    for program in started:
        program.close()


def card(instrument: Instrument) -> tuple[int, int]:
    left, top, width, _ = instrument.desktop.geometry(instrument.window)
    return left + width - CARD_RIGHT_PX, top + CARD_TOP_PX


@pytest.fixture
def take(instrument) -> Path:
    """A take made in the window, which then lies at the left."""
    instrument.desktop.place(instrument.window, *INSTRUMENT_PLACE)
    instrument.order("glass")
    return instrument.take()


def test_a_file_manager_copies_the_dragged_take_and_the_library_keeps_it(instrument, take, other, desktop, tmp_path):
    require("pcmanfm", packages="pcmanfm")
    folder = tmp_path / "session"
    folder.mkdir()
    manager = other("pcmanfm", "--new-win", str(folder))
    desktop.drag(card(instrument), manager.middle)
    copy = folder / take.name
    wait_for(lambda: copy.exists() and copy.stat().st_size == take.stat().st_size, "the copy")
    assert copy.read_bytes() == take.read_bytes()


def test_a_sound_editor_opens_the_dragged_take(instrument, take, other, desktop):
    require("mhwaveedit", packages="mhwaveedit")
    editor = other("mhwaveedit")
    assert take.stem not in desktop.title(editor.window)
    desktop.drag(card(instrument), editor.middle)
    wait_for(lambda: take.stem in desktop.title(editor.window), "the take's name in the editor's title")
