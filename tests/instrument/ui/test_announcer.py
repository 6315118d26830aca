"""What a screen reader says of the changes that a person who sees the window would notice."""

from dataclasses import replace

import pytest
from doubles import tone
from PySide6.QtGui import QAccessible

from arc_instrument.domain import Phase
from arc_instrument.session.state import CurrentSound, Message, SessionState
from arc_instrument.ui.announcer import Announcer, changes
from arc_instrument.waveform import peaks

START = SessionState(phase=Phase.READY)
CLIP = tone(1.5, 1)
SOUND = CurrentSound(CLIP, peaks(CLIP.samples), "bell", 1, 40)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phase": Phase.LOADING}, ["The model is loading."]),
        ({"phase": Phase.GENERATING}, []),
        ({"generating": True}, ["Making the sound."]),
        ({"current": SOUND}, ["Sound: bell, 1.5 seconds."]),
        ({"recording": True}, ["Recording."]),
        ({"seed_locked": True}, ["Seed locked."]),
        ({"keys_on": False}, ["Letters are off."]),
        ({"message": Message("The take is not saved.", True, "choose_folder", "Choose folder")},
         ["The take is not saved. Choose folder?"]),
        ({"prompt": "b"}, []),
        ({"steps": 3}, []),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else None,
)  # fmt: skip
def test_a_change_is_said_once_and_back_again(change, said):
    changed = replace(START, **change)
    assert changes(START, changed) == said
    assert changes(changed, changed) == []


def test_a_sound_whose_file_was_written_is_not_said_again():
    shown = replace(START, current=SOUND)
    assert changes(shown, replace(shown, current=replace(SOUND, generation_ms=41))) == []


def test_the_window_announces_what_happens_in_a_session(qtbot, window, session):
    told = []
    window.announcer._announce = told.append
    session.set_prompt("bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    assert told == ["Making the sound.", "Sound: bell, 3.0 seconds."]


def test_a_screen_reader_that_listens_gets_the_sentence_from_the_window(window, monkeypatch):
    events = []
    monkeypatch.setattr(QAccessible, "isActive", lambda: True)
    monkeypatch.setattr(
        QAccessible, "updateAccessibility", lambda event: events.append((event.object(), event.message()))
    )
    Announcer(window).render_state(replace(SessionState(), recording=True))
    assert events == [(window, "Recording.")]
