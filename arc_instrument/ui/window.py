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
from arc_instrument.musical_time import KEYS, MAX_BPM, MIN_BPM
from arc_instrument.session import Session
from arc_instrument.session.controls import PARAMETER
from arc_instrument.session.state import MIN_SECONDS, SessionState
from arc_instrument.ui.announcer import Announcer
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.command_palette import CommandPalette
from arc_instrument.ui.commands import make_actions, make_menu, show_state
from arc_instrument.ui.deck import Deck
from arc_instrument.ui.device_menu import DeviceMenu
from arc_instrument.ui.edit_handles import LoopPoints
from arc_instrument.ui.generate_button import GenerateButton
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.keys_header import KeysHeader
from arc_instrument.ui.learn_menu import LearnMenu
from arc_instrument.ui.message_line import MessageLine
from arc_instrument.ui.model_menu import HOW_TO_GET_MORE, ModelMenu
from arc_instrument.ui.morph_page import MorphPage
from arc_instrument.ui.overlay import Overlay
from arc_instrument.ui.pad_menu import open_pad_menu
from arc_instrument.ui.palette import GRID, MARGIN
from arc_instrument.ui.play_surface import PlaySurface
from arc_instrument.ui.preferences import PreferencesPanel
from arc_instrument.ui.prompt_box import PromptBox
from arc_instrument.ui.seed_field import SeedField
from arc_instrument.ui.shape_page import ShapePage
from arc_instrument.ui.shortcut_sheet import ShortcutSheet
from arc_instrument.ui.status_strip import StatusStrip
from arc_instrument.ui.take_panel import TakePanel
from arc_instrument.ui.tempo_row import TempoRow
from arc_instrument.ui.times import time_expected
from arc_instrument.ui.typed_keys import TypedKeys, is_text_field
from arc_instrument.ui.value_slider import ValueSlider
from arc_instrument.ui.vary_page import VaryPage
from arc_instrument.ui.voice_page import VoicePage
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
        self.command_palette = CommandPalette(self._central, session.controls.can_run)
        self.preferences = PreferencesPanel(self._central)
        self._overlays = (self.command_palette, self.sheet, self.preferences)
        self.announcer = Announcer(self)
        self._connect_overlays()
        self._offer_learning()
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
        self.voice, self.shape, self.vary, self.morph = VoicePage(), ShapePage(), VaryPage(), MorphPage()
        self.deck = Deck(
            "Controls",
            (
                ("voice", "Voice", "Start from a voice, a beat or a file", self.voice),
                ("shape", "Shape", "How the sound answers its key", self.shape),
                ("vary", "Vary", "Eight variations of the sound", self.vary),
                ("morph", "Morph", "Between up to four prompts", self.morph),
            ),
        )
        self.tempo = TempoRow(KEYS, MIN_BPM, MAX_BPM)
        self.live = ActionButton("toggle_live")
        self.keys_header = KeysHeader()
        self.surface = PlaySurface()
        self.keyboard = self.surface.keyboard
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
        second = _row(GRID, (self.message, 1), (self.live, 0), (self.menu_button, 0))
        controls = _row(2 * GRID, (self.steps, 1), (self.length, 1), (self.tempo, 0), (self.seed, 0))

        middle = QGridLayout()
        middle.setHorizontalSpacing(GRID + 4)
        middle.setVerticalSpacing(GRID)
        middle.addWidget(self.waveform, 0, 0)
        middle.addWidget(self.deck, 1, 0)
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
        column.addWidget(self.surface)
        column.addSpacing(GRID)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        session, player = self._session, self._session.player
        session.stateChanged.connect(self.render_state)
        player.levelsChanged.connect(self._show_levels)
        player.notePlayed.connect(self.surface.show_note)
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
        self.waveform.compareToggled.connect(lambda _: session.voice.toggle_ab())
        self.waveform.waveform.editRequested.connect(session.edits.apply)
        self.waveform.waveform.loopRequested.connect(self._set_loop)
        self.live.actionRequested.connect(self.run)
        self.tempo.bpmEdited.connect(session.tempo.set_bpm)
        self.tempo.barsEdited.connect(session.tempo.set_bars)
        self.tempo.keyEdited.connect(session.tempo.set_key)
        self.tempo.actionRequested.connect(self.run)
        self.voice.actionRequested.connect(self.run)
        self.voice.record.recordToggled.connect(session.voice.toggle_record)
        self.voice.init_slot.clearRequested.connect(session.clear_init)
        self.voice.strength.valueEdited.connect(session.set_strength)
        self.shape.modeChosen.connect(session.sampler.set_mode)
        self.shape.knobs.turned.connect(session.controls.set_value)
        self.vary.knobs.turned.connect(session.controls.set_value)
        self.vary.actionRequested.connect(self.run)
        self.vary.chosen.connect(session.variations.choose)
        self.morph.cornerEdited.connect(session.morph.set_corner)
        self.morph.moved.connect(session.morph.move)
        self.morph.generateRequested.connect(session.generate)
        self.models.chosen.connect(session.choose_model)
        self.models.moreWanted.connect(lambda: session.say(HOW_TO_GET_MORE, is_error=False))
        self.outputs.chosen.connect(player.choose_output)
        self.inputs.chosen.connect(player.choose_input)
        takes = self.takes.list
        takes.auditioned.connect(session.select_take)
        takes.revealRequested.connect(self._reveal)
        takes.copyPathRequested.connect(lambda take: QGuiApplication.clipboard().setText(str(take.path)))
        takes.restoreRequested.connect(session.restore)
        takes.selectionEdited.connect(session.takes.select)
        takes.favouriteRequested.connect(lambda chosen: session.takes.toggle_favourite(chosen))
        takes.deleteRequested.connect(lambda chosen: session.takes.delete(chosen))
        takes.tagsEdited.connect(session.takes.write_tags)
        self.takes.searchEdited.connect(session.takes.find)
        self.takes.favouritesToggled.connect(session.takes.toggle_favourites_only)
        self.keys_header.surfaceChosen.connect(lambda name: self._show_pads(name == "pads"))
        self.keys_header.kitRequested.connect(session.kit.fill)
        pads = self.surface.pads
        pads.padPressed.connect(lambda pad, velocity: player.hit_pad(pad + 1, velocity))
        pads.padReleased.connect(lambda pad: player.release_pad(pad + 1))
        pads.pathDropped.connect(self._put_on_pad)
        self.surface.padMenuWanted.connect(lambda pad, place: open_pad_menu(self, session, pad, place))
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

    def _connect_overlays(self) -> None:
        session, player, preferences = self._session, self._session.player, self._session.preferences
        self.command_palette.runRequested.connect(self.run)
        self.command_palette.learnRequested.connect(session.midi_map.learn)
        session.controls.windowActionRequested.connect(self.run)
        panel = self.preferences
        for signal, command in (
            (panel.hostApiChosen, preferences.choose_host_api),
            (panel.outputChosen, player.choose_output),
            (panel.inputChosen, player.choose_input),
            (panel.rateChosen, preferences.choose_rate),
            (panel.blockChosen, preferences.choose_block),
            (panel.testRequested, preferences.test_sound),
            (panel.midiInputToggled, preferences.toggle_midi_input),
            (panel.learnRequested, session.midi_map.learn),
            (panel.bindingRemoved, session.midi_map.unlearn),
            (panel.encoderToggled, session.midi_map.set_relative),
            (panel.oscToggled, preferences.toggle_osc),
            (panel.oscPortChosen, preferences.choose_osc_port),
            (panel.oscNetworkToggled, preferences.toggle_osc_network),
            (panel.precisionChosen, preferences.choose_precision),
            (panel.takesFolderRequested, self._choose_folder),
            (panel.folderRevealed, self._reveal_folder),
            (panel.themeChosen, preferences.choose_theme),
            (panel.reducedMotionToggled, preferences.toggle_reduced_motion),
        ):
            signal.connect(command)

    def _offer_learning(self) -> None:
        self.learn = LearnMenu(self)
        self.learn.learnRequested.connect(self._session.midi_map.learn)
        self.learn.forgetRequested.connect(self._session.midi_map.unlearn_target)
        knobs = {**self.shape.knobs.knobs, **self.vary.knobs.knobs}
        sliders = {"steps": self.steps.slider, "length": self.length.slider, "strength": self.voice.strength.slider}
        for parameter_id, widget in {**knobs, **sliders, "bpm": self.tempo.bpm.lineEdit()}.items():
            self.learn.offer(widget, f"{PARAMETER}{parameter_id}")
        buttons = (*self.voice.buttons, *self.vary.buttons, self.live, self.tempo.tap, self.keys_header.kit)
        for button in buttons:
            self.learn.offer(button, button.action_id)
        for action_id, widget in (("generate", self.generate), ("record", self.voice.record.button)):
            self.learn.offer(widget, action_id)

    def _open_only(self, overlay: Overlay) -> None:
        """Open or close one sheet; another one that is open gives way."""
        for other in self._overlays:
            if other is not overlay:
                other.close_sheet()
        overlay.toggle()

    def _set_tab_order(self) -> None:
        order = (
            self.prompt.line, self.prompt.dice, self.generate, self.message.action, self.message.close_button,
            self.live, self.menu_button, self.steps.slider, self.length.slider, *self.tempo.tab_order(), self.seed.line,
            self.seed.lock, self.seed.dice, *self.waveform.tab_order(), *self.deck.tabs.values(),
            *self.voice.tab_order(), *self.shape.tab_order(), *self.vary.tab_order(), *self.morph.tab_order(),
            self.takes.search, self.takes.favourites, self.takes.list, *self.keys_header.tab_order(), self.keyboard,
            self.surface.pads,
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
            "spectrogram": self.waveform.toggle_view,
            "reverse": self.waveform.waveform.reverse,
            "reset_edit": self.waveform.waveform.reset_edit,
            "search_takes": self.takes.edit_search,
            "edit_tags": self.takes.list.edit_tags,
            "show_pads": lambda: self._show_pads(not self.surface.shows_pads),
            "export_kit": self._export_kit,
            "reveal_take": lambda: self._with_current(self._reveal),
            "copy_path": lambda: self._with_current(lambda take: QGuiApplication.clipboard().setText(str(take.path))),
            "choose_folder": self._choose_folder,
            "shortcuts": lambda: self._open_only(self.sheet),
            "commands": lambda: self._open_only(self.command_palette),
            "preferences": lambda: self._open_only(self.preferences),
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

    def _reveal_folder(self, folder: Path) -> None:
        self._open_folder(folder, f"the folder is {folder}")

    def _reveal(self, take: Take) -> None:
        self._open_folder(take.path.parent, f"the take is {take.path}")

    def _open_folder(self, folder: Path, otherwise: str) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._session.say(f"No file manager answered; {otherwise}.", is_error=False)

    def _choose_folder(self) -> None:
        chooser = QFileDialog(self, "Folder for takes", str(self._session.takes_folder))
        chooser.setFileMode(QFileDialog.FileMode.Directory)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.fileSelected.connect(lambda folder: self._session.set_takes_folder(Path(folder)))
        chooser.setModal(False)
        chooser.show()

    def _show_pads(self, pads: bool) -> None:
        self.surface.show_pads(pads)
        self.keys_header.show_surface(pads)

    def _put_on_pad(self, pad: int, path: Path) -> None:
        """A take that was dropped on a pad sounds there; another file is refused with a sentence."""
        take = next((take for take in self._state.takes if take.path == path), None)
        if take is None:
            self._session.say(f"“{path.name}” is not among the takes: drop it on the window first.", is_error=False)
        else:
            self._session.kit.put_take(pad, take)

    def _set_loop(self, loop: LoopPoints) -> None:
        """From frames of the sound as it was made to frames as the keys play it."""
        sound = self._state.current
        if sound is not None:
            start = min(max(loop.start - sound.edit.start, 0), len(sound.heard.samples))
            end = min(max(loop.end - sound.edit.start, 0), len(sound.heard.samples))
            self._session.sampler.set_loop(start, end, loop.crossfade_ms)

    def _export_kit(self) -> None:
        self._session.kit.export(self._session.exporter)

    def _edit_prompt(self) -> None:
        self.prompt.line.setFocus()
        self.prompt.line.selectAll()

    def _leave_text(self) -> None:
        open_sheet = next((overlay for overlay in self._overlays if overlay.isVisible()), None)
        if self._session.state.learning:
            self._session.midi_map.cancel_learn()
        elif open_sheet is not None:
            open_sheet.close_sheet()
        else:
            self.surface.take_focus()

    def _panic(self) -> None:
        self.typed_keys.release_all()
        self.surface.clear()
        self._session.player.panic()

    # --- rendering ----------------------------------------------------------------------------------------------

    @Slot(object)
    def render_state(self, state: SessionState) -> None:
        self._state = state
        for widget in (
            self.prompt, self.generate, self.message, self.seed, self.waveform, self.takes, self.live, self.tempo,
            self.voice, self.shape, self.vary, self.morph, self.surface, self.keys_header, self.status,
            self.preferences, self.announcer,
        ):  # fmt: skip
            widget.render_state(state)
        self._show_sound(state)
        show_state(self.actions_by_id, state)
        self.steps.set_value(state.steps)
        self.length.set_maximum(int(state.max_seconds * TENTHS_PER_S))
        self.length.set_value(round(state.seconds * TENTHS_PER_S))
        if self.typed_keys.enabled and not state.keys_on:
            self.typed_keys.release_all()
        self.typed_keys.enabled = state.keys_on
        self.typed_keys.first_note = 12 * (state.octave + 1)
        self._show_lamp()

    def _show_sound(self, state: SessionState) -> None:
        """What is known of the current sound, over its picture."""
        sound, view = state.current, self.waveform.waveform
        loop = None
        if sound is not None and state.looped:
            frames = len(sound.heard.samples)
            first, shape = sound.edit.start, state.shape
            loop = LoopPoints(first + shape.loop_start, first + (shape.loop_end or frames), shape.crossfade_ms)
        self.waveform.show_edit(sound.edit if sound else None, loop)
        facts = sound.facts if sound else None
        if facts is not None:
            self.waveform.show_analysis(
                root_note=facts.root_note,
                detected_bpm=facts.tempo_bpm,
                asked_bpm=state.metronome_bpm if state.bars else None,
                loudness_lufs=facts.loudness_lufs,
            )
        view.show_onsets(state.init_onsets, state.result_onsets)
        view.show_beats(state.metronome_bpm if state.bars else 0, state.beats_per_bar)
        view.set_reduced_motion(state.preferences.reduced_motion)

    def _write_steps(self, steps: int) -> str:
        estimate = self._state.estimate_ms
        return f"{steps}" if estimate is None else f"{steps}  ·  {time_expected(estimate)}"

    def _show_levels(self, levels) -> None:
        self.status.show_levels(levels.output_peak, levels.voices, levels.xruns)
        self.voice.record.show_levels(levels.input_peak, levels.recorded_seconds)

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
            self.voice.init_slot.set_drop_target(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.voice.init_slot.set_drop_target(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.voice.init_slot.set_drop_target(False)
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
