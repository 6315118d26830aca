"""Timings: how long the sounds of this session took, from the press to what is heard, and for each step."""

from collections import deque

import numpy as np
from PySide6.QtCore import QObject, Slot

from arc_instrument.domain import Generated
from arc_instrument.session.player import Player
from arc_instrument.session.store import Store

WINDOW = 100  # presses: enough for a 95th percentile, few enough to follow another model or buffer


class Timings(QObject):
    """Renders the quantiles of the last `WINDOW` presses into the store, and the step of the last sound made alone.

    Sounds of a batch share their steps, so a step of theirs says nothing of what one sound costs.
    """

    def __init__(self, store: Store, player: Player):
        super().__init__(store)
        self._store = store
        self._presses_ms: deque[float] = deque(maxlen=WINDOW)
        player.answered.connect(self._on_answered)

    def learn(self, generated: Generated) -> None:
        """Show what a step of this sound took, unless it shared its steps with others."""
        if generated.timing.together == 1:
            self._store.update(step_ms=generated.timing.steps_ms / generated.request.steps)

    @Slot(float)
    def _on_answered(self, milliseconds: float) -> None:
        self._presses_ms.append(milliseconds)
        p50, p95 = (float(quantile) for quantile in np.percentile(self._presses_ms, (50, 95)))
        self._store.update(
            press_to_sound_ms=milliseconds,
            press_to_sound_p50_ms=p50,
            press_to_sound_p95_ms=p95,
            presses=len(self._presses_ms),
        )
