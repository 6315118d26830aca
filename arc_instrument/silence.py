"""Where a sound begins and where it has died away: what lies before and after is silence that nobody meant."""

import numpy as np

DIED_AWAY = 1e-3  # of the sound's own peak, −60 dB: the bound by which a reverberation time is measured too


def sounding_span(samples: np.ndarray) -> tuple[int, int]:
    """First frame of `samples` (frames, 2) above −60 dB of its peak, and the one after the last; all of what is silent
    throughout. Some 0.3 ms for 3 s."""
    frames, channels = samples.shape
    values = np.abs(samples.reshape(-1))
    is_loud = values > DIED_AWAY * values.max(initial=0.0)
    if not is_loud.any():
        return 0, frames
    return int(is_loud.argmax()) // channels, frames - int(is_loud[::-1].argmax()) // channels


def own_loop_end(samples: np.ndarray, *, keeps_length: bool) -> int:
    """Where a loop of `samples` ends whose end nobody set: where they have died away, but for bars the last frame."""
    return len(samples) if keeps_length else sounding_span(samples)[1]
