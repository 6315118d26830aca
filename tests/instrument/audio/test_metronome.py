"""The metronome: every click at the frame that tempo and downbeat say, however the blocks fall."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.metronome import ACCENT_LEVEL, CLICK_LEVEL, Beat, Metronome

RATES_HZ = st.sampled_from([8_000, 44_100, 48_000, 96_000])


def render(metronome: Metronome, frames: int, block_frames: int, start: int = 0) -> np.ndarray:
    out = np.zeros((frames, 2), np.float32)
    for frame in range(0, frames, block_frames):
        metronome.process(out[frame : frame + block_frames], start + frame)
    return out


def clicks(out: np.ndarray) -> np.ndarray:
    """Frames at which a click begins: a click is loudest at its first frame."""
    level = np.abs(out[:, 0])
    return np.array(
        [i for i in np.flatnonzero(level >= 0.9 * CLICK_LEVEL) if level[max(0, i - 40) : i].max(initial=0) < 1e-4]
    )


@given(
    bpm=st.floats(40, 300),
    beats_per_bar=st.integers(1, 7),
    count_in=st.integers(1, 8),
    first=st.integers(0, 2**33),
    rate_hz=RATES_HZ,
    block_frames=st.sampled_from([64, 127, 441, 2_048]),
)
def test_a_count_in_clicks_on_every_beat_before_the_downbeat_and_no_more(
    bpm, beats_per_bar, count_in, first, rate_hz, block_frames
):
    beat, metronome = Beat(bpm, beats_per_bar, count_in), Metronome(rate_hz)
    downbeat = metronome.start(first, beat, keep_on=False)
    assert downbeat == first + round(count_in * 60 / bpm * rate_hz)
    lead = 100
    out = render(metronome, downbeat - first + lead + rate_hz, block_frames, first - lead)
    expected = [downbeat - beat.frames(k, rate_hz) - first + lead for k in range(count_in, 0, -1)]
    assert clicks(out).tolist() == expected
    accents = [bool(abs(out[frame, 0]) > 0.9 * ACCENT_LEVEL) for frame in expected]
    assert accents == [k % beats_per_bar == 0 for k in range(count_in, 0, -1)]


def test_the_metronome_goes_on_over_the_recording_without_drift_until_it_is_stopped():
    metronome, beat = Metronome(44_100), Beat(bpm=133.7, beats_per_bar=3, count_in_beats=0)
    downbeat = metronome.start(500, beat, keep_on=True)
    assert downbeat == 500
    out = render(metronome, 30 * 44_100, 512)
    assert clicks(out).tolist() == [500 + round(k * 60 / 133.7 * 44_100) for k in range(67)][: len(clicks(out))]
    assert len(clicks(out)) == 67
    metronome.stop()
    assert not render(metronome, 44_100, 512, 30 * 44_100).any()


@given(cuts=st.lists(st.integers(1, 40_000), max_size=8))
def test_clicks_split_over_blocks_equal_one_block(cuts):
    whole, split = Metronome(44_100), Metronome(44_100)
    for metronome in (whole, split):
        metronome.start(10, Beat(bpm=150), keep_on=True)
    expected = render(whole, 40_000, 40_000)
    out = np.zeros_like(expected)
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 40_000], strict=True):
        split.process(out[first:last], first)
    assert np.array_equal(out, expected)


def test_the_beat_of_the_count_in_is_told_from_one_on():
    metronome = Metronome(1_000)
    metronome.start(100, Beat(bpm=60, count_in_beats=3), keep_on=True)
    shown = [metronome.count_in_beat(frame) for frame in (0, 99, 100, 1_099, 1_100, 2_100, 3_099, 3_100, 9_999)]
    assert shown == [0, 0, 1, 1, 2, 3, 3, 0, 0]
    metronome.stop()
    assert metronome.count_in_beat(200) == 0
