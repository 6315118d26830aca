"""How long the next generation will take, learned from those of this session."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from arc_instrument.domain import Generated, GenerationRequest


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


@dataclass
class Estimates:
    """Of one model: of sounds made alone, and of each kind of batch, whose sounds share their steps.

    On two cores a kit of 16 takes 1.6 s, 16 such sounds one by one 2.6 s.
    """

    alone: TimeEstimate = field(default_factory=TimeEstimate)
    _together: dict[str, TimeEstimate] = field(default_factory=dict)  # by origin

    def learn(self, generated: Generated) -> None:
        """Take the measured timing of one finished sound into account."""
        if generated.timing.together > 1:
            self._together.setdefault(generated.request.origin, TimeEstimate()).learn(generated)
        else:
            self.alone.learn(generated)

    def batch_ms(self, requests: Sequence[GenerationRequest]) -> float | None:
        """Expected time until the last of `requests`, of one length and origin, is made; None before anything was
        measured, and where there are none. The first batch of a kind is expected to take as long as its sounds alone.
        """
        if not requests:
            return None
        first, learned = requests[0], None
        if len(requests) > 1 and first.origin in self._together:
            learned = self._together[first.origin].total_ms(first.steps, first.seconds)
        one_ms = self.alone.total_ms(first.steps, first.seconds) if learned is None else learned
        return None if one_ms is None else len(requests) * one_ms


def _weight(seconds: float) -> float:
    """Relative cost of one step: a constant launch cost of about one second of sound, plus the sound itself."""
    return 1.0 + seconds


def _median(values: deque[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
