"""What a player does in the real window with a microphone, a MIDI keyboard and pads: real servers, real programs."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from desktop import wait_for
from instrument import Instrument, JackRecorder, limited, read_take, share_heard, stereo_ports

from arc_instrument.audio.wavfile import read_clip
from arc_instrument.domain import RATE_HZ
from arc_instrument.onsets import onset_times
from arc_instrument.takefile import read_settings

pytestmark = pytest.mark.slow

PLACE = (10, 30, 900, 560)
OPTIONS = (127, 355)
BEAT_S = 0.5
CUT_S = 0.02  # an onset before this is where the recording cuts into a hit

SEND = """
import sys, time, mido
mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
name = next(name for name in mido.get_output_names() if name.startswith("ARC Instrument"))
with mido.open_output(name) as port:
    for line in sys.stdin:
        port.send(mido.Message.from_bytes(bytes.fromhex(line)))
"""


class Keyboard:
    """A MIDI keyboard: a program of its own, connected to the instrument's port."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SEND], stdin=subprocess.PIPE, text=True)

    def send(self, *messages: tuple[int, ...]) -> None:
        assert self.process.stdin is not None
        for message in messages:
            self.process.stdin.write(bytes(message).hex() + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(60) == 0


@pytest.fixture
def keyboard(instrument, jack_server):
    wait_for(lambda: "ARC Instrument:in" in jack_server.ports(), "the instrument's MIDI input")
    made = Keyboard()
    yield made
    made.close()


@pytest.fixture
def beat(instrument, jack_server, tmp_path):
    """A drummer in front of the microphone: a burst of noise every half second, by another program."""
    time = np.arange(round(BEAT_S * RATE_HZ)) / RATE_HZ
    hit = np.random.default_rng(0).uniform(-0.5, 0.5, len(time)) * np.exp(-time / 0.03)
    soundfile.write(tmp_path / "beat.wav", np.stack([hit, hit], axis=1), RATE_HZ, subtype="FLOAT")
    inputs = wait_for(lambda: stereo_ports(jack_server, "PortAudio", "in"), "the instrument's JACK inputs")
    known = set(jack_server.ports())
    script = Path(__file__).with_name("jack_player.py")
    with subprocess.Popen([sys.executable, script, tmp_path / "beat.wav"], stdin=subprocess.PIPE) as player:

        def outputs() -> list[str]:
            new = [port for port in jack_server.ports() if port not in known and ":out_" in port]
            return new if len(new) == 2 else []

        for output, input_ in zip(wait_for(outputs, "its outputs"), inputs, strict=True):
            jack_server.connect(output, input_)
        yield
        player.communicate()


@pytest.fixture
def window(instrument, desktop):
    """The window in its place, the keys on the instrument."""
    desktop.place(instrument.window, *PLACE)
    desktop.activate(instrument.window)
    desktop.press("Escape")
    return instrument


def recordings(instrument: Instrument) -> list[Path]:
    return sorted(path for path in instrument.home.rglob("Recording *.wav") if "recordings" in path.parts)


def gaps(path: Path) -> list[float]:
    """Seconds from each onset to the next, as a musician counts them."""
    return [second - first for first, second in pairwise(t for t in onset_times(read_clip(path)) if t > CUT_S)]


def test_a_beat_is_counted_in_recorded_for_a_bar_and_what_the_next_sound_starts_from(window, beat, desktop):
    desktop.click(PLACE[0] + OPTIONS[0], PLACE[1] + OPTIONS[1])
    for typed in ("120", "4", "2", "1"):  # tempo, beats a bar, count-in, bars
        desktop.type(typed)
        desktop.press("Tab")
    desktop.press("Escape")
    desktop.press("i")
    desktop.press("r")
    (recording,) = wait_for(lambda: recordings(window), "the recording, which ends by itself after its bar")
    assert soundfile.info(recording).frames / RATE_HZ == pytest.approx(2 - BEAT_S / 2, abs=BEAT_S / 2)
    assert gaps(recording) == pytest.approx([BEAT_S] * len(gaps(recording)), abs=0.02)
    assert len(gaps(recording)) >= 2
    desktop.press("ctrl+l")
    window.order("glass percussion")
    settings = read_settings(window.take())
    assert settings is not None
    assert settings["init_name"].startswith("Recording")
    assert settings["init_noise"] < 1


def test_what_was_played_before_anybody_recorded_is_kept_with_one_press(window, beat, desktop):
    wait_for(lambda: recordings(window) or desktop.press("shift+r"), "what the microphone heard")
    kept = recordings(window)[-1]
    assert 0 < soundfile.info(kept).frames <= 12 * RATE_HZ
    assert set(np.round(gaps(kept), 1)) <= {BEAT_S}
    wait_for(lambda: window.work().get("init_name", "").startswith("Kept"), "it in the session")


def test_a_knob_learns_the_cutoff_and_a_button_learns_to_make_a_sound(window, keyboard, desktop):
    def learn(title: str) -> None:
        desktop.press("question")
        desktop.type(title)
        desktop.press("shift+Return")

    def cutoff_hz() -> float:
        return window.work().get("parts", {}).get("shape", {}).get("low_pass_hz", 0)

    def bound() -> int:
        files = list(window.home.rglob("settings.toml"))
        return files[0].read_text().count("target = ") if files else 0

    learn("cutoff")
    wait_for(lambda: bound() == 1 or keyboard.send((0xB0, 74, 127)), "the knob to be learned")
    keyboard.send(*((0xB0, 74, value) for value in range(127, 63, -1)))
    wait_for(lambda: cutoff_hz() == pytest.approx(20 * 1000 ** (64 / 127), rel=0.01), "the cutoff")
    desktop.press("ctrl+l")
    desktop.type("bell")
    desktop.press("Escape")
    learn("generate")
    wait_for(lambda: bound() == 2 or keyboard.send((0xB0, 20, 127), (0xB0, 20, 0)), "the button to be learned")
    keyboard.send((0xB0, 20, 127), (0xB0, 20, 0))
    wait_for(window.takes, "a sound made by the button")


def test_a_kit_from_one_prompt_is_played_on_channel_10_and_by_letters(window, keyboard, recorder, desktop):
    desktop.press("ctrl+l")
    desktop.type("dusty")
    desktop.press("Escape")
    desktop.press("ctrl+p")
    desktop.press("ctrl+shift+k")
    wait_for(lambda: len(window.takes()) == 16, "sixteen takes")
    (snare,) = (path for path in window.takes() if "snare" in path.name)
    played = read_take(snare)
    for hit, velocity in (
        (lambda: keyboard.send((0x99, 38, 127), (0x89, 38, 0)), 127),
        (lambda: desktop.press("s"), 100),
    ):
        silent_from = len(recorder.heard())
        hit()
        heard = recorder.wait_for_sound(silent_from, len(played))
        loud = played * np.float32((velocity / 127) ** 2)
        share, gain = share_heard(heard, limited(loud))
        assert share > 0.9
        assert gain == pytest.approx(1, rel=0.02)


def test_live_is_heard_while_a_prompt_is_typed_and_kept_once_the_typing_rests(window, recorder, desktop):
    desktop.press("ctrl+t")
    desktop.press("ctrl+l")
    desktop.type("steady heavy rain")  # and no Enter
    take = window.take()
    assert "steady-heavy-rain" in take.name
    assert np.abs(recorder.heard()).max() > 0.01


def test_one_of_eight_variations_is_chosen_with_a_digit_and_undone_with_ctrl_z(window, desktop):
    desktop.press("ctrl+l")
    window.order("bell")
    first = window.take()
    desktop.press("Escape")
    desktop.press("ctrl+shift+v")
    wait_for(lambda: len(window.takes()) == 2 or desktop.press("3"), "the third of the eight as a take")
    (chosen,) = (path for path in window.takes() if path != first)
    settings, before = read_settings(chosen), read_settings(first)
    assert settings is not None
    assert before is not None
    assert (settings["seed"], list(before.get("walk", ()))) == (before["seed"], [])
    ((_seed, distance),) = settings["walk"]
    assert distance == 0.3
    wait_for(lambda: window.work().get("take", "").endswith(chosen.name), "it as the current take")
    desktop.press("ctrl+z")
    wait_for(lambda: window.work().get("take", "").endswith(first.name), "the first as the current take")


def test_a_flood_of_midi_leaves_the_window_alive_and_no_note_behind(window, keyboard, recorder, desktop):
    desktop.press("ctrl+l")
    window.order("steady heavy rain")
    window.take()
    desktop.press("Escape")
    desktop.press("ctrl+shift+l")  # a note that is stuck would sound for ever
    for _ in range(20):
        keyboard.send(*((0x90, 40 + index % 40, 100 * (index % 3 > 0)) for index in range(1_000)))
    keyboard.send(*((0x80, note, 0) for note in range(128)), (0xB0, 64, 127), (0x90, 60, 90), (0x80, 60, 0))
    keyboard.send((0xB0, 123, 0))  # the pedal is still down
    silent_from = len(recorder.heard())
    wait_for(lambda: not recorder.heard()[max(silent_from, len(recorder.heard()) - RATE_HZ) :].any(), "silence")
    desktop.press("ctrl+d")
    wait_for(lambda: len(window.takes()) == 2, "the window to obey")


def test_after_a_kill_the_next_start_goes_on_without_a_dialog(window, desktop):
    desktop.press("ctrl+l")
    desktop.type("bell")
    wait_for(lambda: window.work().get("sound", {}).get("prompt") == "bell", "the prompt in the session file")
    window.process.kill()
    window.process.wait()
    again = Instrument(desktop, window.home)
    try:
        desktop.activate(again.window)
        desktop.press("ctrl+Return")
        assert "bell" in again.take().name
        assert len(desktop.windows(again.process.pid)) == 1
    finally:
        again.close()
        window.process = again.process


def test_two_windows_at_once_have_a_session_each_and_share_the_takes(window, desktop):
    second = Instrument(desktop, window.home)
    try:
        second.order("rain")
        wait_for(second.takes, "its take")
        desktop.activate(window.window)
        desktop.press("ctrl+l")
        window.order("bell")
        wait_for(lambda: len(window.takes()) == 2, "a take of both")
        sessions = lambda: sorted(path.name for path in (window.home / "session").glob("session*.json"))  # noqa: E731
        wait_for(lambda: sessions() == ["session-2.json", "session.json"], "a session file of each")
    finally:
        second.close()
    assert second.process.returncode == 0


def test_a_sound_server_that_dies_and_comes_back_is_played_through_again_by_itself(
    desktop, own_jack_server, home, tmp_path
):
    own_jack_server.start()
    instrument = Instrument(desktop, home)
    try:
        instrument.order("steady heavy rain")
        played = read_take(instrument.take())
        own_jack_server.kill()
        own_jack_server.start()
        recorder = JackRecorder(own_jack_server, tmp_path / "heard.raw")
        desktop.activate(instrument.window)
        desktop.press("Escape")
        silent_from = len(recorder.heard())
        desktop.press("a")
        heard = recorder.wait_for_sound(silent_from, len(played))
        recorder.close()
        share, _ = share_heard(heard, limited(played * np.float32((100 / 127) ** 2)))
        assert share > 0.9
    finally:
        instrument.close()
    assert instrument.process.returncode == 0
