"""Controls: every action and parameter by name, for what drives the instrument from outside the mouse."""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument import actions, parameters
from arc_instrument.parameters import Parameter

if TYPE_CHECKING:
    from arc_instrument.session.session import Session

PARAMETER = "param/"  # a target of this prefix is a parameter, any other an action; OSC addresses are /arc/TARGET
WRITE_MS = 15  # a knob sends up to a thousand values a second, and the window draws sixty frames


def target_title(target: str) -> str:
    """What a target is called on screen; its own name where the registry has none."""
    registry = parameters.BY_ID if target.startswith(PARAMETER) else actions.BY_ID
    entry = registry.get(target.removeprefix(PARAMETER))
    return entry.title if entry else target


def is_target(target: str) -> bool:
    """Whether a target names a registered parameter or an action that can be run."""
    if target.startswith(PARAMETER):
        return target.removeprefix(PARAMETER) in parameters.BY_ID
    return target in actions.BY_ID and actions.BY_ID[target].runnable


class Controls(QObject):
    """Lives in the GUI thread; MIDI, OSC and the command palette go through it.

    Values are written at once if none was written in the last 15 ms, else the latest of each parameter then.

    Signals:
        windowActionRequested(str): an action that the window does, not the session.
        padHit(int, int): pad 1–16 with velocity 0–127, 0 lets go.
    """

    windowActionRequested = Signal(str)
    padHit = Signal(int, int)

    def __init__(self, session: "Session"):
        super().__init__(session)
        self._session = session
        self._pending: dict[str, float] = {}
        self._writing = QTimer(self, singleShot=True, interval=WRITE_MS)
        self._writing.timeout.connect(self._write_pending)

    def can_run(self, action_id: str) -> bool:
        """Whether an action has what it needs now."""
        action = actions.BY_ID[action_id]
        return action.runnable and (not action.needs or bool(attrgetter(action.needs)(self._session.state)))

    def run(self, action_id: str) -> bool:
        """Run a registered action; False if it cannot be run now."""
        if not self.can_run(action_id):
            return False
        self.write()  # what was turned before counts for what is ordered now
        command = actions.BY_ID[action_id].command
        if command:
            attrgetter(command)(self._session)()
        else:
            self.windowActionRequested.emit(action_id)
        return True

    def value(self, parameter_id: str) -> float:
        """What a parameter is set to, in its unit."""
        if parameter_id in self._pending:
            return self._pending[parameter_id]
        return attrgetter(parameters.BY_ID[parameter_id].field)(self._session.state)

    def unit(self, parameter_id: str) -> float:
        """Where a parameter stands between its minimum and its maximum, 0 to 1."""
        return self._scale(parameter_id).to_unit(self.value(parameter_id))

    def set_value(self, parameter_id: str, value: float) -> None:
        """Set a parameter in its unit; what it cannot be becomes the nearest it can."""
        parameter = self._scale(parameter_id)
        self._pending[parameter_id] = parameter.clamped(value)
        if not self._writing.isActive():
            self._write_pending()

    def set_unit(self, parameter_id: str, unit: float) -> None:
        """Set a parameter by where it stands between its minimum (0) and its maximum (1)."""
        self.set_value(parameter_id, self._scale(parameter_id).from_unit(unit))

    def write(self) -> None:
        """Write now what waits."""
        pending, self._pending = self._pending, {}
        for parameter_id, value in pending.items():
            set_it: Callable[[float], None] = attrgetter(parameters.BY_ID[parameter_id].command)(self._session)
            set_it(value)

    def shutdown(self) -> None:
        """Write what waits, and wait for nothing more."""
        self._writing.stop()
        self.write()

    def set_prompt(self, prompt: str) -> None:
        self._session.set_prompt(prompt)

    def play_note(self, note: int, velocity: int) -> None:
        """A note from outside, 0–127; velocity 0 lets go."""
        self._session.player.play_note(note, velocity, "OSC")

    def step(self, parameter_id: str) -> float:
        """The smallest turn, 0 to 1: a 127th of the range, or one unit of the last decimal if that is coarser."""
        parameter = self._scale(parameter_id)
        value = self.value(parameter_id)
        one = 10**-parameter.decimals
        finest = max(parameter.to_unit(value + one) - parameter.to_unit(value),
                     parameter.to_unit(value) - parameter.to_unit(value - one))  # fmt: skip
        return max(finest, 1 / 127)

    def _scale(self, parameter_id: str) -> Parameter:
        """The parameter with the maximum that holds now."""
        parameter = parameters.BY_ID[parameter_id]
        limit = attrgetter(parameter.limit)(self._session.state) if parameter.limit else parameter.maximum
        return parameter.limited(limit)

    @Slot()
    def _write_pending(self) -> None:
        if self._pending:
            self.write()
            self._writing.start()
