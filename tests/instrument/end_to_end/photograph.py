"""usage: PYTHONPATH=tests/instrument .venv/bin/python tests/instrument/end_to_end/photograph.py [FOLDER]

Makes the pictures of README and manual: the real window on a screen and a JACK server of its own, at work. They go
where they belong, or all into FOLDER.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from desktop import Desktop, wait_for
from instrument import Instrument
from jackd import JackServer

ROOT = Path(__file__).parents[3]
PICTURES = ("screenshot", "voice", "shape", "vary", "morph", "pads", "light")
PROMPTS = (
    "flute, long soft note",
    "deep bass, slow attack",
    "glass breaking",
    "closed hi-hat, tight",
    "punchy analog kick drum",
)
PLACE, SIZE = (20, 40), (1180, 720)
CORNERS = ((180, 546), (480, 507))  # the fields of A and D
PLAYED_S = 1.2  # into the take of 3 s


TAB_Y, TAB_X = 470, {"voice": 42, "shape": 98, "vary": 151, "morph": 204}  # in a window of SIZE


def photograph(picture_of: Callable[[str], Path], folder: Path) -> None:
    """Work with the instrument as a person does, and photograph the window on the way; files lie below `folder`."""
    server = JackServer(folder / "jackd.log")
    server.start()
    os.environ.update(server.environment)
    desktop = Desktop(folder)
    instrument = Instrument(desktop, folder / "home")

    def takes(count: int) -> None:
        wait_for(lambda: len(instrument.takes()) >= count, f"{count} takes")

    def shot(name: str) -> None:
        time.sleep(1.0)
        desktop.photograph(picture_of(name), instrument.window)

    def tab(name: str) -> None:
        desktop.click(PLACE[0] + TAB_X[name], PLACE[1] + TAB_Y)

    try:
        desktop.place(instrument.window, *PLACE, *SIZE)
        for number, prompt in enumerate(PROMPTS, start=1):
            desktop.activate(instrument.window)
            desktop.press("ctrl+l")
            instrument.order(prompt)
            takes(number)
        desktop.press("Escape")
        time.sleep(PLAYED_S * 3)  # until the last take has ended by itself
        desktop.press("space")
        time.sleep(PLAYED_S)
        shot("screenshot")
        desktop.press("ctrl+g")
        shot("voice")
        desktop.press("ctrl+g")
        tab("shape")
        desktop.press("ctrl+shift+l")
        shot("shape")
        desktop.press("ctrl+shift+l")
        tab("vary")
        desktop.press("ctrl+shift+v")
        time.sleep(8)
        desktop.press("3")
        shot("vary")
        tab("morph")
        for place, words in zip(CORNERS, ("kick drum", "glass bell"), strict=True):
            desktop.click(PLACE[0] + place[0], PLACE[1] + place[1])
            desktop.type(words)
        desktop.click(PLACE[0] + 740, PLACE[1] + 530)
        shot("morph")
        desktop.press("ctrl+l")
        desktop.press("ctrl+a")
        desktop.type("dusty lo-fi")
        desktop.press("Escape")
        desktop.press("ctrl+p")
        desktop.press("ctrl+shift+k")
        takes(len(PROMPTS) + 1 + 16)
        shot("pads")
        desktop.press("question")
        desktop.type("dark or light")
        desktop.press("Return")
        shot("light")
    finally:
        instrument.close()
        desktop.close()
        server.stop()


def home_of(name: str) -> Path:
    """Where a picture belongs."""
    return ROOT / "assets" / "screenshot.png" if name == "screenshot" else ROOT / "docs" / "pictures" / f"{name}.png"


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for made in PICTURES:
        home_of(made).parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        photograph(home_of if out is None else lambda name: out / f"{name}.png", Path(scratch))
