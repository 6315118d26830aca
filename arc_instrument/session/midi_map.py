"""MIDI map: which MIDI control drives what, how one is learned, and what it does when it is moved."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from arc_instrument.midi_bindings import (
    ON,
    Binding,
    MidiEvent,
    Switch,
    Takeover,
    Trigger,
    bound,
    driven_by,
    silent_notes,
    steps,
    trigger_of,
    value_of,
    with_relative,
)
from arc_instrument.session.controls import PARAMETER, Controls, is_target, target_title
from arc_instrument.session.history import History
from arc_instrument.session.store import Store

if TYPE_CHECKING:
    from arc_instrument.audio.client import AudioClient

CHANNEL_MODE = 120  # controllers from here on mean all sound off and the like: never learned


class MidiMap(QObject):
    """Renders `bindings` and `learning`, the target that waits for its control, into the store.

    A binding whose target this version does not know is kept, so that an older file loses nothing, and does nothing.
    """

    def __init__(
        self,
        store: Store,
        history: History,
        controls: Controls,
        audio: "AudioClient",
        bindings: Sequence[Binding] = (),
    ):
        super().__init__(store)
        self._store, self._history, self._controls, self._audio = store, history, controls, audio
        self._takeovers: dict[Trigger, Takeover] = {}
        self._switches: dict[Trigger, Switch] = {}
        self._silent: tuple[tuple[str, int], ...] = ()
        self._use(tuple(bindings))
        audio.controlReceived.connect(self._on_event)
        audio.programReceived.connect(self._on_event)
        audio.noteReceived.connect(self._on_event)

    def learn(self, target: str) -> None:
        """The next control that is moved drives `target`, an action's id or "param/" and a parameter's."""
        if not is_target(target):
            raise ValueError(f"target={target!r}: neither a parameter nor an action that can be run")
        self._store.update(learning=target)
        self._store.say(f"{target_title(target)}: move the MIDI control that shall drive it, Esc cancels.",
                        is_error=False, action="cancel_learn", action_title="Cancel")  # fmt: skip

    def cancel_learn(self) -> None:
        if self._store.state.learning:
            self._store.update(learning="", message=None)

    def unlearn(self, trigger: Trigger) -> None:
        """That control drives nothing any more."""
        self._change("forget control", tuple(each for each in self._store.state.bindings if each.trigger != trigger))

    def unlearn_target(self, target: str) -> None:
        """No MIDI control drives `target` any more."""
        self._change("forget control", tuple(each for each in self._store.state.bindings if each.target != target))

    def set_relative(self, trigger: Trigger, relative: bool) -> None:
        """Whether that control is an endless encoder."""
        self._change("encoder", with_relative(self._store.state.bindings, trigger, relative))

    def _change(self, label: str, bindings: tuple[Binding, ...]) -> None:
        """Have these controls from now on, undoably."""
        before = self._store.state.bindings
        if bindings != before:
            self._keep(bindings)
            self._history.record(label, lambda: self._keep(before), lambda: self._keep(bindings))

    def _keep(self, bindings: tuple[Binding, ...]) -> None:
        kept = {binding.trigger for binding in bindings}
        self._takeovers = {trigger: each for trigger, each in self._takeovers.items() if trigger in kept}
        self._switches = {trigger: each for trigger, each in self._switches.items() if trigger in kept}
        self._use(bindings)
        self._store.settingsChanged.emit()

    def _use(self, bindings: tuple[Binding, ...]) -> None:
        """A note that runs something makes no sound besides."""
        self._store.update(bindings=bindings)
        silent = silent_notes(each for each in bindings if is_target(each.target))
        if silent != self._silent:
            self._silent = silent
            self._audio.silence_notes(silent)

    # --- what is played ---------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_event(self, event: MidiEvent) -> None:
        trigger, value = trigger_of(event), value_of(event)
        if self._store.state.learning:
            self._try_learning(trigger, value)
            return
        for binding in driven_by(self._store.state.bindings, trigger):
            if is_target(binding.target):
                self._obey(binding, value)

    def _try_learning(self, trigger: Trigger, value: int) -> None:
        """Bind what can mean the target: a parameter needs a controller, an action something that was pressed."""
        target = self._store.state.learning
        if trigger.kind == "controller" and trigger.number >= CHANNEL_MODE:
            return
        if target.startswith(PARAMETER):
            if trigger.kind != "controller":
                return
        elif value < (ON if trigger.kind == "controller" else 1):
            return
        self._change("learn control", bound(self._store.state.bindings, Binding(trigger, target)))
        self._switches.setdefault(trigger, Switch()).fires(value)  # pressed already: fires at the next press
        self._store.update(learning="")
        self._store.say(f"{target_title(target)} is driven by {trigger.title} now.", is_error=False)

    def _obey(self, binding: Binding, value: int) -> None:
        trigger, target = binding.trigger, binding.target
        if target.startswith(PARAMETER):
            if binding.relative:
                self._turn(target.removeprefix(PARAMETER), steps(value))
            else:
                self._move(trigger, target.removeprefix(PARAMETER), value / 127)
        elif trigger.kind == "controller":
            if self._switches.setdefault(trigger, Switch()).fires(value):
                self._controls.run(target)
        elif value:
            self._controls.run(target)

    def _move(self, trigger: Trigger, parameter_id: str, knob: float) -> None:
        takeover, controls = self._takeovers.setdefault(trigger, Takeover()), self._controls
        if takeover.follows(knob, controls.unit(parameter_id), controls.value(parameter_id)):
            controls.set_unit(parameter_id, knob)
            takeover.wrote(controls.value(parameter_id))

    def _turn(self, parameter_id: str, count: int) -> None:
        """An encoder's step is a 127th of the range, or the smallest step of a coarser parameter."""
        controls = self._controls
        controls.set_unit(parameter_id, controls.unit(parameter_id) + count * controls.step(parameter_id))
