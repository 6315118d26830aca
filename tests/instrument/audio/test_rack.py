"""What waits for a stream is given to it as it was meant, at the stream's own rate."""

from dataclasses import replace

import numpy as np
import pytest

from arc_instrument.audio.mixer import Mixer
from arc_instrument.audio.performance import lift_all
from arc_instrument.audio.protocol import ArmedClip
from arc_instrument.audio.rack import Rack
from arc_instrument.audio.stream import Sound
from arc_instrument.shape import Shape


class Unheard:
    """A sound without a sound card."""

    def __init__(self, rate_hz: float):
        self.mixer = Mixer(rate_hz)

    put = Sound.put

    def played(self, frames: int) -> np.ndarray:
        self.mixer.note_on(60, 127)
        return self.heard(frames)

    def heard(self, frames: int) -> np.ndarray:
        out = np.zeros((frames, 2), np.float32)
        self.mixer.process(out)
        return out


def kick(frames: int = 6_000) -> ArmedClip:
    """1 s that sounds for so many frames, told as the app's handle tells it."""
    samples = np.zeros((44_100, 2), np.float32)
    samples[:frames] = 0.1
    return ArmedClip(samples, 44_100, 60.0, 1, loop_end=frames)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("how", ["arm", "stock"])
@pytest.mark.parametrize("early", [False, True])
def test_a_clip_loops_where_it_has_died_away_at_every_rate(rate_hz, how, early):
    rack, sound = Rack(), Unheard(rate_hz)
    if early:
        rack.plug(sound)
    rack.set_shape(0, Shape(mode="loop"))
    getattr(rack, how)(0, kick())
    if not early:
        rack.plug(sound)
    period = round(6_000 * rate_hz / 44_100)
    out = sound.played(5 * period)
    assert np.array_equal(out[period : 2 * period], out[3 * period : 4 * period])
    seams = [begun for begun in range(period, 5 * period, period) if np.abs(out[begun]).max() < 1e-3]
    assert len(seams) == 4
    assert np.abs(out[period // 2 :: period]).min() > 0.09  # and no silence between


@pytest.mark.parametrize("early", [False, True])
def test_the_pedal_of_the_app_is_held_in_a_new_sound_and_when_all_pedals_were_lifted(early):
    rack, sound = Rack(), Unheard(44_100)
    if early:
        rack.plug(sound)
    rack.set_shape(0, Shape(mode="gate"))
    rack.arm(0, kick())
    rack.pedal(0, True)
    if not early:
        rack.plug(sound)
    lift_all(sound.mixer)
    rack.hold_pedals()
    sound.played(64)
    sound.mixer.note_off(60)
    assert sound.heard(2_000)[-1].all()
    rack.lift_pedals()
    assert not sound.heard(2_000)[-1].any()
    rack.hold_pedals()
    sound.played(64)
    sound.mixer.note_off(60)
    assert not sound.heard(2_000)[-1].any()


def test_what_keeps_its_length_repeats_all_of_its_silence():
    rack, sound = Rack(), Unheard(44_100)
    rack.set_shape(0, Shape(mode="loop"))
    rack.arm(0, replace(kick(), loop_end=0, keeps_length=True))
    rack.plug(sound)
    out = sound.played(3 * 44_100)
    assert np.array_equal(out[44_100 : 2 * 44_100], out[2 * 44_100 :])
    assert not out[7_000:44_100].any()
