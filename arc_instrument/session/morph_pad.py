"""The XY pad: up to four prompts at its corners, and the point between them that the prompt says."""

from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from arc_instrument.domain import Take
from arc_instrument.morph import CORNERS, LETTERS, blend_of, pad_blend, prompt_of

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
        self._edit(f"corner {LETTERS[index]}", morph_prompts=tuple(prompts))

    def set_corner_here(self, index: int) -> None:
        """Put the window's prompt into a corner; of a blend, its strongest part."""
        self.set_corner(index, _strongest(self._session.state.prompt))

    set_corner_a = partialmethod(set_corner_here, 0)
    set_corner_b = partialmethod(set_corner_here, 1)
    set_corner_c = partialmethod(set_corner_here, 2)
    set_corner_d = partialmethod(set_corner_here, 3)

    def set_corner_take(self, index: int, take: Take) -> None:
        """Put what made a take into a corner; of a blend, its strongest part."""
        self.set_corner(index, _strongest(take.prompt))

    def set_corner_file(self, index: int, path: Path) -> None:
        """Put what made the take at `path` into a corner, as when it is dropped there."""
        if take := self._session.takes.dropped(path):
            self.set_corner_take(index, take)

    def set_x(self, x: float) -> None:
        self.move(x, self._session.state.morph_y)

    def set_y(self, y: float) -> None:
        self.move(self._session.state.morph_x, y)

    def move(self, x: float, y: float) -> None:
        """Go to a point of the unit square."""
        self._edit("morph", morph_x=min(max(x, 0.0), 1.0), morph_y=min(max(y, 0.0), 1.0))

    def clear(self) -> None:
        """Empty the corners; the prompt stays as it is."""
        self._session.edit("clear corners", morph_prompts=("",) * CORNERS)

    def _edit(self, label: str, **changes: object) -> None:
        """Change the pad and, with it, the prompt that it says: one step to undo, and so is a drag."""
        state = replace(self._session.state, **changes)  # pyright: ignore[reportArgumentType]
        blend = pad_blend(state.morph_prompts, state.morph_x, state.morph_y)
        changes["prompt"] = prompt_of(blend) if blend else state.prompt
        self._session.edit(label, merge=True, **changes)  # pyright: ignore[reportArgumentType]


def _strongest(prompt: str) -> str:
    return max(blend_of(prompt) or ((prompt, 1.0),), key=lambda part: part[1])[0]
