"""What can be wrong with a sound as the model made it, before anybody hears it."""

import numpy as np

from arc_instrument.domain import SILENT_PEAK


def fault_of(samples: np.ndarray) -> str:
    """What is wrong with `samples` (frames, 2), as the end of a sentence; "" for a sound.

    Too loud is no fault: `model.finishing` turns down what peaks above −1 dBTP.
    """
    if not np.isfinite(samples).all():
        return "values that are not numbers"
    return "silence" if float(np.abs(samples).max(initial=0.0)) < SILENT_PEAK else ""
