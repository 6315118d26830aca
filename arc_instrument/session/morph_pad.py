"""The XY pad: up to four prompts at its corners, and the point between them that the prompt says."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from arc_instrument.morph import CORNERS, blend_of, pad_blend, prompt_of

if TYPE_CHECKING:
    from arc_instrument.session.session import Session


class MorphPad(QObject):
    """Commands of the pad. A move writes the blend into the prompt: what is generated, live or not, is what it says."""

    def __init__(self, session: "Session"):
        super().__init__(session)
        self._session = session

    def set_corner(self, index: int, prompt: str) -> None:
        """The words of a corner: 0 bottom left, 1 bottom right, 2 top left, 3 top right; "" leaves it out."""
        prompts = list(self._session.state.morph_prompts)
        prompts[index] = prompt
        self._session.update(morph_prompts=tuple(prompts))
        self._write()

    def set_corner_here(self, index: int) -> None:
        """Put the window's prompt into a corner; of a blend, its strongest part."""
        prompt = self._session.state.prompt
        self.set_corner(index, max(blend_of(prompt) or ((prompt, 1.0),), key=lambda part: part[1])[0])

    def move(self, x: float, y: float) -> None:
        """Go to a point of the unit square."""
        self._session.update(morph_x=min(max(x, 0.0), 1.0), morph_y=min(max(y, 0.0), 1.0))
        self._write()

    def clear(self) -> None:
        """Empty the corners; the prompt stays as it is."""
        self._session.update(morph_prompts=("",) * CORNERS)

    def _write(self) -> None:
        state = self._session.state
        if blend := pad_blend(state.morph_prompts, state.morph_x, state.morph_y):
            self._session.set_prompt(prompt_of(blend))
