"""Above the keyboard: whether letters play, in which octave, how hard, and whether each note is fresh."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from arc_instrument.actions import tooltip
from arc_instrument.session.state import SessionState
from arc_instrument.ui.icons import icon
from arc_instrument.ui.labels import role
from arc_instrument.ui.palette import GRID, SMALL_PX, font


class KeysHeader(QWidget):
    """Signals: keysToggled(), freshToggled()."""

    keysToggled = Signal()
    freshToggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.keys = self._toggle("Keys", "keys", "toggle_keys")
        self.keys.clicked.connect(self.keysToggled)
        self.fresh = self._toggle("Fresh notes", "fresh", "toggle_fresh")
        self.fresh.clicked.connect(self.freshToggled)
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
        row.addWidget(self.keys)
        row.addWidget(self.fresh)
        row.addSpacing(GRID)
        row.addWidget(self._lamp)
        row.addStretch()
        row.addWidget(self._figures)

    def render_state(self, state: SessionState) -> None:
        self.keys.setChecked(state.keys_on)
        self.fresh.setChecked(state.fresh)
        self._figures.setText(f"Octave {state.octave}  Z X    Velocity {state.velocity}  C V")

    def show_lamp(self, keys_on: bool, typing_text: bool) -> None:
        """Say where letters go now."""
        live = keys_on and not typing_text
        if typing_text:
            self._lamp.setText("Letters write text, Esc returns to the keys")
        else:
            self._lamp.setText("Letters play notes" if live else "Letters are off")
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
