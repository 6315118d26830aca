import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest


def type_prompt(window, text):
    window.prompt.line.setFocus()
    window.prompt.line.clear()
    QTest.keyClicks(window.prompt.line, text)


def test_typing_a_prompt_and_enter_orders_one_sound(qtbot, window, session, synth):
    type_prompt(window, "punchy analog kick drum")
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    assert [request.prompt for request in synth.requests] == ["punchy analog kick drum"]
    assert window.takes.list.model().rowCount() == 1


def test_control_enter_orders_a_sound_from_anywhere(qtbot, window, session, synth):
    type_prompt(window, "bell")
    window.keyboard.setFocus()
    QTest.keyClick(window.keyboard, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(session.state.takes) == 1)
    assert len(synth.requests) == 1


def test_one_button_generates_and_then_cancels(qtbot, window, session, synth):
    type_prompt(window, "bell")
    synth.gate.clear()
    assert window.generate.text() == "Generate"
    QTest.mouseClick(window.generate, Qt.MouseButton.LeftButton)
    assert synth.step_begun.acquire(timeout=5)
    synth.gate.set()
    synth.gate.clear()
    qtbot.waitUntil(lambda: window.generate.text().startswith("Cancel"))
    QTest.mouseClick(window.generate, Qt.MouseButton.LeftButton)
    assert window.generate.text() == "Generate"
    synth.gate.set()
    qtbot.waitUntil(lambda: session.state.phase.value == "ready")
    assert session.state.current is None


def test_control_period_cancels(window, session, synth):
    type_prompt(window, "bell")
    synth.gate.clear()
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
    assert session.state.generating
    QTest.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    assert not session.state.generating


def test_the_button_shows_the_step_it_is_at(qtbot, window, session, synth):
    type_prompt(window, "bell")
    texts = []
    watching = session.stateChanged.connect(lambda _: texts.append(window.generate.text()))
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.state.current is not None)
    assert [text for text in dict.fromkeys(texts) if "/" in text] == [f"Cancel  {step}/8" for step in range(1, 9)]
    assert window.generate.text() == "Generate"
    session.stateChanged.disconnect(watching)


@pytest.mark.parametrize(("prompt", "words"), [("", "The prompt is empty"), ("x" * 10_000, "10,000 characters")])
def test_a_bad_prompt_is_one_sentence_below_it(window, session, prompt, words):
    window.prompt.line.setText(prompt)
    session.set_prompt(prompt)
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
    assert words in window.message.text()


def test_the_dice_writes_an_example_that_differs_from_what_stands_there(window, session):
    before = ""
    for _ in range(20):
        QTest.mouseClick(window.prompt.dice, Qt.MouseButton.LeftButton)
        assert window.prompt.line.text() == session.state.prompt != before
        before = session.state.prompt


def test_the_time_beside_the_steps_comes_from_the_sounds_that_were_made(qtbot, window, session):
    assert window.controls.steps.value_text() == "8"
    type_prompt(window, "bell")
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.state.current is not None)
    assert window.controls.steps.value_text() == "8  ·  about 45 ms"
    window.controls.steps.slider.setValue(16)
    assert window.controls.steps.value_text() == "16  ·  about 85 ms"
    assert session.state.steps == 16


def test_the_length_slider_ends_at_what_the_model_makes(window, session):
    window.controls.length.slider.setValue(10_000)
    assert session.state.seconds == 4.0
    assert window.controls.length.value_text() == "4.0 s"


def test_a_typed_seed_locks_itself(window, session):
    window.controls.seed.line.setFocus()
    window.controls.seed.line.selectAll()
    QTest.keyClicks(window.controls.seed.line, "77")
    QTest.keyClick(window.controls.seed.line, Qt.Key.Key_Return)
    assert session.state.seed == 77
    assert window.controls.seed.lock.isChecked()


def test_a_failed_generation_offers_one_remedy_that_works(qtbot, window, session, synth):
    synth.failure = RuntimeError("boom")
    type_prompt(window, "bell")
    QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.message.action.isVisible())
    assert "boom" in window.message.text()
    synth.failure = None
    QTest.mouseClick(window.message.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.state.current is not None)
    assert not window.message.action.isVisible()
