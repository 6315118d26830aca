"""The instrument driven by a real OSC client, which hears what it does."""

import socket
import threading

import pytest
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from arc_instrument.settings import OscSettings


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def client(session):
    session.osc.configure(OscSettings(enabled=True, port=free_port()))
    assert session.state.osc.running
    made = SimpleUDPClient("127.0.0.1", session.state.osc.port)
    yield made
    made._sock.close()


@pytest.fixture
def listener():
    """Another program's OSC server: its port, and every message it got."""
    got = []
    dispatcher = Dispatcher()
    dispatcher.set_default_handler(lambda address, *arguments: got.append((address, *arguments)))
    server = ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_address[1], got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_sound_is_written_turned_made_and_its_path_told(qtbot, session, synth, client, listener):
    port, got = listener
    client.send_message("/arc/subscribe", port)
    client.send_message("/arc/prompt", "a bell, far away")
    client.send_message("/arc/value/steps", 3)
    client.send_message("/arc/value/seed", 1234)
    client.send_message("/arc/param/length", 0.0)
    synth.gate.clear()
    client.send_message("/arc/generate", [])
    qtbot.waitUntil(lambda: ("/arc/state/generating", 1) in got)
    synth.gate.set()
    qtbot.waitUntil(lambda: any(message[0] == "/arc/state/take" for message in got))
    assert (synth.requests[-1].prompt, synth.requests[-1].steps, synth.requests[-1].seed) == (
        "a bell, far away", 3, 1234,
    )  # fmt: skip
    (told,) = [message for message in got if message[0] == "/arc/state/take"]
    assert told[1:4] == (str(session.state.current_path), "a bell, far away", 1234)
    qtbot.waitUntil(lambda: ("/arc/state/current", str(session.state.current_path)) in got)
    assert ("/arc/state/value/steps", 3) in got


def test_a_subscriber_hears_everything_once_and_then_what_changes(qtbot, session, client, listener):
    port, got = listener
    client.send_message("/arc/subscribe", port)
    qtbot.waitUntil(lambda: ("/arc/state/lock_seed", 0) in got and ("/arc/state/value/octave", 4) in got)
    qtbot.wait(60)
    got.clear()
    session.toggle_seed_lock()
    qtbot.waitUntil(lambda: got != [])
    qtbot.wait(60)
    assert got == [("/arc/state/lock_seed", 1)]
    client.send_message("/arc/unsubscribe", port)
    qtbot.waitUntil(lambda: session.osc._port.subscribers == ())


def test_a_question_for_the_state_is_answered_without_a_subscription(qtbot, session, client, listener):
    port, got = listener
    client.send_message("/arc/state", port)
    qtbot.waitUntil(lambda: ("/arc/state/phase", "ready") in got)
    assert session.osc._port.subscribers == ()


def test_notes_and_pads_play_with_their_velocity(qtbot, session, audio, client):
    pads = []
    session.controls.padHit.connect(lambda pad, velocity: pads.append((pad, velocity)))
    client.send_message("/arc/note", [60, 33])
    client.send_message("/arc/note", [60, 0])
    client.send_message("/arc/pad", [3, 127])
    qtbot.waitUntil(lambda: pads == [(3, 127)])
    assert audio.calls[-3:] == [("note_on", 60, 33), ("note_off", 60), ("note_on", 38, 127, 3)]


def test_a_wrong_message_is_answered_with_a_sentence(qtbot, session, client):
    client._sock.settimeout(10)
    client.send_message("/arc/param/volume", 1)
    assert client._sock.recv(1_000).startswith(b"/arc/error")


def test_a_flood_of_ten_thousand_messages_leaves_the_window_alive_and_the_last_value_set(qtbot, session, client):
    drawn = []
    session.stateChanged.connect(drawn.append)
    for count in range(10_000):
        client.send_message("/arc/param/strength", (count % 100) / 100)

    def obeyed():  # UDP loses what a full buffer has no room for
        client.send_message("/arc/value/strength", 77)
        return session.state.strength_percent == 77

    qtbot.waitUntil(obeyed)
    assert session.osc._port.mailbox.counts.received > 100
    assert len(drawn) < 1_000


def test_a_flood_of_orders_makes_few_sounds_and_the_instrument_obeys_afterwards(qtbot, session, synth, client):
    session.set_prompt("bell")
    for _ in range(3_000):
        client.send_message("/arc/generate", [])
    qtbot.waitUntil(lambda: not session.state.generating and session.state.current_path is not None)
    assert len(synth.requests) < 300
    qtbot.waitUntil(lambda: not session.osc._obey_soon.isActive())

    def obeyed():
        client.send_message("/arc/value/steps", 2)
        return session.state.steps == 2

    qtbot.waitUntil(obeyed)


def test_a_port_in_use_is_said_and_another_one_works(session):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        session.osc.configure(OscSettings(enabled=True, port=port))
    assert not session.state.osc.running
    assert session.state.osc.sentence == session.state.message.text
    assert f"port {port}" in session.state.osc.sentence
    session.osc.configure(OscSettings(enabled=True, port=port, network=False))  # the same again: nothing new to try
    other = free_port()
    session.osc.configure(OscSettings(enabled=True, port=other))
    assert session.state.osc.sentence == f"OSC listens on port {other}, from this machine only."
    session.osc.configure(OscSettings(enabled=False, port=other))
    assert session.state.osc.sentence == "OSC is off."
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", other))


def test_a_subscriber_stays_when_the_port_moves(qtbot, session, client, listener):
    port, got = listener
    client.send_message("/arc/subscribe", port)
    qtbot.waitUntil(lambda: got != [])
    session.osc.configure(OscSettings(enabled=True, port=free_port()))
    got.clear()
    session.set_steps(5)
    qtbot.waitUntil(lambda: ("/arc/state/value/steps", 5) in got)


def test_osc_is_off_unless_it_is_asked_for(session):
    assert OscSettings() == OscSettings(enabled=False, network=False)
    assert session.osc._port is None
