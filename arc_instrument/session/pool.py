"""The pool of fresh notes: variations of the current sound, rendered ahead, so that every hit can be a new sound."""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from arc_instrument.domain import Generated, GenerationRequest, HitEvent, NoteEvent, Phase
from arc_instrument.session.orders import Orders, current_sound, random_seed
from arc_instrument.session.state import CurrentSound, SessionState, init_noise

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session

SIZE = 6  # hits in a row that need no waiting; six sounds of 3 s take 1.4 s on one core
SETTLE_MS = 400  # after the last change of a control: nothing is rendered of a half-typed word
STRENGTH_STEP = 25  # per cent that a soft hit keeps more of the recording, and a hard one less


class Pool(QObject):
    """Keeps the keys' pool in the audio process full while "fresh" is on; a sound that was hit becomes a take.

    Everything else that is ordered goes first. When what the controls describe changes, the pool is emptied.
    """

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session = session
        self._stock: dict[int, Generated] = {}  # by clip id, the number of the request
        self._key: tuple[object, ...] = ()  # what the stock was made from
        self._anchor: CurrentSound | None = None  # what fresh notes are near: the last sound that is none of them
        self._velocity = 100
        self._gave_up = False  # until something else is wanted
        self._orders = Orders(session, generation)
        self._orders.arrived.connect(self._on_arrived)
        self._orders.lost.connect(self._on_lost)
        self._settled = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settled.timeout.connect(self.fill)
        session.stateChanged.connect(self._on_state)
        session.player.clipHit.connect(self._on_hit)
        session.player.keysArmed.connect(self._stock_again)
        session.player.notePlayed.connect(self._on_note)

    def set_velocity_drives(self, what: str) -> None:
        """What the velocity of fresh notes changes: "strength", how little of the recording stays; "" nothing."""
        self._session.edit("velocity drives strength", velocity_drives=what)

    def toggle_velocity_drives(self) -> None:
        self.set_velocity_drives("" if self._session.state.velocity_drives else "strength")

    @Slot()
    def fill(self) -> None:
        """Order what the pool lacks, once nothing else is being made."""
        state, missing = self._session.state, SIZE - len(self._stock)
        is_idle = state.phase is Phase.READY and not state.generating and not self._orders.open
        if state.fresh and self._anchor and is_idle and missing > 0 and not self._gave_up and state.prompt.strip():
            self._gave_up = True  # a refusal is said once, not at every change that it is itself
            self._gave_up = not self._orders.give([self._request(index, self._anchor) for index in range(missing)])

    def shutdown(self) -> None:
        self._settled.stop()

    def _request(self, index: int, anchor: CurrentSound) -> GenerationRequest:
        """A variation of what the controls describe now; the noise it starts from is near that of the anchor."""
        state, made_by = self._session.state, anchor.request
        leg = random_seed(), state.distance_percent / 100
        request = self._session.new_request("fresh", anchor.seed)
        request = replace(request, walk=(*(made_by.walk if made_by else ()), leg))
        if state.velocity_drives == "strength" and request.init is not None:
            level = round((self._velocity - 64) / 50) if self._stock else index % 3 - 1  # −1 soft, 0, 1 hard
            percent = min(max(state.strength_percent - level * STRENGTH_STEP, 0), 100)
            request = replace(request, init_noise=init_noise(percent))
        return request

    @Slot(object)
    def _on_state(self, state: SessionState) -> None:
        current = state.current
        if current is not None and not (current.request and current.request.origin == "fresh"):
            self._anchor = current
        key = (
            state.fresh, state.prompt, state.seconds, state.steps, state.init, state.strength_percent, state.model,
            state.distance_percent, state.velocity_drives, self._anchor and self._anchor.clip,
        )  # fmt: skip
        if key != self._key:
            self._key = key
            self._empty()
        elif state.fresh and not self._settled.isActive():
            self.fill()

    def _empty(self) -> None:
        if self._stock:
            self._session.player.clear_stock(0)
        self._stock, self._gave_up = {}, False
        self._orders.forget()
        self._settled.stop()
        if self._session.state.fresh:
            self._settled.start()
        if self._session.state.stocked:
            self._session.update(stocked=0)

    @Slot()
    def _stock_again(self) -> None:
        for number, generated in self._stock.items():
            self._session.player.stock(0, generated.clip, clip_id=number)

    @Slot(object)
    def _on_arrived(self, generated: Generated) -> None:
        number = generated.request.id
        self._stock[number] = generated
        self._session.player.stock(0, generated.clip, clip_id=number)
        self._session.update(stocked=len(self._stock))

    @Slot(int, str)
    def _on_lost(self, _request_id: int, sentence: str) -> None:
        self._gave_up = self._gave_up or bool(sentence)

    @Slot(object)
    def _on_note(self, event: NoteEvent) -> None:
        if event.velocity and event.part is not None:
            self._velocity = event.velocity

    @Slot(object)
    def _on_hit(self, hit: HitEvent) -> None:
        generated = self._stock.pop(hit.clip_id, None) if hit.part == 0 else None
        if generated is not None:
            self._session.update(current=current_sound(generated), stocked=len(self._stock))
            self._session.takes.keep(generated)
