"""What is played with the mouse: the keyboard or the pads, one in the place of the other."""

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QStackedWidget

from arc_instrument.domain import NoteEvent
from arc_instrument.session.state import Pad, SessionState
from arc_instrument.ui.keyboard_strip import KeyboardStrip
from arc_instrument.ui.pad_grid import PadGrid, PadPicture

FEWEST_ALIKE = 3  # pads whose words are compared: two sounds of one kind are no kit


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
        self.pads.show_letters(state.keys_on)
        if state.pads is not self._shown:
            self._shown = state.pads
            titles = pad_titles([pad.prompt for pad in state.pads])
            self.pads.show_pads([_picture(pad, title) for pad, title in zip(state.pads, titles, strict=True)])


def pad_titles(prompts: Sequence[str]) -> list[str]:
    """What tells each of these from the others: its words without those that more than half of all have.

    The style of a kit goes, and "kick drum" stays; a prompt of such words alone stays as it is, and "" too.
    """
    words = [[(word, word.strip(",.;:").casefold()) for word in prompt.split()] for prompt in prompts]
    said = [{plain for _, plain in each} for each in words if each]
    counts = Counter(plain for each in said for plain in each)
    common = {plain for plain, count in counts.items() if len(said) >= FEWEST_ALIKE and 2 * count > len(said)}
    own = [" ".join(word for word, plain in each if plain not in common) for each in words]
    return [title.strip(",.;: ") or prompt for title, prompt in zip(own, prompts, strict=True)]


def _picture(pad: Pad, title: str) -> PadPicture:
    path = pad.take.path if pad.take else None
    tip = f"{pad.prompt}\nseed {pad.seed}" if pad.prompt else "Drop a take here, or right click"
    return PadPicture(title, tip, pad.peaks, path, pad.locked, pad.pending)
