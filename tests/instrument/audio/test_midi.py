"""MIDI bytes to what they mean. mido's encoder is the oracle for whole messages."""

import itertools

import mido
import pytest
import rtmidi
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio import midi
from arc_instrument.audio.midi import TWIN_ROUNDS, MidiInputs, PortParser, Twins

ON, OFF = 0x90, 0x80


class Target:
    """Notes what MIDI asks for."""

    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def midi_note(self, channel: int, note: int, velocity: int, source: str) -> None:
        assert source == "keyboard"
        self.heard.append(("note", channel, note, velocity))

    def midi_control(self, channel: int, controller: int, value: int, source: str) -> None:
        assert source == "keyboard"
        self.heard.append(("control", channel, controller, value))

    def midi_program(self, channel: int, program: int, source: str) -> None:
        assert source == "keyboard"
        self.heard.append(("program", channel, program))

    def __getattr__(self, name: str):
        if name not in ("midi_bend", "midi_pressure", "midi_transport", "midi_tempo"):
            raise AttributeError(name)
        return lambda *values: self.heard.append((name.removeprefix("midi_"), *values))


def heard(*packets: list[int]) -> list[tuple]:
    target = Target()
    parser = PortParser("keyboard", target)
    for packet in packets:
        parser.feed(packet)
    return target.heard


def test_running_status_repeats_the_last_status_within_and_across_packets():
    expected = [("note", 1, 60, 100), ("note", 1, 62, 90), ("note", 1, 64, 80)]
    assert heard([ON, 60, 100, 62, 90, 64, 80]) == expected
    assert heard([ON, 60, 100], [62, 90], [64], [80]) == expected


def test_velocity_0_and_note_off_are_the_same():
    assert heard([ON, 60, 0]) == heard([OFF, 60, 64]) == [("note", 1, 60, 0)]


def test_clock_bytes_inside_a_message_do_not_disturb_it():
    assert heard([ON, 0xF8, 60, 0xFE, 100, 62, 0xF8, 90]) == [("note", 1, 60, 100), ("note", 1, 62, 90)]


def test_start_continue_and_stop_are_told_even_inside_a_message():
    assert heard([ON, 60, 0xFA, 100, 0xFB, 0xFC]) == [
        ("transport", "start"), ("note", 1, 60, 100), ("transport", "continue"), ("transport", "stop"),
    ]  # fmt: skip


def test_system_messages_end_running_status():
    assert heard([ON, 60, 100, 0xF0, 1, 2, 0xF7, 62, 90]) == [("note", 1, 60, 100)]
    assert heard([ON, 60, 100, 0xF2, 1, 2, 62, 90, 0xF6]) == [("note", 1, 60, 100)]


def test_ticks_of_midi_clock_become_a_tempo():
    target = Target()
    parser = PortParser("keyboard", target)
    for tick in range(49):
        parser.feed([0xF8], tick * 60 / 24 / 128)
    assert target.heard == [("tempo", pytest.approx(128))]


@given(
    rounds=st.lists(st.lists(st.integers(1, 4), max_size=40), max_size=30),
    connected=st.booleans(),
    own_first=st.booleans(),
)
def test_what_comes_by_two_ways_is_heard_once_in_order_and_what_comes_by_one_is_never_lost(
    rounds, connected, own_first
):
    """Each round brings the first way all its messages; some come to the second a round later."""
    twins, heard_, late = Twins(), [], []
    for messages in [*rounds, []]:
        heard_ += [kind for kind in messages if not twins.is_second(bytes([0x90, 60, kind]), own_first)]
        if connected:
            held_back = len(messages) // 2
            second = [*late, *messages[: len(messages) - held_back]]
            late = messages[len(messages) - held_back :]
            heard_ += [kind for kind in second if not twins.is_second(bytes([0x90, 60, kind]), not own_first)]
        twins.next_round()
    assert heard_ == [kind for messages in rounds for kind in messages]


def test_what_lets_go_is_never_taken_for_a_twin_since_a_driver_may_have_lost_the_other():
    twins = Twins()
    for data in ([OFF, 60, 64], [ON, 60, 0], [0xB0, 64, 0], [0xB0, 123, 0]):
        assert [twins.is_second(bytes(data), own) for own in (True, False, True)] == [False] * 3


MEANING = {
    "note_on": (("note", "velocity"), lambda c, note, velocity: ("note", c, note, velocity)),
    "note_off": (("note", "velocity"), lambda c, note, _: ("note", c, note, 0)),
    "control_change": (("control", "value"), lambda c, control, value: ("control", c, control, value)),
    "program_change": (("program",), lambda c, program: ("program", c, program)),
    "aftertouch": (("value",), lambda c, value: ("pressure", c, value)),
    "pitchwheel": (("pitch",), lambda c, pitch: ("bend", c, pitch)),
}


@given(
    messages=st.lists(
        st.tuples(st.sampled_from(list(MEANING)), st.integers(0, 15), st.integers(0, 127), st.integers(0, 127)),
        max_size=40,
    ),
    cuts=st.lists(st.integers(1, 5), min_size=1),
)
def test_every_stream_of_messages_however_cut_is_heard_in_order_as_mido_wrote_it(messages, cuts):
    expected, data = [], []
    for kind, channel, *values in messages:
        names, meaning = MEANING[kind]
        given_ = [128 * values[0] + values[1] - 8192] if kind == "pitchwheel" else values[: len(names)]
        data += mido.Message(kind, channel=channel, **dict(zip(names, given_, strict=True))).bytes()
        expected.append(meaning(channel + 1, *given_))
    packets = []
    for cut in itertools.cycle(cuts):
        if not data:
            break
        packets.append(data[:cut])
        data = data[cut:]
    assert heard(*packets) == expected


@given(st.lists(st.lists(st.integers(0, 255), max_size=12), max_size=20))
def test_rubbish_never_raises_and_never_leaves_the_range(packets):
    for kind, *values in heard(*packets):
        if kind in ("note", "control", "program", "pressure"):
            channel, *data = values
            assert 1 <= channel <= 16
            assert all(0 <= value <= 127 for value in data)


def test_a_controller_that_says_the_same_for_ever_fills_no_memory():
    twins = Twins()
    for _ in range(5_000):
        assert not twins.is_second(bytes([0xB0, 1, 64]), by_own_port=False)
        twins.next_round()
    assert sum(len(rounds) for side in twins._alone for rounds in side.values()) <= TWIN_ROUNDS


def test_a_port_that_another_program_holds_is_named_and_the_others_open(monkeypatch):
    class Port:
        def ignore_types(self, **_): ...
        def open_virtual_port(self, name): ...
        def close_port(self): ...
        def delete(self): ...
        def get_ports(self):
            return ["held", "free"]

        def open_port(self, index, name):
            if index == 0:
                raise rtmidi.SystemError("busy")

    told = []

    class Ports(Target):
        def midi_ports(self, *values):
            told.append(values)

    monkeypatch.setattr(midi, "_make_port", Port)
    MidiInputs(Ports())._look_for_ports()
    sentence = "held does not open: close the program that uses it. 1 MIDI input"
    assert told == [(("free",), ("held", "free"), sentence)]
