"""What the app hears of MIDI, however much comes."""

from hypothesis import given
from hypothesis import strategies as st

from arc_instrument.audio.feed import BURST_NOTES, LATE_NOTES, NOTES_A_SECOND, MidiFeed


def feed() -> tuple[MidiFeed, list[tuple]]:
    told: list[tuple] = []
    made = MidiFeed(lambda kind, /, **fields: told.append((kind, *fields.values())))
    made.flush(0.0)
    return made, told


def test_a_chord_is_told_at_once_and_in_order():
    made, told = feed()
    for note in range(60, 70):
        made.note(0, note, 100, "a")
        made.note(0, note, 0, "a")
    assert told == [("note", note, velocity, "a", 0) for note in range(60, 70) for velocity in (100, 0)]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 100])), min_size=1, max_size=2_000), st.randoms())
def test_of_every_key_the_last_state_arrives_whatever_the_flood_and_the_port(events, random):
    made, told = feed()
    for note, velocity in events:
        made.note(0, note, velocity, random.choice("ab"))
        if random.random() < 0.01:
            made.flush(0.01 + len(told))
    made.flush(1e6)
    heard = {note: velocity for _, note, velocity, *_ in told}
    assert {note: heard.get(note, 0) for note, _ in events} == dict(events)


def test_10_000_notes_a_second_become_at_most_what_the_app_can_take():
    made, told = feed()
    for event in range(20_000):
        made.note(0, event % 88, 100 * (event % 2), "a")
        if event % 20 == 0:
            made.flush(event / 10_000)
    assert len(told) <= BURST_NOTES + 2 * NOTES_A_SECOND + 200 * LATE_NOTES
    for window in range(10):
        made.flush(3 + window)
    assert {note: velocity for _, note, velocity, *_ in told} == dict.fromkeys(range(1, 88, 2), 100)


def test_all_notes_off_lets_go_of_the_keys_of_its_part_and_an_unplugged_keyboard_of_all():
    made, told = feed()
    for part, note in ((0, 60), (0, 64), (3, 38)):
        made.note(part, note, 100, "a")
    made.note(0, 64, 0, "a")
    told.clear()
    made.let_go(range(1))
    assert told == [("note", 60, 0, "", 0)]
    made.let_go()
    assert told[1:] == [("note", 38, 0, "", 3)]
    made.let_go()
    assert len(told) == 2


def test_a_slider_is_told_as_its_last_value_and_a_button_pressed_and_let_go_as_both():
    made, told = feed()
    for value in range(100):
        made.control(1, 20, value, "a")
    made.control(2, 21, 127, "a")
    made.control(2, 21, 0, "a")
    assert told == []
    made.flush(0.01)
    assert told == [("control", 1, 20, 99, "a"), ("control", 2, 21, 127, "a"), ("control", 2, 21, 0, "a")]
    made.flush(0.02)
    assert len(told) == 3


def test_the_last_program_of_a_window_is_told():
    made, told = feed()
    for program in (3, 9):
        made.program(1, program, "a")
    made.flush(0.01)
    assert told == [("program", 1, 9, "a")]
