"""Kit: sixteen pads, each with its prompt, seed and take; a few words fill them all."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import MAX_SEED, Clip, Generated, GenerationRequest, Take
from arc_instrument.drum_kit import ONE_SHOT_SECONDS, kit_prompts
from arc_instrument.session.orders import Orders, random_seed
from arc_instrument.session.state import Pad
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session

FIRST_PAD_NOTE = 36  # of pad 1, as MIDI numbers them: there it sounds as it is
_NOTHING = Clip(np.zeros((1, 2), np.float32))


class Kit(QObject):
    """Commands of the pads (index 0–15, part index + 1 of the audio process); renders into `SessionState.pads`.

    Every sound made for a pad is a take of the library. What a command replaced comes back with `undo`.
    """

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session = session
        self._places: dict[int, int] = {}  # request id → pad
        self._history: list[tuple[Pad, ...]] = []
        self._orders = Orders(session, generation)
        self._orders.arrived.connect(self._on_arrived)
        self._orders.lost.connect(self._on_lost)

    @property
    def pads(self) -> tuple[Pad, ...]:
        return self._session.state.pads

    def fill(self, words: str | None = None) -> None:
        """Fill every pad that is not locked from a few words, by default those of the prompt."""
        prompts = kit_prompts(self._session.state.prompt if words is None else words)
        first = self._session.state.seed if self._session.state.seed_locked else random_seed()
        self._remember()
        changed = {
            index: replace(pad, prompt=prompts[index], seed=(first + index) % (MAX_SEED + 1))
            for index, pad in enumerate(self.pads)
            if not pad.locked
        }
        if changed:
            self._make(changed)

    def regenerate(self, index: int) -> None:
        """Make a pad's sound anew with another seed; without a prompt of its own it takes the window's."""
        pad = self.pads[index]
        self._remember()
        self._make({index: replace(pad, prompt=pad.prompt or self._session.state.prompt, seed=random_seed())})

    def set_prompt(self, index: int, prompt: str) -> None:
        """What `regenerate` makes the pad's next sound from."""
        self._change(index, prompt=prompt)

    def put_take(self, index: int, take: Take) -> None:
        """Play a take on a pad."""

        def show(clip: Clip) -> None:
            self._remember()
            pad = Pad(take.prompt, take.seed, self.pads[index].locked, False, clip, peaks(clip.samples), take)
            self._show({index: pad})

        self._session.read(take, show)

    def clear(self, index: int) -> None:
        """Take the sound off a pad; its take stays in the library."""
        self._remember()
        self._show({index: Pad()})

    def toggle_lock(self, index: int) -> None:
        """Whether `fill` leaves the pad alone."""
        self._change(index, locked=not self.pads[index].locked)

    def undo(self) -> None:
        """Bring back the pads as they were before the last command that changed sounds."""
        if self._history:
            self.restore(self._history.pop())

    def restore(self, pads: tuple[Pad, ...]) -> None:
        """Play these on the pads; what is on order is dropped."""
        self._orders.forget()
        self._show(dict(enumerate(replace(pad, pending=False) for pad in pads)))

    def _remember(self) -> None:
        self._history = [*self._history[-63:], self.pads]

    def _make(self, changed: dict[int, Pad]) -> None:
        """Order sounds for pads, together with those that are on order already."""
        others = [request for request in self._orders.open if self._places[request.id] not in changed]
        kept = {self._places[request.id]: request for request in others}
        asked = {index: self._request(pad) for index, pad in changed.items()}
        orders = {**{i: self._session.again(request) for i, request in kept.items()}, **asked}
        places = {request.id: index for index, request in orders.items()}
        before, self._places = self._places, places
        if not self._orders.give([orders[index] for index in sorted(orders)]):
            self._places = before
            self._history.pop()
            return
        self._show({index: replace(pad, pending=True) for index, pad in changed.items()})

    def _request(self, pad: Pad) -> GenerationRequest:
        request = self._session.new_request("kit", pad.seed)
        seconds = min(ONE_SHOT_SECONDS, self._session.state.max_seconds)
        return replace(request, prompt=pad.prompt, seconds=seconds, init=None, init_noise=1.0)

    def _change(self, index: int, **changes: object) -> None:
        pads = list(self.pads)
        pads[index] = replace(pads[index], **changes)  # pyright: ignore[reportArgumentType]
        self._session.update(pads=tuple(pads), kit_ms=self._orders.expected_ms)

    def _show(self, changed: dict[int, Pad]) -> None:
        """Render pads, and give the audio process those sounds that are not there yet."""
        before, pads = self.pads, list(self.pads)
        for index, pad in changed.items():
            pads[index] = pad
            if pad.clip is not None and pad.clip is not before[index].clip:
                self._session.player.arm(index + 1, pad.clip, FIRST_PAD_NOTE + index)
            elif pad.clip is None and before[index].clip is not None:
                self._session.player.arm(index + 1, _NOTHING, FIRST_PAD_NOTE + index)
        self._session.update(pads=tuple(pads), kit_ms=self._orders.expected_ms)

    @Slot(object)
    def _on_arrived(self, generated: Generated) -> None:
        index, clip = self._places[generated.request.id], generated.clip
        pad = replace(self.pads[index], seed=generated.request.seed, pending=False, clip=clip, take=None)
        self._show({index: replace(pad, peaks=peaks(clip.samples))})
        self._session.keep(generated, lambda take: self._on_kept(index, clip, take))

    def _on_kept(self, index: int, clip: Clip, take: Take) -> None:
        if self.pads[index].clip is clip:
            self._change(index, take=take)

    @Slot(int, str)
    def _on_lost(self, request_id: int, _sentence: str) -> None:
        self._change(self._places[request_id], pending=False)
