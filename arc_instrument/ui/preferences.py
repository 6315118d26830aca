"""Preferences: a sheet over the window with what a person chooses once. Everything applies at once; there is no OK."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QFont, QIntValidator
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from arc_instrument.actions import ACTIONS
from arc_instrument.domain import PRECISIONS, RATE_HZ
from arc_instrument.parameters import PARAMETERS
from arc_instrument.session.controls import PARAMETER, target_title
from arc_instrument.session.state import SessionState
from arc_instrument.ui.choice import Choice
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.overlay import Overlay
from arc_instrument.ui.palette import BODY_PX, GRID, font

SHEET = QSize(760, 456)
CAPTION_PX, SECTION_PX = 120, 136
BEST = "Best available"
RATES_HZ = (44_100, 48_000, 88_200, 96_000)
BLOCKS = (0, 32, 64, 128, 256, 512, 1024, 2048)
THEME_TITLES = (("dark", "Dark"), ("light", "Light"), ("system", "As the system"))


class PreferencesPanel(Overlay):
    """Renders a state; says what was chosen.

    Signals:
        hostApiChosen(str), outputChosen(str), inputChosen(str): a name, "" for the best there is.
        rateChosen(int), blockChosen(int): hertz; frames, 0 for the driver's choice.
        testRequested()
        midiInputToggled(str): the port's name.
        learnRequested(str), bindingRemoved(Trigger), encoderToggled(Trigger, bool)
        oscToggled(), oscPortChosen(int), oscNetworkToggled()
        precisionChosen(str): "" for the faster float.
        takesFolderRequested(), folderRevealed(Path)
        themeChosen(str), reducedMotionToggled()
    """

    hostApiChosen = Signal(str)
    outputChosen = Signal(str)
    inputChosen = Signal(str)
    rateChosen = Signal(int)
    blockChosen = Signal(int)
    testRequested = Signal()
    midiInputToggled = Signal(str)
    learnRequested = Signal(str)
    bindingRemoved = Signal(object)
    encoderToggled = Signal(object, bool)
    oscToggled = Signal()
    oscPortChosen = Signal(int)
    oscNetworkToggled = Signal()
    precisionChosen = Signal(str)
    takesFolderRequested = Signal()
    folderRevealed = Signal(Path)
    themeChosen = Signal(str)
    reducedMotionToggled = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent, "Preferences")
        self.sheet.setFixedSize(SHEET)
        self._rows_shown: object = None
        self._state: SessionState | None = None
        self.pages = QStackedWidget()
        self.sections = QButtonGroup(self)
        heading = QLabel("Preferences")
        heading.setProperty("role", "heading")
        heading.setFont(font(BODY_PX + 2, QFont.Weight.DemiBold))
        side = QVBoxLayout()
        side.setSpacing(4)
        side.addWidget(heading)
        side.addSpacing(GRID)
        for name, page in (
            ("Sound", self._sound_page()),
            ("MIDI", self._midi_page()),
            ("OSC", self._osc_page()),
            ("Model and files", self._files_page()),
            ("Look", self._look_page()),
        ):
            button = QPushButton(name)
            button.setCheckable(True)
            button.setProperty("role", "section")
            button.setFixedSize(SECTION_PX, 30)
            button.setAccessibleName(f"{name} preferences")
            self.sections.addButton(button, self.pages.addWidget(page))
            side.addWidget(button)
        side.addStretch()
        close = QPushButton("Close")
        close.setAccessibleName("Close the preferences")
        close.clicked.connect(self.close_sheet)
        side.addWidget(close)
        self.sections.button(0).setChecked(True)
        self.sections.idClicked.connect(self.pages.setCurrentIndex)
        row = QHBoxLayout(self.sheet)
        row.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        row.setSpacing(3 * GRID)
        row.addLayout(side)
        row.addWidget(self.pages, 1)

    def first_widget(self) -> QWidget | None:
        return self.sections.checkedButton()

    # --- the pages --------------------------------------------------------------------------------------------------

    def _sound_page(self) -> QWidget:
        page = _Page("Sound")
        self.host_api = page.choice("Driver", "Sound driver", self.hostApiChosen)
        self.output = page.choice("Play through", "Output device", self.outputChosen)
        self.input = page.choice("Record from", "Input device", self.inputChosen)
        self.rate = page.choice("Sample rate", "Sample rate", self.rateChosen)
        self.block = page.choice("Buffer", "Buffer", self.blockChosen)
        self.latency = page.text("Now")
        self.test = page.button("Play a test tone", self.testRequested.emit)
        page.hint("A smaller buffer answers sooner and asks more of the machine: when the status strip counts xruns, "
                  "take the next larger one.")  # fmt: skip
        return page.finished()

    def _midi_page(self) -> QWidget:
        page = _Page("MIDI")
        self._midi_rows = QVBoxLayout()
        self._midi_rows.setContentsMargins(0, 0, GRID, 0)
        self._midi_rows.setSpacing(4)
        self._midi_inside = inside = QWidget()
        inside.setObjectName("page")
        inside.setLayout(self._midi_rows)
        area = QScrollArea()
        area.setObjectName("page")
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page.whole(area)
        self.learn = page.choice("Learn", "Let a MIDI control learn", self.learnRequested, "Choose what a knob drives…")
        self.learn.show_entries(
            [*((PARAMETER + each.id, each.title) for each in PARAMETERS),
             *((each.id, each.title) for each in ACTIONS if each.runnable)], None
        )  # fmt: skip
        page.hint("Choose what shall be driven, then move a knob or press a button of the MIDI controller. A knob "
                  "takes over when it passes the value; an endless one is an encoder.")  # fmt: skip
        return page.stretched(0)

    def _osc_page(self) -> QWidget:
        page = _Page("Open Sound Control")
        self.osc_on = page.switch("OSC", "OSC", self.oscToggled.emit)
        self.osc_network = page.switch("Listens to", "OSC from any machine", self.oscNetworkToggled.emit)
        self.osc_port = page.line("Port", "OSC port")
        self.osc_port.setValidator(QIntValidator(1, 65_535, self.osc_port))
        self.osc_port.editingFinished.connect(self._on_port)
        self.osc_sentence = page.text("Now")
        page.hint(
            'Other programs send /arc/generate, /arc/prompt "text", /arc/param/strength 0.4 or /arc/note 60 100, '
            "and hear /arc/state/… after /arc/subscribe. The manual lists every address."
        )
        return page.finished()

    def _files_page(self) -> QWidget:
        page = _Page("Model and files")
        self.precision = page.choice("Compute in", "Precision", self.precisionChosen)
        self.precision.show_entries([("", "The faster float of this machine"), *((p, p) for p in PRECISIONS)], "")
        self.takes_folder = page.text("Takes")
        self.change_takes = page.button("Choose another folder…", self.takesFolderRequested.emit)
        self.reveal_takes = page.button("Show the takes", lambda: self._reveal("takes_folder"))
        self.models_folder = page.text("Models")
        self.reveal_models = page.button("Show the models", lambda: self._reveal("models_folder"))
        page.hint("A change of precision loads the model anew. Menu → Model chooses another one.")
        return page.finished()

    def _look_page(self) -> QWidget:
        page = _Page("Look")
        self.theme = page.choice("Colours", "Colours", self.themeChosen)
        self.reduced_motion = page.switch("Motion", "Reduced motion", self.reducedMotionToggled.emit)
        return page.finished()

    # --- rendering --------------------------------------------------------------------------------------------------

    def render_state(self, state: SessionState) -> None:
        self._state = state
        if self.isVisible():
            self._show(state)

    def open(self) -> None:
        if self._state is not None:
            self._show(self._state)
        super().open()

    def _show(self, state: SessionState) -> None:
        audio, devices, chosen = state.audio, state.devices, state.preferences
        _offer(self.host_api, audio.host_apis if audio else (), devices.host_api)
        _offer(self.output, audio.outputs if audio else (), devices.device)
        _offer(self.input, audio.inputs if audio else (), devices.input_device)
        rates = sorted({*RATES_HZ, devices.rate_hz})
        self.rate.show_entries([(hz, f"{hz / 1000:g} kHz{' (the model’s own)' if hz == RATE_HZ else ''}")
                                for hz in rates], devices.rate_hz)  # fmt: skip
        blocks = sorted({*BLOCKS, devices.block_frames})
        self.block.show_entries([(frames, _block_title(frames, devices.rate_hz)) for frames in blocks],
                                devices.block_frames)  # fmt: skip
        self.latency.setText(audio.sentence if audio else "Starting the sound")
        self.latency.setToolTip(f"Latency of the output: {audio.latency_ms:.1f} ms" if audio else "")
        self._show_midi(state)
        _set(self.osc_on, chosen.osc_enabled, "On", "Off")
        _set(self.osc_network, chosen.osc_network, "Any machine", "This machine only")
        if not self.osc_port.isModified():
            self.osc_port.setText(str(chosen.osc_port))
        self.osc_sentence.setText(state.osc.sentence)
        self.precision.show_entries(self.precision.entries, chosen.precision)
        self.takes_folder.setText(str(state.takes_folder or ""))
        self.models_folder.setText(str(state.models_folder or ""))
        self.theme.show_entries(THEME_TITLES, chosen.theme)
        _set(self.reduced_motion, chosen.reduced_motion, "Reduced: nothing fades or blinks", "As usual")

    def _show_midi(self, state: SessionState) -> None:
        audio = state.audio
        present = (audio.midi_present or audio.midi_inputs) if audio else ()
        ignored = state.devices.ignored_midi
        rows = (present, ignored, state.bindings, audio.midi_sentence if audio else "")
        if rows == self._rows_shown:
            return
        self._rows_shown = rows
        focused = QApplication.focusWidget()
        focused_name = focused.accessibleName() if focused and self._midi_inside.isAncestorOf(focused) else None
        while (item := self._midi_rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.setParent(None)
                widget.deleteLater()
        names = (*present, *(name for name in ignored if name not in present))
        self._midi_rows.addWidget(_caption("Inputs" if names else (rows[3] or "No MIDI input")))
        for name in names:
            row = _Row(name if name in present else f"{name} (absent)")
            is_on = name not in ignored
            row.switch("On" if is_on else "Off", f"Listen to {name}", is_on, partial(self.midiInputToggled.emit, name))
            self._midi_rows.addWidget(row)
            row.show()  # now, so that it can have the focus
        self._midi_rows.addWidget(_caption("Learned controls" if state.bindings else "No learned control yet"))
        for binding in state.bindings:
            title = target_title(binding.target)
            row = _Row(f"{title}  ←  {binding.trigger.title}")
            trigger = binding.trigger
            turn_encoder = partial(self.encoderToggled.emit, trigger, not binding.relative)
            if binding.target.startswith(PARAMETER):
                row.switch("Encoder", f"{title}: endless encoder", binding.relative, turn_encoder)
            row.button("Remove", f"{title}: remove the learned control", partial(self.bindingRemoved.emit, trigger))
            self._midi_rows.addWidget(row)
            row.show()  # now, so that it can have the focus
        self._midi_rows.addStretch()
        if focused_name is not None:  # the keyboard's place is not lost because the rows are written anew
            buttons = self._midi_inside.findChildren(QPushButton)
            (next((each for each in buttons if each.accessibleName() == focused_name), self.learn)).setFocus()

    def _on_port(self) -> None:
        if self.osc_port.isModified() and self.osc_port.hasAcceptableInput():
            self.osc_port.setModified(False)
            self.oscPortChosen.emit(int(self.osc_port.text()))

    def _reveal(self, field: str) -> None:
        folder = getattr(self._state, field, None)
        if folder is not None:
            self.folderRevealed.emit(folder)


class _Page(QWidget):
    """A heading and rows of a caption with its control."""

    def __init__(self, title: str):
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnMinimumWidth(0, CAPTION_PX)
        self._grid.setColumnStretch(1, 1)
        heading = QLabel(title)
        heading.setProperty("role", "heading")
        heading.setFont(font(BODY_PX, QFont.Weight.DemiBold))
        self._grid.addWidget(heading, 0, 0, 1, 2)
        self._row = 1

    def _put(self, caption: str, widget: QWidget) -> None:
        if caption:
            self._grid.addWidget(_caption(caption), self._row, 0)
        self._grid.addWidget(widget, self._row, 1)
        self._row += 1

    def whole(self, widget: QWidget) -> None:
        self._grid.addWidget(widget, self._row, 0, 1, 2)
        self._row += 1

    def choice(self, caption: str, name: str, chosen: SignalInstance, empty: str = "") -> Choice:
        made = Choice(name, empty)
        made.chosen.connect(lambda value: chosen.emit(value))
        self._put(caption, made)
        return made

    def switch(self, caption: str, name: str, toggled: Callable[[], None]) -> QPushButton:
        made = _switch(name, name, toggled)
        self._put(caption, made)
        return made

    def button(self, title: str, clicked: Callable[[], None]) -> QPushButton:
        made = QPushButton(title)
        made.setAccessibleName(title)
        made.clicked.connect(lambda: clicked())
        self._put("", made)
        return made

    def line(self, caption: str, name: str) -> QLineEdit:
        made = QLineEdit()
        made.setObjectName("field")
        made.setAccessibleName(name)
        self._put(caption, made)
        return made

    def text(self, caption: str) -> ElidedLabel:
        made = ElidedLabel("value")
        self._put(caption, made)
        return made

    def hint(self, text: str) -> None:
        made = QLabel(text)
        made.setProperty("role", "hint")
        made.setWordWrap(True)
        self.whole(made)

    def finished(self) -> QWidget:
        return self.stretched(self._row)

    def stretched(self, row: int) -> QWidget:
        """Give the room that is left to a row; 0 is the first below the heading."""
        self._grid.setRowStretch(row or 1, 1)
        return self


class _Row(QWidget):
    """One MIDI input or learned control."""

    def __init__(self, title: str):
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        label = ElidedLabel("value")
        label.setText(title)
        self._row.addWidget(label, 1)

    def switch(self, title: str, name: str, on: bool, toggled: Callable[[], None]) -> None:
        made = _switch(title, name, toggled)
        made.setChecked(on)
        self._row.addWidget(made)

    def button(self, title: str, name: str, clicked: Callable[[], None]) -> None:
        made = QPushButton(title)
        made.setProperty("role", "toggle")
        made.setAccessibleName(name)
        made.clicked.connect(lambda: clicked())
        self._row.addWidget(made)


def _set(switch: QPushButton, on: bool, title_on: str, title_off: str) -> None:
    switch.setChecked(on)
    switch.setText(title_on if on else title_off)
    switch.setAccessibleDescription(switch.text())


def _switch(title: str, name: str, toggled: Callable[[], None]) -> QPushButton:
    """A button that is on or off; the state decides which, also right after a click."""
    made = QPushButton(title)
    made.setCheckable(True)
    made.setProperty("role", "toggle")
    made.setAccessibleName(name)
    made.clicked.connect(lambda: toggled())
    return made


def _caption(text: str) -> QLabel:
    made = QLabel(text)
    made.setProperty("role", "caption")
    return made


def _offer(choice: Choice, names: tuple[str, ...], current: str) -> None:
    """Names as the system lists them, the best, and what was chosen though it is absent."""
    absent = (current,) if current and current not in names else ()
    entries = [("", BEST), *((name, name) for name in names), *((name, f"{name} (absent)") for name in absent)]
    choice.show_entries(entries, current)


def _block_title(frames: int, rate_hz: int) -> str:
    return f"{frames} frames, {1000 * frames / rate_hz:.1f} ms" if frames else "The driver’s choice"
