import shutil
import tempfile
from pathlib import Path

import pytest
from doubles import tone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from inline_session import make_session

from arc_instrument.session.history import MAX_BYTES, History
from arc_instrument.session.state import SessionState
from arc_instrument.session.store import Store
from arc_instrument.shape import MODES

CONTROLS = (
    "prompt", "steps", "seconds", "wished_seconds", "seed", "seed_locked", "strength_percent", "fresh", "shapes",
    "morph_prompts", "morph_x", "morph_y",
)  # fmt: skip


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def history(qapp, clock):
    store = Store(SessionState())
    return History(store, clock)


def put(history, values, before, after, **how):
    """Set the list's one value undoably."""
    values[0] = after
    history.record(f"set {after}", lambda: values.__setitem__(0, before), lambda: values.__setitem__(0, after), **how)


def labels(history):
    state = history.parent().state
    return state.undo_label, state.redo_label


def test_undo_and_redo_walk_the_steps_and_say_what_comes_next(history):
    values = [0]
    assert labels(history) == ("", "")
    put(history, values, 0, 1)
    put(history, values, 1, 2)
    assert labels(history) == ("set 2", "")
    history.undo()
    assert (values, labels(history)) == ([1], ("set 1", "set 2"))
    history.undo()
    history.undo()
    assert (values, labels(history)) == ([0], ("", "set 1"))
    history.redo()
    history.redo()
    history.redo()
    assert (values, labels(history)) == ([2], ("set 2", ""))
    history.undo()
    put(history, values, 1, 5)
    assert labels(history) == ("set 5", "")
    history.redo()
    assert values == [5]


def test_a_drag_is_one_step_and_one_after_a_pause_another(history, clock):
    values = [0]
    for value in range(1, 20):
        clock.now_s += 0.5
        put(history, values, value - 1, value, merge="steps")
    clock.now_s += 1.5
    put(history, values, 19, 20, merge="steps")
    put(history, values, 20, 21, merge="length")
    for expected in (20, 19, 0):
        history.undo()
        assert values == [expected]
    history.redo()
    put(history, values, 19, 30, merge="steps")  # in no time, but after a redo
    history.undo()
    assert values == [19]


def test_a_gesture_that_ended_is_a_step_though_the_next_follows_at_once(history):
    done = []
    for value in (1, 2):
        history.record("drag", lambda: None, lambda value=value: done.append(value), merge="drag")
    history.settle()
    history.record("drag", lambda: None, lambda: done.append(3), merge="drag")
    history.undo()
    history.undo()
    history.redo()
    assert done == [2]
    history.redo()
    assert done == [2, 3]
    history.settle()


def test_what_undoing_does_is_no_step_of_its_own(history):
    values = [0]
    history.record("outer", lambda: put(history, values, 0, 9), lambda: None)
    history.undo()
    assert labels(history) == ("", "outer")


def test_the_oldest_steps_go_when_all_hold_too_much(history):
    values = [0]
    for value in range(1, 6):
        put(history, values, value - 1, value, holds_bytes=MAX_BYTES // 2)
    for _ in range(5):
        history.undo()
    assert values == [3]


def seen(session):
    """What undo must bring back."""
    state = session.state
    current = state.current and (state.current.clip, state.current_path)
    takes = tuple((take.path, take.favourite, take.tags) for take in state.takes)
    pads = [(pad.prompt, pad.seed, pad.locked, pad.clip) for pad in state.pads]
    controls = [getattr(state, name) for name in CONTROLS]
    return [controls, pads], state.init, current, takes, session.takes.folder


def on_disk(session):
    """The same of the takes, as another instance would read it."""
    from arc_instrument.library import Library

    folder = session.takes.folder
    return tuple((take.path, take.favourite, take.tags) for take in Library(folder).takes() if folder.is_dir())


class Everything(RuleBasedStateMachine):
    """A person does anything in any order; undoing all of it, and doing it again, passes through the same states."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.session = make_session(self.folder / "takes")
        self.clock = Clock()
        self.session.history._now_s = self.clock
        self.session.update(prompt="kick")
        self.before = [seen(self.session)]  # what each undo leads to
        self.after = []  # what each redo leads to

    def teardown(self):
        self.session.shutdown()
        self.session.deleteLater()
        shutil.rmtree(self.folder)

    def do(self, command, keeps=lambda state: state):
        """`keeps` adds to a state of before what no undoing takes away."""
        history, was, steps = self.session.history, seen(self.session), len(self.session.history._done)
        label = self.session.state.undo_label
        self.clock.now_s += 10
        command()
        if len(history._done) == steps:
            assert (seen(self.session), self.session.state.undo_label) == (was, label)
            return
        done = seen(self.session)
        history.undo()
        assert plain(seen(self.session)) == plain(keeps(was))
        self.the_disk_says_the_same()
        history.redo()
        assert plain(seen(self.session)) == plain(done)
        self.before = [keeps(state) for state in (*self.before, was)]
        self.after.clear()

    def takes(self, numbers):
        return [
            self.session.state.takes[number] for number in sorted(numbers) if number < len(self.session.state.takes)
        ]

    @rule(prompt=st.sampled_from(["", "kick", "bell"]))
    def write(self, prompt):
        self.do(lambda: self.session.set_prompt(prompt))

    @rule(steps=st.integers(-1, 20), seconds=st.floats(0, 9), percent=st.integers(-5, 110))
    def slide(self, steps, seconds, percent):
        self.do(lambda: self.session.set_steps(steps))
        self.do(lambda: self.session.set_seconds(seconds))
        self.do(lambda: self.session.set_strength(percent))

    @rule(seed=st.integers(0, 3))
    def type_seed(self, seed):
        self.do(lambda: self.session.set_seed(seed))

    @rule(command=st.sampled_from(["new_seed", "toggle_seed_lock", "toggle_fresh", "clear_init", "restore_current"]))
    def press(self, command):
        self.do(getattr(self.session, command))

    @rule()
    def record(self):
        self.do(lambda: self.session.voice.recorded.emit("Voice", tone(0.01, 1)))

    @precondition(lambda self: self.session.state.prompt)
    @rule(times=st.integers(1, 3))
    def generate(self, times):
        for _ in range(times):
            self.generate_one()

    def generate_one(self):
        count, folder = len(self.session.state.takes), self.session.takes.folder
        # a sound is never unmade: only which one is current, and the seed
        self.do(self.session.maker.generate, lambda state: self.with_take(state, self.session.state.takes[0], folder))
        assert len(self.session.state.takes) == count + 1

    @staticmethod
    def with_take(state, take, folder):
        added = ((take.path, False, ()), *state[3]) if state[4] == folder else state[3]
        return (*state[:3], tuple(sorted(added, reverse=True)), state[4])

    @rule(numbers=st.sets(st.integers(0, 5), max_size=3))
    def favour(self, numbers):
        self.do(lambda: self.session.selection.toggle_favourite(self.takes(numbers)))

    @rule(numbers=st.sets(st.integers(0, 5), max_size=3), tags=st.sampled_from([(), ("dry",), ("dry", "808")]))
    def tag(self, numbers, tags):
        self.do(lambda: self.session.selection.set_tags(tags, self.takes(numbers)))

    @rule(numbers=st.sets(st.integers(0, 5), max_size=3))
    def delete(self, numbers):
        self.do(lambda: self.session.selection.delete(self.takes(numbers)))

    @rule(number=st.integers(0, 5))
    def audition(self, number):
        for take in self.takes({number}):
            self.do(lambda take=take: self.session.auditions.audition(take))

    @rule(pad=st.integers(0, 2), number=st.integers(0, 5))
    def change_pads(self, pad, number):
        for take in self.takes({number}):
            self.do(lambda take=take: self.session.kit.put_take(pad, take))
        self.do(lambda: self.session.kit.toggle_lock(pad))

    @rule(pad=st.integers(0, 2))
    def clear_pad(self, pad):
        self.do(lambda: self.session.kit.clear(pad))

    @rule(corner=st.integers(0, 3), prompt=st.sampled_from(["", "rain"]), x=st.floats(0, 1))
    def morph(self, corner, prompt, x):
        self.do(lambda: self.session.morph.set_corner(corner, prompt))
        self.do(lambda: self.session.morph.move(x, 0.5))

    @rule(gain_db=st.integers(-60, 24), mode=st.sampled_from(MODES))
    def shape(self, gain_db, mode):
        self.do(lambda: self.session.sampler.set_gain(gain_db))
        self.do(lambda: self.session.sampler.set_mode(mode))

    @rule(name=st.sampled_from(["takes", "elsewhere"]))
    def keep_elsewhere(self, name):
        self.do(lambda: self.session.takes.set_folder(self.folder / name))

    @rule(times=st.integers(1, 6))
    def undo(self, times):
        for _ in range(times):
            if len(self.before) > 1:
                self.after.append(seen(self.session))
                expected = self.before.pop()
                self.session.history.undo()
                assert plain(seen(self.session)) == plain(expected)

    @rule(times=st.integers(1, 6))
    def redo(self, times):
        for _ in range(times):
            if self.after:
                self.before.append(seen(self.session))
                expected = self.after.pop()
                self.session.history.redo()
                assert plain(seen(self.session)) == plain(expected)

    @invariant()
    def the_disk_says_the_same(self):
        if hasattr(self, "session"):
            assert sorted(on_disk(self.session)) == sorted(seen(self.session)[3])
            assert self.session.state.message is None or not self.session.state.message.is_error


def plain(state):
    """Takes without their order: names of one millisecond are not in that of their making."""
    return (*state[:3], sorted(state[3]), state[4])


@pytest.mark.usefixtures("qapp")
class TestEverything(Everything.TestCase):
    settings = settings(max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
