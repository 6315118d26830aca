"""Above the keyboard: whether letters play, in which octave, how hard, whether each note is fresh, and to keep one."""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.buttons import ActionButton
from arc_instrument.ui.icons import icon
from arc_instrument.ui.kit_handle import KitHandle
from arc_instrument.ui.labels import role
from arc_instrument.ui.palette import GRID, SMALL_PX, font
from arc_instrument.ui.segments import Segments
from arc_instrument.ui.times import time_expected
from arc_instrument.velocity import DRIVES


class KeysHeader(QWidget):
    """Signals: surfaceChosen(str), "keys" or "pads"; kitRequested(), kitExportRequested(), keysToggled(),
    freshToggled(), keepRequested(); touchMenuWanted(QPoint), a global place."""

    surfaceChosen = Signal(str)
    kitRequested = Signal()
    kitExportRequested = Signal()
    keysToggled = Signal()
    freshToggled = Signal()
    keepRequested = Signal()
    touchMenuWanted = Signal(QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.surface = Segments(
            "Play on",
            (("keys", "Keyboard", "Play the sound on keys"), ("pads", "Pads", "Sixteen sounds, one a pad")),
        )
        self.surface.chosen.connect(self.surfaceChosen)
        self.surface.set_choice("keys")
        self.kit = ActionButton("fill_kit", "Kit from prompt")
        self.kit.actionRequested.connect(lambda _: self.kitRequested.emit())
        self.kit_handle = KitHandle()
        self.kit_handle.actionRequested.connect(lambda _: self.kitExportRequested.emit())
        self.keys = self._toggle("Letters", "keys", "toggle_keys")
        self.keys.clicked.connect(self.keysToggled)
        self.fresh = self._toggle("Fresh notes", "fresh", "toggle_fresh")
        self.fresh.clicked.connect(self.freshToggled)
        self.fresh.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.fresh.customContextMenuRequested.connect(lambda at: self.touchMenuWanted.emit(self.fresh.mapToGlobal(at)))
        self.keep = ActionButton("keep_heard", "Keep it")
        self.keep.actionRequested.connect(lambda _: self.keepRequested.emit())
        self._lamp = QLabel()
        self._lamp.setObjectName("lamp")
        self._lamp.setProperty("role", "caption")
        self._figures = QLabel()
        self._figures.setProperty("role", "caption")
        self._figures.setFont(font(SMALL_PX, figures=True))
        self._figures.setToolTip(f"{tooltip('octave')}\n{tooltip('velocity')}")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.surface)
        row.addWidget(self.kit)
        row.addWidget(self.kit_handle)
        row.addWidget(self.keys)
        row.addWidget(self.fresh)
        row.addWidget(self.keep)
        row.addSpacing(GRID)
        row.addWidget(self._lamp)
        row.addStretch()
        row.addWidget(self._figures)
        self.show_surface(False)

    def show_surface(self, pads: bool) -> None:
        """Which surface is shown; a kit is for pads, fresh notes are for keys."""
        self.surface.set_choice("pads" if pads else "keys")
        self.kit.setVisible(pads)
        self.kit_handle.setVisible(pads)
        self.fresh.setVisible(not pads)
        self.keep.setVisible(not pads)

    def tab_order(self) -> tuple[QWidget, ...]:
        return *self.surface.buttons.values(), self.kit, self.kit_handle, self.keys, self.fresh, self.keep

    def render_state(self, state: SessionState) -> None:
        self.kit.render_state(state)
        self.kit_handle.render_state(state)
        self.keep.render_state(state)
        left = "" if state.kit_ms is None else f"  {time_expected(state.kit_ms)}"
        self.kit.setToolTip(f"{tooltip('fill_kit')}{left}")
        self.fresh.setText(f"Fresh notes {state.stocked}" if state.fresh else "Fresh notes")
        self.keys.setChecked(state.keys_on)
        self.fresh.setChecked(state.fresh)
        self.fresh.setToolTip(
            f"{tooltip('toggle_fresh')}\nVelocity changes: {DRIVES[state.velocity_drives].lower()}  (right click)"
        )
        self._figures.setText(f"Octave {state.octave}  Z X    Velocity {state.velocity}  C V")

    def show_lamp(self, keys_on: bool, typing_text: bool, pads: bool) -> None:
        """Say where letters go now."""
        live = keys_on and not typing_text
        if typing_text:
            self._lamp.setText("Letters write text, Esc returns to the keys")
        else:
            self._lamp.setText(f"Letters {'hit pads' if pads else 'play notes'}" if live else "Letters are off")
        role(self._lamp, "on", live)

    @staticmethod
    def _toggle(name: str, picture: str, action_id: str) -> QPushButton:
        button = QPushButton(name)
        button.setCheckable(True)
        button.setProperty("role", "toggle")
        button.setIcon(icon(picture))
        button.setIconSize(QSize(16, 16))
        button.setFixedHeight(28)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(name)
        button.setToolTip(tooltip(action_id))
        return button
