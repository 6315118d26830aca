"""The recording booth over a real JACK server: round trip, count-in, retroactive capture, monitor, crashes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from test_audio_process import is_alive, loop_back, process_id, sounding, start, tone

from arc_instrument.audio.client import RecordingPlan
from arc_instrument.audio.metronome import ACCENT_LEVEL, CLICK_LEVEL
from arc_instrument.domain import RATE_HZ

BEAT = 0.25  # seconds, at 240 a minute
RECORDING_APP = """
import sys
from PySide6.QtCore import QCoreApplication
from arc_instrument.audio.client import AudioClient, AudioSettings, RecordingPlan
app = QCoreApplication([])
client = AudioClient()
def on_state(state):
    if state.running:
        client.start_recording(RecordingPlan(path=sys.argv[1]))
client.stateChanged.connect(on_state)
client.levelsChanged.connect(lambda levels: print(client._process.processId(), levels.recorded_seconds, flush=True))
client.start(AudioSettings())
app.exec()
"""
PLAY_AND_LISTEN = """
import sys, numpy as np, sounddevice
heard = sounddevice.playrec(np.full((66_150, 2), 0.25, np.float32), 44_100, channels=2, blocking=True)
sys.stdout.buffer.write(heard.tobytes())
"""


@pytest.fixture
def running(client, jack_server, qtbot):
    start(client, qtbot)
    return client


@pytest.fixture
def looped(running, jack_server):
    """A client whose outputs are wired to its own inputs."""
    loop_back(jack_server)
    return running


def is_connected(jack_server, source: str, destination: str) -> bool:
    """Connect two ports; False while a client has registered its ports but is not active yet."""
    try:
        jack_server.connect(source, destination)
    except subprocess.CalledProcessError:
        return False
    return True


def calibrate(client, qtbot) -> float | None:
    with qtbot.waitSignal(client.calibrated, timeout=10_000) as blocker:
        client.calibrate()
    return blocker.args[0]


def without_xruns(jack_server, attempt, accept):
    """What `attempt` gives; once more if it is not accepted and the server lost a block meanwhile."""
    for _ in range(4):
        xruns = jack_server.xruns()
        result = attempt()
        if accept(result) or jack_server.xruns() == xruns:
            break
    return result


def test_calibration_finds_the_round_trip_of_a_wire_which_is_a_period_of_the_server(looped, jack_server, qtbot):
    period_ms = 1000 * jack_server.block_frames / RATE_HZ

    def is_right(milliseconds):
        return milliseconds is not None and abs(milliseconds - period_ms) < 0.5 * 1000 / RATE_HZ  # to the frame

    assert is_right(without_xruns(jack_server, lambda: calibrate(looped, qtbot), is_right))
    assert looped.state.device_pair == "JACK: system → system, 44100 Hz"


def test_without_an_echo_calibration_says_so(running, qtbot):
    assert calibrate(running, qtbot) is None


@pytest.mark.parametrize("count_in_beats", [4, 0])
def test_what_is_played_to_the_click_lies_on_the_beat_to_the_sample(looped, jack_server, qtbot, count_in_beats):
    round_trip_ms = calibrate(looped, qtbot)
    plan = RecordingPlan("", 240, 4, count_in_beats, metronome=True, bars=2, round_trip_ms=round_trip_ms)

    def record():
        with qtbot.waitSignal(looped.recorded, timeout=10_000) as blocker:
            looped.start_recording(plan)  # it ends by itself after two bars
        return blocker.args[0].samples

    def on_the_beat(samples):
        beats = [round(beat * BEAT * RATE_HZ) for beat in range(8)]
        levels = [ACCENT_LEVEL if beat % 4 == 0 else CLICK_LEVEL for beat in range(8)]
        between = [np.abs(samples[at - 100 : at]).max() for at in beats[1:]]
        return np.allclose(samples[beats, 0], levels, rtol=1e-5) and max(between) == 0

    samples = without_xruns(jack_server, record, on_the_beat)
    assert len(samples) == round(8 * BEAT * RATE_HZ)
    assert on_the_beat(samples)


def test_the_count_in_is_heard_and_told_and_not_recorded(looped, qtbot):
    beats = []
    looped.levelsChanged.connect(lambda levels: beats.append(levels.count_in_beat))
    with qtbot.waitSignal(looped.recorded, timeout=10_000) as blocker:
        looped.start_recording(RecordingPlan("", 240, 4, count_in_beats=3, bars=1))
    assert [beat for beat in dict.fromkeys(beats) if beat] == [1, 2, 3]
    samples = blocker.args[0].samples
    assert len(samples) == round(4 * BEAT * RATE_HZ)
    assert not samples[RATE_HZ // 10 :].any()
    with qtbot.waitSignal(looped.kept, timeout=5_000) as blocker:
        looped.keep_last()
    assert np.abs(blocker.args[0].samples).max() == pytest.approx(CLICK_LEVEL, rel=1e-3)


def test_a_recording_stopped_in_its_count_in_is_empty(looped, qtbot):
    looped.start_recording(RecordingPlan(count_in_beats=16, bpm=60))
    qtbot.wait(200)
    with qtbot.waitSignal(looped.recorded, timeout=5_000) as blocker:
        looped.stop_recording()
    assert len(blocker.args[0].samples) == 0


def test_what_was_played_before_anybody_recorded_is_brought_back(looped, jack_server, qtbot):
    clip = tone(0.4)
    looped.arm(clip)

    def play_and_keep():
        with qtbot.waitSignal(looped.played, timeout=5_000):
            looped.play()
        qtbot.wait(900)
        with qtbot.waitSignal(looped.kept, timeout=5_000) as blocker:
            looped.keep_last()
        return sounding(blocker.args[0].samples)

    middle = slice(1_000, 15_000)  # away from the fades

    def is_whole(samples):
        return len(samples) > 15_000 and np.array_equal(samples[-len(clip.samples) :][middle], clip.samples[middle])

    kept = without_xruns(jack_server, play_and_keep, is_whole)
    assert is_whole(kept)


def test_the_input_is_heard_only_while_the_monitor_is_on(running, jack_server, qtbot):
    def listen() -> np.ndarray:
        ours = {way: jack_server.client_ports("PortAudio", way) for way in ("in", "out")}
        with subprocess.Popen([sys.executable, "-c", PLAY_AND_LISTEN], stdout=subprocess.PIPE) as other:
            name = r"PortAudio-\d+"
            qtbot.waitUntil(lambda: len(jack_server.client_ports(name, r"(in|out)")) == 4, timeout=20_000)
            wires = [
                *zip(ours["out"], jack_server.client_ports(name, "in"), strict=True),
                *zip(jack_server.client_ports(name, "out"), ours["in"], strict=True),
            ]
            for wire in wires:
                qtbot.waitUntil(lambda wire=wire: is_connected(jack_server, *wire), timeout=20_000)
            captured, _ = other.communicate(timeout=30)
        return np.frombuffer(captured, np.float32)

    assert not listen().any()
    running.set_monitor(0.5)
    assert listen().max() == pytest.approx(0.125)
    running.set_monitor(0.0)
    assert not listen().any()


def test_a_monitor_that_feeds_back_is_muted_and_told(looped, qtbot):
    looped.arm(tone(0.05, level=1.0))
    with qtbot.waitSignal(looped.howled, timeout=15_000):
        looped.set_monitor(2.0)
        looped.play()
    qtbot.wait(200)
    with qtbot.waitSignal(looped.levelsChanged, timeout=5_000, check_params_cb=lambda levels: levels.input_peak == 0):
        pass


def test_a_killed_audio_process_leaves_all_but_the_last_second_of_the_recording(looped, tmp_path, qtbot):
    path, recorded = tmp_path / "recordings" / "now.part", []
    looped.arm(tone(5))
    looped.levelsChanged.connect(lambda levels: recorded.append(levels.recorded_seconds))
    looped.start_recording(RecordingPlan(str(path)))
    looped.play()
    qtbot.waitUntil(lambda: bool(recorded) and recorded[-1] > 2, timeout=10_000)
    os.kill(process_id(looped), signal.SIGKILL)
    longest = recorded[-1]
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == RATE_HZ
    assert len(samples) / rate_hz > longest - 1
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_app_leaves_all_but_the_last_second_of_the_recording(jack_server, home, tmp_path):
    path = tmp_path / "now.part"
    with subprocess.Popen([sys.executable, "-c", RECORDING_APP, path], stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        try:
            for line in app.stdout:
                audio, recorded = int(line.split()[0]), float(line.split()[1])
                if recorded > 2:
                    break
        finally:
            app.kill()
    assert soundfile.info(path).duration > recorded - 1
    deadline = time.monotonic() + 10
    while is_alive(audio) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(audio)
