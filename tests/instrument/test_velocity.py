"""Velocity layers: every hit has exactly one, and harder means less of the recording, or further from the sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.velocity import DRIVES, ONE, THREE, distance_in, layers_of, strength_in


@pytest.mark.parametrize("layers", [ONE, THREE])
def test_every_velocity_belongs_to_exactly_one_layer(layers):
    for velocity in range(1, 128):
        assert sum(layer.velocities[0] <= velocity <= layer.velocities[1] for layer in layers) == 1


def test_strength_takes_layers_only_with_a_recording_and_distance_always():
    counts = {(drives, has): len(layers_of(drives, has_recording=has)) for drives in DRIVES for has in (False, True)}
    assert {case for case, count in counts.items() if count == 3} == {
        ("strength", True), ("distance", False), ("distance", True),
    }  # fmt: skip


@given(percent=st.integers(0, 100), drives=st.sampled_from(list(DRIVES)))
def test_the_middle_is_what_the_controls_say_and_only_what_is_driven_differs_by_layer(percent, drives):
    soft, middle, hard = THREE
    strengths = [strength_in(layer, percent, drives) for layer in (soft, middle, hard)]
    distances = [distance_in(layer, percent, drives) for layer in (soft, middle, hard)]
    assert (strengths[1], distances[1]) == (percent, percent / 100)
    assert strengths == sorted(strengths, reverse=True)
    assert distances == sorted(distances)
    assert all(0 <= each <= 100 for each in strengths)
    assert all(0 <= each <= 1 for each in distances)
    assert (len(set(strengths)) > 1) == (drives == "strength")
    assert (len(set(distances)) > 1) == (drives == "distance" and percent > 0)
