"""The window: lays the widgets out, renders the session's state into them, sends what they say back to it."""

from itertools import pairwise
from operator import attrgetter
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from arc_instrument.actions import ACTIONS
from arc_instrument.session import Session
from arc_instrument.session.state import SessionState
from arc_instrument.ui.announcer import Announcer
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.command_palette import CommandPalette
from arc_instrument.ui.commands import make_actions, show_state
from arc_instrument.ui.connections import connect
from arc_instrument.ui.deck import Deck
from arc_instrument.ui.generate_button import GenerateButton
from arc_instrument.ui.keys_header import KeysHeader
from arc_instrument.ui.left_view import keep_view
from arc_instrument.ui.menu_button import MenuButton
from arc_instrument.ui.message_line import MessageLine
from arc_instrument.ui.morph_page import MorphPage
from arc_instrument.ui.overlay import Overlay
from arc_instrument.ui.palette import GRID, MARGIN
from arc_instrument.ui.play_surface import PlaySurface
from arc_instrument.ui.preferences import PreferencesPanel
from arc_instrument.ui.prompt_box import PromptBox
from arc_instrument.ui.shape_page import ShapePage
from arc_instrument.ui.shortcut_sheet import ShortcutSheet
from arc_instrument.ui.sound_controls import SoundControls
from arc_instrument.ui.status_strip import StatusStrip
from arc_instrument.ui.take_files import TakeFiles
from arc_instrument.ui.take_panel import TakePanel
from arc_instrument.ui.typed_keys import TypedKeys, is_text_field
from arc_instrument.ui.vary_page import VaryPage
from arc_instrument.ui.voice_page import VoicePage
from arc_instrument.ui.waveform_panel import WaveformPanel

MINIMUM_SIZE = QSize(900, 560)
USUAL_SIZE = QSize(1180, 720)
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
        self.sheet = ShortcutSheet(self._central)
        self.command_palette = CommandPalette(self._central, session.controls.can_run)
        self.preferences = PreferencesPanel(self._central)
        self._overlays = (self.command_palette, self.sheet, self.preferences)
        self.announcer = Announcer(self)
        connect(self, session)
        self._set_tab_order()
        self.render_state(session.state)
        saved = geometry.value("geometry")
        if saved is None or not self.restoreGeometry(saved):
            self.resize(USUAL_SIZE)
        keep_view(self, geometry)

    # --- construction -------------------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        self.prompt = PromptBox()
        self.generate = GenerateButton()
        self.message = MessageLine()
        self.controls = SoundControls()
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
        self.live = ActionButton("toggle_live")
        self.keys_header = KeysHeader()
        self.surface = PlaySurface()
        self.keyboard = self.surface.keyboard
        self.status = StatusStrip()
        self.typed_keys = TypedKeys(self)
        self.take_files = TakeFiles(self._session, self)
        self.actions_by_id = make_actions(self, self._commands())
        self.menu_button = MenuButton(self._session, self.actions_by_id, self)

    def _lay_out(self) -> None:
        top = _row(GRID + 4, (self.prompt, 1), (self.generate, 0))
        second = _row(GRID, (self.message, 1), (self.live, 0), (self.menu_button, 0))

        middle = QGridLayout()
        middle.setHorizontalSpacing(GRID + 4)
        middle.setVerticalSpacing(GRID)
        middle.addWidget(self.waveform, 0, 0)
        middle.addWidget(self.deck, 1, 0)
        middle.addWidget(self.takes, 0, 1, 2, 1)
        middle.setColumnStretch(0, 5)
        middle.setColumnStretch(1, 2)
        middle.setRowStretch(0, 1)
        self.takes.setMinimumWidth(284)
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
        column.addWidget(self.controls)
        column.addSpacing(GRID + 4)
        column.addLayout(middle, 1)
        column.addSpacing(GRID + 4)
        column.addWidget(self.keys_header)
        column.addSpacing(6)
        column.addWidget(self.surface)
        column.addSpacing(GRID)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    def _open_only(self, overlay: Overlay) -> None:
        """Open or close one sheet; another one that is open gives way."""
        for other in self._overlays:
            if other is not overlay:
                other.close_sheet()
        overlay.toggle()

    def _set_tab_order(self) -> None:
        order = (
            self.prompt.line, self.prompt.dice, self.generate, self.message.action, self.message.close_button,
            self.live, self.menu_button, *self.controls.tab_order(), *self.waveform.tab_order(),
            *self.deck.tabs.values(), *self.voice.tab_order(), *self.shape.tab_order(), *self.vary.tab_order(),
            *self.morph.tab_order(), self.takes.search, self.takes.tags, self.takes.favourites, self.takes.list,
            *self.keys_header.tab_order(), self.keyboard, self.surface.pads,
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
            "panic": self.panic,
            "spectrogram": self.waveform.toggle_view,
            "reverse": self.waveform.waveform.reverse,
            "reset_edit": self.waveform.waveform.reset_edit,
            "search_takes": self.takes.edit_search,
            "edit_tags": self.takes.list.edit_tags,
            "add_tag": self.takes.list.choose_tags,
            "filter_tag": self.takes.tags.open_menu,
            "show_pads": lambda: self.show_pads(not self.surface.shows_pads),
            "show_exports": self.take_files.reveal_exports,
            "reveal_take": self.take_files.reveal_current,
            "copy_path": self.take_files.copy_current_path,
            "choose_folder": self.take_files.choose_folder,
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
            "retry_model": session.model.load_again,
            "retry_switch": session.model.retry,
            "retry_save": session.takes.retry,
            "cancel_learn": session.midi_map.cancel_learn,
        }
        (remedies | self._commands())[action_id]()

    def show_pads(self, pads: bool) -> None:
        """Show the pads, or the keyboard again."""
        self.surface.show_pads(pads)
        self.keys_header.show_surface(pads)
        self.typed_keys.plays_pads = pads
        self.show_lamp()

    def _edit_prompt(self) -> None:
        self.prompt.line.setFocus()
        self.prompt.line.selectAll()

    def leave_text(self) -> None:
        """Esc: stop learning, else close the sheet that is open, else give the keys back to the instrument."""
        open_sheet = next((overlay for overlay in self._overlays if overlay.isVisible()), None)
        if self._session.state.learning:
            self._session.midi_map.cancel_learn()
        elif open_sheet is not None:
            open_sheet.close_sheet()
        else:
            self.surface.take_focus()

    def panic(self) -> None:
        """Silence everything, and let go of every key that is held here."""
        self.typed_keys.release_all()
        self.surface.clear()
        self._session.player.panic()

    # --- rendering ----------------------------------------------------------------------------------------------

    @Slot(object)
    def render_state(self, state: SessionState) -> None:
        self._state = state
        for widget in (
            self.prompt, self.generate, self.message, self.controls, self.waveform, self.takes, self.live,
            self.voice, self.shape, self.vary, self.morph, self.surface, self.keys_header, self.status,
            self.preferences, self.announcer,
        ):  # fmt: skip
            widget.render_state(state)
        show_state(self.actions_by_id, state)
        if self.typed_keys.enabled and not state.keys_on:
            self.typed_keys.release_all()
        self.typed_keys.enabled = state.keys_on
        self.typed_keys.first_note = 12 * (state.octave + 1)
        self.show_lamp()

    def show_levels(self, levels) -> None:
        """The meters (`AudioLevels`), as often as the audio process sends them."""
        self.status.show_levels(levels.output_peak, levels.voices, levels.xruns)
        self.voice.record.show_levels(levels.input_peak, levels.recorded_seconds, levels.count_in_beat)

    def show_lamp(self, *_focus: object) -> None:
        """Say where letters go now that the focus is elsewhere."""
        typing_text = is_text_field(self.focusWidget())
        self.keys_header.show_lamp(self._state.keys_on, typing_text, self.surface.shows_pads)
        self.message.show_hint(self._state, typing_text, self.surface.shows_pads)

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
        under = self.childAt(event.position().toPoint())
        starts = under is not None and any(
            place is under or place.isAncestorOf(under) for place in (self.waveform, self.voice.init_slot)
        )
        if starts:
            self._session.drops.start_from(paths)
        else:
            self._session.drops.restore_or_start_from(paths)


def _row(spacing: int, *members: tuple[QWidget, int]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(spacing)
    for widget, stretch in members:
        row.addWidget(widget, stretch)
    return row
