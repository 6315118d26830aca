"""OSC between the real python-osc client and a real UDP port; and what rubbish and floods do to it."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from arc_instrument.actions import ACTIONS
from arc_instrument.domain import UserError
from arc_instrument.osc import MAX_WAITING, Command, Mailbox, OscPort, understood
from arc_instrument.parameters import PARAMETERS


@pytest.fixture
def port():
    """An open port, and what it says waits."""
    wakened = threading.Event()
    opened = OscPort(0, wakened.set)
    opened.wakened = wakened
    yield opened
    opened.close()
    assert "osc" not in [thread.name for thread in threading.enumerate()]


@pytest.fixture
def client(port):
    made = SimpleUDPClient("127.0.0.1", port.port)
    yield made
    made._sock.close()


def heard(port, count):
    """The first `count` commands, in order."""
    commands = []
    deadline = time.monotonic() + 10
    while len(commands) < count and time.monotonic() < deadline:
        port.wakened.wait(0.05)
        commands += port.mailbox.take(100)
    return commands


def test_what_a_client_sends_arrives_as_commands_in_its_order(port, client):
    client.send_message("/arc/prompt", "Glöckchen")
    client.send_message("/arc/param/strength", 0.25)
    client.send_message("/arc/value/steps", 4)
    client.send_message("/arc/note", [60, 100])
    client.send_message("/arc/pad", [3, 127])
    client.send_message("/arc/generate", [])
    client.send_message("/arc/play", 0)  # a button let go
    client.send_message("/arc/play", 1.0)
    assert heard(port, 7) == [
        Command("prompt", text="Glöckchen"),
        Command("param", "strength", 0.25),
        Command("value", "steps", 4),
        Command("note", number=60, velocity=100),
        Command("pad", number=3, velocity=127),
        Command("run", "generate"),
        Command("run", "play"),
    ]
    assert port.mailbox.counts.refused == 0


def test_every_action_that_one_press_can_do_and_every_parameter_has_its_address():
    for action in ACTIONS:
        if action.runnable:
            assert understood(f"/arc/{action.id}", []) == Command("run", action.id)
    for parameter in PARAMETERS:
        assert understood(f"/arc/param/{parameter.id}", [0.5]) == Command("param", parameter.id, 0.5)
        assert understood(f"/arc/value/{parameter.id}", [2]) == Command("value", parameter.id, 2)


def test_no_action_takes_the_address_of_something_else():
    reserved = {"param", "value", "prompt", "note", "pad", "subscribe", "unsubscribe", "state", "error"}
    assert not reserved & {action.id for action in ACTIONS}


@pytest.mark.parametrize(
    ("address", "arguments", "words"),
    [
        ("/play", [], "begin with /arc/"),
        ("/arc/typed_notes", [], "no action “typed_notes”"),
        ("/arc/param/volume", [1], "no parameter “volume”"),
        ("/arc/param/steps", [], "takes one number"),
        ("/arc/param/steps", ["half"], "takes one number"),
        ("/arc/param/steps", [float("nan")], "takes one number"),
        ("/arc/param/steps", [1, 2], "takes one number"),
        ("/arc/value/steps", [b"1"], "takes one number"),
        ("/arc/prompt", [1], "takes one text"),
        ("/arc/note", [60], "takes 2 numbers"),
        ("/arc/note", [128, 1], "from 0 to 127"),
        ("/arc/note", [60, 128], "a velocity from 0 to 127"),
        ("/arc/pad", [0, 1], "from 1 to 16"),
        ("/arc/generate", ["now"], "takes one number"),
        ("/arc/generate/now", [], "not an address"),
        ("/arc/subscribe", [70_000], "a port from 1 to 65535"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(address, arguments, words):
    with pytest.raises(ValueError, match=words):
        understood(address, arguments, ("127.0.0.1", 9))


def test_the_messages_of_a_bundle_arrive_in_order(port, client):
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, argument in (("/arc/value/steps", 3), ("/arc/generate", 1)):
        message = OscMessageBuilder(address)
        message.add_arg(argument)
        bundle.add_content(message.build())
    client.send(bundle.build())
    assert heard(port, 2) == [Command("value", "steps", 3), Command("run", "generate")]


RUBBISH = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=60).map(lambda tail: b"#bundle\0" + tail),
    st.binary(max_size=60).map(lambda tail: b"/arc/param/steps\0\0\0\0,f\0\0" + tail),
    st.text(max_size=20).map(lambda text: b"/arc/" + text.encode("utf-8", "replace") + b"\0,[[\0"),
    st.just(b"#bundle\0" + b"\0" * 8 + b"\x7f\xff\xff\xff"),
    st.just(b"#bundle\0" + b"\0" * 60_000),
    st.sampled_from([2, 400, 3_000]).map(lambda depth: b"".join(
        b"#bundle\0" + b"\0" * 8 + (20 * (depth - level)).to_bytes(4, "big") for level in range(depth))),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(datagrams=st.lists(RUBBISH, max_size=8))
def test_no_datagram_ends_the_thread_or_becomes_a_command_that_cannot_be_meant(datagrams):
    port = OscPort.__new__(OscPort)  # the listening thread's part of it, without the network
    port.mailbox, port._complained_at, port._subscribers = Mailbox(), float("inf"), {}
    port._on_waiting = lambda: None
    for datagram in datagrams:
        port._receive(datagram, ("127.0.0.1", 1))
    for command in port.mailbox.take(100):
        assert command.verb in ("run", "param", "value", "prompt", "note", "pad", "subscribe", "unsubscribe", "state")


def test_rubbish_writes_nothing_into_the_log(caplog):
    port = OscPort.__new__(OscPort)
    port.mailbox = Mailbox()
    for datagram in (b"#bundle\0" + b"\0" * 60_000, b"/arc/play\0\0\0,???\0\0\0\0"):
        port._receive(datagram, ("127.0.0.1", 1))
    assert caplog.records == []
    assert port.mailbox.counts.refused == 2


def test_after_rubbish_over_the_network_the_port_still_listens(port, client):
    for datagram in (b"\xff" * 60_000, b"#bundle\0", b"/arc/generate", b"/arc/note\0\0\0,ii\0\0"):
        client._sock.sendto(datagram, ("127.0.0.1", port.port))
    client.send_message("/arc/generate", [])
    assert heard(port, 1) == [Command("run", "generate")]
    assert port.mailbox.counts.refused >= 2


def test_a_flood_of_one_value_waits_as_one_and_the_latest_wins():
    mailbox = Mailbox()
    assert mailbox.put(Command("param", "steps", 0))
    assert not any(mailbox.put(Command("param", "steps", count)) for count in range(10_000))
    assert mailbox.take(10) == [Command("param", "steps", 9_999)]
    assert (mailbox.counts.received, mailbox.counts.dropped) == (10_001, 0)
    assert mailbox.put(Command("param", "steps", 1))


def test_a_value_never_overtakes_the_action_it_was_sent_before():
    mailbox = Mailbox()
    sent = [Command("param", "steps", 1), Command("run", "generate"), Command("param", "steps", 2)]
    for command in sent:
        mailbox.put(command)
    assert mailbox.take(2) == sent[:2]
    mailbox.put(Command("param", "steps", 3))
    assert mailbox.take(9) == [Command("param", "steps", 3)]


COMMANDS = st.one_of(
    st.builds(Command, st.just("note"), number=st.integers(0, 3), velocity=st.sampled_from([0, 100])),
    st.builds(Command, st.just("run"), st.sampled_from(["generate", "play"])),
    st.builds(Command, st.just("param"), st.sampled_from(["steps", "length"]), st.floats(0, 1)),
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.one_of(COMMANDS, st.integers(1, 5)), max_size=60), room=st.integers(1, 6))
def test_whatever_is_dropped_no_note_stays_on_and_each_value_ends_as_sent(steps, room):
    import arc_instrument.osc as osc

    patched, osc.MAX_WAITING = osc.MAX_WAITING, room
    try:
        mailbox, got = Mailbox(), []
        for step in steps:
            if isinstance(step, int):
                got += mailbox.take(step)
            else:
                mailbox.put(step)
        while taken := mailbox.take(3):
            got += taken
    finally:
        osc.MAX_WAITING = patched
    sent = [step for step in steps if isinstance(step, Command)]
    for note in range(4):
        wanted = [command.velocity for command in sent if (command.verb, command.number) == ("note", note)]
        played = [command.velocity for command in got if (command.verb, command.number) == ("note", note)]
        if wanted and not wanted[-1]:
            assert not played or not played[-1]
    assert len(got) + mailbox.counts.dropped <= len(sent)


def test_too_many_commands_are_dropped_and_counted():
    mailbox = Mailbox()
    for _ in range(MAX_WAITING + 5):
        mailbox.put(Command("run", "generate"))
    assert mailbox.counts.dropped == 5
    assert len(mailbox.take(9_999)) == MAX_WAITING


def test_a_port_in_use_is_a_sentence_with_its_number(port):
    with pytest.raises(UserError, match=rf"^OSC cannot listen on port {port.port} \(.*\): choose another port\.$"):
        OscPort(port.port, lambda: None)


def test_by_default_only_this_machine_is_listened_to(port):
    assert port._socket.getsockname()[0] == "127.0.0.1"


def test_a_ninth_subscriber_takes_the_place_of_the_first(port):
    for number in range(9):
        port.subscribe(("127.0.0.1", 5_000 + number))
    assert [address[1] for address in port.subscribers] == list(range(5_001, 5_009))
