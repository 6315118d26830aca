"""Control signals: what each latent frame is told, beside the words that all of them share.

Where the sound is to end, which note it has, where the beats of its tempo fall, and the contour of a recording. Numbers
in a prompt reach a text encoder as pieces of words; as signals they are what they mean: the phase of a beat in this
frame, and the phases of a tone's partials, so that no frame need guess where the one before left the wave (as the sine
excitation of the neural source-filter model, Wang et al. 2019).

Shapes: b batch, s signals, t latent frames.
"""

import re
from collections.abc import Iterable, Sequence
from math import pi

import numpy as np

from model.config import ModelConfig
from model.contour import ONSETS, PHASE, PITCH, frequency

# The text encoders do not tell capitals either. A Hammond B3 is an organ.
NOTE_NAME = re.compile(r"(?<!hammond )\b([A-G])([#♯b♭]?)(-?[0-8])\b", re.IGNORECASE)
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
BPM_NAME = re.compile(r"\b(\d{2,3}(?:\.\d+)?)\s?bpm\b", re.IGNORECASE)
METRE_NAME = re.compile(r"\b([3-6])/([48])\b")
BEATS_OF_BAR = {"3/4": 3, "6/8": 2}  # as many as the tempo counts; any other metre has 4

PITCH_CLASS_TURNS = (1, 2, 3, 4, 5, 6)  # an octave
REGISTER_TURNS = (1, 2, 4)  # the 128 MIDI notes
PARTIALS = (1, 2, 3, 4, 5, 6, 7, 8)
HIGHEST_PARTIAL_HZ = 1378.0  # ARC_MINI's autoencoder keeps the waveform of 8 MDCT bins, each 172 Hz
BEAT_TURNS = (1, 2, 3, 4)  # a beat; and one a bar
NOTE_SIGNALS = 1 + 2 * (len(PITCH_CLASS_TURNS) + len(REGISTER_TURNS) + len(PARTIALS))
BEAT_SIGNALS = 1 + 2 * (1 + len(BEAT_TURNS))
CONTOUR_SIGNALS = ONSETS.stop + 1  # its levels and onsets, and that there are any; its pitch is a note
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


def note_of(captions: Iterable[str]) -> int | None:
    """The note of a clip: the one that its captions name, as far as they name any; None where they disagree."""
    notes = {named_note(caption) for caption in captions} - {None}
    return notes.pop() if len(notes) == 1 else None


def named_bpm(prompt: str) -> float | None:
    """The tempo that a prompt names."""
    found = BPM_NAME.search(prompt)
    return float(found.group(1)) if found else None


def control_signals(
    config: ModelConfig,
    frames: int,
    seconds: float,
    prompt: str,
    contour_st: np.ndarray | None = None,
    ahead_t: np.ndarray | float = 0.0,
    note: float | None = None,
) -> np.ndarray:
    """(s, t) float32 of a sound of `seconds` on a canvas of `frames`, under what `prompt` names.

    `contour_st` is the contour (contour.py) of a recording to follow; its pitch counts where the prompt names no note.
    A contour whose levels and onsets are all 0 tells its pitch alone. A named note begins with a cosine, or `ahead_t`
    turns ahead of it; `note` (MIDI, with a fraction) sounds in its place.
    """
    frame_seconds = config.frame_seconds
    starts_t = np.arange(frames) * frame_seconds
    signals_st = np.zeros((SIGNALS, frames), np.float32)
    signals_st[INSIDE] = ((seconds - starts_t) / frame_seconds).clip(0, 1)
    named, bpm = named_note(prompt), named_bpm(prompt)
    if named is not None:
        midi_t = np.full(frames, float(named if note is None else note))
        signals_st[NOTE] = _note(midi_t, _held(midi_t, frame_seconds) + ahead_t)
    elif contour_st is not None:
        signals_st[NOTE] = _note(contour_st[PITCH], contour_st[PHASE])
    if bpm is not None:
        metre = METRE_NAME.search(prompt)
        bar = BEATS_OF_BAR.get(metre.group() if metre else "", 4)
        beats_t = starts_t * bpm / 60
        signals_st[BEAT] = [np.ones(frames), *_circles(beats_t, (1 / bar, *BEAT_TURNS))]
    if contour_st is not None and contour_st[:PITCH].any():
        signals_st[CONTOUR] = [*contour_st[:PITCH], np.ones(frames)]
    return signals_st


def phase_ahead(config: ModelConfig, contour_st: np.ndarray, note: int) -> np.ndarray:
    """Turns (t,) by which a recording's note, held, is ahead of a cosine that begins with it.

    Where its contour does not have the note, as ahead as in the last frame that had it, or in the first. So training
    tells a clip's own phases, under whatever note a caption names.
    """
    known = np.flatnonzero(np.abs(contour_st[PITCH] - note) < 0.5)
    if not len(known):
        return np.zeros(contour_st.shape[1])
    held_t = _held(np.full(contour_st.shape[1], float(note)), config.frame_seconds)
    last = np.searchsorted(known, np.arange(len(held_t)), side="right") - 1
    return (contour_st[PHASE] - held_t)[known[last.clip(0)]] % 1


def _held(midi_t: np.ndarray, frame_seconds: float) -> np.ndarray:
    """Turns (t,) in the middle of each frame of a note whose cosine begins with the sound."""
    return frequency(midi_t) * frame_seconds * (np.arange(len(midi_t)) + 0.5)


def _note(midi_t: np.ndarray, turns_t: np.ndarray) -> np.ndarray:
    """The signals of a note in each frame, given the phase of its fundamental; all 0 in those without one."""
    heard = np.multiply.outer(PARTIALS, frequency(midi_t)) < HIGHEST_PARTIAL_HZ
    signals = [
        np.ones(len(midi_t)),
        *_circles(midi_t / 12, PITCH_CLASS_TURNS),
        *_circles(midi_t / 128, REGISTER_TURNS),
        *(np.array(_circles(turns_t, PARTIALS)) * heard.repeat(2, axis=0)),
    ]
    return np.stack(signals) * (midi_t > 0)


def _circles(phase_t: np.ndarray, turns: Sequence[float]) -> list[np.ndarray]:
    """Sine and cosine of every multiple of a phase, which counts whole turns."""
    return [wave(2 * pi * turn * phase_t) for turn in turns for wave in (np.sin, np.cos)]
