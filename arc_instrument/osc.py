"""Open Sound Control over UDP: a thread that listens, what it heard as data, and the state sent to who asked. No Qt.

Addresses, all below `/arc`; `TARGET` is an action's id, `ID` a parameter's:

    /arc/TARGET [on]        do it; with a number, only if that is not 0 (buttons send 1 and 0)
    /arc/param/ID x         set a parameter, 0 to 1 over its range
    /arc/value/ID x         … in its own unit
    /arc/prompt "text"      write the prompt
    /arc/note n v           play note n (0–127) with velocity v, 0 lets go;  /arc/pad n v: pad n (1–16)
    /arc/subscribe [port]   send `/arc/state/…` to the sender, at that port; /arc/unsubscribe ends it
    /arc/state [port]       send all of it once

A bundle's time is not waited for. Source: opensoundcontrol.org, OSC 1.0.
"""

import contextlib
import logging
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from arc_instrument import actions, parameters
from arc_instrument.domain import MAX_PROMPT_CHARACTERS, UserError

ROOT = "/arc/"
MAX_WAITING = 1_000  # commands that wait for the window; what comes on top is dropped and counted
MAX_SUBSCRIBERS = 8
MAX_DATAGRAM = 65_507
MAX_MESSAGE = 16_384
MAX_NESTING = 8
KNOWN_TAGS = b",ifsbhdTFN"
ERRORS_SECONDS = 0.05  # between two complaints, so that a flood is not answered with a flood
PADS = 16
Address = tuple[str, int]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Command:
    """What a message asks for. `verb` is run, param, value, prompt, note, pad, state, subscribe or unsubscribe."""

    verb: str
    name: str = ""
    number: float = 0.0
    velocity: int = 0
    text: str = ""
    sender: Address = ("", 0)


@dataclass(frozen=True)
class OscCounts:
    """Messages since the port opened: understood, refused (with a reason), and dropped because too many waited."""

    received: int = 0
    refused: int = 0
    dropped: int = 0


def understood(address: str, arguments: list, sender: Address = ("", 0)) -> Command | None:
    """What a message means; None for a button that was let go. Raises ValueError with a sentence otherwise."""
    if not address.startswith(ROOT):
        raise ValueError(f"{address} is not an address of this instrument: all begin with {ROOT}.")
    verb, _, name = address.removeprefix(ROOT).partition("/")
    if name and verb in ("param", "value"):
        if name not in parameters.BY_ID:
            raise ValueError(f"{address}: there is no parameter “{name}”.")
        return Command(verb, name, _number(address, arguments))
    if name:
        raise ValueError(f"{address} is not an address of this instrument.")
    if verb == "prompt":
        if len(arguments) != 1 or not isinstance(arguments[0], str):
            raise ValueError(f"{address} takes one text.")
        return Command(verb, text=arguments[0][:MAX_PROMPT_CHARACTERS])
    if verb in ("note", "pad"):
        number, velocity = (_whole(address, arguments, place, 2) for place in range(2))
        low, high = (0, 127) if verb == "note" else (1, PADS)
        if not (low <= number <= high and 0 <= velocity <= 127):
            raise ValueError(f"{address} takes a number from {low} to {high} and a velocity from 0 to 127.")
        return Command(verb, number=number, velocity=velocity)
    if verb in ("subscribe", "unsubscribe", "state"):
        port = _whole(address, arguments, 0, 1) if arguments else sender[1]
        if not 1 <= port <= 65_535:
            raise ValueError(f"{address} takes a port from 1 to 65535.")
        return Command(verb, sender=(sender[0], port))
    if verb not in actions.BY_ID or not actions.BY_ID[verb].runnable:
        raise ValueError(f"{address}: there is no action “{verb}”.")
    if arguments and not _number(address, arguments):
        return None
    return Command("run", verb)


def messages_in(datagram: bytes, depth: int = 0) -> Iterator[tuple[str, list]]:
    """Address and arguments of each message, those of a bundle in its order. Raises some exception for rubbish.

    Bundles are read here: python-osc logs a warning for each empty element, of which a datagram may hold 16,000, and
    follows nesting without an end. It logs unknown argument types too.
    """
    from pythonosc.osc_message import OscMessage

    if datagram.startswith(b"#bundle\0"):
        place = 16
        while place < len(datagram):
            size = int.from_bytes(datagram[place : place + 4], "big")
            element = datagram[place + 4 : place + 4 + size]
            if depth == MAX_NESTING or not element or len(element) != size:
                raise ValueError(f"an element of {size} bytes at {place} of {len(datagram)}, {depth} bundles deep")
            yield from messages_in(element, depth + 1)
            place += 4 + size
        return
    tags_at = (datagram.index(b"\0") // 4 + 1) * 4
    tags = datagram[tags_at:].partition(b"\0")[0]
    if len(datagram) > MAX_MESSAGE or not set(tags) <= set(KNOWN_TAGS):
        raise ValueError(f"{len(datagram)} bytes of the types {tags[:20]!r}")
    message = OscMessage(datagram)
    yield message.address, message.params


def _number(address: str, arguments: list, place: int = 0, count: int = 1) -> float:
    number = arguments[place] if len(arguments) == count else None
    if not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError(f"{address} takes {'one number' if count == 1 else f'{count} numbers'}.")
    return number


def _whole(address: str, arguments: list, place: int, count: int) -> int:
    return round(_number(address, arguments, place, count))


class Mailbox:
    """Commands on their way from the listening thread to the window: bounded, in order, values merged.

    A newer value replaces one of the same address that still waits, unless an action stands between them. Note-offs
    are never dropped: each note has at most one waiting on top of the rest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Command] = deque()
        self._values: dict[tuple[str, str], int] = {}  # where a waiting value stands, counted since ever
        self._taken = 0
        self._late_offs: dict[tuple[str, float], Command] = {}
        self._counts = OscCounts()

    def put(self, command: Command) -> bool:
        """Returns whether nothing waited before: somebody must be told that something does now."""
        with self._lock:
            was_empty = not (self._waiting or self._late_offs)
            self._counts = replace(self._counts, received=self._counts.received + 1)
            key = (command.verb, command.name)
            if command.verb in ("param", "value", "prompt") and key in self._values:
                self._waiting[self._values[key] - self._taken] = command
            elif len(self._waiting) < MAX_WAITING:
                if command.verb in ("param", "value", "prompt"):
                    self._values[key] = self._taken + len(self._waiting)
                elif command.verb == "run":
                    self._values.clear()
                self._waiting.append(command)
            elif command.verb in ("note", "pad") and not command.velocity:
                self._late_offs[command.verb, command.number] = command
            else:
                self._counts = replace(self._counts, dropped=self._counts.dropped + 1)
                return False
            return was_empty

    def take(self, at_most: int) -> list[Command]:
        """The oldest commands, taken out; note-offs that found no room come last."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(at_most, len(self._waiting)))]
            self._taken += len(taken)
            self._values = {key: place for key, place in self._values.items() if place >= self._taken}
            if not self._waiting and self._late_offs:
                taken += self._late_offs.values()
                self._late_offs.clear()
            return taken

    def refuse(self) -> None:
        with self._lock:
            self._counts = replace(self._counts, refused=self._counts.refused + 1)

    @property
    def counts(self) -> OscCounts:
        return self._counts


class OscPort:
    """An open UDP port. `on_waiting` is called in its thread whenever commands begin to wait in `mailbox`."""

    def __init__(self, port: int, on_waiting: Callable[[], None], *, network: bool = False):
        """`network` also listens to other machines. Raises `UserError` if the port cannot be had."""
        self.mailbox = Mailbox()
        self._on_waiting = on_waiting
        self._subscribers: dict[Address, None] = {}
        self._complained_at = 0.0
        self._closing = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("0.0.0.0" if network else "127.0.0.1", port))
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"OSC cannot listen on port {port} ({reason}): choose another port.") from error
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.settimeout(1.0)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, name="osc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and give the port back."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", ("127.0.0.1", self.port))  # wakes it
        self._thread.join(2.0)
        self._socket.close()

    # --- out --------------------------------------------------------------------------------------------------------

    @property
    def subscribers(self) -> tuple[Address, ...]:
        return tuple(self._subscribers)

    def subscribe(self, address: Address) -> None:
        """Send changes to `address` from now on; the oldest subscriber gives way to a ninth."""
        self._subscribers[address] = None
        while len(self._subscribers) > MAX_SUBSCRIBERS:
            self._subscribers.pop(next(iter(self._subscribers)))

    def unsubscribe(self, address: Address) -> None:
        self._subscribers.pop(address, None)

    def send(self, messages: Mapping[str, Iterable], to: Iterable[Address] | None = None) -> None:
        """Send each address below `/arc/` with its arguments, to every subscriber if not told otherwise."""
        receivers = self.subscribers if to is None else tuple(to)
        for address, arguments in messages.items() if receivers else ():
            datagram = _datagram(ROOT + address, arguments)
            for receiver in receivers:
                with contextlib.suppress(OSError):  # a receiver that is gone, a network that is down
                    self._socket.sendto(datagram, receiver)

    # --- in ---------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._closing:
            try:
                data, sender = self._socket.recvfrom(MAX_DATAGRAM)
            except TimeoutError:
                continue
            except OSError as error:  # Windows reports a receiver's absence here
                log.debug("OSC: %s", error)
                time.sleep(0.01)
                continue
            if data:
                self._receive(data, sender)

    def _receive(self, data: bytes, sender: Address) -> None:
        try:
            messages = list(messages_in(data))
        except Exception:  # whatever rubbish does to the parser: it is counted, and not answered
            self.mailbox.refuse()
            return
        for address, arguments in messages:
            try:
                command = understood(address, arguments, sender)
            except ValueError as error:
                self.mailbox.refuse()
                self._complain(str(error), sender)
                continue
            if command is not None and self.mailbox.put(command):
                self._on_waiting()

    def _complain(self, sentence: str, sender: Address) -> None:
        now = time.monotonic()
        if now - self._complained_at >= ERRORS_SECONDS:
            self._complained_at = now
            self.send({"error": [sentence]}, [sender])


def _datagram(address: str, arguments: Iterable) -> bytes:
    from pythonosc.osc_message_builder import OscMessageBuilder

    builder = OscMessageBuilder(address)
    for argument in arguments:
        if isinstance(argument, str):  # OSC text ends at a zero byte
            builder.add_arg(argument.encode("utf-8", "replace").decode().replace("\0", "")[:16_000], "s")
        elif isinstance(argument, bool):
            builder.add_arg(int(argument), "i")
        elif isinstance(argument, int) and not -(2**31) <= argument < 2**31:
            builder.add_arg(argument, "h")
        else:
            builder.add_arg(argument)
    return builder.build().dgram
