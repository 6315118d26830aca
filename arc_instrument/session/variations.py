"""Variations: eight sounds at a distance from the current one, heard and kept by choosing."""

from dataclasses import dataclass, field, replace
from functools import partial, partialmethod
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import Generated
from arc_instrument.session.orders import Orders, current_sound, random_seed
from arc_instrument.session.state import Variation
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session

COUNT = 8


@dataclass(frozen=True, eq=False)
class _Shown:
    """Variations as they are shown: those that are made by place, and which of them was chosen."""

    variations: tuple[Variation, ...] = ()
    chosen: int | None = None
    made: dict[int, Generated] = field(default_factory=dict)


class Variations(QObject):
    """Commands of choosing among variations; renders into the session.

    What is chosen becomes the current sound and a take, so the next eight start from it.
    """

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session = session
        self._made: dict[int, Generated] = {}  # by place; another object for other variations
        self._kept: set[int] = set()  # ids of requests
        self._orders = Orders(session, generation)
        self._orders.arrived.connect(self._on_arrived)
        self._orders.lost.connect(self._on_lost)

    def set_distance(self, percent: int) -> None:
        """How far the next variations and fresh notes are from their sound; 0 is that sound itself."""
        self._session.edit("distance", merge=True, distance_percent=min(max(percent, 0), 100))

    def make(self) -> None:
        """Order eight variations of the current sound."""
        current = self._session.state.current
        if current is None or current.request is None:
            self._session.say("There is no sound to vary yet: make one, or choose a take.", is_error=False)
            return
        distance, base = self._session.state.distance_percent / 100, current.request
        requests = [
            self._session.maker.again(base, origin="variation", walk=(*base.walk, (random_seed(), distance)))
            for _ in range(COUNT)
        ]
        self._do("eight variations", _Shown(tuple(Variation(request) for request in requests)))

    def choose(self, index: int) -> None:
        """Hear variation `index` (0–7) and keep it; one that is not there yet is not chosen."""
        generated = self._made.get(index)
        if generated is None:
            return
        made, before = self._made, self._session.state.chosen_variation

        def show(chosen: int | None) -> None:
            if self._made is made:  # and no others are shown by now
                self._session.update(chosen_variation=chosen)

        also = partial(show, before), partial(show, index)
        self._session.auditions.choose(current_sound(generated), "choose variation", "choose variation", also)
        show(index)
        self._session.player.play()
        if generated.request.id not in self._kept:
            self._kept.add(generated.request.id)
            self._session.takes.keep(generated)

    choose_1 = partialmethod(choose, 0)
    choose_2 = partialmethod(choose, 1)
    choose_3 = partialmethod(choose, 2)
    choose_4 = partialmethod(choose, 3)
    choose_5 = partialmethod(choose, 4)
    choose_6 = partialmethod(choose, 5)
    choose_7 = partialmethod(choose, 6)
    choose_8 = partialmethod(choose, 7)

    def clear(self) -> None:
        """Put away the variations; those that were chosen are takes, and the others come back when it is undone."""
        if self._session.state.variations:
            self._do("put variations away", _Shown())

    def _do(self, label: str, shown: "_Shown") -> None:
        """Show other variations, undoably; if their sounds cannot be ordered nothing changes."""
        other = self._shown
        if not self._put(shown):
            return

        def swap() -> None:  # what came meanwhile is there again when this is redone
            nonlocal other
            now, again = self._shown, self._session.maker.again
            ordered = (each if each.clip else replace(each, request=again(each.request)) for each in other.variations)
            if self._put(replace(other, variations=tuple(ordered))):
                other = now

        held = sum(made.clip.samples.nbytes for made in other.made.values())
        self._session.history.record(label, swap, swap, holds_bytes=held)

    @property
    def _shown(self) -> "_Shown":
        state = self._session.state
        return _Shown(state.variations, state.chosen_variation, self._made)

    def _put(self, shown: "_Shown") -> bool:
        """Show these, and order those that are not made yet. False: the order was refused with a sentence."""
        missing = [variation.request for variation in shown.variations if variation.clip is None]
        if not missing:
            self._orders.forget()
        elif not self._orders.give(missing):
            return False
        self._made = shown.made
        self._session.update(
            variations=shown.variations, chosen_variation=shown.chosen, variations_ms=self._orders.expected_ms
        )
        return True

    @Slot(object)
    def _on_arrived(self, generated: Generated) -> None:
        variations = list(self._session.state.variations)
        index = next(i for i, variation in enumerate(variations) if variation.request.id == generated.request.id)
        self._made[index] = generated
        clip = generated.clip
        variations[index] = replace(variations[index], request=generated.request, clip=clip, peaks=peaks(clip.samples))
        self._session.update(variations=tuple(variations), variations_ms=self._orders.expected_ms)

    @Slot(int, str)
    def _on_lost(self, request_id: int, _sentence: str) -> None:
        left = tuple(v for v in self._session.state.variations if v.clip or v.request.id != request_id)
        order = {variation.request.id: i for i, variation in enumerate(left)}
        self._made = {order[made.request.id]: made for made in self._made.values() if made.request.id in order}
        self._session.update(variations=left, variations_ms=self._orders.expected_ms)
