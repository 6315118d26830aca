"""The audio process on real servers: JACK with its dummy driver, real MIDI over JACK, real crashes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from programs import require

from arc_instrument.audio.client import FIRST_RELAUNCH_MS, AudioClient, AudioSettings
from arc_instrument.audio.mixer import Mixer
from arc_instrument.domain import RATE_HZ, Clip, ControlEvent, HitEvent, NoteEvent, ProgramEvent
from arc_instrument.shape import Shape

START_MS = 60_000  # the first start ever compiles the kernels
SEND_MIDI = """
import sys, mido
mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
name = next(name for name in mido.get_output_names() if name.startswith("ARC Instrument"))
with mido.open_output(name) as port:
    for note in range(40, 80):
        port.send(mido.Message("note_on", note=note, velocity=note))
        port.send(mido.Message("note_on", note=note, velocity=0))
    sys.stdin.read()
"""
SEND_WHAT_IS_READ = """
import sys, time, mido
mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
name = next(name for name in mido.get_output_names() if name.startswith("ARC Instrument"))
with mido.open_output(name) as port:
    for line in sys.stdin:
        port.send(mido.parse(eval(line)))
"""
APP = """
import sys
from PySide6.QtCore import QCoreApplication
from arc_instrument.audio.client import FIRST_RELAUNCH_MS, AudioClient, AudioSettings
app = QCoreApplication([])
client = AudioClient()
client.stateChanged.connect(lambda state: print(client._process.processId(), flush=True))
client.start(AudioSettings())
app.exec()
"""


def tone(seconds: float = 0.6, level: float = 0.4) -> Clip:
    wave = level * np.random.default_rng(1).uniform(-1, 1, (round(seconds * RATE_HZ), 2))
    return Clip(wave.astype(np.float32))


@pytest.fixture
def states(client):
    seen = []
    client.stateChanged.connect(seen.append)
    return seen


@pytest.fixture
def running(client, jack_server, qtbot):
    """A client whose sound runs on JACK."""
    start(client, qtbot)
    return client


def start(client: AudioClient, qtbot, **settings) -> None:
    client.start(AudioSettings(**settings))
    qtbot.waitUntil(lambda: client.state.running, timeout=START_MS)


def process_id(client: AudioClient) -> int:
    return client._process.processId()


def is_alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def loop_back(server) -> None:
    """Connect the instrument's outputs to its own inputs."""
    for output, input_ in zip(*(server.client_ports("PortAudio", way) for way in ("out", "in")), strict=True):
        server.connect(output, input_)


def record(client: AudioClient, qtbot, play, play_ms: int, before_ms: int = 0) -> np.ndarray:
    """What the input hears from `before_ms` before `play` until `play_ms` after."""
    client.start_recording()
    qtbot.wait(before_ms)
    play()
    qtbot.wait(play_ms)
    with qtbot.waitSignal(client.recorded, timeout=5_000) as blocker:
        client.stop_recording()
    return blocker.args[0].samples


def sounding(samples: np.ndarray) -> np.ndarray:
    """From the first to the last sample that is not zero."""
    loud = np.flatnonzero(samples.any(axis=1))
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0]


def mixed(clip: Clip, note: int | None, velocity: int) -> np.ndarray:
    """The mixer's own output for one hit."""
    mixer = Mixer(RATE_HZ)
    mixer.arm(clip.samples)
    mixer.play() if note is None else mixer.note_on(note, velocity)
    out = np.zeros((4 * len(clip.samples), 2), np.float32)
    mixer.process(out)
    return sounding(out)


def test_it_imports_neither_qt_nor_torch():
    script = (
        "import sys, sounddevice, arc_instrument.audio.server\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('PySide6', 'torch', 'transformers')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_reports_how_sound_runs(running):
    assert running.state.sentence == f"44.1 kHz · JACK · {running.state.latency_ms:.1f} ms"
    assert 0 < running.state.latency_ms < 20
    assert running.state.recording_sentence == ""
    assert "system" in running.state.outputs
    if sys.platform == "linux":
        libraries = Path(f"/proc/{process_id(running)}/maps").read_text()
        assert "libQt6" not in libraries
        assert "libtorch" not in libraries


@pytest.mark.parametrize(("note", "velocity"), [(None, 127), (60, 100), (67, 127)])
def test_a_hit_arrives_at_the_jack_capture_bit_identical_to_the_mixer(running, jack_server, qtbot, note, velocity):
    clip = tone()
    loop_back(jack_server)
    running.arm(clip)
    expected = mixed(clip, note, velocity)

    def play() -> None:
        running.play() if note is None else running.note_on(note, velocity)

    for _ in range(4):  # an xrun of the server may cost a block: then the same is tried again
        xruns = jack_server.xruns()
        with qtbot.waitSignal(running.played, timeout=5_000):
            heard = sounding(record(running, qtbot, play, play_ms=1_200))
        if jack_server.xruns() == xruns or np.array_equal(heard, expected):
            break
    assert np.array_equal(heard, expected)


def test_a_recording_comes_back_trimmed_to_its_onset(running, jack_server, qtbot):
    loop_back(jack_server)
    running.arm(tone(0.5))
    samples = record(running, qtbot, running.play, play_ms=800, before_ms=700)
    first = np.flatnonzero(samples.any(axis=1))[0]
    assert first / RATE_HZ < 0.03
    assert 0.5 < len(samples) / RATE_HZ < 1.2


def test_another_program_records_the_sound_and_plays_into_a_recording(running, jack_server, qtbot):
    script = (
        "import sys, numpy as np, sounddevice\n"
        "heard = sounddevice.playrec(np.full((88_200, 2), 0.25, np.float32), 44_100, channels=2, blocking=True)\n"
        "sys.stdout.buffer.write(heard.tobytes())\n"
    )
    running.arm(tone(4))
    ours = {way: jack_server.client_ports("PortAudio", way) for way in ("in", "out")}
    running.start_recording()
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as other:
        qtbot.waitUntil(lambda: any(port.startswith("PortAudio-") for port in jack_server.ports()), timeout=10_000)
        client = next(port for port in jack_server.ports() if port.startswith("PortAudio-")).partition(":")[0]
        for output, input_ in zip(ours["out"], jack_server.client_ports(client, "in"), strict=True):
            jack_server.connect(output, input_)
        for output, input_ in zip(jack_server.client_ports(client, "out"), ours["in"], strict=True):
            jack_server.connect(output, input_)
        with qtbot.waitSignal(running.played, timeout=5_000):
            running.play()
        captured, _ = other.communicate(timeout=30)
    with qtbot.waitSignal(running.recorded, timeout=5_000) as blocker:
        running.stop_recording()
    heard = np.frombuffer(captured, np.float32).reshape(-1, 2)
    assert np.abs(heard).max() == pytest.approx(0.4, abs=0.01)
    assert np.median(blocker.args[0].samples) == pytest.approx(0.25)


def test_meters_show_output_input_voices_and_recording(running, jack_server, qtbot):
    loop_back(jack_server)
    running.arm(tone(3))
    running.start_recording()
    running.play()

    def shows(levels) -> bool:
        return (
            levels.output_peak > 0.3
            and levels.input_peak > 0.3
            and levels.voices == 1
            and levels.recorded_seconds > 0.2
        )

    with qtbot.waitSignal(running.levelsChanged, timeout=5_000, check_params_cb=shows):
        pass
    running.panic()
    with qtbot.waitSignal(running.levelsChanged, timeout=5_000, check_params_cb=lambda levels: levels.voices == 0):
        pass


def test_notes_of_another_program_sound_and_are_reported_in_order(running, jack_server, qtbot):
    notes: list[NoteEvent] = []
    running.noteReceived.connect(notes.append)
    running.arm(tone(0.2))
    qtbot.waitUntil(lambda: "ARC Instrument:in" in jack_server.ports(), timeout=10_000)
    with subprocess.Popen([sys.executable, "-c", SEND_MIDI], stdin=subprocess.PIPE) as sender:
        with qtbot.waitSignal(running.levelsChanged, timeout=10_000, check_params_cb=lambda levels: levels.voices > 0):
            pass
        qtbot.waitUntil(lambda: len(notes) == 80, timeout=30_000)
        sender.communicate()
    expected = [(note, velocity) for note in range(40, 80) for velocity in (note, 0)]
    assert [(event.note, event.velocity) for event in notes] == expected
    assert {event.source for event in notes} <= {"ARC Instrument", "RtMidiOut Client:RtMidi output"}


@pytest.fixture
def keyboard(running, jack_server, qtbot):
    """Sends MIDI bytes from another program."""
    qtbot.waitUntil(lambda: "ARC Instrument:in" in jack_server.ports(), timeout=10_000)
    with subprocess.Popen([sys.executable, "-c", SEND_WHAT_IS_READ], stdin=subprocess.PIPE, text=True) as sender:

        def send(*messages: list[int]) -> None:
            assert sender.stdin is not None
            for message in messages:
                sender.stdin.write(f"{message}\n")
            sender.stdin.flush()

        yield send
        sender.communicate()


def hum(hz: float, seconds: float = 2.0) -> Clip:
    wave = 0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return Clip(np.repeat(wave[:, None], 2, axis=1).astype(np.float32))


def loudest_hz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples)), n=RATE_HZ * 4)).argmax() / 4)


def test_a_bent_key_and_a_pad_of_another_program_are_heard_at_their_pitch(running, keyboard, jack_server, qtbot):
    notes, hits = [], []
    running.noteReceived.connect(notes.append)
    running.clipHit.connect(hits.append)
    loop_back(jack_server)
    running.arm(hum(440))
    running.arm(hum(1_000), part=2, clip_id=7)
    running.stock(hum(1_500), part=2, clip_id=8)
    running.note_on(60, 1)  # commands are obeyed in their order, what another program plays comes in between
    qtbot.waitUntil(lambda: len(hits) == 1, timeout=5_000)
    running.panic()
    qtbot.wait(300)
    hits.clear()

    def bent_key() -> None:
        keyboard([0xE0, 127, 127], [0x90, 72, 127])
        qtbot.waitUntil(lambda: len(notes) == 1, timeout=5_000)

    def pad() -> None:
        keyboard([0x99, 37, 127])
        qtbot.waitUntil(lambda: len(notes) == 2, timeout=5_000)

    heard = sounding(record(running, qtbot, bent_key, play_ms=900))
    assert loudest_hz(heard) == pytest.approx(440 * 2 ** (14 / 12), rel=2e-3)
    running.panic()
    qtbot.wait(300)
    heard = sounding(record(running, qtbot, pad, play_ms=900))
    assert loudest_hz(heard) == pytest.approx(1_500, rel=2e-3)
    assert [(event.note, event.velocity, event.part) for event in notes] == [(72, 127, 0), (37, 127, 2)]
    assert hits == [HitEvent(0, 0, 0), HitEvent(2, 8, 0)]


def test_controllers_programs_transport_and_tempo_of_another_program_reach_the_app(running, keyboard, qtbot):
    controls, programs, commands, tempos = [], [], [], []
    running.controlReceived.connect(controls.append)
    running.programReceived.connect(programs.append)
    running.transportReceived.connect(commands.append)
    running.tempoReceived.connect(tempos.append)
    keyboard([0xB2, 20, 99], [0xC0, 5], [0xFA])
    qtbot.waitUntil(lambda: bool(controls and programs and commands), timeout=5_000)
    assert controls == [ControlEvent(3, 20, 99, controls[0].source)]
    assert programs == [ProgramEvent(1, 5, programs[0].source)]
    assert commands == ["start"]
    for _ in range(40):
        keyboard([0xF8])
        qtbot.wait(20)
    qtbot.waitUntil(lambda: bool(tempos), timeout=5_000)
    assert 60 < tempos[-1] < 126


@pytest.mark.parametrize("controller", [120, 123])
def test_all_notes_off_of_another_program_lets_go_of_the_keys_of_its_channel(running, keyboard, qtbot, controller):
    held: dict[int, int] = {}
    running.noteReceived.connect(lambda event: held.update({event.note: event.velocity}))
    running.arm(hum(220))
    running.set_shape(0, Shape(mode="loop"))
    keyboard([0x90, 60, 100], [0x90, 64, 100], [0x99, 38, 100])
    qtbot.waitUntil(lambda: sorted(held) == [38, 60, 64], timeout=5_000)
    keyboard([0xB0, controller, 0])
    qtbot.waitUntil(lambda: held == {38: 100, 60: 0, 64: 0}, timeout=5_000)
    with qtbot.waitSignal(running.levelsChanged, timeout=5_000, check_params_cb=lambda levels: levels.voices == 0):
        pass


def test_a_flood_of_midi_ends_with_every_note_off_and_the_app_still_answers(running, keyboard, qtbot):
    held: dict[int, int] = {}
    running.noteReceived.connect(lambda event: held.update({event.note: event.velocity}))
    running.arm(hum(220))
    running.set_shape(0, Shape(mode="loop"))
    for _ in range(100):  # 100 messages every 10 ms
        keyboard(*([0x90, 40 + index % 40, 100 * (index % 3 > 0)] for index in range(100)))
        qtbot.wait(10)
    qtbot.wait(500)  # JACK itself loses MIDI of a client that misses a cycle: the last words are said in peace
    keyboard(*([0x80, note, 0] for note in range(40, 80)))
    qtbot.waitUntil(lambda: len(held) == 40 and not any(held.values()), timeout=20_000)
    with qtbot.waitSignal(running.levelsChanged, timeout=5_000, check_params_cb=lambda levels: levels.voices == 0):
        pass


def test_a_soft_midi_hit_sounds_the_soft_clip_of_the_pool_and_a_hard_one_the_hard(running, keyboard, qtbot):
    hits = []
    running.clipHit.connect(hits.append)
    running.arm(hum(300), clip_id=1)
    running.stock(hum(300), clip_id=2, velocities=(1, 63))
    running.stock(hum(300), clip_id=3, velocities=(64, 127))
    running.stock(hum(300), clip_id=4, velocities=(1, 63))
    for velocity in (110, 20, 30):
        keyboard([0x90, 60, velocity], [0x80, 60, 0])
        qtbot.wait(50)
    qtbot.waitUntil(lambda: len(hits) == 3, timeout=5_000)
    assert hits == [HitEvent(0, 3, 2), HitEvent(0, 2, 1), HitEvent(0, 4, 0)]


def test_shapes_pads_and_pools_are_given_to_a_new_process_when_one_dies(running, qtbot):
    hits = []
    running.clipHit.connect(hits.append)
    running.arm(hum(300), part=5, clip_id=1)
    running.stock(hum(300), part=5, clip_id=2)
    running.set_shape(5, Shape(mode="loop"))
    os.kill(process_id(running), signal.SIGKILL)
    qtbot.waitUntil(lambda: not running.state.running, timeout=10_000)
    qtbot.waitUntil(lambda: running.state.running, timeout=START_MS)
    running.note_on(40, 100, part=5)
    qtbot.waitUntil(lambda: hits == [HitEvent(5, 2, 0)], timeout=5_000)
    qtbot.wait(2_500)  # longer than the clip: only a loop still sounds
    with qtbot.waitSignal(running.levelsChanged, timeout=5_000, check_params_cb=lambda levels: levels.voices == 1):
        pass


def test_an_ignored_sequencer_is_listed_but_not_heard_until_it_is_wanted(running, jack_server, qtbot):
    require("jack_midiseq", packages="jackd2")
    notes: list[NoteEvent] = []
    running.noteReceived.connect(notes.append)
    running.ignore_midi(["other:out"])
    with subprocess.Popen(["jack_midiseq", "other", "8820", "0", "60", "4410"]) as sequencer:
        try:
            qtbot.waitUntil(lambda: running.state.midi_present == ("other:out",), timeout=10_000)
            qtbot.wait(500)
            assert running.state.midi_inputs == ()
            assert notes == []
            running.ignore_midi([])
            qtbot.waitUntil(lambda: NoteEvent(60, 64, "other:out") in notes, timeout=10_000)
            assert running.state.midi_inputs == ("other:out",)
        finally:
            sequencer.terminate()


def test_a_sequencer_that_appears_is_opened_plays_and_is_forgotten_when_it_leaves(running, jack_server, qtbot):
    require("jack_midiseq", packages="jackd2")
    notes: list[NoteEvent] = []
    running.noteReceived.connect(notes.append)
    running.arm(tone(0.1))
    with subprocess.Popen(["jack_midiseq", "seq", "8820", "0", "60", "4410"]) as sequencer:
        try:
            qtbot.waitUntil(lambda: running.state.midi_inputs == ("seq:out",), timeout=10_000)
            with qtbot.waitSignal(running.played, timeout=5_000):
                pass
            qtbot.waitUntil(lambda: NoteEvent(60, 64, "seq:out") in notes, timeout=5_000)
        finally:
            sequencer.terminate()
    qtbot.waitUntil(lambda: running.state.midi_inputs == (), timeout=10_000)


def test_a_server_at_48_khz_is_taken_at_its_rate_and_the_recording_still_is_44_1(client, own_jack_server, qtbot):
    own_jack_server.rate_hz = 48_000
    own_jack_server.start()
    start(client, qtbot)
    assert client.state.sentence.startswith("48 kHz")
    loop_back(own_jack_server)
    clip = Clip((0.4 * np.sin(2 * np.pi * 441 * np.arange(RATE_HZ) / RATE_HZ))[:, None].repeat(2, 1).astype(np.float32))
    client.arm(clip)
    samples = record(client, qtbot, client.play, play_ms=1_300)
    heard = samples[RATE_HZ // 4 :][: RATE_HZ // 2, 0]
    assert np.abs(np.fft.rfft(heard * np.hanning(len(heard)), n=RATE_HZ)).argmax() == pytest.approx(441, abs=1)


def test_a_killed_sound_server_is_a_sentence_and_sound_comes_back_with_it(client, own_jack_server, states, qtbot):
    own_jack_server.start()
    start(client, qtbot)
    client.arm(tone(2))
    own_jack_server.kill()
    qtbot.waitUntil(lambda: not client.state.running, timeout=10_000)
    assert states[-1].sentence == "The sound device stopped (system, JACK): sound comes back when it does."
    own_jack_server.start()
    qtbot.waitUntil(lambda: client.state.running, timeout=START_MS)
    assert client.state.sentence.startswith("44.1 kHz · JACK")
    with qtbot.waitSignal(client.played, timeout=5_000):  # the clip is armed again without being sent again
        client.play()


def test_a_recording_cut_off_by_a_killed_server_is_kept(client, own_jack_server, qtbot):
    own_jack_server.start()
    start(client, qtbot)
    loop_back(own_jack_server)
    client.arm(tone(2))
    client.start_recording()
    client.play()
    qtbot.wait(800)
    with qtbot.waitSignal(client.recorded, timeout=10_000) as blocker:
        own_jack_server.kill()
    assert np.abs(blocker.args[0].samples).max() == pytest.approx(0.4, abs=0.01)


def test_a_killed_audio_process_is_replaced(running, states, qtbot):
    running.arm(tone(2))
    os.kill(process_id(running), signal.SIGKILL)
    qtbot.waitUntil(lambda: not running.state.running, timeout=10_000)
    assert "starting again" in running.state.sentence
    qtbot.waitUntil(lambda: running.state.running, timeout=START_MS)
    with qtbot.waitSignal(running.played, timeout=5_000):
        running.play()


def test_a_held_pedal_is_held_in_a_new_process_too(running, qtbot):
    running.arm(tone(60, level=0.01))
    running.set_shape(0, Shape(mode="gate"))
    running.pedal(True)
    os.kill(process_id(running), signal.SIGKILL)
    qtbot.waitUntil(lambda: not running.state.running, timeout=10_000)
    qtbot.waitUntil(lambda: running.state.running, timeout=START_MS)
    with qtbot.waitSignal(running.played, timeout=5_000):
        running.note_on(60, 127)
    running.note_off(60)
    qtbot.wait(300)
    with qtbot.waitSignal(running.levelsChanged, timeout=5_000) as blocker:
        pass
    assert blocker.args[0].voices == 1
    with qtbot.waitSignal(running.levelsChanged, timeout=5_000, check_params_cb=lambda levels: levels.voices == 0):
        running.pedal(False)


def test_an_audio_process_that_answers_no_more_is_killed_and_replaced(running, qtbot):
    stuck = process_id(running)
    os.kill(stuck, signal.SIGSTOP)
    qtbot.waitUntil(lambda: not running.state.running, timeout=15_000)
    assert "did not answer" in running.state.sentence
    qtbot.waitUntil(lambda: running.state.running, timeout=START_MS)
    assert process_id(running) != stuck
    assert not is_alive(stuck)


def test_a_restart_while_another_launch_waits_leaves_the_new_process_its_folder(running, qtbot):
    os.kill(process_id(running), signal.SIGKILL)
    qtbot.waitUntil(running._relaunch.isActive)
    running.restart()
    folder = running._folder
    qtbot.wait(2 * FIRST_RELAUNCH_MS)
    assert running._folder == folder
    assert folder.is_dir()


def test_where_no_sample_can_be_handed_over_that_is_a_sentence(running, qtbot):
    running._folder.rmdir()
    running.arm(tone(1))
    assert running.state.sentence.startswith("The keys keep their sound: no room for another")
    running._folder.mkdir()


def test_restart_takes_new_settings(running, qtbot):
    before = process_id(running)
    running.restart(AudioSettings(device="no such card"))
    qtbot.waitUntil(lambda: "no such card is not there" in running.state.sentence, timeout=START_MS)
    assert running.state.running
    assert process_id(running) != before


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_ends_when_the_app_is_killed_and_leaves_no_samples_behind(jack_server, home):
    with subprocess.Popen([sys.executable, "-c", APP], stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            audio = int(app.stdout.readline())
            folder = Path(Path(f"/proc/{audio}/cmdline").read_text().split("\0")[4])
            assert folder.is_dir()
        finally:
            app.kill()
    deadline = time.monotonic() + 10
    while is_alive(audio) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(audio)
    assert not folder.exists()


bare_machine = pytest.mark.skipif(
    sys.platform != "linux" or Path("/dev/snd").exists(), reason="needs a machine without a sound card"
)


@pytest.fixture
def no_sound_card(monkeypatch):
    """A machine without sound card, JACK server or MIDI system."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "no-such-server")
    monkeypatch.setenv("PULSE_SERVER", "/nonexistent")
    monkeypatch.setenv("PIPEWIRE_REMOTE", "/nonexistent")


@bare_machine
def test_without_a_sound_card_everything_answers_with_a_sentence(client, no_sound_card, qtbot):
    client.start(AudioSettings())
    client.arm(tone())
    client.play()
    qtbot.waitUntil(lambda: client.state.sentence != "", timeout=START_MS)
    assert not client.state.running
    assert client.state.sentence == "No sound card: takes are still saved."
    qtbot.waitUntil(lambda: client.state.midi_sentence != "", timeout=10_000)
    if not Path("/dev/snd/seq").exists():
        assert client.state.midi_sentence == "No MIDI system found: play with the typed keys."
    client.note_on(60, 100)
    with qtbot.waitSignal(client.recorded, timeout=5_000) as blocker:
        client.start_recording()
    assert len(blocker.args[0].samples) == 0


@bare_machine
def test_sound_comes_when_a_sound_server_is_started_later(client, no_sound_card, own_jack_server, qtbot):
    client.start(AudioSettings())
    qtbot.waitUntil(lambda: client.state.sentence != "", timeout=START_MS)
    assert not client.state.running
    own_jack_server.start()
    qtbot.waitUntil(lambda: client.state.running, timeout=START_MS)


def test_a_missing_portaudio_library_is_a_sentence_that_says_what_to_install(client, tmp_path, monkeypatch, qtbot):
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")\n')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    client.start(AudioSettings())
    qtbot.waitUntil(lambda: client.state.sentence != "", timeout=START_MS)
    assert "libportaudio2" in client.state.sentence
    assert not client.state.running


def test_an_input_that_does_not_open_leaves_the_output_playing(client, jack_server, tmp_path, monkeypatch, qtbot):
    (tmp_path / "sounddevice.py").write_text(
        "import importlib.util, sys\n"
        "path = next(p for p in sys.path[::-1] if __import__('os').path.exists(p + '/_sounddevice.py'))\n"
        "spec = importlib.util.spec_from_file_location('real_sounddevice', path + '/sounddevice.py')\n"
        "real = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(real)\n"
        "globals().update(vars(real))\n"
        "def Stream(**_):\n"
        "    raise PortAudioError('the microphone is taken')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    start(client, qtbot)
    assert client.state.recording_sentence.startswith("Recording is impossible: the input system does not open")
    client.arm(tone())
    with qtbot.waitSignal(client.played, timeout=5_000):
        client.play()


def test_start_returns_before_the_process_has_done_anything(client, jack_server, states, qtbot):
    client.start(AudioSettings())
    assert states == []
    qtbot.waitUntil(lambda: client.state.running, timeout=START_MS)
    assert states[0].running


def test_a_short_sound_in_a_long_clip_is_repeated_without_its_silence(running, jack_server, qtbot):
    clip = tone(1.0)
    clip.samples[4_410:] = 0
    loop_back(jack_server)
    running.arm(clip)
    running.set_shape(0, Shape(mode="loop"))
    heard = sounding(record(running, qtbot, lambda: running.note_on(60, 127), play_ms=700))
    running.panic()
    assert len(heard) > 5 * 4_410  # and a silence of 0.9 s would be seen
    np.testing.assert_array_equal(heard[4_610:8_620], heard[9_020:13_030])
