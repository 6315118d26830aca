"""A take's card, or the handle of the kit, dragged with the mouse onto another program's window, gives it the files."""

import subprocess
from pathlib import Path

import pytest
from desktop import PATIENCE_S, Desktop, wait_for
from programs import require

pytestmark = pytest.mark.slow

INSTRUMENT_PLACE = (10, 30, 900, 560)
OTHER_PLACE = (940, 30, 640, 560)
CARD_RIGHT_PX, CARD_TOP_PX = 170, 237  # the middle of the first card, from the window's right and top edge
KIT_HANDLE = (305, 432)  # in the window, with the pads shown
BELOW_CARD_PX = 150  # from there to where the list is empty


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
    desktop.photograph(tmp_path / "dropped.png")
    for program in started:
        program.close()


@pytest.fixture
def take(instrument) -> Path:
    """A take made in the window, which then lies at the left."""
    instrument.desktop.place(instrument.window, *INSTRUMENT_PLACE)
    instrument.order("glass")
    return instrument.take()


@pytest.fixture
def card(instrument, take, desktop) -> tuple[int, int]:
    """The middle of the take's card on the screen, once it is drawn."""
    left, top, width, _ = desktop.geometry(instrument.window)
    x, y = left + width - CARD_RIGHT_PX, top + CARD_TOP_PX
    wait_for(lambda: desktop.pixel(x, y) != desktop.pixel(x, y + BELOW_CARD_PX), "the card")
    return x, y


def test_a_file_manager_copies_the_dragged_take_and_the_library_keeps_it(card, take, other, desktop, tmp_path):
    require("pcmanfm", packages="pcmanfm")
    folder = tmp_path / "session"
    folder.mkdir()
    samples = take.read_bytes()
    manager = other("pcmanfm", "--new-win", str(folder))
    copy = folder / take.name
    desktop.drag(card, manager.middle, lambda: copy.exists() and copy.stat().st_size == len(samples), "the copy")
    assert copy.read_bytes() == take.read_bytes() == samples


def test_the_handle_of_the_kit_gives_a_file_manager_the_sound_of_every_pad(instrument, other, desktop, tmp_path):
    require("pcmanfm", packages="pcmanfm")
    desktop.place(instrument.window, *INSTRUMENT_PLACE)
    desktop.activate(instrument.window)
    desktop.type("dusty")
    for keys in ("Escape", "ctrl+p", "ctrl+shift+k"):
        desktop.press(keys)
    wait_for(lambda: len(instrument.takes()) == 16, "sixteen takes")
    folder = tmp_path / "session"
    folder.mkdir()
    manager = other("pcmanfm", "--new-win", str(folder))
    handle = INSTRUMENT_PLACE[0] + KIT_HANDLE[0], INSTRUMENT_PLACE[1] + KIT_HANDLE[1]

    def copied() -> bool:
        return {path.name: path.stat().st_size for path in folder.glob("*.wav")} == {
            path.name: path.stat().st_size for path in instrument.takes()
        }

    desktop.drag(handle, manager.middle, copied, "the copies")


def test_a_sound_editor_opens_the_dragged_take(card, take, other, desktop):
    require("mhwaveedit", packages="mhwaveedit")
    editor = other("mhwaveedit")
    assert take.stem not in desktop.title(editor.window)
    desktop.drag(card, editor.middle, lambda: take.stem in desktop.title(editor.window), "its name in the editor")
    assert "(00:03.0): 44100 Hz, 24 bit" in desktop.title(editor.window)  # so the editor has read it
