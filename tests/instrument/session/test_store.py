"""Who is told of a change, and how often."""

import pytest

from arc_instrument.session.state import SessionState
from arc_instrument.session.store import Store


@pytest.fixture
def told(qapp):
    store = Store(SessionState())
    store.heard, store.seen = [], []
    store.stateChanged.connect(lambda state: store.heard.append(state.prompt))
    store.settled.connect(lambda state: store.seen.append(state.prompt))
    return store


def test_a_change_alone_is_seen_at_once(told):
    told.update(prompt="kick")
    assert told.heard == told.seen == ["kick"]


def test_changes_together_are_heard_each_and_seen_once_with_the_last_of_them(told):
    with told.together():
        told.update(prompt="kick")
        with told.together():
            told.update(prompt="snare")
        assert told.seen == []
    assert told.heard == ["kick", "snare"]
    assert told.seen == ["snare"]


def test_what_waits_until_a_change_is_seen_is_told_after_it_in_order(told):
    told.when_seen(lambda: told.seen.append("at once"))
    with told.together():
        with told.together():
            told.when_seen(lambda: told.seen.append("first"))
        told.when_seen(lambda: told.seen.append("second"))
        told.update(prompt="kick")
    assert told.seen == ["at once", "kick", "first", "second"]
    with told.together():
        pass
    assert told.seen[4:] == []


def test_where_nothing_was_changed_nothing_is_seen(told):
    with told.together():
        pass
    assert told.seen == []


def test_what_was_changed_before_something_failed_is_seen(told):
    def fail():
        with told.together():
            told.update(prompt="kick")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told.seen == ["kick"]
    told.update(prompt="snare")
    assert told.seen == ["kick", "snare"]


def test_a_new_sound_is_seen_in_one_change(made, qtbot):
    seen = []
    made.settled.connect(lambda state: seen.append(state.current))
    before = made.state.current
    made.maker.generate()
    qtbot.waitUntil(lambda: len(made.state.takes) == 2)
    first_new = next(sound for sound in seen if sound is not before)
    assert seen.count(first_new) <= 4  # as made, phase, heard, and then as a take
