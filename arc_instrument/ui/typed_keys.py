"""Letters that play notes, or hit pads: read by the key's place on the board, so that every layout plays the same."""

import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QWidget,
)

NOTE_LETTERS = "AWSEDFTGYHUJKOLP;"
PAD_LETTERS = NOTE_LETTERS[:16]
_CONTROL_LETTERS = "ZXCV"
_LINUX_CODES = dict(
    zip(NOTE_LETTERS + _CONTROL_LETTERS,
        (30, 17, 31, 18, 32, 33, 20, 34, 21, 35, 22, 36, 37, 24, 38, 25, 39, 44, 45, 46, 47), strict=True)
)  # fmt: skip
_MAC_CODES = dict(
    zip(NOTE_LETTERS + _CONTROL_LETTERS,
        (0, 13, 1, 14, 2, 3, 17, 5, 16, 4, 32, 38, 40, 31, 37, 35, 41, 6, 7, 8, 9), strict=True)
)  # fmt: skip
XKB_OFFSET = 8  # an X11 or Wayland key code is the kernel's code plus 8
ESCAPE_TWICE_S = 0.6
REPEAT_MS = 8  # how long after its release the press of a repeated key may arrive
_STEPPED = (QAbstractSlider, QAbstractItemView, QAbstractSpinBox, QComboBox)  # have a use for ↑ and ↓
_UNDO = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


def letter_of(key: int, scan_code: int, platform: str, virtual_key: int = 0) -> str | None:
    """The letter that is printed on a US board where this key lies, or None for other keys.

    `platform` is `QGuiApplication.platformName()`. Windows scan codes are the kernel's numbers too; macOS gives its
    own in `virtual_key`. Where the platform tells no place (scan code below 2), the key's own letter counts.
    """
    if platform == "cocoa":
        return next((letter for letter, code in _MAC_CODES.items() if code == virtual_key), None)
    code = scan_code - XKB_OFFSET if platform in ("xcb", "wayland") else scan_code
    if scan_code >= 2:
        return next((letter for letter, place in _LINUX_CODES.items() if place == code), None)
    letter = chr(key) if 32 <= key < 127 else ""
    return letter if letter in _LINUX_CODES else None


def is_text_field(widget: object) -> bool:
    return isinstance(widget, (QLineEdit, QAbstractSpinBox))


class TypedKeys(QObject):
    """Application event filter that turns keys of one window into notes.

    Widgets say by a property what differs for them: `ownArrows` and `ownEscape` keep those keys, `windowUndo` leaves
    undo and redo to the window, for a text that the session holds is the session's to take back.

    Signals:
        noteOn(int), noteOff(int): MIDI numbers, `first_note` being the A key. A note-off follows every note-on,
            also when the window or the keys lose the focus.
        padOn(int), padOff(int): pads from 0, likewise; instead of notes while `plays_pads`.
        octaveShifted(int), velocityShifted(int): one step down (-1) or up (+1).
        takeStepped(int): ↑ (-1) or ↓ (+1), where no list, slider or field needs them.
        escaped(): Esc.
        escapedTwice(): Esc twice in a row.
    """

    noteOn = Signal(int)
    noteOff = Signal(int)
    padOn = Signal(int)
    padOff = Signal(int)
    octaveShifted = Signal(int)
    velocityShifted = Signal(int)
    takeStepped = Signal(int)
    escaped = Signal()
    escapedTwice = Signal()

    def __init__(self, window: QWidget):
        super().__init__(window)
        self._window = window
        self._held: dict[str, Callable[[], None]] = {}  # what ends the note of a letter
        self._releases: dict[str, int] = {}  # X11 times in ms of releases that may be half of a repeat
        self._escaped_at = float("-inf")
        self.enabled = True
        self.first_note = 60
        self.plays_pads = False

    def release_all(self) -> None:
        self._releases.clear()
        while self._held:
            self._held.popitem()[1]()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.WindowDeactivate, QEvent.Type.ApplicationDeactivate) or (
            kind == QEvent.Type.FocusIn and is_text_field(watched)
        ):
            self.release_all()
        elif isinstance(watched, QWidget) and isinstance(event, QKeyEvent) and watched.window() is self._window:
            if kind == QEvent.Type.ShortcutOverride:
                return self._on_override(watched, event)
            if kind == QEvent.Type.KeyPress:
                return self._on_press(watched, event)
            if kind == QEvent.Type.KeyRelease:
                return self._on_release(event)
        return False

    def _is_live(self, watched: QWidget) -> bool:
        return self.enabled and not is_text_field(watched)

    def _on_override(self, watched: QWidget, event: QKeyEvent) -> bool:
        """Decide between a command of the window and the widget with the focus, where Qt would choose the wrong one."""
        if watched.property("windowUndo") and any(map(event.matches, _UNDO)):
            event.ignore()
            return True
        is_note = self._is_live(watched) and self._letter(event) is not None
        if is_note or (is_text_field(watched) and event.key() == Qt.Key.Key_Backspace):  # with Ctrl it deletes a word
            event.accept()
            return True
        return False

    def _on_press(self, watched: QWidget, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and not event.isAutoRepeat() and not watched.property("ownEscape"):
            now = time.monotonic()
            twice, self._escaped_at = now - self._escaped_at < ESCAPE_TWICE_S, now
            (self.escapedTwice if twice else self.escaped).emit()
            return True
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not (
            isinstance(watched, _STEPPED) or watched.property("ownArrows")
        ):
            self.takeStepped.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(watched, QAbstractButton):
            if not event.isAutoRepeat():
                watched.click()  # Space belongs to the transport, so Enter presses the focused button
            return True
        letter = self._letter(event) if self._is_live(watched) else None
        if letter is None:
            return False
        if letter in self._releases and not self._is_repeat(letter, event):
            self._let_go(letter, self._releases[letter])
        if event.isAutoRepeat() or letter in self._held:
            return True
        if letter in _CONTROL_LETTERS:
            signal = self.octaveShifted if letter in "ZX" else self.velocityShifted
            signal.emit(-1 if letter in "ZC" else 1)
        else:
            self._play(letter)
        return True

    def _play(self, letter: str) -> None:
        place = NOTE_LETTERS.index(letter)
        if not self.plays_pads:
            note = self.first_note + place
            self._held[letter] = partial(self.noteOff.emit, note)
            self.noteOn.emit(note)
        elif letter in PAD_LETTERS:
            self._held[letter] = partial(self.padOff.emit, place)
            self.padOn.emit(place)

    def _on_release(self, event: QKeyEvent) -> bool:
        letter = self._letter(event, any_modifier=True)
        if letter is None or letter not in self._held:
            return False
        if event.isAutoRepeat():
            return True
        released_ms = self._releases[letter] = event.timestamp()
        if QGuiApplication.platformName() == "xcb":
            QTimer.singleShot(REPEAT_MS, self, lambda: self._let_go(letter, released_ms))
        else:
            self._let_go(letter, released_ms)
        return True

    def _is_repeat(self, letter: str, press: QKeyEvent) -> bool:
        """An X server without detectable repeat (Xvfb, VNC) sends a held key as releases and presses of equal times,
        and Qt calls most of them real."""
        is_repeat = press.isAutoRepeat() or self._releases[letter] == press.timestamp()
        if is_repeat:
            del self._releases[letter]
        return is_repeat

    def _let_go(self, letter: str, released_ms: int) -> None:
        """End the note, unless a press followed that release."""
        if self._releases.get(letter) == released_ms:
            del self._releases[letter]
            self._held.pop(letter)()

    @staticmethod
    def _letter(event: QKeyEvent, *, any_modifier: bool = False) -> str | None:
        if event.modifiers() != Qt.KeyboardModifier.NoModifier and not any_modifier:
            return None
        return letter_of(event.key(), event.nativeScanCode(), QGuiApplication.platformName(), event.nativeVirtualKey())
