"""Preferences: a sheet over the window with what a person chooses once. Everything applies at once; there is no OK."""

from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QFont, QIntValidator
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from arc_instrument.domain import PRECISIONS, RATE_HZ
from arc_instrument.session.state import SessionState
from arc_instrument.ui.midi_preferences import MidiPreferences
from arc_instrument.ui.overlay import Overlay
from arc_instrument.ui.palette import BODY_PX, GRID, font
from arc_instrument.ui.preference_page import PreferencePage, show_switch

SHEET = QSize(760, 456)
SECTION_PX = 136
RATES_HZ = (44_100, 48_000, 88_200, 96_000)
BLOCKS = (0, 32, 64, 128, 256, 512, 1024, 2048)
PRECISION_TITLES = {
    "float32": "32 bit (float32)",
    "bfloat16": "16 bit (bfloat16)",
    "int8": "8 bit (int8), the least memory",
}
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
        self._state: SessionState | None = None
        self._midi = MidiPreferences()
        self._midi.inputToggled.connect(self.midiInputToggled)
        self._midi.learnRequested.connect(self.learnRequested)
        self._midi.bindingRemoved.connect(self.bindingRemoved)
        self._midi.encoderToggled.connect(self.encoderToggled)
        self.learn = self._midi.learn
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
            ("MIDI", self._midi),
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
        page = PreferencePage("Sound")
        self.host_api = page.choice("Driver", "Sound driver", self.hostApiChosen)
        self.output = page.choice("Play through", "Output device", self.outputChosen)
        self.input = page.choice("Record from", "Input device", self.inputChosen)
        self.rate = page.choice("Sample rate", "Sample rate", self.rateChosen)
        self.block = page.choice("Buffer", "Buffer", self.blockChosen)
        self.latency = page.text("Now")
        self.test = page.button("Play a test tone", self.testRequested.emit)
        page.hint("A smaller buffer answers sooner and asks more of the machine: if the status strip counts dropouts, "
                  "take the next larger one.")  # fmt: skip
        return page.finished()

    def _osc_page(self) -> QWidget:
        page = PreferencePage("Open Sound Control")
        self.osc_on = page.switch("OSC", "OSC", self.oscToggled.emit)
        self.osc_network = page.switch("Listens to", "OSC from any machine", self.oscNetworkToggled.emit)
        self.osc_port = page.number("Port", "OSC port")
        self.osc_port.setValidator(QIntValidator(1, 65_535, self.osc_port))
        self.osc_port.editingFinished.connect(self._on_port)
        self.osc_sentence = page.text("Now")
        page.hint(
            'Other programs send /arc/generate, /arc/prompt "text", /arc/param/strength 0.4 or /arc/note 60 100, '
            "and hear /arc/state/… after /arc/subscribe. The manual lists every address."
        )
        return page.finished()

    def _files_page(self) -> QWidget:
        page = PreferencePage("Model and files")
        self.precision = page.choice("Compute in", "Precision", self.precisionChosen)
        self.precision.show_entries([("", "Automatic"), *((each, PRECISION_TITLES[each]) for each in PRECISIONS)], "")
        self.takes_folder = page.text("Takes")
        self.change_takes = page.button("Choose another folder…", self.takesFolderRequested.emit)
        self.reveal_takes = page.button("Show the takes", lambda: self._reveal("takes_folder"))
        self.models_folder = page.text("Models")
        self.reveal_models = page.button("Show the models", lambda: self._reveal("models_folder"))
        page.hint(
            "Automatic is 32 or 16 bit, whichever is faster here. A change loads the model anew. Menu → Model chooses "
            "another one."
        )
        return page.finished()

    def _look_page(self) -> QWidget:
        page = PreferencePage("Look")
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
        self.host_api.show_devices(audio.host_apis if audio else (), devices.host_api)
        self.output.show_devices(audio.outputs if audio else (), devices.device)
        self.input.show_devices(audio.inputs if audio else (), devices.input_device)
        rates = sorted({*RATES_HZ, devices.rate_hz})
        self.rate.show_entries([(hz, f"{hz / 1000:g} kHz{' (the model’s own)' if hz == RATE_HZ else ''}")
                                for hz in rates], devices.rate_hz)  # fmt: skip
        blocks = sorted({*BLOCKS, devices.block_frames})
        self.block.show_entries([(frames, _block_title(frames, devices.rate_hz)) for frames in blocks],
                                devices.block_frames)  # fmt: skip
        self.latency.setText(audio.sentence if audio else "Starting the sound")
        self.latency.setToolTip(f"Latency of the output: {audio.latency_ms:.1f} ms" if audio else "")
        self._midi.render_state(state)
        show_switch(self.osc_on, chosen.osc_enabled, "On", "Off")
        show_switch(self.osc_network, chosen.osc_network, "Any machine", "This machine only")
        self.osc_port.show_number(chosen.osc_port)
        self.osc_sentence.setText(state.osc.sentence)
        self.precision.show_entries(self.precision.entries, chosen.precision)
        self.takes_folder.setText(str(state.takes_folder or ""))
        self.models_folder.setText(str(state.models_folder or ""))
        self.theme.show_entries(THEME_TITLES, chosen.theme)
        show_switch(self.reduced_motion, chosen.reduced_motion, "Reduced: nothing fades or blinks", "As usual")

    def _on_port(self) -> None:
        if self.osc_port.isModified() and self.osc_port.hasAcceptableInput():
            self.osc_port.setModified(False)
            self.oscPortChosen.emit(int(self.osc_port.text()))

    def _reveal(self, field: str) -> None:
        folder = getattr(self._state, field, None)
        if folder is not None:
            self.folderRevealed.emit(folder)


def _block_title(frames: int, rate_hz: int) -> str:
    return f"{frames} frames, {1000 * frames / rate_hz:.1f} ms" if frames else "The driver’s choice"
