"""MIDI bytes to notes. mido's own encoder is the oracle for whole messages."""

import mido
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.midi import PortParser

ON, OFF, CONTROL = 0x90, 0x80, 0xB0


class Target:
    """Notes what MIDI asks for."""

    def __init__(self) -> None:
        self.heard: list[tuple] = []

    def midi_note(self, note: int, velocity: int, source: str) -> None:
        assert source == "keyboard"
        self.heard.append(("note", note, velocity))

    def midi_pedal(self, down: bool) -> None:
        self.heard.append(("pedal", down))

    def midi_panic(self) -> None:
        self.heard.append(("panic",))

    def midi_ports(self, names: tuple[str, ...], sentence: str) -> None:
        raise AssertionError("bytes change no ports")


def heard(*packets: list[int]) -> list[tuple]:
    target = Target()
    parser = PortParser("keyboard", target)
    for packet in packets:
        parser.feed(packet)
    return target.heard


def test_running_status_repeats_the_last_status_within_and_across_packets():
    expected = [("note", 60, 100), ("note", 62, 90), ("note", 64, 80)]
    assert heard([ON, 60, 100, 62, 90, 64, 80]) == expected
    assert heard([ON, 60, 100], [62, 90], [64], [80]) == expected


def test_velocity_0_and_note_off_are_the_same():
    assert heard([ON, 60, 0]) == heard([OFF, 60, 64]) == [("note", 60, 0)]


def test_clock_bytes_inside_a_message_do_not_disturb_it():
    assert heard([ON, 0xF8, 60, 0xFE, 100, 62, 0xF8, 90]) == [("note", 60, 100), ("note", 62, 90)]


def test_all_sound_off_and_all_notes_off_are_a_panic():
    assert heard([CONTROL, 120, 0]) == heard([CONTROL, 123, 0]) == [("panic",)]


def test_the_pedal_is_down_from_64():
    assert heard([CONTROL, 64, 127, 64, 63, 64, 64]) == [("pedal", True), ("pedal", False), ("pedal", True)]


def test_system_messages_end_running_status():
    assert heard([ON, 60, 100, 0xF0, 1, 2, 0xF7, 62, 90]) == [("note", 60, 100)]


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 127), st.integers(0, 127), st.booleans()), max_size=40))
def test_every_stream_of_whole_messages_is_heard_in_order(notes):
    packets = [
        mido.Message("note_on" if on else "note_off", channel=channel, note=note, velocity=velocity).bytes()
        for channel, note, velocity, on in notes
    ]
    assert heard(*packets) == [("note", note, velocity if on else 0) for _, note, velocity, on in notes]


@given(st.lists(st.lists(st.integers(0, 255), max_size=12), max_size=20))
def test_rubbish_never_raises_and_never_leaves_the_range(packets):
    for kind, *values in heard(*packets):
        assert kind != "note" or all(0 <= value <= 127 for value in values)
