"""The window: lays the widgets out, renders the session's state into them, sends what they say back to it."""

from itertools import pairwise
from operator import attrgetter
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QMainWindow,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from arc_instrument.actions import ACTIONS
from arc_instrument.domain import MAX_PLAYED_STEPS, MIN_STEPS, Take
from arc_instrument.session import Session
from arc_instrument.session.state import MIN_SECONDS, SessionState
from arc_instrument.ui.commands import make_actions, make_menu, show_state
from arc_instrument.ui.device_menu import DeviceMenu
from arc_instrument.ui.generate_button import GenerateButton
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.init_slot import InitSlot
from arc_instrument.ui.keyboard_strip import KeyboardStrip
from arc_instrument.ui.keys_header import KeysHeader
from arc_instrument.ui.message_line import MessageLine
from arc_instrument.ui.model_menu import HOW_TO_GET_MORE, ModelMenu
from arc_instrument.ui.palette import GRID, MARGIN
from arc_instrument.ui.prompt_box import PromptBox
from arc_instrument.ui.record_button import RecordButton
from arc_instrument.ui.seed_field import SeedField
from arc_instrument.ui.shortcut_sheet import ShortcutSheet
from arc_instrument.ui.status_strip import StatusStrip
from arc_instrument.ui.take_list import TakePanel
from arc_instrument.ui.times import time_expected
from arc_instrument.ui.typed_keys import TypedKeys, is_text_field
from arc_instrument.ui.value_slider import ValueSlider
from arc_instrument.ui.waveform_panel import WaveformPanel

MINIMUM_SIZE = QSize(900, 560)
USUAL_SIZE = QSize(1180, 720)
TENTHS_PER_S = 10
AFTER_PAINT_MS = 30  # the first frame reaches the screen after its paint event


class MainWindow(QMainWindow):
    """The one window.

    Signals:
        painted(): once, after the first frame is on screen: the model may load now.
    """

    painted = Signal()

    def __init__(self, session: Session, geometry: QSettings):
        super().__init__()
        self._session, self._geometry = session, geometry
        self._state = session.state
        self._was_painted = False
        self._after_paint = QTimer(self, singleShot=True, interval=AFTER_PAINT_MS)
        self._after_paint.timeout.connect(self.painted)
        self.setWindowTitle("ARC Instrument")
        self.setAcceptDrops(True)
        self.setMinimumSize(MINIMUM_SIZE)
        self._make_widgets()
        self._lay_out()
        self._connect()
        self.sheet = ShortcutSheet(self._central)
        self._set_tab_order()
        self.render_state(session.state)
        saved = geometry.value("geometry")
        if saved is None or not self.restoreGeometry(saved):
            self.resize(USUAL_SIZE)

    # --- construction -------------------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        self.prompt = PromptBox()
        self.generate = GenerateButton()
        self.message = MessageLine()
        self.steps = ValueSlider(
            "Steps",
            "Denoising steps: fewer are faster, more are finer",
            MIN_STEPS,
            MAX_PLAYED_STEPS,
            8,
            self._write_steps,
        )
        self.length = ValueSlider(
            "Length",
            "Length of the sound",
            round(MIN_SECONDS * TENTHS_PER_S),
            59,
            30,
            lambda tenths: f"{tenths / TENTHS_PER_S:.1f} s",
        )
        self.seed = SeedField()
        self.waveform = WaveformPanel()
        self.takes = TakePanel()
        self.record = RecordButton()
        self.init_slot = InitSlot()
        self.strength = ValueSlider(
            "Strength", "How much of the recording stays in the sound", 0, 100, 40, lambda percent: f"{percent} %"
        )
        self.keys_header = KeysHeader()
        self.keyboard = KeyboardStrip()
        self.status = StatusStrip()
        self.typed_keys = TypedKeys(self)
        self.menu_button = QToolButton()
        self.menu_button.setIcon(icon("menu"))
        self.menu_button.setIconSize(QSize(ICON_PX, ICON_PX))
        self.menu_button.setFixedSize(28, 28)
        self.menu_button.setAccessibleName("Menu")
        self.menu_button.setToolTip("Everything the instrument can do")
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.actions_by_id = make_actions(self, self._commands())
        menu = make_menu(self, self.actions_by_id)
        self.models = ModelMenu(self._session.models, self)
        self.outputs = DeviceMenu("Play through", self._outputs, self)
        self.inputs = DeviceMenu("Record from", self._inputs, self)
        for choice in (self.models, self.outputs, self.inputs):
            menu.insertMenu(self.actions_by_id["restart_audio"], choice)
        self.menu_button.setMenu(menu)

    def _lay_out(self) -> None:
        top = _row(GRID + 4, (self.prompt, 1), (self.generate, 0))
        second = _row(GRID, (self.message, 1), (self.menu_button, 0))
        controls = _row(3 * GRID, (self.steps, 1), (self.length, 1), (self.seed, 0))
        source = _row(2 * GRID, (self.record, 0), (self.init_slot, 3), (self.strength, 2))
        source.setAlignment(self.record, Qt.AlignmentFlag.AlignVCenter)

        middle = QGridLayout()
        middle.setHorizontalSpacing(GRID + 4)
        middle.setVerticalSpacing(GRID + 4)
        middle.addWidget(self.waveform, 0, 0)
        middle.addLayout(source, 1, 0)
        middle.addWidget(self.takes, 0, 1, 2, 1)
        middle.setColumnStretch(0, 5)
        middle.setColumnStretch(1, 2)
        middle.setRowStretch(0, 1)
        self.takes.setMinimumWidth(296)
        self.takes.setMaximumWidth(400)

        self._central = central = QWidget()
        central.setObjectName("central")
        column = QVBoxLayout(central)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, GRID)
        column.setSpacing(0)
        column.addLayout(top)
        column.addSpacing(4)
        column.addLayout(second)
        column.addSpacing(4)
        column.addLayout(controls)
        column.addSpacing(GRID + 4)
        column.addLayout(middle, 1)
        column.addSpacing(GRID + 4)
        column.addWidget(self.keys_header)
        column.addSpacing(6)
        column.addWidget(self.keyboard)
        column.addSpacing(GRID)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        session, player = self._session, self._session.player
        session.stateChanged.connect(self.render_state)
        player.levelsChanged.connect(self._show_levels)
        player.notePlayed.connect(self.keyboard.show_note)
        player.playbackStarted.connect(self.waveform.waveform.start)
        player.playbackStopped.connect(self.waveform.waveform.stop)

        self.prompt.promptEdited.connect(session.set_prompt)
        self.prompt.generateRequested.connect(session.generate)
        self.generate.generateRequested.connect(session.generate)
        self.generate.cancelRequested.connect(session.cancel)
        self.message.actionRequested.connect(self.run)
        self.message.dismissed.connect(session.dismiss_message)
        self.steps.valueEdited.connect(session.set_steps)
        self.length.valueEdited.connect(lambda tenths: session.set_seconds(tenths / TENTHS_PER_S))
        self.seed.seedEdited.connect(session.set_seed)
        self.seed.newSeedRequested.connect(session.new_seed)
        self.seed.lockToggled.connect(session.toggle_seed_lock)
        self.waveform.playToggled.connect(player.toggle_play)
        self.waveform.playRequested.connect(player.play)
        self.record.recordToggled.connect(player.toggle_record)
        self.init_slot.clearRequested.connect(session.clear_init)
        self.strength.valueEdited.connect(session.set_strength)
        self.models.chosen.connect(session.choose_model)
        self.models.moreWanted.connect(lambda: session.say(HOW_TO_GET_MORE, is_error=False))
        self.outputs.chosen.connect(player.choose_output)
        self.inputs.chosen.connect(player.choose_input)
        takes = self.takes.list
        takes.auditioned.connect(session.select_take)
        takes.revealRequested.connect(self._reveal)
        takes.copyPathRequested.connect(lambda take: QGuiApplication.clipboard().setText(str(take.path)))
        takes.restoreRequested.connect(session.restore)
        self.keys_header.keysToggled.connect(player.toggle_keys)
        self.keys_header.freshToggled.connect(session.toggle_fresh)
        self.keyboard.noteOn.connect(player.note_on)
        self.keyboard.noteOff.connect(player.note_off)
        self.typed_keys.noteOn.connect(player.note_on)
        self.typed_keys.noteOff.connect(player.note_off)
        self.typed_keys.octaveShifted.connect(player.shift_octave)
        self.typed_keys.velocityShifted.connect(player.shift_velocity)
        self.typed_keys.escaped.connect(self._leave_text)
        self.typed_keys.escapedTwice.connect(self._panic)
        self.typed_keys.takeStepped.connect(takes.step)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.installEventFilter(self.typed_keys)
        application.focusChanged.connect(self._show_lamp)

    def _set_tab_order(self) -> None:
        order = (
            self.prompt.line, self.prompt.dice, self.generate, self.message.action, self.message.close_button,
            self.menu_button, self.steps.slider, self.length.slider, self.seed.line, self.seed.lock, self.seed.dice,
            self.waveform.play, self.record.button, self.init_slot.clear, self.strength.slider, self.takes.list,
            self.keys_header.keys, self.keys_header.fresh, self.keyboard,
        )  # fmt: skip
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)
        self.prompt.line.setFocus()

    # --- commands -----------------------------------------------------------------------------------------------

    def _commands(self) -> dict:
        session = self._session
        commands = {action.id: attrgetter(action.command)(session) for action in ACTIONS if action.command}
        return commands | {
            "edit_prompt": self._edit_prompt,
            "example_prompt": self.prompt.fill_example,
            "panic": self._panic,
            "reveal_take": lambda: self._with_current(self._reveal),
            "copy_path": lambda: self._with_current(lambda take: QGuiApplication.clipboard().setText(str(take.path))),
            "choose_folder": self._choose_folder,
            "shortcuts": lambda: self.sheet.toggle(),
            "quit": self.close,
        }

    @Slot(str)
    def run(self, action_id: str) -> None:
        """Run what a message offers: a registered action, or a remedy of the session."""
        session = self._session
        remedies = {
            "retry_model": session.retry_model,
            "retry_switch": session.retry_switch,
            "retry_save": session.retry_save,
            "cancel_learn": session.midi_map.cancel_learn,
        }
        (remedies | self._commands())[action_id]()

    def _outputs(self) -> tuple[tuple[str, ...], str]:
        audio = self._session.state.audio
        return audio.outputs if audio else (), self._session.player.devices.device

    def _inputs(self) -> tuple[tuple[str, ...], str]:
        audio = self._session.state.audio
        return audio.inputs if audio else (), self._session.player.devices.input_device

    def _with_current(self, use) -> None:
        current = self._session.state.current
        if current and current.take:
            use(current.take)

    def _reveal(self, take: Take) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(take.path.parent))):
            self._session.say(f"No file manager answered; the take is {take.path}.", is_error=False)

    def _choose_folder(self) -> None:
        chooser = QFileDialog(self, "Folder for takes", str(self._session.takes_folder))
        chooser.setFileMode(QFileDialog.FileMode.Directory)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.fileSelected.connect(lambda folder: self._session.set_takes_folder(Path(folder)))
        chooser.setModal(False)
        chooser.show()

    def _edit_prompt(self) -> None:
        self.prompt.line.setFocus()
        self.prompt.line.selectAll()

    def _leave_text(self) -> None:
        if self.sheet.isVisible():
            self.sheet.hide()
        else:
            self.keyboard.setFocus()

    def _panic(self) -> None:
        self.typed_keys.release_all()
        self.keyboard.clear()
        self._session.player.panic()

    # --- rendering ----------------------------------------------------------------------------------------------

    @Slot(object)
    def render_state(self, state: SessionState) -> None:
        self._state = state
        for widget in (
            self.prompt, self.generate, self.message, self.seed, self.waveform, self.takes, self.record,
            self.init_slot, self.keys_header, self.status,
        ):  # fmt: skip
            widget.render_state(state)
        show_state(self.actions_by_id, state)
        self.steps.set_value(state.steps)
        self.length.set_maximum(int(state.max_seconds * TENTHS_PER_S))
        self.length.set_value(round(state.seconds * TENTHS_PER_S))
        self.strength.set_value(state.strength_percent)
        self.strength.setEnabled(state.init is not None)
        self.keyboard.show_keys(state.octave, state.keys_on)
        if self.typed_keys.enabled and not state.keys_on:
            self.typed_keys.release_all()
        self.typed_keys.enabled = state.keys_on
        self.typed_keys.first_note = 12 * (state.octave + 1)
        self._show_lamp()

    def _write_steps(self, steps: int) -> str:
        estimate = self._state.estimate_ms
        return f"{steps}" if estimate is None else f"{steps}  ·  {time_expected(estimate)}"

    def _show_levels(self, levels) -> None:
        self.status.show_levels(levels.output_peak, levels.voices, levels.xruns)
        self.record.show_levels(levels.input_peak, levels.recorded_seconds)

    def _show_lamp(self, *_focus: object) -> None:
        typing_text = is_text_field(self.focusWidget())
        self.keys_header.show_lamp(self._state.keys_on, typing_text)
        self.message.show_hint(self._state, typing_text)

    # --- window events ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self._after_paint.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.sheet.setGeometry(self._central.rect())

    def closeEvent(self, event: QCloseEvent) -> None:
        self.typed_keys.release_all()
        self._geometry.setValue("geometry", self.saveGeometry())
        application = QApplication.instance()
        assert application is not None
        application.removeEventFilter(self.typed_keys)
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is None and event.mimeData().hasUrls():
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.init_slot.set_drop_target(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.init_slot.set_drop_target(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.init_slot.set_drop_target(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._session.load_dropped(paths)


def _row(spacing: int, *members: tuple[QWidget, int]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(spacing)
    for widget, stretch in members:
        row.addWidget(widget, stretch)
    return row
