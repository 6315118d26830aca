"""What a person does with the mouse in the real window: trims and loops, deletes and takes back, drops files of their
own and of ours, and says how to record. What came of it is read from the files that the instrument writes."""

import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from desktop import Desktop, wait_for
from instrument import Instrument
from programs import require

from arc_instrument.takefile import read_settings

pytestmark = pytest.mark.slow

WINDOW_PLACE, OTHER_PLACE = (10, 30, 900, 560), (940, 30, 640, 560)
START, END = (32, 247), (572, 247)  # the handles of an unedited sound, in the window
TOP, FOOT = 247, 273  # where trims and loop points are grabbed
CARD, SLOT, OPTIONS = (730, 237), (384, 367), (127, 355)
FILE_ICON = (1149, 147)  # the one file of a folder that pcmanfm shows at OTHER_PLACE


class Hand:
    """A hand on the mouse in the instrument's window, which lies at WINDOW_PLACE."""

    def __init__(self, instrument: Instrument, desktop: Desktop):
        self.instrument, self.desktop = instrument, desktop

    def click(self, at: tuple[int, int]) -> None:
        self.desktop.click(WINDOW_PLACE[0] + at[0], WINDOW_PLACE[1] + at[1])

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        left, top = WINDOW_PLACE[:2]
        self.desktop.drag((left + start[0], top + start[1]), (left + end[0], top + end[1]), lambda: True, "")

    def export(self) -> Path:
        """The current sound as it is heard, written with the shortcut."""
        before = self._exports()
        self.desktop.press("ctrl+shift+e")
        return wait_for(lambda: [path for path in self._exports() if path not in before], "the export")[0]

    def _exports(self) -> list[Path]:
        return sorted(self.instrument.home.glob("takes exports/[!.]*"))


@pytest.fixture
def hand(instrument, desktop) -> Hand:
    """With a take of 3 s made, and the keys back on the instrument."""
    desktop.place(instrument.window, *WINDOW_PLACE)
    instrument.order("closed hi-hat")
    instrument.take()
    desktop.press("Escape")
    return Hand(instrument, desktop)


@pytest.fixture
def folder_window(desktop, tmp_path):
    """Shows a folder with one file in a file manager beside the instrument."""
    require("pcmanfm", packages="pcmanfm")
    started = []

    def show(file: Path) -> None:
        places = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"), str(tmp_path))
        with open(tmp_path / "pcmanfm.log", "wb") as log:
            started.append(
                subprocess.Popen(
                    ["pcmanfm", "--new-win", str(file.parent)],
                    env={**desktop.environment, **places},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
        window = wait_for(lambda: desktop.windows(started[-1].pid), "the file manager")[-1]
        desktop.place(window, *OTHER_PLACE)
        points = [(FILE_ICON[0] + beside, FILE_ICON[1] + 12) for beside in range(-16, 17, 4)]
        wait_for(lambda: any(desktop.pixel(*point) != b"\xff\xff\xff" for point in points), "the file's icon")

    yield show
    for process in started:
        process.terminate()
        process.wait(10)


def test_trims_and_loop_points_are_dragged_exported_undone_one_by_one_and_there_at_the_next_start(hand, instrument):
    whole = soundfile.info(hand.export()).frames
    hand.drag(START, (150, TOP))
    hand.drag(END, (400, TOP))
    hand.desktop.press("ctrl+shift+l")
    hand.drag((150, FOOT), (200, FOOT))
    hand.drag((400, FOOT), (350, FOOT))
    path = hand.export()
    told = read_settings(path)
    assert told is not None
    per_px = whole / (END[0] - START[0])
    first, last = told["edit"]["start"], told["edit"]["end"]
    assert (first, last) == pytest.approx((118 * per_px, 368 * per_px), abs=4 * per_px)
    assert soundfile.info(path).frames == last - first
    assert told["loop"] == pytest.approx([50 * per_px, 200 * per_px], abs=6 * per_px)
    wait_for(lambda: instrument.work().get("parts", {}).get("edit", {}).get("end") == last, "the edit in the session")
    for expected in ((first, last, True), (first, last, True), (first, last, False), (first, None, False)):
        hand.desktop.press("ctrl+z")
        told = read_settings(hand.export())
        assert told is not None
        assert (told["edit"]["start"], told["edit"]["end"], told.get("loop") is not None) == expected
    hand.desktop.press("ctrl+z")
    told = read_settings(hand.export())
    assert told is not None
    assert told.get("edit") is None


def test_a_take_that_was_deleted_is_back_on_the_disk_when_that_is_undone(hand, instrument):
    take = instrument.take()
    samples = take.read_bytes()
    hand.click(CARD)
    hand.desktop.press("Delete")
    wait_for(lambda: not take.exists(), "the take to go")
    hand.desktop.press("ctrl+z")
    wait_for(lambda: take.exists(), "the take to come back")
    assert take.read_bytes() == samples


def test_what_is_typed_into_the_recording_options_is_kept(hand, instrument):
    hand.click(OPTIONS)
    for typed in ("90", "3", "5", "2"):  # tempo, beats a bar, count-in, bars
        hand.desktop.type(typed)
        hand.desktop.press("Tab")
    hand.desktop.press("Escape")

    def kept() -> dict:
        files = list(instrument.home.rglob("settings.toml"))
        return tomllib.loads(files[0].read_text())["voice"] if files else {}

    wait_for(lambda: kept().get("record_bars") == 2, "the settings file")
    voice = kept()
    assert (voice["metronome_bpm"], voice["beats_per_bar"], voice["count_in_beats"]) == (90, 3, 5)


def test_a_flac_dropped_from_a_file_manager_is_what_the_next_sound_starts_from(
    hand, instrument, folder_window, desktop, tmp_path
):
    file = tmp_path / "drop" / "beat.flac"
    file.parent.mkdir()
    soundfile.write(file, np.random.default_rng(0).uniform(-0.1, 0.1, (44_100, 2)), 44_100)
    folder_window(file)
    target = WINDOW_PLACE[0] + SLOT[0], WINDOW_PLACE[1] + SLOT[1]
    desktop.drag(FILE_ICON, target, lambda: instrument.work().get("init_name") == "beat.flac", "the recording")
    assert file.exists()


def test_an_export_dropped_on_the_window_brings_back_every_setting(hand, instrument, folder_window, desktop, tmp_path):
    made = dict(instrument.work()["sound"]) if instrument.work() else {}
    path = hand.export()
    told = read_settings(path)
    assert told is not None
    file = tmp_path / "drop" / path.name
    file.parent.mkdir()
    file.write_bytes(path.read_bytes())
    desktop.press("ctrl+l")
    desktop.press("ctrl+a")
    desktop.type("something else")
    desktop.press("Escape")
    wait_for(lambda: instrument.work().get("sound", {}).get("prompt") == "something else", "the other prompt")
    folder_window(file)
    target = WINDOW_PLACE[0] + 300, WINDOW_PLACE[1] + 432
    desktop.drag(FILE_ICON, target, lambda: instrument.work()["sound"]["prompt"] == "closed hi-hat", "the prompt")
    sound = instrument.work()["sound"]
    assert (sound["seed"], sound["seed_locked"], sound["steps"]) == (told["seed"], True, told["steps"])
    assert sound["seconds"] == pytest.approx(told["seconds"])
    assert not made or made["prompt"] == "closed hi-hat"
