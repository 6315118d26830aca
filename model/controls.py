"""Control signals: what each latent frame is told, beside the words that all of them share.

Where the sound is to end, which note it has, where the beats of its tempo fall, and the contour of a recording. Numbers
in a prompt reach a text encoder as pieces of words; as signals they are what they mean: the phase of a beat in this
frame, and by how much the phase of a tone moves from this frame to the next.

Shapes: b batch, s signals, t latent frames.
"""

import re
from collections.abc import Sequence
from math import pi

import numpy as np

from model.config import ModelConfig
from model.contour import PITCH, ROWS

# The text encoders do not tell capitals either. A Hammond B3 is an organ.
NOTE_NAME = re.compile(r"(?<!hammond )\b([A-G])([#♯b♭]?)(-?[0-8])\b", re.IGNORECASE)
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
BPM_NAME = re.compile(r"\b(\d{2,3}(?:\.\d+)?)\s?bpm\b", re.IGNORECASE)
METRE_NAME = re.compile(r"\b([3-6])/([48])\b")
BEATS_OF_BAR = {"3/4": 3, "6/8": 2}  # as many as the tempo counts; any other metre has 4

PITCH_CLASS_TURNS = (1, 2, 3, 4, 5, 6)  # an octave
REGISTER_TURNS = (1, 2, 4)  # the 128 MIDI notes
PARTIALS = (1, 2, 3)  # whose phase moves so far in a frame
BEAT_TURNS = (1, 2, 3, 4)  # a beat; and one a bar
NOTE_SIGNALS = 1 + 2 * (len(PITCH_CLASS_TURNS) + len(REGISTER_TURNS) + len(PARTIALS))
BEAT_SIGNALS = 1 + 2 * (1 + len(BEAT_TURNS))
CONTOUR_SIGNALS = ROWS  # its levels and onsets, and in place of its pitch, which is a note, that there is one
SIGNALS = 1 + NOTE_SIGNALS + BEAT_SIGNALS + CONTOUR_SIGNALS
INSIDE = 0  # the signal that is left where nothing is said: how much of a frame lies before the asked end
NOTE = slice(1, 1 + NOTE_SIGNALS)
BEAT = slice(NOTE.stop, NOTE.stop + BEAT_SIGNALS)
CONTOUR = slice(BEAT.stop, SIGNALS)


def named_note(prompt: str) -> int | None:
    """MIDI number of the one note that a prompt names with its octave ("tuba F#3" → 54); None for none or several."""
    named = (match.groups() for match in NOTE_NAME.finditer(prompt))
    shifts = {"": 0, "#": 1, "♯": 1}  # else a flat
    found = {12 + SEMITONES[name.upper()] + shifts.get(shift, -1) + 12 * int(octave) for name, shift, octave in named}
    return found.pop() if len(found) == 1 else None


def named_bpm(prompt: str) -> float | None:
    """The tempo that a prompt names."""
    found = BPM_NAME.search(prompt)
    return float(found.group(1)) if found else None


def control_signals(
    config: ModelConfig, frames: int, seconds: float, prompt: str, contour_st: np.ndarray | None = None
) -> np.ndarray:
    """(s, t) float32 of a sound of `seconds` on a canvas of `frames`, under what `prompt` names.

    `contour_st` is the contour (contour.py) of a recording to follow; its pitch counts where the prompt names no note.
    A contour whose levels and onsets are all 0 tells its pitch alone.
    """
    frame_seconds = config.autoencoder.frame_samples / config.sample_rate
    starts_t = np.arange(frames) * frame_seconds
    signals_st = np.zeros((SIGNALS, frames), np.float32)
    signals_st[INSIDE] = ((seconds - starts_t) / frame_seconds).clip(0, 1)
    note, bpm = named_note(prompt), named_bpm(prompt)
    if note is not None:
        signals_st[NOTE] = _note(np.full(frames, float(note)), frame_seconds)
    elif contour_st is not None:
        signals_st[NOTE] = _note(contour_st[PITCH], frame_seconds)
    if bpm is not None:
        metre = METRE_NAME.search(prompt)
        bar = BEATS_OF_BAR.get(metre.group() if metre else "", 4)
        beats_t = starts_t * bpm / 60
        signals_st[BEAT] = [np.ones(frames), *_circles(beats_t, (1 / bar, *BEAT_TURNS))]
    if contour_st is not None and contour_st[:PITCH].any():
        signals_st[CONTOUR] = [*contour_st[:PITCH], np.ones(frames)]
    return signals_st


def _note(midi_t: np.ndarray, frame_seconds: float) -> np.ndarray:
    """The signals of a note in each frame; all 0 in those without one."""
    hz_t = 440 * 2 ** ((midi_t - 69) / 12)
    signals = [
        np.ones(len(midi_t)),
        *_circles(midi_t / 12, PITCH_CLASS_TURNS),
        *_circles(midi_t / 128, REGISTER_TURNS),
        *_circles(hz_t * frame_seconds, PARTIALS),
    ]
    return np.stack(signals) * (midi_t > 0)


def _circles(phase_t: np.ndarray, turns: Sequence[float]) -> list[np.ndarray]:
    """Sine and cosine of every multiple of a phase, which counts whole turns."""
    return [wave(2 * pi * turn * phase_t) for turn in turns for wave in (np.sin, np.cos)]
