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
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import rtmidi

from arc_instrument.audio.clock import MidiClock
from arc_instrument.domain import OWN_MIDI_PORT

PORTS_SECONDS = 1.5  # between two looks for ports
FETCH_SECONDS = 0.002  # between two looks for messages
TWIN_ROUNDS = 10  # 20 ms and more
QUEUED_MESSAGES = 16_384  # a port's; 1.6 s of 10,000 a second
CLIENT_NAME = OWN_MIDI_PORT
TRANSPORT = {0xFA: "start", 0xFB: "continue", 0xFC: "stop"}
_CLOCK, _SYSEX = 0xF8, 0xF0


class MidiTarget(Protocol):
    """What MIDI does. All come from the MIDI thread; channels count from 1."""

    def midi_note(self, channel: int, note: int, velocity: int, source: str) -> None: ...
    def midi_control(self, channel: int, controller: int, value: int, source: str) -> None: ...
    def midi_bend(self, channel: int, value: int) -> None: ...
    def midi_pressure(self, channel: int, value: int) -> None: ...
    def midi_program(self, channel: int, program: int, source: str) -> None: ...
    def midi_transport(self, command: str) -> None: ...
    def midi_tempo(self, bpm: float) -> None: ...
    def midi_lost(self) -> None: ...
    def midi_ports(self, open_names: tuple[str, ...], all_names: tuple[str, ...], sentence: str) -> None: ...
    def midi_flush(self) -> None: ...


class PortParser:
    """Bytes of one port to what they mean. Running status is resolved; a note-off is a `midi_note` of velocity 0."""

    def __init__(self, source: str, target: MidiTarget):
        self._source, self._target = source, target
        self._status = self._wanted = 0
        self._data: list[int] = []
        self._clock = MidiClock()

    def feed(self, data: Iterable[int], time_s: float = 0.0) -> None:
        """Any number of bytes that came at `time_s`: parts of messages, several messages, rubbish."""
        for byte in data:
            if byte >= 0xF8:  # realtime bytes may stand inside other messages
                self._on_realtime(byte, time_s)
            elif byte >= 0x80:
                self._status = byte if byte < _SYSEX else 0  # system messages end running status; their data is skipped
                self._wanted = 1 if 0xC0 <= byte < 0xE0 else 2
                self._data = []
            elif self._status:
                self._data.append(byte)
                if len(self._data) == self._wanted:
                    first, *second = self._data
                    self._data = []
                    self._dispatch(self._status & 0xF0, (self._status & 0x0F) + 1, first, *second)

    def _on_realtime(self, byte: int, time_s: float) -> None:
        if byte == _CLOCK:
            bpm = self._clock.tick(time_s)
            if bpm is not None:
                self._target.midi_tempo(bpm)
        elif byte in TRANSPORT:
            self._target.midi_transport(TRANSPORT[byte])

    def _dispatch(self, kind: int, channel: int, first: int, second: int = 0) -> None:
        target = self._target
        if kind == 0x90:
            target.midi_note(channel, first, second, self._source)
        elif kind == 0x80:
            target.midi_note(channel, first, 0, self._source)
        elif kind == 0xB0:
            target.midi_control(channel, first, second, self._source)
        elif kind == 0xC0:
            target.midi_program(channel, first, self._source)
        elif kind == 0xD0:
            target.midi_pressure(channel, first)
        elif kind == 0xE0:
            target.midi_bend(channel, (second << 7) + first - 8192)


class Twins:
    """Finds what came twice. A program that is connected to our port is also one whose port we open: each message then
    arrives by both ways within milliseconds, and each key would be struck twice.

    What lets go (a note-off, a controller at 0) always passes: where a driver lost one of the twins, the one that is
    left could be taken for the second of an earlier pair, and a note would be stuck. Twice let go does no harm.
    Age counts in rounds of fetching, not in time: in a flood one way's messages are read long before the other's.
    """

    def __init__(self):
        self._alone: tuple[dict[bytes, collections.deque[int]], ...] = {}, {}
        self._round = 0

    def is_second(self, data: bytes, by_own_port: bool) -> bool:
        """Whether the same bytes have come by the other way and had no twin yet."""
        if data[0] & 0xF0 == 0x80 or (len(data) == 3 and data[2] == 0):
            return False
        rounds = self._alone[not by_own_port].get(data)
        while rounds:
            if self._round - rounds.popleft() < TWIN_ROUNDS:
                return True
        waiting = self._alone[by_own_port].setdefault(data, collections.deque())
        while waiting and self._round - waiting[0] >= TWIN_ROUNDS:
            waiting.popleft()  # or what a controller repeats for ever would fill the memory
        waiting.append(self._round)
        return False

    def next_round(self) -> None:
        """All ports have been fetched from; forget now and then what is too old to have a twin."""
        self._round += 1
        if self._round % 100 == 0:
            for side in self._alone:
                old = [key for key, rounds in side.items() if not rounds or self._round - rounds[-1] >= TWIN_ROUNDS]
                for data in old:
                    del side[data]


class _Port:
    """One MIDI input and the parser of its bytes."""

    def __init__(self, name: str, target: MidiTarget, twins: Twins, is_own: bool = False):
        self._twins, self._is_own = twins, is_own
        self.name = name
        self.midi = _make_port()
        self.midi.ignore_types(sysex=True, timing=False, active_sense=True)
        self._target = target
        self._parser = PortParser(name, target)
        self._time_s = 0.0

    def fetch(self) -> None:
        """Parse what has arrived. Messages were lost if the queue was full: then no key is trusted to be down."""
        for count in range(QUEUED_MESSAGES):
            event = self.midi.get_message()
            if event is None:
                if count >= QUEUED_MESSAGES - 1:
                    self._target.midi_lost()
                return
            data, seconds_since_last = event
            self._time_s += seconds_since_last
            if not self._twins.is_second(bytes(data), self._is_own):
                self._parser.feed(data, self._time_s)
        self._target.midi_lost()

    def close(self) -> None:
        self.midi.close_port()
        self.midi.delete()


class MidiInputs:
    """Keeps every MIDI input open that is not ignored; a thread fetches messages, and looks for new and vanished ports.

    Ports are known by their names: one that is ignored stays so while it is absent.
    """

    def __init__(self, target: MidiTarget, ignored: Iterable[str] = ()):
        self._target = target
        self._ignored = frozenset(ignored)
        self._look_now = False
        self._twins = Twins()
        self._ports: dict[str, _Port] = {}
        self._watch: _Port | None = None
        self._told: tuple | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ignore(self, names: Iterable[str]) -> None:
        """From now on listen to every port but these."""
        self._ignored = frozenset(names)
        self._look_now = True

    def close(self) -> None:
        """Close every port; waits at most a second for the thread."""
        self._closing.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        next_look = 0.0
        while not self._closing.is_set():
            if self._look_now or time.monotonic() >= next_look:
                self._look_now = False
                self._look_for_ports()
                next_look = time.monotonic() + PORTS_SECONDS
            for port in self._open_ports():
                port.fetch()
            self._twins.next_round()
            self._target.midi_flush()
            self._closing.wait(FETCH_SECONDS if self._watch else PORTS_SECONDS)
        for port in self._open_ports():
            port.close()

    def _open_ports(self) -> list[_Port]:
        return [*self._ports.values(), *([self._watch] if self._watch else [])]

    def _look_for_ports(self) -> None:
        """Open what is new, close what is gone or ignored, and tell of it. What another program holds is left out."""
        busy = ""
        try:
            watch = self._watch = self._watch or self._make_watch()
            system_names = _unique(watch.midi.get_ports())
            names = _unique([_plain(name) for name in system_names])
            wanted = {name for name, shown in zip(system_names, names, strict=True) if shown not in self._ignored}
            for name in set(self._ports) - wanted:
                self._ports.pop(name).close()
                self._target.midi_lost()
            for index, name in enumerate(system_names):
                if name in wanted and name not in self._ports:
                    port = _Port(names[index], self._target, self._twins)
                    try:
                        port.midi.open_port(index, "in")
                    except rtmidi.RtMidiError:
                        port.close()
                        busy = port.name
                    else:
                        self._ports[name] = port
        except rtmidi.RtMidiError:
            self._tell((), "No MIDI system found: play with the typed keys.")
        else:
            count = len(self._ports)
            sentence = f"{count} MIDI input{'s' if count > 1 else ''}" if count else "No MIDI input"
            if busy:
                sentence = f"{busy} does not open: close the program that uses it. {sentence}"
            self._tell(tuple(names), sentence)

    def _make_watch(self) -> _Port:
        """The port others can connect to; it also lists the system's. Windows has no such ports."""
        port = _Port(CLIENT_NAME, self._target, self._twins, is_own=True)
        if sys.platform != "win32":
            port.midi.open_virtual_port("in")
        return port

    def _tell(self, all_names: tuple[str, ...], sentence: str) -> None:
        told = (tuple(port.name for port in self._ports.values()), all_names, sentence)
        if told != self._told:
            self._told = told
            self._target.midi_ports(*told)


def _make_port() -> rtmidi.MidiIn:
    """A port of the first API that works: on Linux ALSA where its sequencer exists, else a running JACK server."""
    if not sys.platform.startswith("linux"):
        return rtmidi.MidiIn(name=CLIENT_NAME, queue_size_limit=QUEUED_MESSAGES)
    if Path("/dev/snd/seq").exists():
        return rtmidi.MidiIn(rtmidi.API_LINUX_ALSA, CLIENT_NAME, QUEUED_MESSAGES)
    return rtmidi.MidiIn(rtmidi.API_UNIX_JACK, CLIENT_NAME, QUEUED_MESSAGES)


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
