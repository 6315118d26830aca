"""How long a recording gets: the bars that were asked for, as far as the recorder holds them."""

from dataclasses import dataclass

from arc_instrument.domain import MAX_RECORDING_SECONDS


@dataclass(frozen=True)
class RecordingLength:
    """It ends by itself after `bars`, 0: when it is stopped, and after `seconds` in any case. `note`: what was asked
    and cannot be."""

    bars: int
    seconds: float
    note: str = ""


def recording_length(bars: int, beats_per_bar: int, bpm: float) -> RecordingLength:
    """Of `bars` that do not fit as many whole ones as do: a recording to the click still closes into a loop."""
    bar_seconds = 60 / bpm * beats_per_bar
    most = int(MAX_RECORDING_SECONDS / bar_seconds + 1e-9)
    if bars <= most:
        return RecordingLength(bars, bars * bar_seconds if bars else MAX_RECORDING_SECONDS)
    held, tempo = f"A recording holds {MAX_RECORDING_SECONDS:.0f} s", f"{bpm:g} BPM"
    if not most:
        note = f"{held}: at {tempo} one bar of {beats_per_bar} beats lasts {bar_seconds:.1f} s and is cut."
        return RecordingLength(0, MAX_RECORDING_SECONDS, note)
    these = f"{most} {'bar' if most == 1 else 'bars'}"
    note = f"{held}: at {tempo} it ends after {these} of {beats_per_bar} beats, not {bars}."
    return RecordingLength(most, most * bar_seconds, note)
