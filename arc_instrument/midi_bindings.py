"""What a learned MIDI control does, as data; and how a knob takes over a value without a jump. No Qt."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from arc_instrument.domain import OWN_MIDI_PORT, ControlEvent, NoteEvent, ProgramEvent

ANY_CHANNEL = 0
ON = 64  # a switch is on from this value
CATCH_STEPS = 2  # a knob this close to the value, in 127ths, has caught it


@dataclass(frozen=True)
class Trigger:
    """A control of a MIDI device. `number` is the controller, note or program; `channel` 1–16, or `ANY_CHANNEL`."""

    source: str
    kind: Literal["controller", "note", "program"]
    number: int
    channel: int = ANY_CHANNEL

    @property
    def title(self) -> str:
        """As people read it."""
        name = {"controller": "CC", "note": "note", "program": "program"}[self.kind]
        channel = "" if self.channel == ANY_CHANNEL else f" channel {self.channel}"
        return f"{name} {self.number}{channel} of {self.source}"


def may_be_same_port(one: str, other: str) -> bool:
    """A program that is connected to our own port may be one whose port we open too: what it sends comes by either."""
    return one == other or OWN_MIDI_PORT in (one, other)


@dataclass(frozen=True)
class Binding:
    """`trigger` drives `target`, a name of `session.controls`. `relative`: an endless encoder that sends steps."""

    trigger: Trigger
    target: str
    relative: bool = False


MidiEvent = ControlEvent | NoteEvent | ProgramEvent


def trigger_of(event: MidiEvent) -> Trigger:
    """Which control sent `event`. Notes come without their channel."""
    if isinstance(event, NoteEvent):
        return Trigger(event.source, "note", event.note)
    if isinstance(event, ProgramEvent):
        return Trigger(event.source, "program", event.program, event.channel)
    return Trigger(event.source, "controller", event.controller, event.channel)


def value_of(event: MidiEvent) -> int:
    """How far the control is pressed or turned, 0–127; a program is always pressed."""
    if isinstance(event, ProgramEvent):
        return 127
    return event.velocity if isinstance(event, NoteEvent) else event.value


def bound(bindings: tuple[Binding, ...], new: Binding) -> tuple[Binding, ...]:
    """`bindings` with `new`. A control drives one target, a target may be driven by several controls."""
    return (*(binding for binding in bindings if binding.trigger != new.trigger), new)


def driven_by(bindings: Iterable[Binding], trigger: Trigger) -> list[Binding]:
    """What a control drives: what it was learned for, else what was learned of it by the other way it may come."""
    alike = [each for each in bindings if replace(each.trigger, source=trigger.source) == trigger]
    exactly = [each for each in alike if each.trigger == trigger]
    return exactly or [each for each in alike if may_be_same_port(each.trigger.source, trigger.source)]


def silent_notes(bindings: Iterable[Binding]) -> tuple[tuple[str, int], ...]:
    """The notes that drive something, as the MIDI port's name and the note."""
    return tuple((each.trigger.source, each.trigger.number) for each in bindings if each.trigger.kind == "note")


def with_relative(bindings: tuple[Binding, ...], trigger: Trigger, relative: bool) -> tuple[Binding, ...]:
    """`bindings` with that control read as an endless encoder, or not."""
    return tuple(replace(each, relative=relative) if each.trigger == trigger else each for each in bindings)


def steps(value: int) -> int:
    """How many steps an endless encoder was turned: two's complement of 7 bits, the commonest of its dialects."""
    return value if value < 64 else value - 128


@dataclass
class Takeover:
    """Soft takeover: a knob moves nothing until it passes the value, and again after somebody else moved that."""

    _knob: float | None = field(default=None, init=False)
    _written: float | None = field(default=None, init=False)

    def follows(self, knob: float, unit: float, value: float) -> bool:
        """Whether a knob now at `knob` (0 to 1) moves the control, which is at `unit` (0 to 1), `value` in its unit."""
        before, self._knob = self._knob, knob
        is_ours = self._written is not None and self._written == value
        passed = before is not None and min(before, knob) <= unit <= max(before, knob)
        return is_ours or passed or abs(knob - unit) * 127 <= CATCH_STEPS

    def wrote(self, value: float) -> None:
        """The control stands at `value` because of this knob."""
        self._written = value


@dataclass
class Switch:
    """A pedal or button: fires when its value rises to `ON`, not while it stays there."""

    _was_on: bool = field(default=False, init=False)

    def fires(self, value: int) -> bool:
        was_on, self._was_on = self._was_on, value >= ON
        return self._was_on and not was_on
