"""How long the next generation will take, learned from those of this session."""

from collections import deque
from dataclasses import dataclass, field

from arc_instrument.domain import Generated


@dataclass
class TimeEstimate:
    """Cost model `fixed_ms + steps · step_ms`, where a step's cost grows with the length of the sound.

    Figures are medians of the last few generations, so that one slow run does not move the display.
    """

    window: int = 5
    _step_ms_per_s: deque[float] = field(default_factory=deque)
    _fixed_ms: deque[float] = field(default_factory=deque)

    def learn(self, generated: Generated) -> None:
        """Take the measured timing of one finished generation into account."""
        request, timing = generated.request, generated.timing
        self._step_ms_per_s.append(timing.steps_ms / request.steps / _weight(request.seconds))
        self._fixed_ms.append(max(0.0, timing.total_ms - timing.steps_ms))
        for figures in (self._step_ms_per_s, self._fixed_ms):
            while len(figures) > self.window:
                figures.popleft()

    def total_ms(self, steps: int, seconds: float) -> float | None:
        """Expected prompt-to-samples time, or None before the first measurement."""
        if not self._step_ms_per_s:
            return None
        return _median(self._fixed_ms) + steps * _median(self._step_ms_per_s) * _weight(seconds)


def _weight(seconds: float) -> float:
    """Relative cost of one step: a constant launch cost of about one second of sound, plus the sound itself."""
    return 1.0 + seconds


def _median(values: deque[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
