"""usage: python watched_instrument.py — runs the real instrument, orders one sound once its model is ready, and prints
as JSON what a person saw until the attempt to save it. It reads widgets and sends key events; it replaces nothing.
"""

import json
import sys

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from arc_instrument import app
from arc_instrument.ui.window import MainWindow


class Watcher:
    """Looks every 20 ms; types as soon as the model is ready, ends as soon as saving was refused."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.status: list[str] = []
        self._has_typed = False
        self._timer = QTimer(interval=20)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        add_new(self.messages, [label.text() for label in visible_labels(window.message)])
        add_new(self.status, [label.text() for label in visible_labels(window.status)])
        is_ready = any(text.startswith("Ready") for text in self.status)
        has_asked_for_sound = any("sound card" in text for text in self.messages)
        if is_ready and has_asked_for_sound and not self._has_typed:
            self._has_typed = True
            QTest.keyClicks(window.prompt.line, "glass")
            QTest.keyClick(window.prompt.line, Qt.Key.Key_Return)
        if any("not saved" in text for text in self.messages):
            self._timer.stop()
            sounds = [label.text() for label in visible_labels(window.waveform)]
            told = {
                "messages": self.messages,
                "status": self.status,
                "remedy": window.message.action.text(),
                "sound": next((text for text in sounds if text == "glass"), None),
                "visible": window.isVisible(),
            }
            print(json.dumps(told))
            window.close()


def visible_labels(widget) -> list[QLabel]:
    return [label for label in widget.findChildren(QLabel) if label.isVisible()]


def add_new(known: list[str], texts: list[str]) -> None:
    known.extend(text for text in texts if text and text not in known)


QTimer.singleShot(0, lambda: setattr(QApplication.instance(), "watcher", Watcher()))
sys.exit(app.run())
