"""MIDI in: every input port of the system, opened as it appears, and one port of our own that others can connect to.

Messages are fetched from rtmidi's queues. Its callback runs in the driver's thread: while that waits for the
interpreter, JACK goes on to its next cycle, and what is left of a chord is read from a buffer already given away.
"""

# python-rtmidi is a compiled module without stubs
# pyright: reportAttributeAccessIssue=false

import collections
import re
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

import mido
import rtmidi

PORTS_SECONDS = 1.5  # between two looks for ports
FETCH_SECONDS = 0.002  # between two looks for messages
CLIENT_NAME = "ARC Instrument"
_PEDAL, _ALL_SOUND_OFF, _ALL_NOTES_OFF = 64, 120, 123


class MidiTarget(Protocol):
    """What MIDI does. All come from the MIDI thread."""

    def midi_note(self, note: int, velocity: int, source: str) -> None: ...
    def midi_pedal(self, down: bool) -> None: ...
    def midi_panic(self) -> None: ...
    def midi_ports(self, names: tuple[str, ...], sentence: str) -> None: ...


class PortParser:
    """Bytes of one port to what they mean. Running status is resolved; a note-off is a `midi_note` of velocity 0."""

    def __init__(self, source: str, target: MidiTarget):
        self._source, self._target = source, target
        self._parser = mido.Parser()
        self._status = self._wanted = self._had = 0

    def feed(self, data: list[int]) -> None:
        """Any number of bytes: parts of messages, several messages, rubbish."""
        for byte in data:
            self._feed_byte(byte)
        for message in self._parser:
            self._dispatch(message)

    def _feed_byte(self, byte: int) -> None:
        if byte >= 0xF8:
            return  # realtime bytes (clock, active sensing) may stand inside other messages; none plays a note
        if byte >= 0x80:
            self._status = byte if byte < 0xF0 else 0  # system messages end running status
            self._wanted, self._had = 1 if 0xC0 <= byte < 0xE0 else 2, 0
        elif self._status:
            if self._had == self._wanted:
                self._parser.feed_byte(self._status)
                self._had = 0
            self._had += 1
        self._parser.feed_byte(byte)

    def _dispatch(self, message: mido.Message) -> None:
        if message.type == "note_on":
            self._target.midi_note(message.note, message.velocity, self._source)
        elif message.type == "note_off":
            self._target.midi_note(message.note, 0, self._source)
        elif message.type == "control_change" and message.control == _PEDAL:
            self._target.midi_pedal(message.value >= 64)
        elif message.type == "control_change" and message.control in (_ALL_SOUND_OFF, _ALL_NOTES_OFF):
            self._target.midi_panic()


class _Port:
    """One MIDI input and the parser of its bytes."""

    def __init__(self, name: str, target: MidiTarget):
        self.midi = _make_port()
        self.midi.ignore_types(sysex=True, timing=True, active_sense=True)
        self._parser = PortParser(_plain(name), target)

    def fetch(self) -> None:
        """Parse what has arrived."""
        while (event := self.midi.get_message()) is not None:
            self._parser.feed(event[0])

    def close(self) -> None:
        self.midi.close_port()
        self.midi.delete()


class MidiInputs:
    """Keeps every MIDI input open; a thread fetches their messages, and looks for new and vanished ports."""

    def __init__(self, target: MidiTarget):
        self._target = target
        self._ports: dict[str, _Port] = {}
        self._watch: _Port | None = None
        self._told: tuple[tuple[str, ...], str] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Close every port; waits at most a second for the thread."""
        self._closing.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        next_look = 0.0
        while not self._closing.is_set():
            if time.monotonic() >= next_look:
                self._tell(self._look_for_ports())
                next_look = time.monotonic() + PORTS_SECONDS
            for port in self._open_ports():
                port.fetch()
            self._closing.wait(FETCH_SECONDS if self._watch else PORTS_SECONDS)
        for port in self._open_ports():
            port.close()

    def _open_ports(self) -> list[_Port]:
        return [*self._ports.values(), *([self._watch] if self._watch else [])]

    def _look_for_ports(self) -> str:
        """Open what is new, close what is gone; returns the sentence for the user."""
        try:
            watch = self._watch = self._watch or self._make_watch()
            names = _unique(watch.midi.get_ports())
            for name in set(self._ports) - set(names):
                self._ports.pop(name).close()
            for index, name in enumerate(names):
                if name not in self._ports:
                    port = _Port(name, self._target)
                    port.midi.open_port(index, "in")
                    self._ports[name] = port
        except rtmidi.RtMidiError:
            return "No MIDI system found: play with the typed keys."
        count = len(self._ports)
        return "No MIDI keyboard connected." if count == 0 else f"{count} MIDI input{'s' if count > 1 else ''}"

    def _make_watch(self) -> _Port:
        """The port others can connect to; it also lists the system's. Windows has no such ports."""
        port = _Port(CLIENT_NAME, self._target)
        if sys.platform != "win32":
            port.midi.open_virtual_port("in")
        return port

    def _tell(self, sentence: str) -> None:
        told = (tuple(map(_plain, self._ports)), sentence)
        if told != self._told:
            self._told = told
            self._target.midi_ports(*told)


def _make_port() -> rtmidi.MidiIn:
    """A port of the first API that works: on Linux ALSA where its sequencer exists, else a running JACK server."""
    if not sys.platform.startswith("linux"):
        return rtmidi.MidiIn(name=CLIENT_NAME)
    if Path("/dev/snd/seq").exists():
        return rtmidi.MidiIn(rtmidi.API_LINUX_ALSA, CLIENT_NAME)
    return rtmidi.MidiIn(rtmidi.API_UNIX_JACK, CLIENT_NAME)


def _unique(names: list[str]) -> list[str]:
    """Two keyboards of one make may have one name: number them."""
    seen = collections.Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique


def _plain(name: str) -> str:
    """ALSA's "Keystation:Keystation MIDI 1 24:0" without the numbers that change at every start."""
    return re.sub(r" \d+:\d+$", "", name)
