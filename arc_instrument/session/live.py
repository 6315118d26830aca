"""Live: while a person types or drags, the sound follows: a draft of one step at once, then the whole of it."""

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from arc_instrument.domain import Generated, GenerationRequest, NoteEvent, Phase
from arc_instrument.session.orders import Orders, current_sound
from arc_instrument.session.state import SessionState

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session

DEBOUNCE_MS = 150  # between two keys of a fast typist
REST_MS = 1_000  # a person who changes nothing for so long has stopped at this sound
PLAYING_SECONDS = 2.0  # after a note of their own, drafts are heard at the next hit and not by themselves


class Live(QObject):
    """Makes the sound of the controls anew after each change, the latest wins.

    A draft plays by itself unless the person plays; what refines it takes its place for the next hit. Neither is a
    take at once: typing one word would leave a dozen on disk. The refined sound becomes one when a person plays it, or
    rests on it for a second: nothing that was played or stopped at is lost. Drafts are never kept.
    """

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session = session
        self._orders = Orders(session, generation)
        self._orders.arrived.connect(self._on_arrived)
        self._key: tuple[object, ...] = ()
        self._whole: GenerationRequest | None = None  # what the draft on order is refined to
        self._unkept: Generated | None = None
        self._last_note = -PLAYING_SECONDS
        self._awaits_model = False  # something changed while the model was being loaded
        self._changed = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._changed.timeout.connect(self._order)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._keep)
        session.stateChanged.connect(self._on_state)
        session.player.notePlayed.connect(self._on_note)

    def toggle(self) -> None:
        """Follow the controls, or stop following them."""
        self._session.edit("live", live=not self._session.state.live)

    def shutdown(self) -> None:
        """Keep what was stopped at."""
        self._changed.stop()
        self._keep()

    @Slot(object)
    def _on_state(self, state: SessionState) -> None:
        key = *state.asked, state.seed, state.walk
        changed, self._key = key != self._key, key
        if not state.live:
            self._changed.stop()
            self._keep()
        elif state.generating:  # a sound that was asked for plainly: it is this one
            self._changed.stop()
            self._orders.forget()
        elif changed or (self._awaits_model and state.phase is Phase.READY):
            self._awaits_model = False
            self._rest.stop()
            self._changed.start()

    @Slot()
    def _order(self) -> None:
        state = self._session.state
        self._awaits_model = state.phase not in (Phase.READY, Phase.GENERATING)
        if state.prompt.strip() and not self._awaits_model:
            self._whole = self._session.maker.new_request("draft", state.seed)
            self._orders.give([self._session.maker.again(self._whole, steps=1)])

    @Slot(object)
    def _on_arrived(self, generated: Generated) -> None:
        with self._session.together():
            self._use(generated)

    def _use(self, generated: Generated) -> None:
        whole, session = self._whole, self._session
        is_draft = whole is not None and generated.request.steps < whole.steps
        self._unkept = None if is_draft else generated
        session.player.load(current_sound(generated))
        if generated.request.id != (whole.id if whole else 0) and monotonic() - self._last_note > PLAYING_SECONDS:
            session.player.play()
        if is_draft and whole is not None:
            self._orders.give([replace(whole)])
        else:
            self._rest.start()

    @Slot(object)
    def _on_note(self, event: NoteEvent) -> None:
        if event.velocity and event.part is not None:
            self._last_note = monotonic()
            self._keep()

    @Slot()
    def _keep(self) -> None:
        self._rest.stop()
        if self._unkept is not None:
            generated, self._unkept = self._unkept, None
            self._session.takes.keep(generated)
