"""The pool of fresh notes: variations of the current sound, rendered ahead, so that every hit can be a new sound."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from arc_instrument.analysis import root_note_of
from arc_instrument.domain import Generated, GenerationRequest, HitEvent, Phase
from arc_instrument.session.orders import Orders, current_sound, random_seed
from arc_instrument.session.state import ROOT_NOTE, CurrentSound, SessionState, init_noise
from arc_instrument.velocity import DRIVES, Layer, distance_in, layers_of, strength_in

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session
    from arc_instrument.session.shelf import Shelf

SIZE = 6  # hits in a row that need no waiting; six sounds of 3 s take 1.4 s on one core
LAYER_SIZE = 4  # of each velocity layer, where there are three
SETTLE_MS = 400  # after the last change of a control: nothing is rendered of a half-typed word


@dataclass(frozen=True, eq=False)
class _Stocked:
    """A fresh note that waits for its hit; `root_note` None: no pitch was heard in it."""

    generated: Generated
    layer: Layer
    root_note: float | None


class Pool(QObject):
    """Keeps the keys' pool in the audio process full while "fresh" is on; a sound that was hit becomes a take.

    The current sound stays what it is, or the window would show another at each key: `state.heard` is the last one that
    sounded, and `keep_heard` makes it the current sound, which the next ones are near.

    Everything else that is ordered goes first. When what the controls describe changes, the pool is emptied. Each sound
    has its own root, as takes do, so that hits stay in tune, and the velocities of its layer: the hit itself chooses
    among those that are there, in the audio process.
    """

    def __init__(self, session: "Session", generation: "GenerationService", shelf: "Shelf"):
        super().__init__(session)
        self._session, self._shelf = session, shelf
        self._stock: dict[int, _Stocked] = {}  # by clip id, the number of the request
        self._emptied: dict[int, _Stocked] = {}  # that was there before: a hit of it may still be on its way
        self._layers: dict[int, Layer] = {}  # of what is on order, or being listened to, by the number of the request
        self._key: tuple[object, ...] = ()  # what the stock was made from
        self._anchor: CurrentSound | None = None  # what fresh notes are near: the current sound
        self._gave_up = False  # until something else is wanted
        self._orders = Orders(session, generation)
        self._orders.arrived.connect(self._on_arrived)
        self._orders.lost.connect(self._on_lost)
        self._settled = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settled.timeout.connect(self.fill)
        session.stateChanged.connect(self._on_state)
        session.player.clipHit.connect(self._on_hit)
        session.player.keysArmed.connect(self._stock_again)

    def set_velocity_drives(self, what: str) -> None:
        """What the velocity of fresh notes changes, one of `velocity.DRIVES`."""
        self._session.edit("velocity of fresh notes", velocity_drives=what)

    def next_velocity_drive(self) -> None:
        """Let the velocity of fresh notes change the next of what it can, and say what that is."""
        drives = list(DRIVES)
        what = drives[(drives.index(self._session.state.velocity_drives) + 1) % len(drives)]
        self.set_velocity_drives(what)
        self._session.say(f"The velocity of fresh notes changes: {DRIVES[what].lower()}.", is_error=False)

    def keep_heard(self) -> None:
        """Make the fresh note that was heard last the current sound: seen, edited, and what the next ones are near."""
        sound = self._session.state.heard
        if sound is not None:

            def show(heard: CurrentSound | None) -> None:
                self._session.update(heard=heard)

            with self._session.together():
                also = partial(show, sound), partial(show, None)
                self._session.auditions.choose(sound, "keep fresh note", also=also)

    @Slot()
    def fill(self) -> None:
        """Order what the pool lacks, once nothing else is being made."""
        state, anchor = self._session.state, self._anchor
        is_idle = state.phase is Phase.READY and not state.generating and not self._orders.open
        if not (state.fresh and anchor and is_idle and state.prompt.strip()) or self._gave_up:
            return
        layers = layers_of(state.velocity_drives, has_recording=state.init is not None)
        size = SIZE if len(layers) == 1 else LAYER_SIZE
        there = Counter([*self._layers.values(), *(stocked.layer for stocked in self._stock.values())])
        missing = [layer for layer in layers for _ in range(size - there[layer])]
        if missing:
            self._gave_up = True  # a refusal is said once, not at every change that it is itself
            asked = {request.id: (request, layer) for layer in missing for request in [self._request(layer, anchor)]}
            self._layers |= {number: layer for number, (_, layer) in asked.items()}
            self._gave_up = not self._orders.give([request for request, _ in asked.values()])
            if self._gave_up:
                self._forget(asked)

    def shutdown(self) -> None:
        """Order nothing more, and stock nothing that still comes."""
        self._settled.stop()
        self._orders.forget()
        self._gave_up, self._layers = True, {}

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._layers.pop(number, None)

    def _request(self, layer: Layer, anchor: CurrentSound) -> GenerationRequest:
        """A variation of what the controls describe now; the noise it starts from is near that of the anchor."""
        state, made_by = self._session.state, anchor.request
        leg = random_seed(), distance_in(layer, state.distance_percent, state.velocity_drives)
        request = self._session.maker.new_request("fresh", anchor.seed)
        request = replace(request, walk=(*(made_by.walk if made_by else ()), leg))
        if request.init is None:
            return request
        return replace(
            request, init_noise=init_noise(strength_in(layer, state.strength_percent, state.velocity_drives))
        )

    @Slot(object)
    def _on_state(self, state: SessionState) -> None:
        anchor, self._anchor = self._anchor, state.current or self._anchor
        if state.heard is not None and anchor is not None and self._anchor and self._anchor.clip is not anchor.clip:
            self._session.update(heard=None)
        key = (
            state.fresh, *state.asked, state.model, state.distance_percent, state.velocity_drives,
            self._anchor and self._anchor.clip,
        )  # fmt: skip
        if key != self._key:
            was_fresh, self._key = bool(self._key and self._key[0]), key
            self._empty()
            current = self._session.state.current
            if was_fresh and not state.fresh and current is not None:
                self._session.player.load(current)  # the keys would go on with the last fresh note
        elif state.fresh and not self._settled.isActive():
            self.fill()

    def _empty(self) -> None:
        if self._stock:
            self._session.player.clear_stock(0)
            self._emptied = self._stock
        self._stock, self._layers, self._gave_up = {}, {}, False
        self._orders.forget()
        self._settled.stop()
        if self._session.state.fresh:
            self._settled.start()
        if self._session.state.stocked:
            self._session.update(stocked=0)

    @Slot()
    def _stock_again(self) -> None:
        for number in self._stock:
            self._give(number)

    @Slot(object)
    def _on_arrived(self, generated: Generated) -> None:
        number = generated.request.id
        layer = self._layers[number]

        def stock(root_note: float | None) -> None:
            if self._layers.get(number) is layer:  # and the pool was not emptied while this was listened to
                del self._layers[number]
                self._stock[number] = _Stocked(generated, layer, root_note)
                self._give(number)
                self._session.update(stocked=len(self._stock))

        self._shelf.run(lambda: root_note_of(generated.clip), stock, lambda _sentence: stock(None))

    def _give(self, number: int) -> None:
        stocked = self._stock[number]
        self._session.player.stock(
            0,
            stocked.generated.clip,
            self._root_of(stocked),
            number,
            stocked.layer.velocities,
            "bars" in stocked.generated.request.settings,
        )

    def _root_of(self, stocked: _Stocked) -> float:
        """Its own, or that of the sound it varies."""
        if stocked.root_note is not None:
            return stocked.root_note
        return self._anchor.root_note if self._anchor else ROOT_NOTE

    @Slot(int, str)
    def _on_lost(self, request_id: int, sentence: str) -> None:
        self._forget([request_id])
        self._gave_up = self._gave_up or bool(sentence)

    @Slot(object)
    def _on_hit(self, hit: HitEvent) -> None:
        stocked = self._stock.pop(hit.clip_id, None) if hit.part == 0 else None
        if stocked is not None:
            self._session.update(stocked=len(self._stock))
        elif hit.part == 0:
            stocked = self._emptied.pop(hit.clip_id, None)
        if stocked is not None:
            heard = replace(current_sound(stocked.generated), near_root=self._root_of(stocked))
            self._session.update(heard=heard)
            self._session.takes.keep(stocked.generated)
