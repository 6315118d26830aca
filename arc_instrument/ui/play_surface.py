"""What is played with the mouse: the keyboard or the pads, one in the place of the other."""

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QStackedWidget

from arc_instrument.domain import NoteEvent
from arc_instrument.session.state import Pad, SessionState
from arc_instrument.ui.keyboard_strip import KeyboardStrip
from arc_instrument.ui.pad_grid import PadGrid, PadPicture

TITLE_WORDS = 2  # of a pad's prompt: the last ones say which drum it is


class PlaySurface(QStackedWidget):
    """Signals: padMenuWanted(int, QPoint), a pad from 0 and a global place."""

    padMenuWanted = Signal(int, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.keyboard, self.pads = KeyboardStrip(), PadGrid()
        self._shown: tuple[Pad, ...] = ()
        self.addWidget(self.keyboard)
        self.addWidget(self.pads)
        self.setFixedHeight(self.pads.height())
        self.pads.menuWanted.connect(self.padMenuWanted)

    @property
    def shows_pads(self) -> bool:
        return self.currentWidget() is self.pads

    def show_pads(self, pads: bool) -> None:
        self.setCurrentWidget(self.pads if pads else self.keyboard)

    def take_focus(self) -> None:
        (self.pads if self.shows_pads else self.keyboard).setFocus()

    def show_note(self, event: NoteEvent) -> None:
        """Light what a note plays: a key, or the pad of its part; None is a note of no pad."""
        if event.part == 0:
            self.keyboard.show_note(event)
        elif event.part is not None:
            self.pads.show_hit(event.part - 1, event.velocity)

    def clear(self) -> None:
        self.keyboard.clear()
        self.pads.clear()

    def render_state(self, state: SessionState) -> None:
        self.keyboard.show_keys(state.octave, state.keys_on)
        if state.pads is not self._shown:
            self._shown = state.pads
            self.pads.show_pads([_picture(pad) for pad in state.pads])


def _picture(pad: Pad) -> PadPicture:
    path = pad.take.path if pad.take else None
    tip = f"{pad.prompt}\nseed {pad.seed}" if pad.prompt else "Drop a take here, or right click"
    title = " ".join(pad.prompt.split()[-TITLE_WORDS:])
    return PadPicture(title, tip, pad.peaks, path, pad.locked, pad.pending)
