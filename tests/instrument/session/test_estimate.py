"""The time that is expected of a batch, against times worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from arc_instrument.domain import Clip, Generated, GenerationRequest, Timing
from arc_instrument.session.estimate import Estimates

ONE = GenerationRequest(1, "kick", 1.0, 8, 0)
KIT = [replace(ONE, id=number, origin="kit") for number in range(16)]
ALONE = Timing(text_ms=10, steps_ms=120, decode_ms=30, first_sound_ms=150, total_ms=160)
SHARE = Timing(text_ms=10, steps_ms=60, decode_ms=30, first_sound_ms=900, total_ms=100, together=16)


def made(request, timing):
    return Generated(request, Clip(np.zeros((1, 2), np.float32)), timing, "tone")


def test_the_first_batch_is_expected_to_take_as_long_as_its_sounds_alone_and_the_next_what_it_took():
    estimates = Estimates()
    assert estimates.batch_ms(KIT) is None
    estimates.learn(made(ONE, ALONE))
    assert estimates.batch_ms(KIT) == pytest.approx(16 * 160)
    for request in KIT:
        estimates.learn(made(request, SHARE))
    assert estimates.batch_ms(KIT) == pytest.approx(16 * 100)
    assert estimates.batch_ms(KIT[12:]) == pytest.approx(4 * 100)  # as they arrive


def test_a_batch_does_not_change_what_is_expected_of_a_sound_alone():
    estimates = Estimates()
    estimates.learn(made(ONE, ALONE))
    for request in KIT:
        estimates.learn(made(request, SHARE))
    assert estimates.alone.total_ms(8, 1.0) == pytest.approx(160)
    assert estimates.batch_ms(KIT[:1]) == pytest.approx(160)  # one pad that is made anew


def test_each_kind_of_batch_is_learned_by_itself():
    estimates = Estimates()
    estimates.learn(made(ONE, ALONE))
    estimates.learn(made(KIT[0], SHARE))
    eight = [replace(ONE, id=number, origin="variation") for number in range(8)]
    assert estimates.batch_ms(eight) == pytest.approx(8 * 160)


def test_nothing_on_order_has_no_time():
    estimates = Estimates()
    estimates.learn(made(ONE, ALONE))
    assert estimates.batch_ms([]) is None
