"""The MIDI page of the preferences: which inputs are heard, and what their controls have learned to drive."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QVBoxLayout, QWidget

from arc_instrument.actions import ACTIONS
from arc_instrument.parameters import PARAMETERS
from arc_instrument.session.controls import PARAMETER, target_title
from arc_instrument.session.state import SessionState
from arc_instrument.ui.palette import GRID
from arc_instrument.ui.preference_page import PreferencePage, PreferenceRow, caption_label


class MidiPreferences(PreferencePage):
    """Signals: inputToggled(str), the port's name; learnRequested(str), bindingRemoved(Trigger),
    encoderToggled(Trigger, bool).
    """

    inputToggled = Signal(str)
    learnRequested = Signal(str)
    bindingRemoved = Signal(object)
    encoderToggled = Signal(object, bool)

    def __init__(self) -> None:
        super().__init__("MIDI")
        self._shown: object = None
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, GRID, 0)
        self._rows.setSpacing(4)
        self._inside = inside = QWidget()
        inside.setObjectName("page")
        inside.setLayout(self._rows)
        area = QScrollArea()
        area.setObjectName("page")
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.whole(area)
        self.learn = self.choice("Learn", "Let a MIDI control learn", self.learnRequested, "Choose what a knob drives…")
        self.learn.show_entries(
            [*((PARAMETER + each.id, each.title) for each in PARAMETERS),
             *((each.id, each.title) for each in ACTIONS if each.runnable)], None
        )  # fmt: skip
        self.hint(
            "A keyboard plays as soon as it is plugged in. To learn, choose what shall be driven, then move a knob or "
            "press a button: a knob takes over when it passes the value; an endless one is an encoder."
        )
        self.stretched(0)

    def render_state(self, state: SessionState) -> None:
        audio = state.audio
        present = (audio.midi_present or audio.midi_inputs) if audio else ()
        ignored = state.devices.ignored_midi
        rows = (present, ignored, state.bindings, audio.midi_sentence if audio else "")
        if rows == self._shown:
            return
        self._shown = rows
        focused = QApplication.focusWidget()
        focused_name = focused.accessibleName() if focused and self._inside.isAncestorOf(focused) else None
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.setParent(None)
                widget.deleteLater()
        names = (*present, *(name for name in ignored if name not in present))
        self._rows.addWidget(caption_label("Inputs" if names else (rows[3] or "No MIDI input")))
        for name in names:
            row = PreferenceRow(name if name in present else f"{name} (absent)")
            is_on = name not in ignored
            row.switch("On" if is_on else "Off", f"Listen to {name}", is_on, partial(self.inputToggled.emit, name))
            self._rows.addWidget(row)
            row.show()  # now, so that it can have the focus
        self._rows.addWidget(caption_label("Learned controls" if state.bindings else "No learned control yet"))
        for binding in state.bindings:
            title = target_title(binding.target)
            row = PreferenceRow(f"{title}  ←  {binding.trigger.title}")
            trigger = binding.trigger
            turn_encoder = partial(self.encoderToggled.emit, trigger, not binding.relative)
            if binding.target.startswith(PARAMETER):
                row.switch("Encoder", f"{title}: endless encoder", binding.relative, turn_encoder)
            row.button("Remove", f"{title}: remove the learned control", partial(self.bindingRemoved.emit, trigger))
            self._rows.addWidget(row)
            row.show()  # now, so that it can have the focus
        self._rows.addStretch()
        if focused_name is not None:  # the keyboard's place is not lost because the rows are written anew
            buttons = self._inside.findChildren(QPushButton)
            (next((each for each in buttons if each.accessibleName() == focused_name), self.learn)).setFocus()
