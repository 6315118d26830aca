"""The menu shows what is on and offers only what can be done; times and hints say what a person needs next."""

from dataclasses import replace

import pytest
from doubles import LONG, ToneSynth
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from arc_instrument.actions import ACTIONS
from arc_instrument.domain import Phase
from arc_instrument.ui.times import time_expected, time_taken


def texts(menu):
    """What stands in a menu from top to bottom, separators left out."""
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_the_menu_fits_a_laptops_screen_and_ends_with_quit(window):
    menu = window.menu_button.menu()
    assert texts(menu)[:2] == ["Model", "Sound card"]
    assert texts(menu)[-1] == "Quit"
    groups = [action.menu() for action in menu.actions() if action.menu()]
    for each in (menu, *groups):
        assert each.sizeHint().height() <= 720 - 40  # below the bar of a desktop
    assert texts(groups[1]) == ["Play through", "Record from", "Restart the sound"]


@pytest.fixture
def choices(window):
    """Opens the menu of models; what its entries say, which is checked, and the licence beside each."""

    def opened():
        window.menu_button.models.aboutToShow.emit()
        entries = [action for action in window.menu_button.models.actions() if action.isCheckable()]
        return [(*action.text().split("\t"), action.isChecked()) for action in entries]

    return opened


def test_the_models_stand_with_the_licences_of_their_weights_and_a_check_at_the_one_in_use(window, choices, models):
    assert choices() == [("Tone", ToneSynth.licence, True)]
    models.append(LONG)
    assert choices() == [("Tone", ToneSynth.licence, True), ("Long && slow", "Research only", False)]
    tip = window.menu_button.models.actions()[1].toolTip()
    assert tip == "long, up to 9.0 s\nLicence of the weights: Research only\nhttps://example.org/licence"
    assert window.menu_button.models.toolTipsVisible()
    models.clear()
    assert choices() == []


def test_a_chosen_model_is_loaded_checked_and_named_at_the_foot(qtbot, window, session, choices, models, synths):
    models.append(LONG)
    synths[LONG.path] = ToneSynth("long", 9.0)
    choices()
    window.menu_button.models.actions()[1].trigger()
    qtbot.waitUntil(lambda: window.status._model.text() == "Ready  ·  long")
    assert [checked for *_, checked in choices()] == [False, True]
    assert window.status._model.toolTip().startswith("long, up to 9.0 s\nLicence of the weights: CC0-1.0\nhttps://")
    assert window.controls.length.slider.maximum() == 90


def test_where_to_get_more_models_is_one_message_with_what_to_type(window, choices):
    choices()
    more = window.menu_button.models.actions()[-1]
    assert more.text() == "Get more models…"
    more.trigger()
    assert "arc-instrument models get NAME" in window.message.text()
    assert "\n" not in window.message.text()


def test_a_card_tells_the_model_and_the_licence_of_its_weights(qtbot, window, session):
    session.set_prompt("bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    card = window.takes.list.model().index(0)
    assert "Made by tone · weights: CC0-1.0" in card.data(Qt.ItemDataRole.ToolTipRole).splitlines()
    session.update(takes=(replace(session.state.takes[0], weights_licence=""),))
    assert "Made by tone" in window.takes.list.model().index(0).data(Qt.ItemDataRole.ToolTipRole).splitlines()


def test_what_acts_on_a_take_waits_for_one(qtbot, window, session):
    waiting = [window.actions_by_id[name] for name in ("reveal_take", "copy_path", "restore")]
    assert not any(action.isEnabled() for action in waiting)
    session.set_prompt("bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    assert all(action.isEnabled() for action in waiting)


@pytest.mark.parametrize("change", [{"generating": True}, {"phase": Phase.GENERATING}])
def test_cancel_is_offered_while_something_is_made_for_a_person_or_for_a_note(window, session, change):
    assert not window.actions_by_id["cancel"].isEnabled()
    session.update(**change)
    assert window.actions_by_id["cancel"].isEnabled()


@pytest.mark.parametrize(
    ("action", "field"), [("lock_seed", "seed_locked"), ("toggle_fresh", "fresh"), ("toggle_keys", "keys_on")]
)
def test_a_switch_is_checked_while_it_is_on(window, session, action, field):
    for _ in range(2):
        window.actions_by_id[action].trigger()
        assert window.actions_by_id[action].isChecked() == getattr(session.state, field)
    session.update(**{field: not getattr(session.state, field)})
    assert window.actions_by_id[action].isChecked() == getattr(session.state, field)


def test_what_an_action_depends_on_is_a_field_of_the_state(session):
    for action in ACTIONS:
        for field in filter(None, (action.checked_by, action.needs)):
            assert hasattr(session.state, field), action.id


def test_the_hint_names_escape_only_while_letters_write_text(qtbot, window, session):
    session.set_prompt("bell")
    session.maker.generate()
    qtbot.waitUntil(lambda: session.state.current_path is not None)
    window.prompt.line.setFocus()
    assert window.message.text().startswith("Esc, then A W S E")
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Escape)
    assert window.message.text().startswith("A W S E")


def test_how_many_variations_and_pads_are_still_to_come_is_said_while_they_are_made(qtbot, window, made, synth):
    synth.gate.clear()
    made.variations.make()
    assert window.message.text().startswith("Making variations: 0 of 8")
    synth.gate.set()
    qtbot.waitUntil(lambda: all(variation.clip for variation in made.state.variations))
    assert "variations" not in window.message.text()
    synth.gate.clear()
    made.kit.fill()
    assert window.message.text().startswith("Making pads: 16 to come, about")
    synth.gate.set()
    qtbot.waitUntil(lambda: made.state.kit_ms is None)
    assert "pads" not in window.message.text()


@pytest.mark.parametrize("phase", [Phase.COLD, Phase.LOADING, Phase.WARMING])
def test_a_sound_ordered_before_the_model_is_ready_is_not_said_to_be_in_the_making(window, session, phase):
    window.render_state(replace(session.state, phase=phase, generating=True, prompt="bell"))
    assert "as soon as" in window.message.text()
    assert "Making" not in window.message.text()


@pytest.mark.parametrize(
    ("milliseconds", "taken", "expected"),
    [(45.2, "45 ms", "about 45 ms"), (296, "296 ms", "about 300 ms"), (999.4, "999 ms", "about 1.0 s"),
     (999.5, "1.0 s", "about 1.0 s"), (5_430, "5.4 s", "about 5.4 s"), (9_951, "10.0 s", "about 10 s"),
     (89_900, "89.9 s", "about 90 s"), (127_000, "127.0 s", "about 2 min")],
)  # fmt: skip
def test_times_are_written_in_milliseconds_below_a_second_and_in_tenths_of_a_second_above(
    milliseconds, taken, expected
):
    assert time_taken(milliseconds) == taken
    assert time_expected(milliseconds) == expected
