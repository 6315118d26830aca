"""usage: PYTHONPATH=tests/instrument .venv/bin/python tests/instrument/end_to_end/photograph.py [PICTURE]

Makes the README's picture: the real window on a screen and a JACK server of its own, while it plays its last take.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from desktop import Desktop, wait_for
from instrument import Instrument
from jackd import JackServer

PICTURE = Path(__file__).parents[3] / "assets" / "screenshot.png"
PROMPTS = (
    "flute, long soft note",
    "deep bass, slow attack",
    "glass breaking",
    "closed hi-hat, tight",
    "punchy analog kick drum",
)
SIZE = (1180, 720)
PLAYED_S = 1.2  # into the take of 3 s


def photograph(picture: Path, folder: Path) -> None:
    """Order a take for each prompt, play the last one, and photograph the window; files lie below `folder`."""
    server = JackServer(folder / "jackd.log")
    server.start()
    os.environ.update(server.environment)
    desktop = Desktop(folder)
    instrument = Instrument(desktop, folder / "home")
    try:
        desktop.place(instrument.window, 20, 40, *SIZE)
        for number, prompt in enumerate(PROMPTS, start=1):
            desktop.activate(instrument.window)
            desktop.press("ctrl+l")
            instrument.order(prompt)
            wait_for(lambda number=number: len(instrument.takes()) == number, f"the take of “{prompt}”")
        desktop.press("Escape")
        time.sleep(PLAYED_S * 3)  # until the last take has ended by itself
        desktop.press("space")
        time.sleep(PLAYED_S)
        desktop.photograph(picture, instrument.window)
    finally:
        instrument.close()
        desktop.close()
        server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        photograph(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE, Path(scratch))
