"""The picture of a sound, as waveform or spectrogram, with its edit, its onsets and beats, and a playhead over it."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from arc_instrument.session.state import CurrentSound
from arc_instrument.spectrogram import HOP_FRAMES
from arc_instrument.ui.edit_handles import Handle, Shaping, shaping_of
from arc_instrument.ui.edit_painter import EditLook, paint_edit
from arc_instrument.ui.palette import BODY_PX, colour, font
from arc_instrument.ui.peaks_painter import bar_centres, columns_of, paint_bars
from arc_instrument.ui.spectrogram_painter import paint_frequencies, spectrogram_image
from arc_instrument.ui.spectrogram_worker import SpectrogramWorker
from arc_instrument.ui.time_marks import TimeMarks, matched, paint_beats, paint_onsets

FRAME_MS, REDUCED_FRAME_MS = 16, 250
SIDE_PX, EDGE_PX = 7, 8  # room for half a handle at the sides, for the onset ticks above and below
DRAFT_OPACITY = 0.5
CUT_OPACITY, VEIL_OPACITY = 0.55, 0.72
PLAYHEAD_PX = 1.5
CLIPPED_PX = 4


class WaveformView(QWidget):
    """Shows what it is told; knows no mouse. All x are in heard order: a reversed sound is drawn reversed.

    The picture is painted once into pixmaps; a frame of the playhead repaints a strip of a few pixels from them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sound: CurrentSound | None = None
        self._invitation = ""
        self._shaping = Shaping()
        self._marks = TimeMarks()
        self._draft = self._as_spectrogram = False
        self._in_motion = False  # while the edit is dragged
        self._pictures: dict[str, QPixmap] = {}
        self._spectrograms = SpectrogramWorker(self)
        self._spectrograms.ready.connect(lambda _clip: self._repaint_all())
        self._hovered: Handle | None = None
        self._focused: Handle | None = None
        self._started_at, self._seconds = 0.0, 0.0
        self._head: QRect | None = None
        self._frames = QTimer(self, interval=FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._frames.timeout.connect(self._on_frame)
        self.setAccessibleName("Waveform of the current sound")
        self.setMinimumSize(120, 56)

    # --- what is shown ------------------------------------------------------------------------------------------

    def show_sound(self, sound: CurrentSound | None, invitation: str, *, draft: bool = False) -> None:
        """`sound`, unedited; a draft is paler, and gives way to the refined sound without moving anything."""
        if (sound, invitation, draft) == (self._sound, self._invitation, self._draft):
            return
        is_other = sound is None or self._sound is None or sound.clip is not self._sound.clip
        frames, rate_hz = (len(sound.clip.samples), sound.clip.rate_hz) if sound else (0, 1)
        if is_other and not (self._draft and frames == self._shaping.frames):  # a draft that sounds still plays on
            self.stop()
        looks_alike = (
            sound is not None
            and self._sound is not None
            and sound.peaks is self._sound.peaks
            and draft == self._draft
            and frames == self._shaping.frames
        )
        shaping = replace(self._shaping, frames=frames, rate_hz=rate_hz)
        if frames != self._shaping.frames and shaping.edit is not None:
            shaping = replace(shaping.cleared(), loop=None)  # of another sound; its own is told by `show_edit`
        self._sound, self._invitation, self._draft, self._shaping = sound, invitation, draft, shaping
        if not looks_alike:  # it has only become a take
            self._repaint_all()

    def show_edit(self, edit: Any, loop: Any = None) -> None:
        """The edit (`EditFields`) and the loop (`LoopPoints`) of the sound shown; None where there is none."""
        shaping = shaping_of(edit, loop, self._shaping.frames, self._shaping.rate_hz)
        if shaping != self._shaping:
            self._reshape(shaping)

    def show_onsets(self, recording: tuple[float, ...], result: tuple[float, ...]) -> None:
        """Onsets of the recording and of the sound made from it, seconds of the unedited sound, ascending."""
        self._show_marks(replace(self._marks, recording=recording, result=result))

    def show_beats(self, bpm: float, beats_per_bar: int = 4) -> None:
        """A grid of beats from the start of what is heard; `bpm` 0 for none."""
        self._show_marks(replace(self._marks, bpm=bpm, beats_per_bar=beats_per_bar))

    def show_spectrogram(self, shown: bool) -> None:
        if shown != self._as_spectrogram:
            self._as_spectrogram = shown
            self._repaint_all()

    def set_reduced_motion(self, reduced: bool) -> None:
        """Whether the playhead moves four times a second instead of sixty."""
        self._frames.setInterval(REDUCED_FRAME_MS if reduced else FRAME_MS)

    def _show_marks(self, marks: TimeMarks) -> None:
        if marks != self._marks:
            self._marks = marks
            self._reshape(self._shaping)

    # --- time and place -----------------------------------------------------------------------------------------

    def time_area(self) -> QRectF:
        """Where the sound is drawn: its left edge is its first frame, its right edge its end."""
        return QRectF(self.rect()).adjusted(SIDE_PX, EDGE_PX, -SIDE_PX, -EDGE_PX)

    def x_of(self, frame: float) -> float:
        area = self.time_area()
        return area.left() + area.width() * frame / max(self._shaping.frames, 1)

    def frame_at(self, x: float) -> int:
        area, frames = self.time_area(), self._shaping.frames
        return min(max(round((x - area.left()) / area.width() * frames), 0), frames)

    def heard_frames(self, times_s: tuple[float, ...]) -> list[int]:
        """Frames in heard order of times of the unedited sound."""
        shaping = self._shaping
        frames = [round(time_s * shaping.rate_hz) for time_s in times_s]
        is_reversed = shaping.edit is not None and shaping.edit.reverse
        return [shaping.frames - frame for frame in frames] if is_reversed else frames

    def span(self) -> tuple[int, int]:
        """First frame and end of what is heard."""
        edit = self._shaping.edit
        return (edit.start, edit.end) if edit is not None else (0, self._shaping.frames)

    # --- the playhead -------------------------------------------------------------------------------------------

    def start(self, seconds: float) -> None:
        """Run the playhead over what is heard, for `seconds`; what lasts longer is over its end for the rest."""
        self._started_at, self._seconds = time.perf_counter(), seconds
        self._head = self._head_area(0.0)  # what is painted before the first frame lies between this and that frame's
        self._frames.start()
        self.update()

    def stop(self) -> None:
        self._frames.stop()
        self._seconds, self._head = 0.0, None
        self.update()

    def played_fraction(self) -> float:
        """How much of what plays has been played, 0 to 1; 0 while nothing does."""
        return min(1.0, (time.perf_counter() - self._started_at) / self._seconds) if self._seconds else 0.0

    def _head_x(self, fraction: float) -> float:
        first, end = self.span()
        return self.x_of(min(first + fraction * self._seconds * self._shaping.rate_hz, end))

    def _head_area(self, fraction: float) -> QRect:
        return QRect(int(self._head_x(fraction)) - 4, 0, 8, self.height())

    def _on_frame(self) -> None:
        fraction = self.played_fraction()
        if fraction >= 1:
            self.stop()
            return
        head = self._head_area(fraction)
        self.update(head if self._head is None else head.united(self._head))
        self._head = head

    # --- painting -----------------------------------------------------------------------------------------------

    def _repaint_all(self) -> None:
        self._pictures.clear()
        self.update()

    def _reshape(self, shaping: Shaping) -> None:
        """Show `shaping`; a spectrogram stays, as its name says which gain and direction it was painted with."""
        self._shaping = shaping
        self._pictures = {name: picture for name, picture in self._pictures.items() if name.startswith("spectrogram")}
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._repaint_all()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._repaint_all()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._sound is None:
            painter.setPen(colour("faint"))
            painter.setFont(font(BODY_PX))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self._invitation)
            return
        levels_db = self._spectrograms.levels(self._sound.clip) if self._as_spectrogram else None
        fraction = self.played_fraction()
        if levels_db is None:  # also for the moment until the spectrogram is there
            self._paint_waveform(painter, fraction)
        else:
            edit = self._shaping.edit
            name = f"spectrogram {edit.gain_db} {edit.reverse}" if edit is not None else "spectrogram"
            self._draw_picture(painter, name, lambda on: self._paint_spectrogram(on, levels_db), ratio=1.0)
            self._veil_cuts(painter)
            paint_frequencies(painter, self.time_area())
            self._paint_grid(painter)
        self._paint_onsets(painter)
        if self._shaping.edit is not None:
            paint_edit(painter, self.look())
        if fraction:
            head = QRectF(self._head_x(fraction) - PLAYHEAD_PX / 2, 0, PLAYHEAD_PX, self.height())
            painter.fillRect(head, colour("text"))

    def look(self) -> EditLook:
        lively = self.isEnabled() and (self.underMouse() or self.hasFocus() or self._hovered is not None)
        focused = self._focused if self.hasFocus() else None
        return EditLook(
            self._shaping, self.time_area(), self.x_of, lively, self._as_spectrogram, self._hovered, focused
        )

    def _paint_waveform(self, painter: QPainter, fraction: float) -> None:
        if fraction:
            played = self.rect()
            played.setRight(int(self._head_x(fraction)))
            waiting = self.rect()
            waiting.setLeft(played.right() + 1)
            parts = ((played, "accent"), (waiting, "line_strong"))
        else:
            parts = ((self.rect(), "accent"),)
        for part, tint in parts:
            painter.save()
            painter.setClipRect(part)
            self._draw_picture(painter, tint, lambda on, tint=tint: self._paint_bars(on, tint))
            painter.restore()

    def _draw_picture(
        self, painter: QPainter, name: str, paint: Callable[[QPainter], None], ratio: float | None = None
    ) -> None:
        """The picture of that name, painted only if there is none; `ratio` 1 where finer pixels would show nothing."""
        ratio = ratio or self.devicePixelRatioF()
        picture = self._pictures.get(name)
        if picture is None or picture.devicePixelRatio() != ratio:
            for other in [other for other in self._pictures if other.startswith("spectrogram")]:
                del self._pictures[other]
            picture = QPixmap(self.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(colour("surface"))  # opaque: blending 2.3 million pixels would take three times as long
            on = QPainter(picture)
            paint(on)
            on.end()
            self._pictures[name] = picture
        painter.drawPixmap(0, 0, picture)

    def _paint_bars(self, painter: QPainter, tint: str) -> None:
        assert self._sound is not None
        area, shaping = self.time_area(), self._shaping
        self._paint_grid(painter)
        painter.setOpacity(DRAFT_OPACITY if self._draft else 1.0)
        centres = bar_centres(area)
        rounded = not self._in_motion
        peaks = self._sound.peaks
        if shaping.edit is None:
            paint_bars(
                painter, area, columns_of(peaks, len(centres)), colour(tint), range(len(centres)), rounded=rounded
            )
            return
        columns = columns_of(peaks[::-1] if shaping.edit.reverse else peaks, len(centres))
        frames = centres * shaping.frames
        inside = (frames >= shaping.edit.start) & (frames < shaping.edit.end)
        cut = colour("line_strong")
        cut.setAlphaF(CUT_OPACITY)
        paint_bars(painter, area, columns, cut, np.flatnonzero(~inside), rounded=rounded)
        shaped = columns * shaping.gains(frames)[:, None]
        paint_bars(painter, area, shaped, colour(tint), np.flatnonzero(inside), rounded=rounded)
        beyond = np.flatnonzero(inside & (np.abs(shaped).max(axis=1) > 1))
        for edge in (area.top(), area.bottom() - CLIPPED_PX):  # louder than full scale: both ends of these bars
            painter.setClipRect(QRectF(area.left(), edge, area.width(), CLIPPED_PX))
            paint_bars(painter, area, shaped, colour("alarm"), beyond, rounded=rounded)

    def _paint_spectrogram(self, painter: QPainter, levels_db: np.ndarray) -> None:
        """With gain and direction of the edit; trims and fades are drawn over it, so that dragging them is cheap."""
        area, edit = self.time_area(), self._shaping.edit
        columns = levels_db.shape[1]
        left, right = self.x_of(-HOP_FRAMES / 2), self.x_of((columns - 0.5) * HOP_FRAMES)
        if edit is not None:
            levels_db = levels_db + edit.gain_db
            if edit.reverse:
                levels_db = levels_db[:, ::-1]
                left, right = 2 * area.center().x() - right, 2 * area.center().x() - left
        painter.setOpacity(DRAFT_OPACITY if self._draft else 1.0)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipRect(area)
        painter.drawImage(QRectF(left, area.top(), right - left, area.height()), spectrogram_image(levels_db))

    def _veil_cuts(self, painter: QPainter) -> None:
        area, veil = self.time_area(), colour("surface")
        veil.setAlphaF(VEIL_OPACITY)
        first, end = (self.x_of(frame) for frame in self.span())
        painter.fillRect(QRectF(area.left(), area.top(), first - area.left(), area.height()), veil)
        painter.fillRect(QRectF(end, area.top(), area.right() - end, area.height()), veil)

    def _paint_grid(self, painter: QPainter) -> None:
        if self._marks.bpm > 0:
            first, end = self.span()
            beat_px = self.x_of(60 / self._marks.bpm * self._shaping.rate_hz) - self.x_of(0)
            paint_beats(painter, self.time_area(), self.x_of(first), beat_px, self._marks.beats_per_bar, self.x_of(end))

    def _paint_onsets(self, painter: QPainter) -> None:
        marks = self._marks
        if marks.recording or marks.result:
            recording, result = (
                [self.x_of(frame) for frame in self.heard_frames(times)] for times in (marks.recording, marks.result)
            )
            pairs = matched(marks.recording, marks.result)
            paint_onsets(painter, QRectF(self.rect()), recording, result, pairs)
