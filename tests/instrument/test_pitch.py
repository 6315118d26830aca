"""The pitch of sounds made with a known one, and of sounds that have none."""

import numpy as np
import pytest
from synthesis import RATE_HZ, glide, noise, pluck, saw, sine, times

from arc_instrument.pitch import pitch_of

FIVE_OCTAVES = range(33, 94)  # A1 to A6


@pytest.mark.parametrize("voice", [sine, saw, pluck])
def test_every_semitone_of_five_octaves_is_found_within_20_cents(voice):
    found = {note: pitch_of(voice(note), RATE_HZ) for note in FIVE_OCTAVES}
    assert [note for note, pitch in found.items() if pitch is None or abs(pitch.midi - note) > 0.2] == []
    assert min(pitch.confidence for pitch in found.values() if pitch) > 0.9


@pytest.mark.parametrize("cents", [-49, -20, 13, 37])
def test_a_detuned_note_is_found_with_its_cents(cents):
    pitch = pitch_of(saw(57 + cents / 100), RATE_HZ)
    assert pitch
    assert pitch.midi == pytest.approx(57 + cents / 100, abs=0.03)


@pytest.mark.parametrize("rate_hz", [22_050, 48_000, 96_000])
def test_the_pitch_does_not_depend_on_the_rate(rate_hz):
    t = np.arange(rate_hz // 2) / rate_hz
    pitch = pitch_of(np.sin(2 * np.pi * 220 * t), rate_hz)
    assert pitch
    assert pitch.midi == pytest.approx(57, abs=0.02)


UNPITCHED = {
    "white noise": noise(),
    "low noise": np.convolve(noise(1), np.ones(50) / 50, "same"),
    "kick": glide(200, 50, 0.03, 0.15),
    "long kick": glide(400, 45, 0.05, 0.25),
    "steady kick": glide(55, 55, 1, 0.12),
    "tom": glide(180, 110, 0.08, 0.2),
    "snare": 0.4 * glide(180, 180, 1, 0.06) + noise() * np.exp(-times(0.5) / 0.08),
    "hat": np.diff(noise(), append=0) * np.exp(-times(0.5) / 0.04),
    "clap": noise() * np.exp(-times(0.5) / 0.05),
    "riser": glide(2_000, 100, 0.4, 10),
    "silence": np.zeros(RATE_HZ),
    "nothing": np.zeros(0),
    "offset": np.full(RATE_HZ, 0.4),
}


@pytest.mark.parametrize("name", UNPITCHED)
def test_noise_drums_glides_and_silence_have_no_pitch(name):
    assert pitch_of(UNPITCHED[name], RATE_HZ) is None


def test_a_long_808_has_the_pitch_of_its_tail():
    pitch = pitch_of(glide(150, 55, 0.02, 0.8, 2), RATE_HZ)
    assert pitch
    assert pitch.midi == pytest.approx(33, abs=0.2)


def test_a_note_in_some_noise_keeps_its_pitch_with_less_confidence():
    clear, noisy = pitch_of(saw(60), RATE_HZ), pitch_of(saw(60) + 0.25 * noise(), RATE_HZ)
    assert clear
    assert noisy
    assert noisy.midi == pytest.approx(60, abs=0.2)
    assert noisy.confidence <= clear.confidence
