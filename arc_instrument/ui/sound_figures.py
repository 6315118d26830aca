"""What is said of the current sound in figures, the most wanted first, as much as there is room for."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from arc_instrument.session.state import CurrentSound
from arc_instrument.ui.edit_handles import decibels
from arc_instrument.ui.labels import ElidedLabel
from arc_instrument.ui.palette import SMALL_PX, font
from arc_instrument.ui.times import time_taken

BETWEEN = "  ·  "
NOTES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


class SoundFigures(ElidedLabel):
    """Whole figures only: those that do not fit are left out from the right, and stand in the tooltip."""

    def __init__(self) -> None:
        super().__init__("caption")
        self.setFont(font(SMALL_PX, figures=True))
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def shown_text(self) -> str:
        figures, metrics = self.text().split(BETWEEN), QFontMetrics(self.font())
        while len(figures) > 1 and metrics.horizontalAdvance(BETWEEN.join(figures)) > self.width():
            figures.pop()
        return metrics.elidedText(BETWEEN.join(figures), Qt.TextElideMode.ElideRight, self.width())


def figures_of(
    sound: CurrentSound,
    *,
    heard_seconds: float | None = None,
    in_time: float | None = None,
    root_note: float | None = None,
    detected_bpm: float | None = None,
    asked_bpm: float | None = None,
    loudness_lufs: float | None = None,
) -> str:
    """Length (of what is heard), share of its onsets that agree with the recording's, root key, tempo detected beside
    asked, loudness, seed and time; None: not known."""
    figures = [f"{sound.clip.seconds if heard_seconds is None else heard_seconds:.2f} s"]
    if sound.take is None:
        figures.append("not saved")
    if in_time is not None:
        figures.append(f"{100 * in_time:.0f} % in time")
    if root_note is not None:
        figures.append(note_name(root_note))
    if detected_bpm:
        figures.append(f"{detected_bpm:.0f} BPM" + (f" (asked {asked_bpm:.0f})" if asked_bpm else ""))
    elif asked_bpm:
        figures.append(f"asked {asked_bpm:.0f} BPM")
    if loudness_lufs is not None:
        figures.append(f"{decibels(loudness_lufs).removesuffix(' dB')} LUFS")
    figures += [f"seed {sound.seed}", f"made in {time_taken(sound.generation_ms)}"]
    return BETWEEN.join(figures)


def note_name(note: float) -> str:
    """The MIDI number as a key, with its deviation in cents where that is heard: 60 is C4."""
    nearest = round(note)
    cents = round(100 * (note - nearest))
    deviation = f" {cents:+d} ct".replace("-", "−") if abs(cents) >= 10 else ""
    return f"{NOTES[nearest % 12]}{nearest // 12 - 1}{deviation}"
