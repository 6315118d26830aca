"""A prompt typed into the real window sounds at the JACK capture, and a MIDI note of another program plays it again."""

import subprocess
import sys
import time

import numpy as np
import pytest
from desktop import wait_for
from instrument import Instrument, JackRecorder, limited, read_take, share_heard

pytestmark = pytest.mark.slow

SEND_NOTE = """
import sys, mido
mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
name = next(name for name in mido.get_output_names() if name.startswith("ARC Instrument"))
with mido.open_output(name) as port:
    port.send(mido.Message("note_on", note=60, velocity=127))
    sys.stdin.read()
"""


def test_a_typed_prompt_becomes_a_wav_on_disk_and_the_same_sound_at_the_jack_capture(instrument, recorder):
    # A sound that lasts: of a kick one block that a busy sound server loses is a fifth.
    instrument.order("steady heavy rain")
    take = instrument.take()
    samples = read_take(take)
    heard = recorder.wait_for_sound(after=0, frames=len(samples))
    assert "steady-heavy-rain" in take.name
    share, gain = share_heard(heard, limited(samples))
    assert share > 0.9
    assert gain == pytest.approx(1, rel=0.01)
    assert 0.5 < np.abs(heard).max() / np.abs(samples).max() < 1.01  # a little down, never up
    assert np.abs(heard).max() <= 10 ** (-1 / 20) + 1e-6


@pytest.fixture
def played(instrument, recorder) -> np.ndarray:
    """The samples of a take that was made in the window, and has sounded to its end."""
    instrument.order("steady heavy rain")  # has no pitch: middle C plays it as it is
    samples = read_take(instrument.take())
    recorder.wait_for_sound(after=0, frames=len(samples))
    return samples


def test_a_midi_note_of_another_program_plays_the_take_after_silence(played, recorder, jack_server):
    wait_for(lambda: "ARC Instrument:in" in jack_server.ports(), "the instrument's MIDI input")
    silent_from = len(recorder.heard())
    with subprocess.Popen([sys.executable, "-c", SEND_NOTE], stdin=subprocess.PIPE) as sender:
        heard = recorder.wait_for_sound(silent_from, len(played))
        sender.communicate()
    share, gain = share_heard(heard, limited(played))
    assert share > 0.9
    assert gain == pytest.approx(1, rel=0.01)


def test_a_letter_on_the_keyboard_plays_the_take_once_escape_gave_the_keys_back(instrument, played, recorder):
    silent_from = len(recorder.heard())
    instrument.desktop.press("Escape")
    instrument.desktop.press("a")
    heard = recorder.wait_for_sound(silent_from, len(played))
    share, gain = share_heard(heard, played)
    assert share > 0.9
    assert gain == pytest.approx((100 / 127) ** 2, rel=0.01)  # velocity 100; the limiter has nothing to do


def test_torch_is_not_loaded_before_the_window_is_on_the_screen(instrument, capsys):
    while "libtorch" not in instrument.libraries():
        if instrument.windows():
            break
    else:
        assert instrument.windows(), "torch was loaded while no window was shown"
    shown_s = time.monotonic() - instrument.started
    assert "libQt6Widgets" in instrument.libraries()
    with capsys.disabled():
        print(f"\nwindow on the screen after {shown_s:.2f} s")
    wait_for(lambda: "libtorch" in instrument.libraries(), "torch, which shows that the check above can see it")


def test_the_first_key_of_the_next_start_plays_what_the_last_one_ended_with(
    instrument, played, desktop, jack_server, tmp_path
):
    instrument.close()
    again = Instrument(desktop, instrument.home)
    recorder = JackRecorder(jack_server, tmp_path / "again.raw")
    try:
        desktop.activate(again.window)
        wait_for(lambda: "libtorch" in again.libraries(), "the worker, which starts after the takes are read")
        time.sleep(2)
        desktop.press("Escape")
        silent_from = len(recorder.heard())
        desktop.press("a")
        heard = recorder.wait_for_sound(silent_from, len(played))
        share, _ = share_heard(heard, played)
        assert share > 0.9
    finally:
        again.close()
        recorder.close()
