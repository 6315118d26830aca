"""Orders of one origin: given to the generator together, answered one by one, the latest alone."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from arc_instrument.domain import Generated, GenerationRequest
from arc_instrument.session.state import CurrentSound
from arc_instrument.waveform import peaks

if TYPE_CHECKING:
    from arc_instrument.generation import GenerationService
    from arc_instrument.session.session import Session


class Orders(QObject):
    """What is on order, and what comes of it; an answer to an older order than the latest is dropped.

    Signals:
        arrived(Generated): a sound of the latest order.
        lost(int, str): the id of one that failed, and the sentence that the session says, or "": it was cancelled.
    """

    arrived = Signal(object)
    lost = Signal(int, str)

    def __init__(self, session: "Session", generation: "GenerationService"):
        super().__init__(session)
        self._session = session
        self._open: dict[int, GenerationRequest] = {}
        generation.generated.connect(self._on_generated)
        generation.failed.connect(self._on_lost)
        generation.cancelled.connect(self._on_lost)

    @property
    def open(self) -> list[GenerationRequest]:
        """What has not come yet, in its order."""
        return list(self._open.values())

    @property
    def expected_ms(self) -> float | None:
        """Until the last of them is there; None before anything was measured, and when nothing is on order."""
        return self._session.maker.expected_ms(self.open)

    def give(self, requests: Sequence[GenerationRequest]) -> bool:
        """Order these in place of what was on order; whether they could be ordered."""
        before, self._open = self._open, {request.id: request for request in requests}
        if requests and self._session.maker.order(requests):
            return True
        self._open = before
        return False

    def forget(self) -> None:
        """Drop what comes of everything that is on order."""
        self._open = {}

    @Slot(object)
    def _on_generated(self, generated: Generated) -> None:
        if self._open.pop(generated.request.id, None) is not None:
            self.arrived.emit(generated)

    @Slot(int)
    @Slot(int, str)
    def _on_lost(self, request_id: int, sentence: str = "") -> None:
        if self._open.pop(request_id, None) is not None:
            self.lost.emit(request_id, sentence)


def current_sound(generated: Generated) -> CurrentSound:
    """What the keys play once `generated` is loaded."""
    request, clip = generated.request, generated.clip
    return CurrentSound(
        clip, peaks(clip.samples), request.prompt, request.seed, generated.timing.total_ms, request=request
    )


def random_seed() -> int:
    """Six digits: enough variety, and short enough to be read and told."""
    return random.randrange(1_000_000)
