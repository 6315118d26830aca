"""Four octaves on screen: they light up with typed, clicked and MIDI notes, and can be played with the mouse."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from arc_instrument.domain import NoteEvent
from arc_instrument.session.state import DEFAULT_OCTAVE
from arc_instrument.ui.palette import SMALL_PX, colour, font
from arc_instrument.ui.typed_keys import NOTE_LETTERS

OCTAVES = 4
OCTAVES_BELOW = 1  # how many octaves lie left of the typed keys
BLACK = {1, 3, 6, 8, 10}
BLACK_WIDTH, BLACK_HEIGHT = 0.62, 0.6


class KeyboardStrip(QWidget):
    """Takes the focus while the keys play; draws a frame then.

    Signals: noteOn(int), noteOff(int) for clicked keys.
    """

    noteOn = Signal(int)
    noteOff = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._octave = DEFAULT_OCTAVE
        self._typed_keys_on = True
        self._lit: set[int] = set()
        self._pressed: int | None = None
        self.setAccessibleName("Keyboard")
        self.setAccessibleDescription("Letters play notes while this has the focus")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(68)

    @property
    def lowest(self) -> int:
        """MIDI number of the C at the left."""
        return 12 * (self._octave + 1 - OCTAVES_BELOW)

    def lit_notes(self) -> frozenset[int]:
        return frozenset(self._lit)

    def show_keys(self, octave: int, typed_keys_on: bool) -> None:
        if (octave, typed_keys_on) != (self._octave, self._typed_keys_on):
            self._octave, self._typed_keys_on = octave, typed_keys_on
            self.update()

    def show_note(self, event: NoteEvent) -> None:
        before = len(self._lit)
        (self._lit.add if event.velocity else self._lit.discard)(event.note)
        if len(self._lit) != before:  # one key, not all 49: they take 6 ms
            white, black = self.key_areas()
            self.update((white | black).get(event.note, QRectF()).toAlignedRect())

    def clear(self) -> None:
        self._lit.clear()
        self.update()

    def key_areas(self) -> tuple[dict[int, QRectF], dict[int, QRectF]]:
        """Where the white keys and the black keys lie, by MIDI number."""
        notes = range(self.lowest, min(self.lowest + 12 * OCTAVES + 1, 128))
        whites = [note for note in notes if note % 12 not in BLACK]
        width = self.width() / (7 * OCTAVES + 1)
        white_areas = {note: QRectF(i * width, 0, width, self.height()) for i, note in enumerate(whites)}
        black_areas = {
            note: QRectF(
                white_areas[note - 1].right() - width * BLACK_WIDTH / 2,
                0,
                width * BLACK_WIDTH,
                self.height() * BLACK_HEIGHT,
            )
            for note in notes
            if note % 12 in BLACK
        }
        return white_areas, black_areas

    def note_at(self, position: QPointF) -> int | None:
        white, black = self.key_areas()
        for areas in (black, white):
            for note, area in areas.items():
                if area.contains(position):
                    return note
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press(self.note_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        note = self.note_at(event.position())
        if self._pressed is not None and note != self._pressed:
            self._press(note)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._press(None)

    def _press(self, note: int | None) -> None:
        if self._pressed is not None:
            self.noteOff.emit(self._pressed)
        self._pressed = note
        if note is not None:
            self.noteOn.emit(note)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._press(None)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first_typed = 12 * (self._octave + 1)
        letters = {first_typed + i: letter for i, letter in enumerate(NOTE_LETTERS)} if self._typed_keys_on else {}
        white, black = self.key_areas()
        dirty = QRectF(event.rect()).adjusted(-1, 0, 1, 0)  # frames are half a pixel wider than their keys
        for areas, name in ((white, "key_white"), (black, "key_black")):
            for note, area in areas.items():
                if area.intersects(dirty):
                    self._paint_key(painter, note, area, name, letters.get(note, ""))

    def _paint_key(self, painter: QPainter, note: int, area: QRectF, name: str, letter: str) -> None:
        is_lit = note in self._lit
        is_white = name == "key_white"
        shape = area.adjusted(0.75, -6, -0.75, -1) if is_white else area.adjusted(0, -6, 0, 0)
        frame = "key_line" if is_white else "accent" if self.hasFocus() and letter else "line"
        painter.setPen(QPen(colour(frame), 1))
        painter.setBrush(colour("accent" if is_lit else name))
        painter.setOpacity(1.0 if letter or is_lit or not is_white else 0.82)
        painter.drawRoundedRect(shape, 4, 4)
        painter.setOpacity(1.0)
        text = letter or (f"C{note // 12 - 1}" if note % 12 == 0 else "")
        if text:
            painter.setPen(colour("on_accent" if is_lit else f"{name}_text"))
            painter.setFont(font(SMALL_PX, QFont.Weight.DemiBold if letter else QFont.Weight.Normal))
            painter.drawText(
                area.adjusted(0, 0, 0, -5), int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom), text
            )
            if is_white and letter and self.hasFocus() and not is_lit:
                painter.fillRect(
                    QRectF(area.left() + 6, area.bottom() - 4, area.width() - 12, 2), colour("accent_pressed")
                )
