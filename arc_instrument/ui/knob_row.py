"""Knobs side by side, each for a registered parameter."""

from collections.abc import Sequence
from operator import attrgetter

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from arc_instrument.parameters import BY_ID, Parameter
from arc_instrument.session.state import SessionState
from arc_instrument.ui.knob import Knob
from arc_instrument.ui.pan_knob import PanKnob


class KnobRow(QWidget):
    """Signals: turned(str, float), the id of a parameter and its value."""

    turned = Signal(str, float)

    def __init__(self, parameter_ids: Sequence[str], centred: Sequence[str] = ()):
        super().__init__()
        self.knobs = {each: knob_of(BY_ID[each], centred=each in centred) for each in parameter_ids}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for parameter_id, knob in self.knobs.items():
            knob.valueEdited.connect(lambda value, parameter_id=parameter_id: self.turned.emit(parameter_id, value))
            row.addWidget(knob)

    def tab_order(self) -> tuple[QWidget, ...]:
        return tuple(self.knobs.values())

    def render_state(self, state: SessionState) -> None:
        for parameter_id, knob in self.knobs.items():
            knob.set_value(attrgetter(BY_ID[parameter_id].field)(state))


def knob_of(parameter: Parameter, *, centred: bool = False) -> Knob:
    """The knob that writes the parameter's kind of value."""
    return (PanKnob if parameter.id == "pan" else Knob)(parameter, centred=centred)
